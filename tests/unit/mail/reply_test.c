/* SPDX-License-Identifier: ISC */
#include "unit/unit.h"

#include "mail/reply.h"

START_TEST(make)
{
	struct buf b = { .p = NULL };
	struct reply r = reply(250, "2.1.0", "Sender %s", "ok");
	char dsn[REPLY_DSN_MAX];

	reply_add(&b, &r);
	ck_str_is(buf_str(&b), "250 2.1.0 Sender ok\r\n");
	buf_reset(&b);
	r = reply(250, NULL, "mx.example.org\nPIPELINING\nHELP");
	reply_add(&b, &r);
	ck_str_is(buf_str(&b), "250-mx.example.org\r\n250-PIPELINING\r\n250 HELP\r\n");
	buf_reset(&b);
	r = reply(550, "5.1.1", "a\rb\001c\nd");
	reply_add(&b, &r);
	ck_str_is(buf_str(&b), "550-5.1.1 a?b?c\r\n550 5.1.1 d\r\n");
	buf_reset(&b);
	reply_add_flat(&b, &r);
	ck_str_is(buf_str(&b), "550 5.1.1 a?b?c d");
	ck_assert(reply_is_no(&r) && !reply_is_ok(&r));
	ck_str_is(reply_dsn(&r, dsn), "5.1.1");
	r = reply(450, "5.1.1", "x");
	ck_str_is(reply_dsn(&r, dsn), "4.0.0");
	r = reply(354, NULL, "go");
	ck_str_is(reply_dsn(&r, dsn), "2.0.0");
	buf_reset(&b);
	r = reply(220, NULL, "%s", "");
	reply_add(&b, &r);
	ck_str_is(buf_str(&b), "220 \r\n");
	buf_free(&b);
}
END_TEST

/* RFC 5321 4.2; CVE-2026-43964 is the row with "5.7.2" alone. */
static const struct row {
	const char *lines;	/* separated by "/" */
	enum reply_read end;
	unsigned code;
	const char *dsn, *text;
} rows[] = {
	{ "250 2.1.0 ok", REPLY_DONE, 250, "2.1.0", "ok" },
	{ "250 ok", REPLY_DONE, 250, "", "ok" },
	{ "250", REPLY_DONE, 250, "", "" },
	{ "250 ", REPLY_DONE, 250, "", "" },
	{ "550 5.7.2", REPLY_DONE, 550, "5.7.2", "" },
	{ "550 5.7.2 ", REPLY_DONE, 550, "5.7.2", "" },
	{ "550 5.7.", REPLY_DONE, 550, "", "5.7." },
	{ "550 5.7.2x y", REPLY_DONE, 550, "", "5.7.2x y" },
	{ "550 5.1234.1 y", REPLY_DONE, 550, "", "5.1234.1 y" },
	{ "550 2.0.0 odd", REPLY_DONE, 550, "", "2.0.0 odd" },
	{ "550-5.1.1 one/550-5.1.1 two/550 5.1.1 three", REPLY_DONE, 550, "5.1.1", "one\ntwo\nthree" },
	{ "550-5.1.1 one/550 mda-exec: x", REPLY_DONE, 550, "5.1.1", "one\nmda-exec: x" },
	{ "550-one/550", REPLY_DONE, 550, "", "one\n" },
	{ "550-one/450 two", REPLY_BAD, 0, NULL, NULL },
	{ "250-", REPLY_MORE, 250, "", "" },
	{ "99 x", REPLY_BAD, 0, NULL, NULL },
	{ "650 x", REPLY_BAD, 0, NULL, NULL },
	{ "2500 x", REPLY_BAD, 0, NULL, NULL },
	{ "250_x", REPLY_BAD, 0, NULL, NULL },
	{ "HTTP/1.1 400 Bad", REPLY_BAD, 0, NULL, NULL },
	{ "550 a\033[2Jb\r", REPLY_DONE, 550, "", "a?[2Jb?" },
};

START_TEST(read_lines)
{
	const struct row *row = &rows[_i];
	struct reply_reader rd = { .lines = 0 };
	struct str all = str_of(row->lines), line;
	enum reply_read got = REPLY_BAD;

	while (str_cut(&all, '/', &line))
		got = reply_line(&rd, line, NULL);
	ck_assert_int_eq(got, row->end);
	if (got == REPLY_BAD)
		return;
	ck_assert_uint_eq(rd.reply.code, row->code);
	ck_assert_str_eq(rd.reply.dsn, row->dsn);
	ck_assert_str_eq(rd.reply.text, row->text);
}
END_TEST

/* security F17: a reply without end is refused, and what is kept has a cap. */
START_TEST(endless)
{
	struct reply_reader rd = { .lines = 0 };
	char line[SMTP_REPLY_LINE_MAX];
	unsigned n = 0;

	memset(line, 'x', sizeof(line));
	memcpy(line, "250-", 4);
	while (reply_line(&rd, str_n(line, sizeof(line)), NULL) == REPLY_MORE)
		n++;
	ck_assert_uint_eq(n, SMTP_REPLY_LINES_MAX);
	ck_assert_uint_eq(strlen(rd.reply.text), REPLY_TEXT_MAX - 1);
}
END_TEST

START_TEST(codes)
{
	ck_assert(dsn_code_ok(STR("5.1.1")) && dsn_code_ok(STR("4.999.999")));
	ck_assert(!dsn_code_ok(STR("3.1.1")) && !dsn_code_ok(STR("5.1")) && !dsn_code_ok(STR("5.1.1 ")));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("mail/reply");
	TCase *t = tcase_create("reply");

	tcase_add_test(t, make);
	unit_add_rows(t, read_lines, rows);
	tcase_add_test(t, endless);
	tcase_add_test(t, codes);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
