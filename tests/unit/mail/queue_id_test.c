/* SPDX-License-Identifier: ISC */
#include "unit/unit.h"

#include "mail/queue_id.h"

/* Unique and growing, whatever the clock does (security R5). */
START_TEST(grows)
{
	static const int64_t clock[] = { 1795372680000000, 1795372680000000, 1795372679000000, 5,
		1795372680000009, 1795372681000000, 4102444800000000, 1795372681000000 };
	struct queue_id_clock c = { 0 };
	char last[QUEUE_ID_MAX + 1] = "", id[QUEUE_ID_MAX + 1];
	int64_t us, before = 0;

	for (size_t i = 0; i < sizeof(clock) / sizeof(clock[0]); i++) {
		struct str s = queue_id_next(&c, clock[i], 1234567 + i, id);

		ck_assert(queue_id_parse(s, &us));
		ck_assert_int_gt(us, before);
		ck_assert_int_gt(strcmp(id, last), 0);
		before = us;
		memcpy(last, id, sizeof(id));
	}
	queue_id_seen(&c, before + 100);
	ck_assert(queue_id_parse(queue_id_next(&c, 1, UINT64_MAX, id), &us));
	ck_assert_int_eq(us, before + 101);
}
END_TEST

static const struct row {
	const char *text;
	bool ok;
} rows[] = {
	{ "4gXyz01234z5", true },	/* letters of the alphabet only */
	{ "3Pt2mN2VXxznjll", true },	/* the example of Postfix's manual */
	{ "4gXya01234z5", false },
	{ "NOQUEUE", false },
	{ "../../../../etc", false },
	{ "0000000000z", false },
	{ "0000000000zzz", false },
	{ "000000zzzzz0", false },	/* a million microseconds and more */
	{ "BCDFGHJKLM0123456789z0123", false },
	{ "", false },
};

START_TEST(parse)
{
	ck_assert_int_eq(queue_id_parse(str_of(rows[_i].text), NULL), rows[_i].ok);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("mail/queue_id");
	TCase *t = tcase_create("queue_id");

	tcase_add_test(t, grows);
	unit_add_rows(t, parse, rows);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
