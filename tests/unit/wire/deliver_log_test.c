/* SPDX-License-Identifier: ISC */
#include "unit/unit.h"
#include "wire/deliver_log.h"

static const struct length {
	int64_t us;
	const char *want;
} lengths[] = {
	{ 0, "0" }, { -5, "0" }, { 4999, "0" }, { 5000, "0.01" }, { 10000, "0.01" },
	{ 100000, "0.1" }, { 123456, "0.12" }, { 999999, "1" }, { 1000000, "1" },
	{ 1230000, "1.2" }, { 9960000, "10" }, { 12345678, "12" }, { 350000000, "350" },
};

START_TEST(seconds)
{
	struct buf b = { 0 };

	deliver_seconds(&b, lengths[_i].us);
	ck_str_is(buf_str(&b), lengths[_i].want);
	buf_free(&b);
}
END_TEST

START_TEST(line)
{
	struct deliver d = { .queue_id = STR("4ABC"), .arrival_us = 1000000000,
		.active_us = 1000010000 };
	struct deliver_rcpt r = { .addr = STR("b@example.org"), .orig = STR("B@example.org") };
	struct result_rcpt res = { .status = RESULT_SENT, .dsn = STR("2.0.0"),
		.text = STR("250 2.0.0 Ok: queued as {x} [y]") };
	struct deliver_times t = { 1000020000, 1000220000, 1001220000 };
	struct buf b = { 0 };

	deliver_line(&b, &d, &r, &res, STR("mx[192.0.2.1]:25"), 1, &t);
	ck_str_is(buf_str(&b), "4ABC: to=<b@example.org>, relay=mx[192.0.2.1]:25, delay=1.2, "
	    "delays=0.01/0.01/0.2/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {x} [y])");
	buf_reset(&b);
	r.orig = STR("alias@example.org");
	res = (struct result_rcpt){ .status = RESULT_DEFERRED, .dsn = STR("4.4.1"),
		.text = STR("connect to mx[192.0.2.1]:25: Connection refused") };
	t.ready_us = 0;
	deliver_line(&b, &d, &r, &res, STR("none"), 2, &t);
	ck_str_is(buf_str(&b), "4ABC: to=<b@example.org>, orig_to=<alias@example.org>, relay=none, "
	    "conn_use=2, delay=1.2, delays=0.01/0.01/1.2/0, dsn=4.4.1, status=deferred "
	    "(connect to mx[192.0.2.1]:25: Connection refused)");
	buf_free(&b);
}
END_TEST

/* soft_bounce: failures are tried again, and nothing else changes. */
START_TEST(soften)
{
	struct pool *p = pool_new();
	struct result_rcpt r = { .status = RESULT_BOUNCED, .dsn = STR("5.1.1"), .text = STR("no") };

	result_soften(&r, p);
	ck_assert_uint_eq(r.status, RESULT_DEFERRED);
	ck_str_is(r.dsn, "4.1.1");
	r = (struct result_rcpt){ .status = RESULT_SENT, .dsn = STR("2.0.0") };
	result_soften(&r, p);
	ck_assert_uint_eq(r.status, RESULT_SENT);
	ck_str_is(r.dsn, "2.0.0");
	pool_free(p);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("wire/deliver_log");
	TCase *t = tcase_create("deliver_log");

	tcase_add_loop_test(t, seconds, 0, sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_test(t, line);
	tcase_add_test(t, soften);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
