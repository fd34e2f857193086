/* SPDX-License-Identifier: ISC */
/* recent: answers by the whole question, for a time, at most so many. */
#include "unit/unit.h"

#include <stdio.h>

#include "ask/recent.h"
#include "wire/route.h"

#define MOST	4

static struct pool *pool;

static struct check
rcpt(const char *addr)
{
	return (struct check){ .kind = CHECK_RCPT, .addr = str_of(addr) };
}

static void
put(struct recent *r, const char *addr, const char *text, msec_t until)
{
	struct check q = rcpt(addr);
	struct checked a = { .status = CHECK_OK, .addr = str_of(addr), .text = str_of(text) };

	recent_put(r, &q, &a, until);
}

/* The text of the answer to `q`, "" when there is none. */
static struct str
get(const struct recent *r, struct check q)
{
	struct checked a = { 0 };

	return recent_get(r, &q, &a, pool) ? a.text : STR("");
}

static void
ck_text(struct str got, const char *want)
{
	ck_assert_msg(str_eq(got, str_of(want)), "%.*s, not %s", STR_ARG(got), want);
}

START_TEST(whole_question)
{
	struct recent *r = recent_new(&check_msg, &checked_msg, MOST);
	struct check q = rcpt("a@example.org");

	ck_text(get(r, q), "");
	put(r, "a@example.org", "one", NEVER);
	ck_text(get(r, q), "one");
	q.trusted = true;
	ck_text(get(r, q), "");
	q = (struct check){ .kind = CHECK_SENDER, .addr = STR("a@example.org") };
	ck_text(get(r, q), "");
	ck_text(get(r, rcpt("A@example.org")), "");
	put(r, "a@example.org", "two", NEVER);
	ck_text(get(r, rcpt("a@example.org")), "two");
	recent_free(r);
}
END_TEST

START_TEST(ages)
{
	struct recent *r = recent_new(&check_msg, &checked_msg, MOST);

	put(r, "a@example.org", "one", clock_ms() - 1);
	ck_text(get(r, rcpt("a@example.org")), "");
	put(r, "a@example.org", "two", deadline_in(60000));
	ck_text(get(r, rcpt("a@example.org")), "two");
	recent_free(r);
}
END_TEST

/* The oldest goes; what is asked anew takes no second place. */
START_TEST(bounded)
{
	struct recent *r = recent_new(&check_msg, &checked_msg, MOST);
	char addr[32];

	for (int i = 0; i < 3 * MOST; i++) {
		(void)snprintf(addr, sizeof(addr), "%d@example.org", i);
		put(r, addr, "old", NEVER);
		put(r, addr, addr, NEVER);
	}
	for (int i = 0; i < 3 * MOST; i++) {
		(void)snprintf(addr, sizeof(addr), "%d@example.org", i);
		ck_text(get(r, rcpt(addr)), i < 2 * MOST ? "" : addr);
	}
	recent_free(r);
}
END_TEST

/* What was given out stays when its entry is used again. */
START_TEST(given_out)
{
	struct recent *r = recent_new(&check_msg, &checked_msg, 1);
	struct str text;

	put(r, "a@example.org", "one", NEVER);
	text = get(r, rcpt("a@example.org"));
	put(r, "b@example.org", "two", NEVER);
	ck_text(text, "one");
	recent_free(r);
	ck_text(text, "one");
}
END_TEST

/* An answer that is too large is not kept, and no older one stands for it. */
START_TEST(too_large)
{
	struct recent *r = recent_new(&resolve_msg, &resolved_msg, MOST);
	struct resolve_rcpt one = { 0, STR("list@example.org"), false };
	struct resolve q = { STR(""), { &one, 1 } };
	struct str to[200];
	struct route route = { .action = ROUTE_EXPAND, .to = { to, 1 } };
	struct resolved a = { { &route, 1 } };

	for (int i = 0; i < 200; i++)
		to[i] = STR("a-member-with-a-long-name@example.org");
	recent_put(r, &q, &a, NEVER);
	ck_assert(recent_get(r, &q, &a, pool));
	a = (struct resolved){ { &route, 1 } };
	route.to.n = 200;
	recent_put(r, &q, &a, NEVER);
	ck_assert(!recent_get(r, &q, &a, pool));
	recent_free(r);
}
END_TEST

static void
setup(void)
{
	pool = pool_new();
}

static void
teardown(void)
{
	pool_free(pool);
}

static Suite *
suite(void)
{
	Suite *s = suite_create("recent");
	TCase *t = tcase_create("recent");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, whole_question);
	tcase_add_test(t, ages);
	tcase_add_test(t, bounded);
	tcase_add_test(t, given_out);
	tcase_add_test(t, too_large);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
