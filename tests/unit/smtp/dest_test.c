/* SPDX-License-Identifier: ISC */
#include "smtp/dest.h"
#include "unit/unit.h"

static const struct row {
	const char *text;
	bool ok;
	const char *host;
	bool mx;
	bool literal;
	uint16_t port;
} rows[] = {
	{ "example.org", true, "example.org", true, false, 25 },
	{ "example.org.", true, "example.org", true, false, 25 },
	{ "example.org:587", true, "example.org", true, false, 587 },
	{ "example.org:submission", true, "example.org", true, false, 587 },
	{ "[mx.example.org]", true, "mx.example.org", false, false, 25 },
	{ "[mx.example.org]:2525", true, "mx.example.org", false, false, 2525 },
	{ "[192.0.2.1]", true, "192.0.2.1", false, true, 25 },
	{ "[192.0.2.1]:2525", true, "192.0.2.1", false, true, 2525 },
	{ "192.0.2.1", true, "192.0.2.1", false, true, 25 },
	{ "192.0.2.1:26", true, "192.0.2.1", false, true, 26 },
	{ "[IPv6:2001:db8::1]", true, "2001:db8::1", false, true, 25 },
	{ "[2001:db8::1]:2525", true, "2001:db8::1", false, true, 2525 },
	{ "", false, NULL, false, false, 0 },
	{ ":25", false, NULL, false, false, 0 },
	{ "[]", false, NULL, false, false, 0 },
	{ "[]:25", false, NULL, false, false, 0 },
	{ "[mx.example.org", false, NULL, false, false, 0 },
	{ "[mx]x", false, NULL, false, false, 0 },
	{ "[a b]", false, NULL, false, false, 0 },
	{ "example.org:", false, NULL, false, false, 0 },
	{ "example.org:0", false, NULL, false, false, 0 },
	{ "example.org:65536", false, NULL, false, false, 0 },
	{ "example.org:gopher", false, NULL, false, false, 0 },
	{ "exam\nple.org", false, NULL, false, false, 0 },
	{ "2001:db8::1", false, NULL, false, false, 0 },
};

START_TEST(parse)
{
	const struct row *r = &rows[_i];
	struct dest d;

	ck_assert_msg(dest_parse(str_of(r->text), 25, &d) == r->ok, "%s", r->text);
	if (!r->ok)
		return;
	ck_str_is(d.host, r->host);
	ck_assert_int_eq(d.mx, r->mx);
	ck_assert_int_eq(d.literal, r->literal);
	ck_assert_uint_eq(d.port, r->port);
	if (d.literal)
		ck_assert_uint_eq(net_port(&d.addr), r->port);
}
END_TEST

START_TEST(list)
{
	struct str s = STR(" [a]:25, b c,,"), one;

	ck_assert(dest_next(&s, &one));
	ck_str_is(one, "[a]:25");
	ck_assert(dest_next(&s, &one));
	ck_str_is(one, "b");
	ck_assert(dest_next(&s, &one));
	ck_str_is(one, "c");
	ck_assert(!dest_next(&s, &one));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("smtp/dest");
	TCase *t = tcase_create("dest");

	tcase_add_loop_test(t, parse, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, list);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
