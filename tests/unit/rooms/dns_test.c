/* SPDX-License-Identifier: ISC */
/*
 * dnsd as a real process, asking tests/tools/dns on loopback.
 */
#include "unit/rooms/room.h"

#include <stdlib.h>

#include "ask/dns.h"

#define WAIT_MS		15000

static const char *dir;
static pid_t dnsd, server;
static int ask_fd;

static const char zone[] =
    "$ORIGIN example.test.\n$TTL 300\n"
    "@ SOA ns.example.test. root.example.test. 1 3600 600 86400 60\n"
    "@ NS ns\n"
    "ns A 127.0.0.1\n"
    "@ MX 20 second\n"
    "@ MX 10 First\n"
    "@ MX 10 also\n"
    "@ TXT \"v=spf1 \" \"-all\"\n"
    "first A 192.0.2.1\n"
    "first A 192.0.2.2\n"
    "first AAAA 2001:db8::1\n"
    "null MX 0 .\n"
    "alias CNAME first\n"
    "c1 CNAME c2\nc2 CNAME c1\n"
    "bad MX 10 a\\010b\n"
    "bad MX 20 a\\.b\n"
    "bad MX 30 x_y\n"
    "worse MX 10 a\\010b\n"
    "fail A 192.0.2.9\n"
    ";! fail.example.test. servfail\n"
    "mute A 192.0.2.8\n"
    ";! mute.example.test. silent\n"
    "tcp A 192.0.2.7\n"
    ";! tcp.example.test. truncate\n"
    "_25._tcp.first TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
    "_25._tcp.short TYPE52 \\# 3 030101\n"
    "_25._tcp.odd TYPE52 \\# 4 03010155\n";

static const char reverse[] =
    "$ORIGIN 2.0.192.in-addr.arpa.\n$TTL 300\n"
    "@ SOA ns.example.test. root.example.test. 1 3600 600 86400 60\n"
    "@ NS ns.example.test.\n"
    "1 PTR first.example.test.\n"
    "2 PTR second.example.test.\n"
    "3 PTR a\\010b.example.test.\n";

