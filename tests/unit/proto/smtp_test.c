/* SPDX-License-Identifier: ISC */
#include "unit/unit.h"

#include "proto/smtp.h"

#define ALL	0xffff
#define FIRST	(SMTP_SIZE | SMTP_8BITMIME | SMTP_AUTH)	/* what the first release announces */

/* RFC 5321 4.1.1.2, 1870, 6152, 3461, 4954, 6531, 8689; security F18.  `want` is the command as we
 * would send it on. */
static const struct mail_row {
	const char *args;
	unsigned ext;
	unsigned code;
	const char *want;
} mails[] = {
	{ " FROM:<a@x.org>", FIRST, 0, "MAIL FROM:<a@x.org>\r\n" },
	{ " from:<a@x.org>", FIRST, 0, "MAIL FROM:<a@x.org>\r\n" },
	{ " FROM: <a@x.org>", FIRST, 0, "MAIL FROM:<a@x.org>\r\n" },
	{ " FROM:<>", FIRST, 0, "MAIL FROM:<>\r\n" },
	{ " FROM:<a@x.org> SIZE=100 BODY=8bitmime", FIRST, 0, "MAIL FROM:<a@x.org> SIZE=100 BODY=8BITMIME\r\n" },
	{ " FROM:<a@x.org> SIZE=99999999999999999999", FIRST, 501, NULL },
	{ " FROM:<a@x.org> SIZE=-1", FIRST, 501, NULL },
	{ " FROM:<a@x.org> SIZE", FIRST, 501, NULL },
	{ " FROM:<a@x.org> SIZE=", FIRST, 501, NULL },
	{ " FROM:<a@x.org> SIZE=1 SIZE=2", FIRST, 501, NULL },
	{ " FROM:<a@x.org> BODY=9BIT", FIRST, 501, NULL },
	{ " FROM:<a@x.org> BODY=BINARYMIME", FIRST, 501, NULL },
	{ " FROM:<a@x.org> BODY=BINARYMIME", ALL, 0, "MAIL FROM:<a@x.org> BODY=BINARYMIME\r\n" },
	{ " FROM:<a@x.org> RET=HDRS", FIRST, 555, NULL },
	{ " FROM:<a@x.org> RET=HDRS ENVID=QQ+2B1", ALL, 0, "MAIL FROM:<a@x.org> RET=HDRS ENVID=QQ+2B1\r\n" },
	{ " FROM:<a@x.org> RET=NO", ALL, 501, NULL },
	{ " FROM:<a@x.org> ENVID=a+00b", ALL, 501, NULL },
	{ " FROM:<a@x.org> ENVID=a+0Ab", ALL, 501, NULL },
	{ " FROM:<a@x.org> ENVID=a+0", ALL, 501, NULL },
	{ " FROM:<a@x.org> ENVID=a+", ALL, 501, NULL },
	{ " FROM:<a@x.org> ENVID=a+zz", ALL, 501, NULL },
	{ " FROM:<a@x.org> AUTH=<>", FIRST, 0, "MAIL FROM:<a@x.org> AUTH=<>\r\n" },
	{ " FROM:<a@x.org> AUTH=e+3Dmc2@x.org", FIRST, 0, "MAIL FROM:<a@x.org> AUTH=e+3Dmc2@x.org\r\n" },
	{ " FROM:<a@x.org> AUTH=+0Aevil", FIRST, 501, NULL },
	{ " FROM:<a@x.org> SMTPUTF8", FIRST, 555, NULL },
	{ " FROM:<j\xc3\xb6@x.org>", ALL, 553, NULL },
	{ " FROM:<j\xc3\xb6@x.org> SMTPUTF8", ALL, 0, "MAIL FROM:<j\xc3\xb6@x.org> SMTPUTF8\r\n" },
	{ " FROM:<a@x.org> REQUIRETLS", ALL, 0, "MAIL FROM:<a@x.org> REQUIRETLS\r\n" },
	{ " FROM:<a@x.org> REQUIRETLS=1", ALL, 501, NULL },
	{ " FROM:<a@x.org> NOTIFY=NEVER", ALL, 555, NULL },
	{ " FROM:<a@x.org> XEVIL=1", ALL, 555, NULL },
	{ " FROM:<a@x.org>SIZE=1", FIRST, 501, NULL },
	{ " FROM:a@x.org", FIRST, 501, NULL },
	{ " FROM:<a>", FIRST, 553, NULL },
	{ " FROM:<@r:a@x.org>", FIRST, 553, NULL },
	{ " TO:<a@x.org>", FIRST, 501, NULL },
	{ "FROM:<a@x.org>", FIRST, 501, NULL },
	{ "", FIRST, 501, NULL },
};

START_TEST(mail)
{
	const struct mail_row *row = &mails[_i];
	struct pool *p = pool_new();
	struct scan in = scan_of(str_of(row->args));
	struct smtp_mail m;
	struct reply no = { .code = 0 };
	struct buf b = { .p = NULL };
	bool ok = smtp_scan_mail(&in, p, row->ext, &m, &no);

	ck_assert_msg(ok == (row->code == 0), "%s: %s", row->args, no.text);
	ck_assert_uint_eq(no.code, row->code);
	if (ok) {
		smtp_add_mail(&b, &m, row->ext);
		ck_str_is(buf_str(&b), row->want);
	}
	buf_free(&b);
	pool_free(p);
}
END_TEST

