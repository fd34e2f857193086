/* SPDX-License-Identifier: ISC */
/* What sendmail makes of its input: always lines that postdrop and pickup take, in one or many pieces. */
#include "base/panic.h"
#include "mail/address.h"
#include "sendmail/intake.h"
#include "wire/drop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
run(struct buf *out, struct str text, size_t step, bool dots, bool unstuff)
{
	struct intake in = { .dot_ends = dots, .unstuff = unstuff };
	struct drop_lines lines = { .cr = false };

	while (text.n > 0 && !in.ended) {
		struct str piece = str_sub(text, 0, step);
		size_t used = intake_feed(&in, piece);

		ASSERT(used == piece.n || in.ended);
		text = str_sub(text, piece.n, text.n);
	}
	intake_eof(&in);
	intake_public_header(&in, out);
	buf_add(out, buf_str(&in.out));
	ASSERT(drop_lines_ok(&lines, buf_str(out)) && !lines.cr);
	if (step > 1) {
		struct pool *p = pool_new();
		struct vec rcpts = vec_of(sizeof(struct mailbox));

		(void)intake_rcpts(&in, p, &rcpts);
		vec_free(&rcpts);
		pool_free(p);
	}
	intake_free(&in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n(data, size);
	struct buf whole = { .p = NULL }, bytes = { .p = NULL };

	for (unsigned mode = 0; mode < 4; mode++) {
		buf_reset(&whole);
		buf_reset(&bytes);
		run(&whole, text, SIZE_MAX, mode & 1, mode & 2);
		run(&bytes, text, 1, mode & 1, mode & 2);
		ASSERT(str_eq(buf_str(&whole), buf_str(&bytes)));
	}
	buf_free(&whole);
	buf_free(&bytes);
	return 0;
}
