/* SPDX-License-Identifier: ISC */
/* The scheduler's numbers: feedback, windows, dead destinations, back-off. */
#include "qmgr/window.h"
#include "unit/unit.h"

static const struct {
	const char *text;
	bool ok;
	double amount;
	int by;
} feedbacks[] = {
	{ "1", true, 1, FEEDBACK_FIXED },
	{ "0.5", true, 0.5, FEEDBACK_FIXED },
	{ " .25 ", true, 0.25, FEEDBACK_FIXED },
	{ "1/concurrency", true, 1, FEEDBACK_WINDOW },
	{ "2 / sqrt_concurrency", true, 2, FEEDBACK_ROOT },
	{ "", false, 0, 0 },
	{ "x", false, 0, 0 },
	{ "1/", false, 0, 0 },
	{ "1/window", false, 0, 0 },
	{ "1 2", false, 0, 0 },
};

START_TEST(test_feedback)
{
	struct feedback f;

	ck_assert_int_eq(feedback_parse(str_of(feedbacks[_i].text), &f), feedbacks[_i].ok);
	if (!feedbacks[_i].ok)
		return;
	ck_assert(f.amount > feedbacks[_i].amount - 1e-9 && f.amount < feedbacks[_i].amount + 1e-9);
	ck_assert_int_eq(f.by, feedbacks[_i].by);
}
END_TEST

static const struct window_rules rules = { .initial = 5, .limit = 20, .cohorts = 1,
	.plus = { 1, FEEDBACK_FIXED }, .minus = { 1, FEEDBACK_FIXED } };

START_TEST(test_grows_to_its_limit)
{
	struct window w = window_new(&rules);

	ck_assert_uint_eq(w.size, 5);
	for (unsigned i = 0; i < 100; i++)
		window_good(&w, &rules, 2);	/* more was never tried */
	ck_assert_uint_eq(w.size, 7);
	for (unsigned i = 0; i < 100; i++)
		window_good(&w, &rules, w.size);
	ck_assert_uint_eq(w.size, 20);
	/* Results that come together count each for itself. */
	w = window_new(&rules);
	for (unsigned busy = 5; busy > 0; busy--)
		window_good(&w, &rules, busy);
	ck_assert_uint_ge(w.size, 8);
}
END_TEST

START_TEST(test_dies_after_a_cohort)
{
	struct window w = window_new(&rules);
	unsigned n = 1;

	while (!window_bad(&w, &rules) && n < 100)
		n++;
	ck_assert_uint_ge(n, 2);
	ck_assert_uint_le(n, 5);
	ck_assert_uint_ge(w.size, 1);
}
END_TEST

START_TEST(test_success_forgives)
{
	struct window w = window_new(&rules);

	(void)window_bad(&w, &rules);
	window_good(&w, &rules, w.size);
	ck_assert(!window_bad(&w, &rules));
}
END_TEST

START_TEST(test_never_dead_without_cohorts)
{
	struct window_rules r = rules;
	struct window w;

	r.cohorts = 0;
	w = window_new(&r);
	for (unsigned i = 0; i < 1000; i++)
		ck_assert(!window_bad(&w, &r));
	ck_assert_uint_eq(w.size, 1);
}
END_TEST

START_TEST(test_gentle_feedback)
{
	struct window_rules r = rules;
	struct window w;

	r.plus.by = FEEDBACK_WINDOW;
	w = window_new(&r);
	for (unsigned i = 0; i < 4; i++)
		window_good(&w, &r, 5);
	ck_assert_uint_eq(w.size, 5);
	window_good(&w, &r, 5);
	window_good(&w, &r, 5);
	ck_assert_uint_eq(w.size, 6);
}
END_TEST

static const struct {
	int64_t age, min, max;
	uint32_t random;
	int64_t want;
} waits[] = {
	{ 0, 300000, 4000000, 0, 300000 },
	{ 1000, 300000, 4000000, UINT32_MAX, 375000 },
	{ 600000, 300000, 4000000, 0, 600000 },
	{ 86400000, 300000, 4000000, 0, 4000000 },
	{ 86400000, 300000, 4000000, UINT32_MAX, 5000000 },
	{ -5000, 300000, 4000000, 0, 300000 },		/* somebody set the clock */
};

START_TEST(test_backoff)
{
	ck_assert_int_eq(backoff_ms(waits[_i].age, waits[_i].min, waits[_i].max, waits[_i].random),
	    waits[_i].want);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("qmgr_window");
	TCase *t = tcase_create("window");

	tcase_add_loop_test(t, test_feedback, 0, sizeof(feedbacks) / sizeof(feedbacks[0]));
	tcase_add_test(t, test_grows_to_its_limit);
	tcase_add_test(t, test_dies_after_a_cohort);
	tcase_add_test(t, test_success_forgives);
	tcase_add_test(t, test_never_dead_without_cohorts);
	tcase_add_test(t, test_gentle_feedback);
	tcase_add_loop_test(t, test_backoff, 0, sizeof(waits) / sizeof(waits[0]));
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
