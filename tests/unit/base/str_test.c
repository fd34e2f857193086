/* SPDX-License-Identifier: ISC */
#include "unit/unit.h"

static const struct number {
	const char *text;
	uint64_t max;
	bool ok;
	uint64_t value;
} numbers[] = {
	{ "0", 10, true, 0 },
	{ "10", 10, true, 10 },
	{ "11", 10, false, 0 },
	{ "", 10, false, 0 },
	{ "-1", 10, false, 0 },
	{ "+1", 10, false, 0 },
	{ " 1", 10, false, 0 },
	{ "1x", 10, false, 0 },
	{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX, false, 0 },
	{ "99999999999999999999999", UINT64_MAX, false, 0 },
};

START_TEST(number)
{
	const struct number *n = &numbers[_i];
	uint64_t got = 77;

	ck_assert_int_eq(str_u64(str_of(n->text), n->max, &got), n->ok);
	ck_assert_uint_eq(got, n->ok ? n->value : 77);
}
END_TEST

START_TEST(compare)
{
	ck_assert(str_eq(STR("a"), STR("a")));
	ck_assert(!str_eq(STR("a"), STR("A")));
	ck_assert(str_ieq(STR("aB1"), STR("Ab1")));
	ck_assert(!str_ieq(STR("a"), STR("ab")));
	ck_assert(str_eq(str_of(NULL), STR("")));
	ck_assert(str_start(STR("abc"), STR("ab")) && !str_start(STR("a"), STR("ab")));
	ck_assert(str_iend(STR("x.COM"), STR(".com")));
	ck_assert_int_lt(str_cmp(STR("a"), STR("ab")), 0);
	ck_assert_int_gt(str_cmp(STR("b"), STR("ab")), 0);
	ck_assert(str_eq_secret("abc", "abc", 3) && !str_eq_secret("abc", "abd", 3));
}
END_TEST

START_TEST(parts)
{
	struct str s = STR("a:b::c"), head;

	ck_assert_int_eq(str_find(STR("hello"), STR("ll")), 2);
	ck_assert_int_eq(str_find(STR("hello"), STR("lo!")), -1);
	ck_assert_int_eq(str_rchr(s, ':'), 4);
	ck_str_is(str_trim(STR(" \t x y \r\n")), "x y");
	ck_str_is(str_sub(STR("abc"), 5, 2), "");
	ck_assert(str_cut(&s, ':', &head));
	ck_str_is(head, "a");
	ck_assert(str_cut(&s, ':', &head));
	ck_assert(str_cut(&s, ':', &head));
	ck_str_is(head, "");
	ck_assert(str_cut(&s, ':', &head));
	ck_str_is(head, "c");
	ck_assert(!str_cut(&s, ':', &head));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("base/str");
	TCase *t = tcase_create("str");

	tcase_add_loop_test(t, number, 0, sizeof(numbers) / sizeof(numbers[0]));
	tcase_add_test(t, compare);
	tcase_add_test(t, parts);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
