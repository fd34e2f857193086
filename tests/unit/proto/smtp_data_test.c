/* SPDX-License-Identifier: ISC */
/* Smuggling classes F1 and F4 of the record: only CRLF.CRLF ends the text. */
#include <stdio.h>

#include "unit/unit.h"

#include "base/buf.h"
#include "proto/smtp_data.h"

static const struct row {
	const char *in;
	size_t n;
	const char *out;
	size_t out_n;
	bool ended, bare, nul;
	size_t left;		/* bytes of `in` not taken */
} rows[] = {
#define R(i, o, e, b, z, l) { i, sizeof(i) - 1, o, sizeof(o) - 1, e, b, z, l }
	R(".\r\n", "", true, false, false, 0),
	R("a\r\n.\r\nNOOP\r\n", "a\r\n", true, false, false, 6),
	R("..a\r\n.\r\n", ".a\r\n", true, false, false, 0),
	R("..\r\n.\r\n", ".\r\n", true, false, false, 0),
	R("a\n.\r\n", "a\n.\r\n", false, true, false, 0),
	R("a\r\n.\n", "a\r\n\n", false, true, false, 0),
	R("a\n.\n", "a\n.\n", false, true, false, 0),
	R("a\r.\r\n", "a\r.\r\n", false, true, false, 0),
	R("a\r\n.\r\r\n", "a\r\n\r\r\n", false, true, false, 0),
	R("a\r\r\n.\r\n", "a\r\r\n", true, true, false, 0),
	R("a\0b\r\n.\r\n", "a\0b\r\n", true, false, true, 0),
	R("\r\n.\r\n", "\r\n", true, false, false, 0),
	R("\r\n\r\n.\r\n", "\r\n\r\n", true, false, false, 0),
	R(".a\r\n.\r\n", "a\r\n", true, false, false, 0),
	R("\x8a.\x8a\x8d.\x8d\r\n.\r\n", "\x8a.\x8a\x8d.\x8d\r\n", true, false, false, 0),
#undef R
};

static void
play(const struct row *r, size_t piece)
{
	struct buf got = { 0 };
	struct smtp_data d;
	size_t at = 0, n;
	char out[256];

	smtp_data_begin(&d);
	while (at < r->n && !d.ended) {
		at += smtp_data_take(&d, str_sub(str_n(r->in, r->n), at, piece), out, &n);
		buf_add(&got, str_n(out, n));
	}
	ck_assert_int_eq(d.ended, r->ended);
	ck_assert_int_eq(d.bare, r->bare);
	ck_assert_int_eq(d.nul, r->nul);
	ck_assert_uint_eq(r->n - at, r->left);
	if (r->ended)
		ck_assert(str_eq(buf_str(&got), str_n(r->out, r->out_n)));
	buf_free(&got);
}

START_TEST(row)
{
	play(&rows[_i], 250);
	for (size_t piece = 1; piece < 8; piece++)
		play(&rows[_i], piece);
}
END_TEST

/* Every pair of line ends around a dot: none but CRLF.CRLF ends. */
START_TEST(pairs)
{
	static const char *const ends[] = { "\r\n", "\n", "\r", "\n\r", "\r\r\n", "\n\n", "\r\r",
		"\x85", "\x8a", "\x8d", "\xc2\x85", "\xe2\x80\xa8", "\v", "\f", "\x1e", " \r\n",
		"\r \n", "\r\n ", "" };
	const size_t n = sizeof(ends) / sizeof(ends[0]);
	struct smtp_data d;
	char text[64], out[80];
	size_t got;

	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++) {
			int k = snprintf(text, sizeof(text), "x%s.%sy", ends[a], ends[b]);

			smtp_data_begin(&d);
			(void)smtp_data_take(&d, str_n(text, (size_t)k), out, &got);
			ck_assert_msg(d.ended == (str_end(str_of(ends[a]), STR("\r\n")) &&
			    str_start(str_of(ends[b]), STR("\r\n"))), "pair %zu %zu", a, b);
		}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("proto/smtp_data");
	TCase *t = tcase_create("F1");

	tcase_add_loop_test(t, row, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, pairs);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
