/* SPDX-License-Identifier: ISC */
/*
 * dialogue_fuzz - sendmail -bs: the same answers and messages whether the bytes come at once or in
 * pieces.  The first byte says how they are cut.
 */
#include "fuzz/taker.h"
#include "sendmail/dialogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct options options = { .mode = MODE_SMTP };
static const struct caller caller = { STR_INIT("alice"), STR_INIT("& Liddell,,") };

static void
run(struct str text, size_t piece, struct buf *said, struct log *log)
{
	struct taker to = log_taker(log);
	struct dialogue d = { .options = &options, .caller = &caller, .to = &to, .host = "me.test" };

	dialogue_begin(&d, said);
	while (text.n > 0 && !d.over) {
		struct str part = str_sub(text, 0, piece);

		text = str_sub(text, part.n, text.n);
		while (part.n > 0 && !d.over) {
			size_t before = part.n;

			dialogue_take(&d, &part, said);
			ASSERT(part.n < before);
		}
	}
	if (!d.over)
		dialogue_eof(&d, said);
	ASSERT(d.over && !log->open);
	dialogue_free(&d);
}

/* Replies: a code, a blank or "-", printable text, CRLF. */
static void
check_said(struct str said)
{
	struct str line;

	while (said.n > 0) {
		ptrdiff_t end = str_find(said, STR("\r\n"));

		ASSERT(end >= 4);
		line = str_sub(said, 0, (size_t)end);
		said = str_sub(said, (size_t)end + 2, said.n);
		ASSERT(line.p[0] >= '2' && line.p[0] <= '5' && ch_digit(line.p[1]) && ch_digit(line.p[2]));
		ASSERT(line.p[3] == ' ' || line.p[3] == '-');
		for (size_t i = 0; i < line.n; i++)
			ASSERT(ch_print(line.p[i]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = { .p = NULL }, pieces = { .p = NULL };
	struct log a = { .open = false }, b = { .open = false };
	struct str text;

	if (size == 0)
		return 0;
	text = str_n(data + 1, size - 1);
	run(text, text.n + 1, &once, &a);
	run(text, 1 + data[0] % 7, &pieces, &b);
	ASSERT(str_eq(buf_str(&once), buf_str(&pieces)));
	ASSERT(str_eq(buf_str(&a.text), buf_str(&b.text)));
	check_said(buf_str(&once));
	buf_free(&once);
	buf_free(&pieces);
	buf_free(&a.text);
	buf_free(&b.text);
	return 0;
}
