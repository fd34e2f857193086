/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "anvil/counts.h"
#include "unit/unit.h"

static struct anvil_counted
add(enum anvil_what what, const char *client, msec_t now)
{
	struct anvil_count q = { .what = what, .service = STR("smtp"), .client = str_of(client) };

	return counts_add(&q, now);
}

static void
setup(void)
{
	static const struct counts_limits limits = { .unit = 60000, .clients = 100, .penalty = 1000,
		.penalty_max = 15000, .penalty_memory = 900000 };

	counts_init(&limits);
}

START_TEST(rates)
{
	ck_assert_uint_eq(add(ANVIL_RCPT, "192.0.2.1", 1000).rate, 1);
	ck_assert_uint_eq(add(ANVIL_RCPT, "192.0.2.1", 60000).rate, 2);
	ck_assert_uint_eq(add(ANVIL_RCPT, "192.0.2.2", 60000).rate, 1);
	ck_assert_uint_eq(add(ANVIL_RCPT, "192.0.2.1", 61000).rate, 1);
	/* A goodbye too many changes nothing. */
	ck_assert_uint_eq(add(ANVIL_DISCONNECT, "192.0.2.1", 61000).connections, 0);
	ck_assert_uint_eq(add(ANVIL_CONNECT, "192.0.2.1", 61000).connections, 1);
}
END_TEST

static const struct {
	enum anvil_what what;
	const char *client;
	msec_t now;
	uint64_t penalty;
} penalties[] = {
	{ ANVIL_AUTH_FAIL, "192.0.2.1", 1000, 1000 },
	{ ANVIL_AUTH_FAIL, "192.0.2.1", 2000, 2000 },
	{ ANVIL_AUTH_FAIL, "192.0.2.1", 3000, 4000 },
	{ ANVIL_AUTH_FAIL, "192.0.2.1", 4000, 8000 },
	{ ANVIL_AUTH_FAIL, "192.0.2.1", 5000, 15000 },
	{ ANVIL_AUTH_FAIL, "192.0.2.2", 5000, 1000 },
	{ ANVIL_AUTH_OK, "192.0.2.1", 6000, 0 },
	{ ANVIL_AUTH_FAIL, "192.0.2.1", 7000, 4000 },
	{ ANVIL_AUTH_FAIL, "192.0.2.1", 907001, 1000 },
	/* One /64 is one client. */
	{ ANVIL_AUTH_FAIL, "2001:db8::1", 1000, 1000 },
	{ ANVIL_AUTH_FAIL, "2001:db8::2:3:4:5", 1000, 2000 },
	{ ANVIL_AUTH_FAIL, "2001:db8:0:1::1", 1000, 1000 },
};

START_TEST(penalty)
{
	for (size_t i = 0; i < sizeof(penalties) / sizeof(penalties[0]); i++)
		ck_assert_msg(add(penalties[i].what, penalties[i].client, penalties[i].now).penalty_ms
		    == penalties[i].penalty, "row %zu", i);
}
END_TEST

START_TEST(bounded)
{
	char name[32];

	ck_assert_uint_eq(add(ANVIL_CONNECT, "open", 1).connections, 1);
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "10.0.%u.%u", i >> 8, i & 255);
		(void)add(ANVIL_MAIL, name, 2);
		ck_assert_uint_le(counts_size(), 101);
	}
	/* The one with an open connection is still known. */
	ck_assert_uint_eq(add(ANVIL_DISCONNECT, "open", 3).connections, 0);
	ck_assert_uint_eq(add(ANVIL_CONNECT, "open", 3).connections, 1);
}
END_TEST

/* Clients that stay do not keep those that have gone in memory. */
START_TEST(bounded_beside_guests)
{
	char ip[32];

	for (int i = 0; i < 80; i++) {
		(void)snprintf(ip, sizeof(ip), "203.0.113.%d", i);
		(void)add(ANVIL_CONNECT, ip, 500);
	}
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(ip, sizeof(ip), "198.51.%d.%d", i / 100, i % 100);
		(void)add(ANVIL_RCPT, ip, 1000);
	}
	ck_assert_uint_le(counts_size(), 181);
	ck_assert_uint_eq(add(ANVIL_CONNECT, "203.0.113.0", 2000).connections, 2);
}
END_TEST

START_TEST(report)
{
	struct str lines[COUNTS_LINES];

	ck_assert_uint_eq(counts_report(lines), 0);
	(void)add(ANVIL_CONNECT, "192.0.2.1", 1);
	(void)add(ANVIL_CONNECT, "192.0.2.1", 2);
	(void)add(ANVIL_MAIL, "192.0.2.1", 2);
	ck_assert_uint_eq(counts_report(lines), 4);
	ck_assert(str_start(lines[0], STR("max connection rate 2/60s for (smtp:192.0.2.1) at ")));
	ck_assert(str_start(lines[1], STR("max connection count 2 for (smtp:192.0.2.1) at ")));
	ck_assert(str_start(lines[2], STR("max message rate 1/60s for (smtp:192.0.2.1) at ")));
	ck_assert(str_start(lines[3], STR("max cache size 1 at ")));
	ck_assert_uint_eq(counts_report(lines), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/counts");
	TCase *t = tcase_create("counts");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, rates);
	tcase_add_test(t, penalty);
	tcase_add_test(t, bounded);
	tcase_add_test(t, bounded_beside_guests);
	tcase_add_test(t, report);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
