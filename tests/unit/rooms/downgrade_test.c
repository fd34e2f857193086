/* SPDX-License-Identifier: ISC */
/* Headers in UTF-8 for clients that did not ask for them (RFC 6856 4, RFC 6858). */
#include "pop3d/pop3d.h"
#include "mail/address.h"
#include "unit/unit.h"

static const struct {
	const char *in, *out;
} rows[] = {
	{ "Subject: plain\r\n\r\n", "Subject: plain\r\n\r\n" },
	{ "Subject: \xc3\xa9t\xc3\xa9\r\n\r\n", "Subject: =?utf-8?B?w6l0w6k=?=\r\n\r\n" },
	{ "subject:\r\n \xc3\xa9\r\nTo: a@b\r\n\r\n", "subject: =?utf-8?B?w6k=?=\r\nTo: a@b\r\n\r\n" },
	/* Not UTF-8: older than all this. */
	{ "Subject: \xe9t\xe9\r\n\r\n", "Subject: \xe9t\xe9\r\n\r\n" },
	{ "From: \xc3\x84 B <a@b.c>\r\n\r\n", "From: =?utf-8?B?w4QgQg==?= <a@b.c>\r\n\r\n" },
	{ "To: j\xc3\xb6@x.y, \"A, B\" <c@d>\r\n\r\n", "To: =?utf-8?B?asO2QHgueQ==?= :;, \"A, B\" <c@d>\r\n\r\n" },
	{ "Cc: N <j\xc3\xb6@x.y>\r\n\r\n", "Cc: =?utf-8?B?TiBqw7ZAeC55?= :;\r\n\r\n" },
	{ "To: =?utf-8?q?a?= <a@b>, \xc3\xa9 <c@d>\r\n\r\n",
	    "To: =?utf-8?q?a?= <a@b>, =?utf-8?B?w6k=?= <c@d>\r\n\r\n" },
	{ "To: \xc3\xa9: a@b, c@d;, e@f\r\n\r\n", "To: =?utf-8?B?w6k=?=: a@b, c@d;, e@f\r\n\r\n" },
	{ "Received: from \xc3\xa9.x\r\n\tby y\r\n\r\n", "Received: from ?.x\r\n\tby y\r\n\r\n" },
	{ "X: \xf0\x9f\x93\xaf!\r\n\r\n", "X: ?!\r\n\r\n" },
	/* A header that nothing ends, or that a line that is no field ends. */
	{ "Subject: \xc3\xa9", "Subject: =?utf-8?B?w6k=?=\r\n" },
	{ "A: b\r\nno field \xc3\xa9\r\nC: d\r\n\r\n", "A: b\r\nno field \xc3\xa9\r\nC: d\r\n\r\n" },
};

START_TEST(row)
{
	struct buf out = { 0 };

	downgrade_header(&out, str_of(rows[_i].in));
	ck_str_is(buf_str(&out), rows[_i].out);
	buf_free(&out);
}
END_TEST

/* Nothing of a list is lost silently, however long it is. */
START_TEST(many)
{
	struct buf in = { 0 }, out = { 0 };

	buf_addz(&in, "To: \xc3\xa9 <a0@b>");
	for (int i = 1; i < 30000; i++)
		buf_addf(&in, ",\r\n a%d@b", i);
	buf_addz(&in, "\r\n\r\n");
	downgrade_header(&out, buf_str(&in));
	ck_assert(ascii_ok(buf_str(&out)));
	ck_assert(str_find(buf_str(&out), STR("a29999@b")) > 0);
	buf_free(&in);
	buf_free(&out);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/downgrade");
	TCase *t = tcase_create("downgrade");

	tcase_add_loop_test(t, row, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, many);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
