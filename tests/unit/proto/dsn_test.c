/* SPDX-License-Identifier: ISC */
#include "unit/unit.h"

#include "proto/dsn.h"

START_TEST(fields)
{
	struct buf b = { .p = NULL };
	struct dsn_message m = { .envid = STR("a b"), .reporting_mta = STR("mx.example.org"),
		.queue_id = STR("4gX"), .sender = STR("a@x.org"), .arrival = 1795372680 };
	struct dsn_rcpt r = { .orcpt = STR("rfc822;old@x.org"), .final = STR("new@x.org"),
		.action = DSN_FAILED, .status = STR("5.1.1"), .remote_mta = STR("mx.x.org"),
		.diagnostic = STR("550 5.1.1 no\r\nAction: delivered"), .diagnostic_smtp = true,
		.retry_until = 1795372680 };

	dsn_add_message(&b, &m);
	dsn_add_rcpt(&b, &r);
	ck_str_is(buf_str(&b),
	    "Original-Envelope-Id: a+20b\r\n"
	    "Reporting-MTA: dns; mx.example.org\r\n"
	    "X-Posthorn-Queue-ID: 4gX\r\n"
	    "X-Posthorn-Sender: rfc822; a@x.org\r\n"
	    "Arrival-Date: Sun, 22 Nov 2026 18:38:00 +0000\r\n"
	    "\r\n"
	    "Original-Recipient: rfc822; old@x.org\r\n"
	    "Final-Recipient: rfc822; new@x.org\r\n"
	    "Action: failed\r\n"
	    "Status: 5.1.1\r\n"
	    "Remote-MTA: dns; mx.x.org\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 no Action: delivered\r\n");
	buf_free(&b);
}
END_TEST

START_TEST(utf8)
{
	struct buf b = { .p = NULL };
	struct dsn_rcpt r = { .final = STR("j\xc3\xb6@x.org"), .action = DSN_DELAYED,
		.status = STR("4.0.0"), .utf8 = true };

	dsn_add_rcpt(&b, &r);
	ck_assert_int_ge(str_find(buf_str(&b), STR("Final-Recipient: utf-8; j\xc3\xb6@x.org\r\n")), 0);
	buf_reset(&b);
	r.utf8 = false;
	dsn_add_rcpt(&b, &r);
	ck_assert_int_ge(str_find(buf_str(&b), STR("j\\xC3\\xB6@x.org\r\n")), 0);
	buf_free(&b);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("proto/dsn");
	TCase *t = tcase_create("dsn");

	tcase_add_test(t, fields);
	tcase_add_test(t, utf8);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