static const struct rcpt_row {
	const char *args;
	unsigned ext;
	unsigned code;
	const char *want;
} rcpts[] = {
	{ " TO:<a@x.org>", FIRST, 0, "RCPT TO:<a@x.org>\r\n" },
	{ " to: <\"a b\"@x.org>", FIRST, 0, "RCPT TO:<\"a b\"@x.org>\r\n" },
	{ " TO:<PostMaster>", FIRST, 0, "RCPT TO:<PostMaster>\r\n" },
	{ " TO:<a>", FIRST, 553, NULL },
	{ " TO:<>", FIRST, 553, NULL },
	{ " TO:<a@x.org> NOTIFY=NEVER", FIRST, 555, NULL },
	{ " TO:<a@x.org> NOTIFY=SUCCESS,DELAY", ALL, 0, "RCPT TO:<a@x.org> NOTIFY=SUCCESS,DELAY\r\n" },
	{ " TO:<a@x.org> NOTIFY=NEVER,DELAY", ALL, 501, NULL },
	{ " TO:<a@x.org> NOTIFY=SUCCESS,", ALL, 501, NULL },
	{ " TO:<a@x.org> NOTIFY=,SUCCESS", ALL, 501, NULL },
	{ " TO:<a@x.org> ORCPT=rfc822;a+2Bb@x.org", ALL, 0, "RCPT TO:<a@x.org> ORCPT=rfc822;a+2Bb@x.org\r\n" },
	{ " TO:<a@x.org> ORCPT=rfc822;a+00b", ALL, 501, NULL },
	{ " TO:<a@x.org> ORCPT=rfc822", ALL, 501, NULL },
	{ " TO:<a@x.org> ORCPT=;a", ALL, 501, NULL },
	{ " TO:<a@x.org> SIZE=1", ALL, 555, NULL },
	{ " TO:<a@[192.0.2.1]:25>", ALL, 501, NULL },
};

START_TEST(rcpt)
{
	const struct rcpt_row *row = &rcpts[_i];
	struct pool *p = pool_new();
	struct scan in = scan_of(str_of(row->args));
	struct smtp_rcpt r;
	struct reply no = { .code = 0 };
	struct buf b = { .p = NULL };
	bool ok = smtp_scan_rcpt(&in, p, row->ext, false, &r, &no);

	ck_assert_msg(ok == (row->code == 0), "%s: %s", row->args, no.text);
	ck_assert_uint_eq(no.code, row->code);
	if (ok) {
		smtp_add_rcpt(&b, &r, row->ext);
		ck_str_is(buf_str(&b), row->want);
	}
	buf_free(&b);
	pool_free(p);
}
END_TEST

START_TEST(words)
{
	struct scan in = scan_of(STR("EhLo  mx.example.org "));
	struct str a, b;
	bool has;

	ck_assert(smtp_scan_verb(&in, &a) && smtp_scan_helo(&in, &b));
	ck_str_is(a, "EhLo");
	ck_str_is(b, "mx.example.org");
	in = scan_of(STR("GET/"));
	ck_assert(!smtp_scan_verb(&in, &a));
	in = scan_of(STR("QUIT\r"));
	ck_assert(!smtp_scan_verb(&in, &a));
	in = scan_of(STR(" a b"));
	ck_assert(!smtp_scan_helo(&in, &b));
	in = scan_of(STR(" PLAIN AGEAYg=="));
	ck_assert(smtp_scan_auth(&in, &a, &b, &has) && has);
	ck_str_is(b, "AGEAYg==");
	in = scan_of(STR(" LOGIN"));
	ck_assert(smtp_scan_auth(&in, &a, &b, &has) && !has);
	in = scan_of(STR(" PLAIN a b"));
	ck_assert(!smtp_scan_auth(&in, &a, &b, &has));
	in = scan_of(STR("  "));
	ck_assert(smtp_scan_end(&in));
}
END_TEST

START_TEST(capabilities)
{
	static const char *const lines[] = { "mx.example.org hello", "PIPELINING", "size 1000",
		"8BITMIME", "AUTH PLAIN LOGIN", "AUTH=LOGIN XOAUTH2", "LIMITS RCPTMAX=20 MAILMAX=x",
		"DSN", "", "WHATEVER 1", "STARTTLS" };
	struct pool *p = pool_new();
	struct smtp_caps c = { .ext = 0 };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		smtp_caps_line(&c, p, str_of(lines[i]));
	ck_str_is(c.host, "mx.example.org");
	ck_assert_uint_eq(c.ext, SMTP_PIPELINING | SMTP_SIZE | SMTP_8BITMIME | SMTP_AUTH |
	    SMTP_LIMITS | SMTP_DSN | SMTP_STARTTLS);
	ck_assert_uint_eq(c.size, 1000);
	ck_assert_uint_eq(c.rcptmax, 20);
	ck_assert_uint_eq(c.mailmax, 0);
	ck_assert_uint_eq(c.nmechs, 3);
	ck_assert(smtp_caps_mech(&c, STR("xoauth2")) && !smtp_caps_mech(&c, STR("NTLM")));
	ck_assert_str_eq(smtp_ext_name(SMTP_ENHANCED), "ENHANCEDSTATUSCODES");
	pool_free(p);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("proto/smtp");
	TCase *t = tcase_create("smtp");

	unit_add_rows(t, mail, mails);
	unit_add_rows(t, rcpt, rcpts);
	tcase_add_test(t, words);
	tcase_add_test(t, capabilities);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
