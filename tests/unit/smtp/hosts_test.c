/* SPDX-License-Identifier: ISC */
#include "smtp/hosts.h"
#include "unit/unit.h"

/* What the DNS says: records of a name, or a failure. */
static const struct record {
	const char *name;
	enum dns_type type;
	enum dns_status status;
	uint64_t pref;
	const char *value;	/* MX: name, "" the root; A, AAAA: address */
} zone[] = {
	{ "plain.test", DNS_MX, DNS_OK, 20, "b.plain.test" },
	{ "plain.test", DNS_MX, DNS_OK, 10, "a.plain.test" },
	{ "a.plain.test", DNS_A, DNS_OK, 0, "192.0.2.1" },
	{ "a.plain.test", DNS_AAAA, DNS_OK, 0, "2001:db8::1" },
	{ "b.plain.test", DNS_A, DNS_OK, 0, "192.0.2.2" },
	{ "null.test", DNS_MX, DNS_OK, 0, "" },
	{ "nomx.test", DNS_A, DNS_OK, 0, "192.0.2.3" },
	{ "temp.test", DNS_MX, DNS_TEMPFAIL, 0, NULL },
	{ "bogus.test", DNS_MX, DNS_BOGUS, 0, NULL },
	{ "halftemp.test", DNS_MX, DNS_OK, 10, "gone.test" },
	{ "halftemp.test", DNS_MX, DNS_OK, 20, "tempaddr.test" },
	{ "tempaddr.test", DNS_A, DNS_TEMPFAIL, 0, NULL },
	{ "deadmx.test", DNS_MX, DNS_OK, 10, "gone.test" },
	{ "cut.test", DNS_MX, DNS_OK, 10, "gone.test" },
	{ "oneup.test", DNS_MX, DNS_OK, 10, "gone.test" },
	{ "oneup.test", DNS_MX, DNS_OK, 20, "b.plain.test" },
	{ "self.test", DNS_MX, DNS_OK, 10, "us.test" },
	{ "self.test", DNS_MX, DNS_OK, 20, "b.plain.test" },
	{ "us.test", DNS_A, DNS_OK, 0, "192.0.2.99" },
	{ "backup.test", DNS_MX, DNS_OK, 10, "a.plain.test" },
	{ "backup.test", DNS_MX, DNS_OK, 20, "us.test" },
	{ "backup.test", DNS_MX, DNS_OK, 20, "b.plain.test" },
	{ "backup.test", DNS_MX, DNS_OK, 30, "c.plain.test" },
	{ "c.plain.test", DNS_A, DNS_OK, 0, "192.0.2.4" },
	{ "noprimary.test", DNS_MX, DNS_OK, 10, "gone.test" },
	{ "noprimary.test", DNS_MX, DNS_OK, 20, "us.test" },
	{ "zero.test", DNS_MX, DNS_OK, 10, "anyaddr.test" },
	{ "anyaddr.test", DNS_A, DNS_OK, 0, "0.0.0.0" },
	{ "byname.test", DNS_MX, DNS_OK, 10, "mail.us.test" },
	{ "mail.us.test", DNS_A, DNS_OK, 0, "192.0.2.98" },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static enum dns_status
lookup(struct str name, enum dns_type type, struct pool *pool, struct dns_answer *out,
    msec_t deadline)
{
	struct dns_record *v = pool_array(pool, COUNT(zone), sizeof(*v));
	struct net_addr a;
	bool known = false;

	*out = (struct dns_answer){ .records = { v, 0 } };
	for (size_t i = 0; i < COUNT(zone); i++) {
		const struct record *r = &zone[i];

		if (!str_ieq(name, str_of(r->name)))
			continue;
		known = true;
		if (r->type != type)
			continue;
		if (r->status != DNS_OK)
			return out->status = r->status;
		v[out->records.n].pref = r->pref;
		if (type == DNS_MX) {
			v[out->records.n].name = str_of(r->value);
		} else {
			ck_assert(net_parse(str_of(r->value), 0, &a));
			v[out->records.n].data = type == DNS_A ?
			    pool_str(pool, str_n(&((struct sockaddr_in *)&a.ss)->sin_addr, 4)) :
			    pool_str(pool, str_n(&((struct sockaddr_in6 *)&a.ss)->sin6_addr, 16));
		}
		out->records.n++;
	}
	out->cut = str_eq(name, STR("cut.test"));	/* dnsd left the rest out */
	out->status = out->records.n > 0 ? DNS_OK : known ? DNS_NODATA : DNS_NXDOMAIN;
	return out->status;
}

static struct hosts_rules
rules(void)
{
	static struct net_addr own;
	static const uint16_t ports[] = { 25 };

	ck_assert(net_parse(STR("192.0.2.99"), 25, &own));
	return (struct hosts_rules){ .ipv4 = true, .ipv6 = true, .prefer = PREFER_IPV6, .enough = 5,
		.myhostname = STR("mail.us.test"), .own = &own, .own_n = 1, .own_ports = ports,
		.own_ports_n = 1 };
}

static const struct row {
	const char *dest;
	enum hosts_result result;
	const char *want;	/* hosts in order, or code and text */
} rows[] = {
	{ "plain.test", HOSTS_OK, "a.plain.test[2001:db8::1] a.plain.test[192.0.2.1] "
	    "b.plain.test[192.0.2.2] " },
	{ "PLAIN.test", HOSTS_OK, "a.plain.test[2001:db8::1] a.plain.test[192.0.2.1] "
	    "b.plain.test[192.0.2.2] " },
	{ "[a.plain.test]", HOSTS_OK, "a.plain.test[2001:db8::1] a.plain.test[192.0.2.1] " },
	{ "[192.0.2.7]", HOSTS_OK, "192.0.2.7[192.0.2.7] " },
	{ "nomx.test", HOSTS_OK, "nomx.test[192.0.2.3] " },
	{ "oneup.test", HOSTS_OK, "b.plain.test[192.0.2.2] " },
	{ "null.test", HOSTS_NEVER, "5.1.10 Domain null.test does not accept mail (nullMX)" },
	{ "nowhere.test", HOSTS_NEVER, "5.4.4 Host or domain name not found. Name service error "
	    "for name=nowhere.test type=MX: Host not found" },
	{ "[nowhere.test]", HOSTS_NEVER, "5.4.4 Host or domain name not found. Name service error "
	    "for name=nowhere.test type=AAAA: Host not found" },
	{ "temp.test", HOSTS_LATER, "4.4.3 Host or domain name not found. Name service error "
	    "for name=temp.test type=MX: Host not found, try again" },
	{ "bogus.test", HOSTS_LATER, "4.4.3 Host or domain name not found. Name service error "
	    "for name=bogus.test type=MX: DNSSEC validation failed, try again" },
	{ "halftemp.test", HOSTS_LATER, "4.4.3 Host or domain name not found. Name service error "
	    "for name=tempaddr.test type=A: Host not found, try again" },
	{ "deadmx.test", HOSTS_NEVER, "5.4.4 Host or domain name not found. Name service error "
	    "for name=gone.test type=AAAA: Host not found" },
	{ "cut.test", HOSTS_LATER, "4.4.3 Host or domain name not found. Name service error "
	    "for name=gone.test type=AAAA: Host not found" },
	{ "self.test", HOSTS_NEVER, "5.4.6 mail for self.test loops back to myself" },
	{ "zero.test", HOSTS_NEVER, "5.4.6 mail for zero.test loops back to myself" },
	{ "byname.test", HOSTS_NEVER, "5.4.6 mail for byname.test loops back to myself" },
	{ "[192.0.2.99]", HOSTS_NEVER, "5.4.6 mail for 192.0.2.99 loops back to myself" },
	{ "[us.test]", HOSTS_NEVER, "5.4.6 mail for us.test loops back to myself" },
	/* Another port is another door. */
	{ "[192.0.2.99]:10025", HOSTS_OK, "192.0.2.99[192.0.2.99] " },
	{ "self.test:10025", HOSTS_OK, "us.test[192.0.2.99] b.plain.test[192.0.2.2] " },
	/* We are a backup: only those better than us. */
	{ "backup.test", HOSTS_OK, "a.plain.test[2001:db8::1] a.plain.test[192.0.2.1] " },
	{ "noprimary.test", HOSTS_LATER, "4.4.4 unable to find primary relay for noprimary.test" },
};

START_TEST(find)
{
	const struct row *r = &rows[_i];
	struct hosts_rules how = rules();
	struct pool *pool = pool_new();
	struct hosts *hosts = pool_alloc(pool, sizeof(*hosts));
	struct hosts_why why = { 0 };
	struct buf got = { 0 };
	struct dest d;

	ck_assert(dest_parse(str_of(r->dest), 25, &d));
	ck_assert_msg(hosts_find(&d, &how, lookup, pool, hosts, &why, NEVER) == r->result, "%s",
	    r->dest);
	if (r->result != HOSTS_OK)
		buf_addf(&got, "%s %.*s", why.dsn, STR_ARG(why.text));
	for (size_t i = 0; r->result == HOSTS_OK && i < hosts->n; i++)
		buf_addf(&got, "%.*s[%.*s] ", STR_ARG(hosts->v[i].name),
		    STR_ARG(net_ip(pool, &hosts->v[i].addr)));
	ck_str_is(buf_str(&got), r->want);
	buf_free(&got);
	pool_free(pool);
}
END_TEST

/* Equal ones by chance: each of three comes first sometimes, the worse one never. */
START_TEST(chance)
{
	unsigned first[4] = { 0 };

	for (int i = 0; i < 300; i++) {
		struct host v[4] = { { .pref = 10 }, { .pref = 20 }, { .pref = 10 }, { .pref = 10 } };

		v[0].name = STR("0");
		v[1].name = STR("1");
		v[2].name = STR("2");
		v[3].name = STR("3");
		hosts_order(v, 4, PREFER_ANY);
		ck_str_is(v[3].name, "1");
		first[v[0].name.p[0] - '0']++;
	}
	ck_assert(first[0] > 30 && first[2] > 30 && first[3] > 30 && first[1] == 0);
}
END_TEST

START_TEST(families)
{
	struct hosts_rules how = rules();
	struct pool *pool = pool_new();
	struct hosts *hosts = pool_alloc(pool, sizeof(*hosts));
	struct hosts_why why;
	struct dest d;

	ck_assert(dest_parse(STR("plain.test"), 25, &d));
	how.ipv6 = false;
	ck_assert_int_eq(hosts_find(&d, &how, lookup, pool, hosts, &why, NEVER), HOSTS_OK);
	ck_assert_uint_eq(hosts->n, 2);
	how.ipv6 = true;
	how.ipv4 = false;
	ck_assert_int_eq(hosts_find(&d, &how, lookup, pool, hosts, &why, NEVER), HOSTS_OK);
	ck_assert_uint_eq(hosts->n, 1);
	/* No more is looked up than will be tried. */
	how.ipv4 = true;
	how.enough = 1;
	ck_assert_int_eq(hosts_find(&d, &how, lookup, pool, hosts, &why, NEVER), HOSTS_OK);
	ck_assert_uint_eq(hosts->n, 2);
	pool_free(pool);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("smtp/hosts");
	TCase *t = tcase_create("hosts");

	tcase_add_loop_test(t, find, 0, COUNT(rows));
	tcase_add_test(t, chance);
	tcase_add_test(t, families);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
