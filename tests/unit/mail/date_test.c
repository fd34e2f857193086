/* SPDX-License-Identifier: ISC */
#include "unit/unit.h"

#include "mail/date.h"

static const struct row {
	int64_t wall;
	int east;
	const char *text;
} rows[] = {
	{ 0, 0, "Thu, 1 Jan 1970 00:00:00 +0000" },
	{ 1795372680, 0, "Sun, 22 Nov 2026 18:38:00 +0000" },
	{ 1795372680, 330, "Mon, 23 Nov 2026 00:08:00 +0530" },
	{ 1795372680, -480, "Sun, 22 Nov 2026 10:38:00 -0800" },
	{ 951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000" },
	{ 2147483648, 0, "Tue, 19 Jan 2038 03:14:08 +0000" },
	{ 4107542400, 0, "Mon, 1 Mar 2100 00:00:00 +0000" },
	{ -1, 0, "Wed, 31 Dec 1969 23:59:59 +0000" },
};

START_TEST(both_ways)
{
	char out[DATE_MAX];
	int64_t wall;
	int east;

	ck_str_is(date_5322(out, rows[_i].wall, rows[_i].east), rows[_i].text);
	ck_assert(date_parse(str_of(rows[_i].text), &wall, &east));
	ck_assert_int_eq(wall, rows[_i].wall);
	ck_assert_int_eq(east, rows[_i].east);
}
END_TEST

static const struct parse {
	const char *text;
	bool ok;
	int64_t wall;
	int east;
} parses[] = {
	{ "1 Jan 1970 00:00 GMT", true, 0, 0 },
	{ "Thu , 1 (first) Jan 70 00:00:00 +0000 (UTC)", true, 0, 0 },
	{ "Wed, 31 Dec 1969 19:00:00 EST", true, 0, -300 },
	{ "Thu, 1 Jan 1970 00:00:00", true, 0, 0 },
	{ "Thu, 1 Jan 2098 00:00:00 +00", false, 0, 0 },
	{ "Thu, 0 Jan 1970 00:00:00 +0000", false, 0, 0 },
	{ "Thu, 1 Foo 1970 00:00:00 +0000", false, 0, 0 },
	{ "Thu, 1 Jan 1970 24:00:00 +0000", false, 0, 0 },
	{ "(", false, 0, 0 },
	{ "(\\", false, 0, 0 },
	{ "", false, 0, 0 },
};

START_TEST(parse)
{
	int64_t wall = 0;
	int east = 0;

	ck_assert_int_eq(date_parse(str_of(parses[_i].text), &wall, &east), parses[_i].ok);
	if (parses[_i].ok) {
		ck_assert_int_eq(wall, parses[_i].wall);
		ck_assert_int_eq(east, parses[_i].east);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("mail/date");
	TCase *t = tcase_create("date");

	unit_add_rows(t, both_ways, rows);
	unit_add_rows(t, parse, parses);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
