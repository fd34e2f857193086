/* SPDX-License-Identifier: ISC */
#include "unit/unit.h"

#include "mail/header.h"

/* `want`: "name=value;" of each field, folds as they are, then "|" and the body. */
static const struct row {
	const char *text, *want;
} rows[] = {
	{ "A: 1\r\nB: 2\r\n\r\nbody", "A= 1;B= 2;|body" },
	{ "A: 1\nB: 2\n\nbody\n", "A= 1;B= 2;|body\n" },
	{ "A: 1\r\n two\r\n\tthree\r\nB:\r\n\r\n", "A= 1\r\n two\r\n\tthree;B=;|" },
	{ "A : 1\r\n\r\nx", "A= 1;|x" },
	{ "A: 1\r\nno field\r\n\r\nx", "A= 1;|no field\r\n\r\nx" },
	{ "\r\nbody", "|body" },
	{ "A: 1", "A= 1;|" },
	{ "A: 1\r\n x", "A= 1\r\n x;|" },
	{ " folded first\r\n", "| folded first\r\n" },
	{ ": none\r\n", "|: none\r\n" },
	{ "", "|" },
};

START_TEST(iterate)
{
	struct headers h = headers_of(str_of(rows[_i].text));
	struct buf got = { .p = NULL };
	struct header f;

	while (header_next(&h, &f))
		buf_addf(&got, "%.*s=%.*s;", STR_ARG(f.name), STR_ARG(f.value));
	buf_addf(&got, "|%.*s", STR_ARG(h.rest));
	ck_str_is(buf_str(&got), rows[_i].want);
	buf_free(&got);
}
END_TEST

/* The watcher agrees with the iterator line by line. */
START_TEST(watch)
{
	struct header_watch w = { .seen = 0 };
	static const char *const lines[] = { "Received: x", "\tby y", "From: a@b", "Received: z",
		"Message-ID:", " <1@", "  b>", "message-id: <2@b>", " more", "Bcc: c", "", "Date: no" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_int_eq(header_watch(&w, str_of(lines[i])), i < 10);
	ck_assert(w.done && w.blank);
	ck_assert_uint_eq(w.hops, 2);
	ck_assert_uint_eq(w.seen, HEADER_RECEIVED | HEADER_FROM | HEADER_MESSAGE_ID | HEADER_BCC |
	    HEADER_DROP);
	ck_str_is(header_watch_id(&w), "<1@b>");
}
END_TEST

START_TEST(fold)
{
	struct buf b = { .p = NULL };
	struct pool *p = pool_new();
	struct header f;
	const char *long_text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	    " ccccccccccc\r\n dddd";

	header_fold(&b, STR("X"), STR(" one  two "), STR("\n"));
	ck_str_is(buf_str(&b), "X: one two\n");
	buf_reset(&b);
	header_fold(&b, STR("X"), str_of(long_text), STR("\r\n"));
	ck_str_is(buf_str(&b), "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n"
	    " ccccccccccc dddd\r\n");
	ck_assert(header_find(buf_str(&b), STR("x"), &f));
	ck_str_is(header_unfold(p, STR(" a\r\n b ")), "a b");
	buf_free(&b);
	pool_free(p);
}
END_TEST

static const struct phrase {
	const char *name, *want;
} phrases[] = {
	{ "Cron Daemon", "Cron Daemon" },
	{ "B. \"x\" A", "\"B. \\\"x\\\" A\"" },
	{ "J\xc3\xb6rg", "=?utf-8?B?SsO2cmc=?=" },
	{ "=?a?b?c?=", "\"=?a?b?c?=\"" },
};

START_TEST(phrase)
{
	struct buf b = { .p = NULL };

	header_phrase(&b, str_of(phrases[_i].name));
	ck_str_is(buf_str(&b), phrases[_i].want);
	buf_free(&b);
}
END_TEST

/* security F19: many fields end at the cap, a very long one is cut. */
START_TEST(caps)
{
	struct buf b = { .p = NULL };
	struct headers h;
	struct header f;

	for (unsigned i = 0; i < HEADER_COUNT_MAX + 10; i++)
		buf_addz(&b, "A:\n");
	h = headers_of(buf_str(&b));
	while (header_next(&h, &f))
		;
	ck_assert(h.capped && h.count == HEADER_COUNT_MAX);
	buf_reset(&b);
	buf_addz(&b, "A:");
	for (unsigned i = 0; i < HEADER_FIELD_MAX; i++)
		buf_addz(&b, "\n x");
	h = headers_of(buf_str(&b));
	ck_assert(header_next(&h, &f));
	ck_assert_uint_eq(f.value.n, HEADER_FIELD_MAX);
	ck_assert_uint_eq(f.whole.n, b.n);
	buf_free(&b);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("mail/header");
	TCase *t = tcase_create("header");

	unit_add_rows(t, iterate, rows);
	tcase_add_test(t, watch);
	unit_add_rows(t, phrase, phrases);
	tcase_add_test(t, fold);
	tcase_add_test(t, caps);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
