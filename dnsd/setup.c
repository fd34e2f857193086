/* SPDX-License-Identifier: ISC */
#include "dnsd/setup.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "wire/dns.h"

/* Debian 12's, with the mends of 2024; 1.19.1 has them from its makers. */
static const uint64_t oldest[] = { 1, 17, 1 };

bool
setup_version_ok(struct str version)
{
	for (size_t i = 0; i < sizeof(oldest) / sizeof(oldest[0]); i++) {
		struct str digits;
		size_t n = 0;
		uint64_t part;

		while (n < version.n && ch_digit(version.p[n]))
			n++;
		digits = str_n(version.p, n);
		if (!str_u64(digits, UINT32_MAX, &part))
			return false;
		if (part != oldest[i])
			return part > oldest[i];
		version = str_sub(version, n + 1, version.n);
	}
	return true;
}

static bool
zone_ok(struct str zone)
{
	if (str_eq(zone, STR(".")))
		return true;
	if (str_end(zone, STR(".")))
		zone.n--;
	return dns_name_ok(zone);
}

/* addr = IP [ "@" port ] */
static bool
address_ok(struct str addr)
{
	unsigned char bytes[16];
	char text[64];
	struct str ip, rest = addr;
	uint64_t port;

	if (!str_cut(&rest, '@', &ip) || ip.n >= sizeof(text))
		return false;
	if (ip.n < addr.n && !str_u64(rest, 65535, &port))
		return false;
	memcpy(text, ip.p, ip.n);
	text[ip.n] = '\0';
	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* A list item may stand in braces, since it holds blanks. */
static struct str
unbrace(struct str s)
{
	s = str_trim(s);
	if (str_start(s, STR("{")) && str_end(s, STR("}")))
		s = str_trim(str_sub(s, 1, s.n - 2));
	return s;
}

static bool
anchor_ok(struct str anchor)
{
	if (anchor.n == 0)
		return false;
	for (size_t i = 0; i < anchor.n; i++)
		if (!ch_print(anchor.p[i]) || anchor.p[i] == '"' || anchor.p[i] == '\\')
			return false;
	return true;
}

const char *
setup_resolv_conf(const struct dnsd_conf *c)
{
	return c->forwarders.n == 1 && str_start(c->forwarders.v[0], STR("/")) ?
	    c->forwarders.v[0].p : NULL;
}

static bool
add_forwarders(struct buf *out, const struct dnsd_conf *c, struct str *bad)
{
	if (c->forwarders.n == 0 || setup_resolv_conf(c) != NULL ||
	    str_eq(c->forwarders.v[0], STR("none")))
		return true;
	buf_addz(out, "forward-zone:\n name: \".\"\n");
	for (size_t i = 0; i < c->forwarders.n; i++) {
		*bad = c->forwarders.v[i];
		if (!address_ok(*bad))
			return false;
		buf_addf(out, " forward-addr: %.*s\n", STR_ARG(*bad));
	}
	return true;
}

/* Zone by zone, all addresses of one together. */
static bool
add_stubs(struct buf *out, const struct dnsd_conf *c, struct str *bad)
{
	for (size_t i = 0; i < c->stub_zones.n; i++) {
		struct str addr = c->stub_zones.v[i], zone, other, first;
		bool seen = false;

		*bad = addr;
		if (!str_cut(&addr, '@', &zone) || !zone_ok(zone) || !address_ok(addr))
			return false;
		for (size_t k = 0; k < i; k++) {
			other = c->stub_zones.v[k];
			seen = seen || (str_cut(&other, '@', &first) && str_ieq(first, zone));
		}
		if (seen)
			continue;
		buf_addf(out, "stub-zone:\n name: \"%.*s\"\n", STR_ARG(zone));
		for (size_t k = i; k < c->stub_zones.n; k++) {
			other = c->stub_zones.v[k];
			if (str_cut(&other, '@', &first) && str_ieq(first, zone))
				buf_addf(out, " stub-addr: %.*s\n", STR_ARG(other));
		}
	}
	return true;
}

/*
 * A zone with servers of our own is not reached from the root, so the root's anchor says nothing
 * about it; an anchor of its own still counts.
 */
static bool
add_insecure(struct buf *out, const struct dnsd_conf *c, struct str *bad)
{
	for (size_t i = 0; i < c->stub_zones.n; i++) {
		struct str rest = c->stub_zones.v[i], zone;

		if (str_cut(&rest, '@', &zone) && zone_ok(zone))
			buf_addf(out, " domain-insecure: \"%.*s\"\n", STR_ARG(zone));
	}
	for (size_t i = 0; i < c->insecure_zones.n; i++) {
		*bad = c->insecure_zones.v[i];
		if (!zone_ok(*bad))
			return false;
		buf_addf(out, " domain-insecure: \"%.*s\"\n", STR_ARG(*bad));
	}
	return true;
}

static bool
add_anchors(struct buf *out, const struct dnsd_conf *c, struct str *bad)
{
	if (c->anchor_file[0] != '\0' && access(c->anchor_file, R_OK) == 0) {
		*bad = str_of(c->anchor_file);
		if (!anchor_ok(*bad))
			return false;
		buf_addf(out, " trust-anchor-file: \"%s\"\n", c->anchor_file);
	}
	for (size_t i = 0; i < c->anchors.n; i++) {
		*bad = unbrace(c->anchors.v[i]);
		if (!anchor_ok(*bad))
			return false;
		buf_addf(out, " trust-anchor: \"%.*s\"\n", STR_ARG(*bad));
	}
	return true;
}

/*
 * What a hostile zone may cost (security N2): NSEC3 rounds beyond RFC 9276's practice make a zone
 * insecure instead of being computed, and one question asks, and tries signatures again, so often
 * and no more.  How many are in work at once is dnsd_query_limit.
 */
static void
add_costs(struct buf *out)
{
	buf_addz(out, " val-nsec3-keysize-iterations: \"1024 150 2048 150 4096 150\"\n"
	    " val-max-restart: 5\n max-sent-count: 32\n max-query-restarts: 11\n");
}

static void
add_server(struct buf *out, const struct dnsd_conf *c)
{
	/* Names that unbound answers itself by default and tests and local networks need asked. */
	static const char *const asked[] = {
		"test.", "invalid.", "home.arpa.", "10.in-addr.arpa.", "168.192.in-addr.arpa.",
		"d.f.ip6.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa.", "2.0.192.in-addr.arpa.",
		"100.51.198.in-addr.arpa.", "113.0.203.in-addr.arpa.", "254.169.in-addr.arpa.",
	};

	buf_addz(out, "server:\n use-syslog: no\n verbosity: 0\n do-not-query-localhost: no\n"
	    " module-config: \"validator iterator\"\n qname-minimisation: yes\n"
	    " unblock-lan-zones: yes\n insecure-lan-zones: yes\n val-log-level: 2\n"
	    " log-servfail: no\n prefetch: yes\n");
	buf_addf(out, " msg-cache-size: %llu\n rrset-cache-size: %llu\n key-cache-size: %llu\n"
	    " neg-cache-size: %llu\n", (unsigned long long)c->cache_bytes / 4,
	    (unsigned long long)c->cache_bytes / 2, (unsigned long long)c->cache_bytes / 8,
	    (unsigned long long)c->cache_bytes / 8);
	buf_addf(out, " num-queries-per-thread: %u\n outgoing-range: %u\n",
	    (unsigned)c->query_limit, (unsigned)(c->query_limit < 4000 ? c->query_limit : 4000));
	add_costs(out);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		buf_addf(out, " local-zone: \"%s\" nodefault\n", asked[i]);
}

bool
setup_text(struct buf *out, const struct dnsd_conf *c, const char **why, struct str *what)
{
	add_server(out, c);
	*why = "dnsd_insecure_zones: not a zone";
	if (!add_insecure(out, c, what))
		return false;
	*why = "dnsd_trust_anchors: not a DS or DNSKEY record";
	if (!add_anchors(out, c, what))
		return false;
	*why = "dnsd_stub_zones: not ZONE@IP or ZONE@IP@PORT";
	if (!add_stubs(out, c, what))
		return false;
	*why = "dnsd_forwarders: not IP or IP@PORT";
	return add_forwarders(out, c, what) && buf_ok(out);
}
