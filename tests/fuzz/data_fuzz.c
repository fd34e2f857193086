/* SPDX-License-Identifier: ISC */
/*
 * data_fuzz - the end of DATA: the same for any way the text is cut, and the same as looking for
 * CRLF.CRLF in all of it at once.  The first byte says how the rest is cut.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/panic.h"
#include "proto/smtp_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What RFC 5321 4.5.2 says, with the whole text at hand; gives the bytes that belong to it. */
static size_t
plain_words(struct str text, struct buf *out, struct smtp_data *d)
{
	struct str rest = text;

	*d = (struct smtp_data){ 0 };
	for (;;) {
		ptrdiff_t at = str_find(rest, STR("\r\n"));
		struct str line = str_sub(rest, 0, at < 0 ? rest.n : (size_t)at);

		if (at >= 0 && str_eq(line, STR("."))) {
			d->ended = true;
			return text.n - (rest.n - 3);
		}
		if (at < 0)
			return text.n;
		for (size_t i = 0; i < line.n; i++) {
			d->bare = d->bare || line.p[i] == '\r' || line.p[i] == '\n';
			d->nul = d->nul || line.p[i] == '\0';
		}
		buf_add(out, str_start(line, STR(".")) ? str_sub(line, 1, line.n) : line);
		buf_addz(out, "\r\n");
		rest = str_sub(rest, line.n + 2, rest.n);
	}
}

static size_t
in_pieces(struct str text, size_t piece, struct buf *out, struct smtp_data *d)
{
	size_t at = 0;

	smtp_data_begin(d);
	while (at < text.n && !d->ended) {
		struct str part = str_sub(text, at, piece);
		char *room = malloc(part.n + 3);
		size_t n, used;

		used = smtp_data_take(d, part, room, &n);
		ASSERT(n <= part.n + 3 && used <= part.n && (used == part.n || d->ended));
		buf_add(out, str_n(room, n));
		free(room);
		at += used;
	}
	return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf a = { 0 }, b = { 0 }, want = { 0 };
	struct smtp_data da, db, dw;
	struct str text;
	size_t ends;

	if (size == 0)
		return 0;
	text = str_n(data + 1, size - 1);
	ends = in_pieces(text, text.n + 1, &a, &da);
	ASSERT(in_pieces(text, 1 + data[0] % 7, &b, &db) == ends);
	ASSERT(str_eq(buf_str(&a), buf_str(&b)));
	ASSERT(da.ended == db.ended && da.bare == db.bare && da.nul == db.nul);
	ASSERT(plain_words(text, &want, &dw) == ends && dw.ended == da.ended);
	if (da.ended) {
		ASSERT(str_eq(buf_str(&a), buf_str(&want)));
		ASSERT(da.bare == dw.bare && da.nul == dw.nul);
	}
	buf_free(&a);
	buf_free(&b);
	buf_free(&want);
	return 0;
}
