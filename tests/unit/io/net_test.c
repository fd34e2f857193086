/* SPDX-License-Identifier: ISC */
/* net: addresses, patterns, connections on loopback. */
#include "unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "io/net.h"

static const struct in_row {
	const char *ip, *pattern;
	bool in, ok;
} in_rows[] = {
	{ "192.0.2.1", "192.0.2.0/24", true, true },
	{ "192.0.3.1", "192.0.2.0/24", false, true },
	{ "192.0.2.1", "192.0.2.1", true, true },
	{ "192.0.2.130", "192.0.2.128/25", true, true },
	{ "192.0.2.127", "192.0.2.128/25", false, true },
	{ "8.8.8.8", "0.0.0.0/0", true, true },
	{ "::1", "0.0.0.0/0", false, true },
	{ "::1", "[::1]/128", true, true },
	{ "::1", "[::1]", true, true },
	{ "2001:db8::1", "[2001:db8::]/32", true, true },
	{ "2001:db9::1", "2001:db8::/32", false, true },
	{ "::ffff:192.0.2.1", "192.0.2.0/24", true, true },
	{ "192.0.2.1", "[::ffff:192.0.2.0]/120", true, true },
	{ "192.0.2.1", "192.0.2.0/33", false, false },
	{ "192.0.2.1", "192.0.2.0/", false, false },
	{ "192.0.2.1", "192.0.2/24", false, false },
	{ "192.0.2.1", "[192.0.2.1]", false, false },
	{ "192.0.2.1", "", false, false },
	{ "192.0.2.1", "host", false, false },
};

START_TEST(patterns)
{
	const struct in_row *r = &in_rows[_i];
	struct net_addr a;

	ck_assert(net_parse(str_of(r->ip), 25, &a));
	ck_assert_int_eq(net_in(&a, str_of(r->pattern)), r->in);
	ck_assert_int_eq(net_pattern_ok(str_of(r->pattern)), r->ok);
}
END_TEST

START_TEST(addresses)
{
	struct pool *p = pool_new();
	struct net_addr a;

	ck_assert(net_parse(STR("::ffff:192.0.2.7"), 25, &a));
	ck_str_is(net_ip(p, &a), "192.0.2.7");
	ck_assert_uint_eq(net_port(&a), 25);
	ck_assert(net_parse(STR("127.1.2.3"), 0, &a) && net_is_loopback(&a));
	ck_assert(net_parse(STR("::1"), 0, &a) && net_is_loopback(&a));
	ck_assert(net_parse(STR("::2"), 0, &a) && !net_is_loopback(&a));
	ck_assert(!net_parse(STR("1.2.3"), 0, &a) && !net_parse(STR("1.2.3.4 "), 0, &a));
	ck_assert(!net_parse(STR("01.2.3.4"), 0, &a) && !net_parse(STR("::1%lo"), 0, &a));
	ck_assert(net_peer(0).len == 0 || true);
	pool_free(p);
}
END_TEST

static int done;

static void
dial(void *arg)
{
	struct net_addr *to = arg;
	int fd = net_connect(to, NULL, deadline_in(5000));

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(net_port(to), ({ struct net_addr p = net_peer(fd); net_port(&p); }));
	fiber_forget(fd);
	close(fd);
	done++;
}

static void
calls(void *arg)
{
	struct net_addr at, peer;
	int l, fd;

	ck_assert(net_parse(STR("127.0.0.1"), 0, &at));
	ck_assert_int_ge(l = net_listen(&at, 10), 0);
	at = net_local(l);
	fiber_start(dial, &at, "dial");
	ck_assert_int_ge(fd = net_accept(l, &peer, deadline_in(5000)), 0);
	ck_assert(net_is_loopback(&peer));
	close(fd);
	ck_assert_int_eq(net_accept(l, NULL, deadline_in(5)), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	fiber_forget(l);
	close(l);
	ck_assert_int_eq(net_connect(&at, NULL, deadline_in(1000)), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	done++;
}

START_TEST(connections)
{
	fiber_run(calls, NULL);
	ck_assert_int_eq(done, 2);
}
END_TEST

START_TEST(unix_sockets)
{
	char path[100];
	int l, c;
	uid_t uid = 12345;

	snprintf(path, sizeof(path), "%s/socket", unit_root);
	ck_assert_int_ge(l = net_unix_listen(path, SOCK_STREAM, 0600), 0);
	close(l);
	ck_assert_int_ge(l = net_unix_listen(path, SOCK_STREAM, 0600), 0);
	ck_assert_int_ge(c = net_unix_connect(path, SOCK_STREAM), 0);
	ck_assert(net_unix_peer(c, NULL, &uid, NULL));
	ck_assert_uint_eq(uid, getuid());
	close(c);
	close(l);
	unlink(path);
	ck_assert_int_eq(net_unix_connect(path, SOCK_STREAM), -1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("net");
	TCase *t = tcase_create("net");

	tcase_add_loop_test(t, patterns, 0, sizeof(in_rows) / sizeof(in_rows[0]));
	tcase_add_test(t, addresses);
	tcase_add_test(t, connections);
	tcase_add_test(t, unix_sockets);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
