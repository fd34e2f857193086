/* SPDX-License-Identifier: ISC */
/* The queue in memory: which message comes next, and reasons that are kept once. */
#include <stdio.h>

#include "qmgr/qmgr.h"
#include "unit/unit.h"

static struct message *
message(const char *id)
{
	struct spool_place place = { .folder = SPOOL_DEFERRED };

	(void)memcpy(place.head.id, id, strlen(id));
	return index_add(&place);
}

/* Due ones come in their order, new ones before most of them, and none too early. */
START_TEST(test_order)
{
	struct message *late = message("late00"), *due[8];
	msec_t now = clock_ms();
	unsigned at[8], n = 0;

	index_due(late, deadline_in(3600000));
	for (unsigned i = 0; i < 8; i++) {
		char id[8] = "due000";

		id[5] = (char)('0' + i);
		due[i] = message(id);
		index_due(due[i], now - 1 - (msec_t)((i * 5) % 8));
	}
	for (unsigned i = 0; i < 8; i++) {
		struct message *m = index_next(true);

		ck_assert_ptr_nonnull(m);
		for (unsigned k = 0; k < 8; k++)
			if (due[k] == m)
				at[n++] = (k * 5) % 8;
	}
	ck_assert_uint_eq(n, 8);
	for (unsigned i = 1; i < 8; i++)
		ck_assert_uint_lt(at[i], at[i - 1]);
	ck_assert_ptr_null(index_next(true));
	ck_assert_int_gt(index_when(true), clock_ms());
	ck_assert_int_eq(index_when(false), NEVER);
}
END_TEST

START_TEST(test_new_mail_first)
{
	unsigned news = 0;

	for (unsigned i = 0; i < 40; i++) {
		char id[8] = "new000", old[8] = "old000";

		id[4] = old[4] = (char)('0' + i / 10);
		id[5] = old[5] = (char)('0' + i % 10);
		index_ready(message(id));
		index_due(message(old), clock_ms() - 1);
	}
	for (unsigned i = 0; i < 20; i++)
		news += index_next(true)->place.head.id[0] == 'n';
	ck_assert_uint_ge(news, 14);
	ck_assert_uint_lt(news, 20);		/* but what is due does not starve */
	while (news < 40) {
		ck_assert_int_eq(index_next(false)->place.head.id[0], 'n');
		news++;
	}
	ck_assert_ptr_null(index_next(false));	/* no room for old ones now */
	ck_assert_ptr_nonnull(index_next(true));
}
END_TEST

START_TEST(test_leaves_heap)
{
	struct message *a = message("aaaaaa"), *b = message("bbbbbb"), *c = message("cccccc");
	msec_t now = clock_ms();

	index_due(a, now - 3);
	index_due(b, now - 2);
	index_due(c, now - 1);
	index_rest(a);
	index_remove(b);
	ck_assert_ptr_null(index_find(STR("bbbbbb")));
	ck_assert(index_recent(STR("bbbbbb")));
	ck_assert_ptr_eq(index_next(true), c);
	ck_assert_ptr_null(index_next(true));
	ck_assert_uint_eq(index_count(), 2);
}
END_TEST

START_TEST(test_reasons)
{
	char text[40];
	struct reason r = { STR("4.4.1"), STR("connection timed out"), STR(""), STR("a.test") };
	const struct reason *a = reason_hold(&r), *b, *many[2000];

	ck_assert_ptr_ne(a, &r);
	b = reason_hold(a);
	ck_assert_ptr_eq(a, b);
	r.remote = STR("b.test");
	b = reason_hold(&r);
	ck_assert_ptr_ne(a, b);
	ck_assert(!reason_same(a, b));
	ck_str_is(b->text, "connection timed out");
	ck_str_is(b->remote, "b.test");
	reason_drop(b);
	for (unsigned i = 0; i < 2000; i++) {
		(void)snprintf(text, sizeof(text), "reason %u", i / 2);
		r.text = str_of(text);
		many[i] = reason_hold(&r);
	}
	ck_assert_uint_eq(reason_count(), 1001);
	for (unsigned i = 0; i < 2000; i += 2)
		ck_assert_ptr_eq(many[i], many[i + 1]);
	ck_str_is(many[1998]->text, "reason 999");
	for (unsigned i = 0; i < 2000; i++)
		reason_drop(many[i]);
	reason_drop(NULL);
	ck_assert_uint_eq(reason_count(), 1);
	reason_drop(a);
	ck_str_is(a->dsn, "4.4.1");		/* held twice */
	reason_drop(a);
	ck_assert_uint_eq(reason_count(), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("qmgr_index");
	TCase *t = tcase_create("index");

	tcase_add_test(t, test_order);
	tcase_add_test(t, test_new_mail_first);
	tcase_add_test(t, test_leaves_heap);
	tcase_add_test(t, test_reasons);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
