/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <sys/mman.h>
#include <unbound.h>
#include <unistd.h>

#include "dnsd/decode.h"
#include "dnsd/setup.h"
#include "unit/unit.h"

#define W(lit)	lit, sizeof(lit) - 1

static const struct {
	const char *wire;
	size_t n;
	const char *name;	/* NULL: refused */
} names[] = {
	{ W("\0"), "" },
	{ W("\4Mail\7EXAMPLE\0"), "mail.example" },
	{ W("\1a\1b\0x"), NULL },			/* something behind it */
	{ W("\1a"), NULL },				/* no end */
	{ W("\5a\0"), NULL },				/* length beyond the data */
	{ W("\300\14"), NULL },				/* compression pointer */
	{ W("\3a.b\1c\0"), NULL },			/* dot inside a label */
	{ W("\3a\0b\0"), NULL },			/* NUL inside a label */
	{ W("\3a\nb\0"), NULL },
	{ W("\3a b\0"), NULL },
	{ W("\100aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0"), NULL },
	{ W(""), NULL },
};

START_TEST(name)
{
	struct pool *p = pool_new();
	struct str out;

	if (names[_i].name == NULL) {
		ck_assert(!decode_name(str_n(names[_i].wire, names[_i].n), &out, p));
	} else {
		ck_assert(decode_name(str_n(names[_i].wire, names[_i].n), &out, p));
		ck_str_is(out, names[_i].name);
	}
	pool_free(p);
}
END_TEST

static const struct {
	unsigned type;
	const char *wire;
	size_t n;
	bool ok;
} rdata[] = {
	{ DNS_A, W("\1\2\3\4"), true },
	{ DNS_A, W("\1\2\3"), false },
	{ DNS_AAAA, W("0123456789abcdef"), true },
	{ DNS_AAAA, W("0123456789abcde"), false },
	{ DNS_MX, W("\0\12\1a\0"), true },
	{ DNS_MX, W("\0\12\0"), true },
	{ DNS_MX, W("\0\12"), false },
	{ DNS_MX, W("\0"), false },
	{ DNS_TXT, W("\3abc\2de"), true },
	{ DNS_TXT, W("\0"), true },
	{ DNS_TXT, W("\3ab"), false },
	{ DNS_TXT, W(""), false },
	{ DNS_TLSA, W("\3\1\0x"), true },
	{ DNS_TLSA, W("\3\1\1"), false },
	{ DNS_TLSA, W("\3\1\1x"), false },
	{ DNS_TLSA, W("\3\1\1" "0123456789abcdef0123456789abcdef"), true },
	{ DNS_TLSA, W("\3\1\2" "0123456789abcdef0123456789abcdef"), false },
	{ DNS_TLSA, W("\3"), false },
	{ 2, W("\1a\0"), false },
};

START_TEST(data)
{
	struct pool *p = pool_new();
	struct dns_record out;

	ck_assert_int_eq(decode_rdata(rdata[_i].type, str_n(rdata[_i].wire, rdata[_i].n), &out, p),
	    rdata[_i].ok);
	pool_free(p);
}
END_TEST

START_TEST(order)
{
	bool seen[3] = { false };

	for (unsigned round = 0; round < 200; round++) {
		struct dns_record v[5] = { { .pref = 20, .name = STR("x") }, { .pref = 10,
			.name = STR("0") }, { .pref = 5, .name = STR("y") }, { .pref = 10,
			.name = STR("1") }, { .pref = 10, .name = STR("2") } };

		decode_order_mx(v, 5);
		ck_str_is(v[0].name, "y");
		ck_str_is(v[4].name, "x");
		seen[v[1].name.p[0] - '0'] = true;
	}
	ck_assert(seen[0] && seen[1] && seen[2]);
}
END_TEST

static const struct {
	const char *stub, *forwarder;
	bool ok;
} settings[] = {
	{ "example.test@127.0.0.1@5353", "192.0.2.1", true },
	{ "example.test@::1", "2001:db8::1@53", true },
	{ "example.test", "192.0.2.1", false },
	{ "example.test@127.0.0.1@99999", "192.0.2.1", false },
	{ "example.test@127.0.0.1@5353@x", "192.0.2.1", false },
	{ "a\"b@127.0.0.1", "192.0.2.1", false },
	{ "example.test@127.0.0.1", "dns.example", false },
	{ "example.test@127.0.0.1", "1.2.3.4\nserver:", false },
};

START_TEST(setup)
{
	struct str stub = str_of(settings[_i].stub), forwarder = str_of(settings[_i].forwarder), what;
	struct dnsd_conf c = { .stub_zones = { &stub, 1 }, .forwarders = { &forwarder, 1 },
		.anchor_file = "", .query_limit = 100, .cache_bytes = 1 << 20 };
	struct buf out = { 0 };
	const char *why;

	ck_assert_int_eq(setup_text(&out, &c, &why, &what), settings[_i].ok);
	buf_free(&out);
}
END_TEST

/* N2: a libunbound from before KeyTrap (CVE-2023-50387) was mended anywhere is not used. */
static const struct {
	const char *version;
	bool ok;
} versions[] = {
	{ "1.17.1", true }, { "1.17.2", true }, { "1.19.1", true }, { "1.22.0", true },
	{ "2.0", true }, { "1.18.0rc1", true }, { "1.17.0", false }, { "1.9.0", false },
	{ "1.13.1", false }, { "0.99.99", false }, { "1.17", false }, { "", false }, { "x", false },
};

START_TEST(version)
{
	ck_assert_int_eq(setup_version_ok(str_of(versions[_i].version)), versions[_i].ok);
	ck_assert_msg(setup_version_ok(str_of(ub_version())), "libunbound %s", ub_version());
}
END_TEST

/* N2: what one question, and all of them, may cost is bounded; the library takes it so. */
static const char *const costs[] = {
	" num-queries-per-thread: 100\n",
	" val-nsec3-keysize-iterations: \"1024 150 2048 150 4096 150\"\n",
	" val-max-restart: 5\n",
	" max-sent-count: 32\n",
	" max-query-restarts: 11\n",
};

START_TEST(cost)
{
	struct dnsd_conf c = { .anchor_file = "", .query_limit = 100, .cache_bytes = 1 << 20 };
	struct ub_ctx *ctx = ub_ctx_create();
	struct buf out = { 0 };
	struct str what;
	const char *why;
	char path[60];
	int fd;

	ck_assert(setup_text(&out, &c, &why, &what));
	ck_assert_msg(str_find(buf_str(&out), str_of(costs[_i])) >= 0, "%s", costs[_i]);
	fd = memfd_create("conf", MFD_CLOEXEC);
	ck_assert_int_eq(write(fd, out.p, out.n), (ssize_t)out.n);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ck_assert_int_eq(ub_ctx_config(ctx, path), 0);
	(void)close(fd);
	ub_ctx_delete(ctx);
	buf_free(&out);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/decode");
	TCase *t = tcase_create("decode");

	tcase_add_loop_test(t, name, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_loop_test(t, data, 0, sizeof(rdata) / sizeof(rdata[0]));
	tcase_add_test(t, order);
	tcase_add_loop_test(t, setup, 0, sizeof(settings) / sizeof(settings[0]));
	unit_add_rows(t, version, versions);
	unit_add_rows(t, cost, costs);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