/* Start the server; its first line says the port. */
static unsigned
start_server(const char *path1, const char *path2)
{
	char line[64] = "";
	unsigned port = 0;
	int out[2];

	ck_assert_int_eq(pipe(out), 0);
	server = fork();
	if (server == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(out[1], 1);
		(void)execlp("python3", "python3", TESTDIR "/tools/dns", "--port", "0", path1, path2,
		    TESTDIR "/unit/rooms/signed.zone", (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	for (size_t n = 0; n < sizeof(line) - 1 && strchr(line, '\n') == NULL; ) {
		ssize_t got = read(out[0], line + n, sizeof(line) - 1 - n);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (sscanf(line, "ready %u", &port) != 1)
		ck_abort_msg("the DNS server said \"%s\"", line);
	return port;
}

static void
setup(void)
{
	char path1[200], path2[200], conf[2000];
	unsigned port;
	int ask[2];

	dir = room_dir();
	room_file(dir, "zone", zone);
	room_file(dir, "reverse", reverse);
	(void)snprintf(path1, sizeof(path1), "%s/zone", dir);
	(void)snprintf(path2, sizeof(path2), "%s/reverse", dir);
	port = start_server(path1, path2);
	(void)snprintf(conf, sizeof(conf), "dnsd_forwarders = none\ndnsd_trust_anchor_file =\n"
	    "dnsd_trust_anchors = { signed.test. DS 41353 13 2 "
	    "FB613A981BC1E404DE6051FFD336B0A56D25E697075FFCAFD5A189A5E5A1045C }\n"
	    "dnsd_stub_zones = example.test@127.0.0.1@%u, 2.0.192.in-addr.arpa@127.0.0.1@%u\n"
	    "  signed.test@127.0.0.1@%u\n", port, port, port);
	room_file(dir, "main.cf", conf);
	room_pair(ask);
	dnsd = room_start("dnsd", dir, (struct room_fd[]){ { 'p', "smtp", ask[0] }, { 0 } });
	ask_fd = ask[1];
}

static void
teardown(void)
{
	room_stop(dnsd);
	(void)kill(server, SIGTERM);
	(void)waitpid(server, NULL, 0);
	unit_remove(dir);
}

static struct pool *pool;
static struct dns_answer got;

static enum dns_status
ask(const char *name, enum dns_type type)
{
	return dns_lookup(str_of(name), type, pool, &got, deadline_in(WAIT_MS));
}

static void
begin(void)
{
	pool = pool_new();
	peer_add(PEER_DNSD, ipc_open(ask_fd, NULL, PEER_DNSD, NULL, NULL));
}

static void
plain_body(void *arg)
{
	struct net_addr a;
	struct str name;
	bool later;

	(void)arg;
	begin();
	ck_assert_int_eq(ask("example.test", DNS_MX), DNS_OK);
	ck_assert_uint_eq(got.records.n, 3);
	ck_assert_uint_eq(dns_record_at(&got, 0)->pref, 10);
	ck_str_is(dns_record_at(&got, 2)->name, "second.example.test");
	ck_assert(!got.secure && got.ttl > 0 && got.ttl <= 300);
	ck_assert_int_eq(ask("Example.TEST.", DNS_TXT), DNS_OK);
	ck_str_is(dns_record_at(&got, 0)->data, "v=spf1 -all");
	ck_assert_int_eq(ask("first.example.test", DNS_A), DNS_OK);
	ck_assert_uint_eq(got.records.n, 2);
	ck_assert(dns_addr(dns_record_at(&got, 0), 25, &a) && net_port(&a) == 25);
	ck_assert_int_eq(ask("first.example.test", DNS_AAAA), DNS_OK);
	ck_assert(dns_addr(dns_record_at(&got, 0), 25, &a));
	ck_str_is(net_ip(pool, &a), "2001:db8::1");
	ck_assert_int_eq(ask("null.example.test", DNS_MX), DNS_OK);
	ck_assert(got.records.n == 1 && dns_record_at(&got, 0)->name.n == 0);
	ck_assert_int_eq(ask("alias.example.test", DNS_A), DNS_OK);
	ck_str_is(got.canonical, "first.example.test");
	ck_assert_int_eq(ask("nothing.example.test", DNS_A), DNS_NXDOMAIN);
	ck_assert_int_eq(ask("ns.example.test", DNS_MX), DNS_NODATA);
	ck_assert_int_eq(ask("localhost", DNS_A), DNS_OK);
	ck_assert_int_eq(ask("tcp.example.test", DNS_A), DNS_OK);
	ck_assert_int_eq(ask("a b", DNS_A), DNS_BAD);
	ck_assert_int_eq(ask("", DNS_MX), DNS_BAD);
	ck_assert_int_eq(ask("_25._tcp.first.example.test", DNS_TLSA), DNS_OK);
	ck_assert_uint_eq(dns_record_at(&got, 0)->usage, 3);
	ck_assert_uint_eq(dns_record_at(&got, 0)->data.n, 32);
	ck_assert(net_parse(STR("192.0.2.1"), 0, &a));
	ck_assert(dns_reverse(&a, pool, &name, &later, deadline_in(WAIT_MS)));
	ck_str_is(name, "first.example.test");
	ck_assert(net_parse(STR("192.0.2.2"), 0, &a));
	ck_assert(!dns_reverse(&a, pool, &name, &later, deadline_in(WAIT_MS)));
	ck_str_is(name, "unknown");
	ck_assert(!later);
	fiber_stop();
}

START_TEST(plain)
{
	fiber_run(plain_body, NULL);
}
END_TEST

/* N1, N3: what strangers put into the DNS. */
static void
hostile_body(void *arg)
{
	struct net_addr a;
	struct str name;
	msec_t before;

	(void)arg;
	begin();
	ck_assert_int_eq(ask("bad.example.test", DNS_MX), DNS_OK);
	ck_assert_uint_eq(got.records.n, 1);
	ck_str_is(dns_record_at(&got, 0)->name, "x_y.example.test");
	ck_assert(got.cut);
	ck_assert_int_eq(ask("worse.example.test", DNS_MX), DNS_TEMPFAIL);
	ck_assert_int_eq(ask("_25._tcp.short.example.test", DNS_TLSA), DNS_TEMPFAIL);
	ck_assert_int_eq(ask("_25._tcp.odd.example.test", DNS_TLSA), DNS_TEMPFAIL);
	ck_assert_int_eq(ask("c1.example.test", DNS_A), DNS_TEMPFAIL);
	ck_assert_int_eq(ask("fail.example.test", DNS_A), DNS_TEMPFAIL);
	ck_assert(net_parse(STR("192.0.2.3"), 0, &a));
	ck_assert(!dns_reverse(&a, pool, &name, NULL, deadline_in(WAIT_MS)));
	/* No answer at all: given up in time, and no one else waits for it. */
	before = clock_ms();
	ck_assert_int_eq(dns_lookup(STR("mute.example.test"), DNS_A, pool, &got, deadline_in(700)),
	    DNS_TEMPFAIL);
	ck_str_is(got.reason, "query timed out");
	ck_assert_int_lt(clock_ms() - before, 5000);
	ck_assert_int_eq(ask("first.example.test", DNS_A), DNS_OK);
	fiber_stop();
}

START_TEST(hostile)
{
	fiber_run(hostile_body, NULL);
}
END_TEST

/* A zone below an anchor of its own. */
static void
signed_body(void *arg)
{
	(void)arg;
	begin();
	ck_assert_int_eq(ask("signed.test", DNS_MX), DNS_OK);
	ck_assert(got.secure);
	ck_assert_int_eq(ask("_25._tcp.mx.signed.test", DNS_TLSA), DNS_OK);
	ck_assert(got.secure);
	ck_assert_int_eq(ask("_25._tcp.broken.signed.test", DNS_TLSA), DNS_NXDOMAIN);
	ck_assert(got.secure);
	ck_assert_int_eq(ask("mx.signed.test", DNS_AAAA), DNS_NODATA);
	ck_assert(got.secure);
	ck_assert_int_eq(ask("broken.signed.test", DNS_A), DNS_BOGUS);
	ck_assert(!got.secure && got.records.n == 0);
	ck_assert_int_eq(ask("example.test", DNS_MX), DNS_OK);
	ck_assert(!got.secure);
	fiber_stop();
}

START_TEST(signed_zone)
{
	fiber_run(signed_body, NULL);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/dns");
	TCase *t = tcase_create("dns");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, plain);
	tcase_add_test(t, hostile);
	tcase_add_test(t, signed_zone);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
