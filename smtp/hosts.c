/* SPDX-License-Identifier: ISC */
#include "smtp/hosts.h"

#include <stdlib.h>

#include "base/hash.h"

/* What went wrong with the last name that could not be used. */
struct trouble {
	bool later;
	struct str name;
	enum dns_type type;
	enum dns_status status;
};

static struct str
ip_bytes(const struct net_addr *a)
{
	const struct sockaddr_in *v4 = (const void *)&a->ss;
	const struct sockaddr_in6 *v6 = (const void *)&a->ss;

	if (a->ss.ss_family == AF_INET)
		return str_n(&v4->sin_addr, sizeof(v4->sin_addr));
	if (a->ss.ss_family == AF_INET6) {
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			return str_n(v6->sin6_addr.s6_addr + 12, 4);
		return str_n(&v6->sin6_addr, sizeof(v6->sin6_addr));
	}
	return STR("");
}

bool
hosts_is_self(const struct hosts_rules *rules, const struct net_addr *a)
{
	static const char nothing[16];
	struct str ip = ip_bytes(a);
	uint16_t port = net_port(a);
	bool ours = false;

	for (size_t i = 0; i < rules->own_ports_n; i++)
		ours = ours || rules->own_ports[i] == port;
	if (!ours)
		return false;
	if (str_eq(ip, str_n(nothing, ip.n)))
		return true;
	for (size_t i = 0; i < rules->own_n; i++)
		if (str_eq(ip, ip_bytes(&rules->own[i])))
			return true;
	return false;
}

/* A host is us when it has our name (and one of our ports) or one of our addresses. */
static bool
is_self(const struct hosts_rules *rules, const struct host *h)
{
	if (hosts_is_self(rules, &h->addr))
		return true;
	if (!str_ieq(h->name, rules->myhostname))
		return false;
	for (size_t i = 0; i < rules->own_ports_n; i++)
		if (rules->own_ports[i] == net_port(&h->addr))
			return true;
	return false;
}

static int
family_rank(const struct host *h, enum hosts_prefer prefer)
{
	if (prefer == PREFER_IPV6)
		return h->addr.ss.ss_family == AF_INET6 ? 0 : 1;
	if (prefer == PREFER_IPV4)
		return h->addr.ss.ss_family == AF_INET ? 0 : 1;
	return 0;
}

static bool
before(const struct host *a, const struct host *b, enum hosts_prefer prefer)
{
	if (a->pref != b->pref)
		return a->pref < b->pref;
	return family_rank(a, prefer) < family_rank(b, prefer);
}

void
hosts_order(struct host *v, size_t n, enum hosts_prefer prefer)
{
	struct host h;
	size_t j;

	for (size_t i = n; i > 1; i--) {
		j = random_below((uint32_t)i);
		h = v[i - 1];
		v[i - 1] = v[j];
		v[j] = h;
	}
	/* Insertion keeps the chance order of equals; n is small. */
	for (size_t i = 1; i < n; i++) {
		h = v[i];
		for (j = i; j > 0 && before(&h, &v[j - 1], prefer); j--)
			v[j] = v[j - 1];
		v[j] = h;
	}
}

static void
add_addresses(struct hosts *out, const struct dns_answer *a, struct str name, uint64_t pref,
    uint16_t port)
{
	const struct dns_record *r = a->records.v;

	for (size_t i = 0; i < a->records.n && out->n < HOSTS_MAX; i++) {
		struct host *h = &out->v[out->n];
		struct sockaddr_in *v4 = (void *)&h->addr.ss;
		struct sockaddr_in6 *v6 = (void *)&h->addr.ss;

		*h = (struct host){ .name = name, .pref = pref };
		if (r[i].data.n == sizeof(v4->sin_addr)) {
			v4->sin_family = AF_INET;
			v4->sin_port = htons(port);
			memcpy(&v4->sin_addr, r[i].data.p, r[i].data.n);
			h->addr.len = sizeof(*v4);
		} else if (r[i].data.n == sizeof(v6->sin6_addr)) {
			v6->sin6_family = AF_INET6;
			v6->sin6_port = htons(port);
			memcpy(&v6->sin6_addr, r[i].data.p, r[i].data.n);
			h->addr.len = sizeof(*v6);
		} else {
			continue;
		}
		out->n++;
	}
}

/* Append the addresses of one host name; `t` is set when there is none. */
static void
find_addresses(struct str name, uint64_t pref, uint16_t port, const struct hosts_rules *rules,
    hosts_lookup *lookup, struct pool *pool, struct hosts *out, struct trouble *t, msec_t deadline)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA };
	struct trouble no = { .name = name };
	size_t had = out->n;

	for (size_t i = 0; i < 2; i++) {
		struct dns_answer a = { 0 };
		enum dns_status s;

		if (!(types[i] == DNS_A ? rules->ipv4 : rules->ipv6))
			continue;
		s = lookup(name, types[i], pool, &a, deadline);
		if (s == DNS_OK) {
			add_addresses(out, &a, name, pref, port);
			continue;
		}
		if (no.later)
			continue;
		no.type = types[i];
		no.status = s;
		no.later = s == DNS_TEMPFAIL || s == DNS_BOGUS;
	}
	if (out->n == had && !(t->later && !no.later))
		*t = no;
}

static const char *
status_text(enum dns_status s)
{
	switch (s) {
	case DNS_TEMPFAIL:
		return "Host not found, try again";
	case DNS_BOGUS:
		return "DNSSEC validation failed, try again";
	case DNS_NODATA:
	case DNS_OK:
		return "Host found but no data record of requested type";
	case DNS_BAD:
		return "Invalid host or domain name";
	case DNS_NXDOMAIN:
	default:
		return "Host not found";
	}
}

static enum hosts_result
not_found(const struct trouble *t, struct pool *pool, struct hosts_why *why)
{
	const char *type = dns_type_name(t->type);

	why->dsn = t->later ? "4.4.3" : "5.4.4";
	why->text = pool_printf(pool, "Host or domain name not found. Name service error for "
	    "name=%.*s type=%s: %s", STR_ARG(t->name), type == NULL ? "A" : type,
	    status_text(t->status));
	return t->later ? HOSTS_LATER : HOSTS_NEVER;
}

static enum hosts_result
loops(const struct dest *d, struct pool *pool, struct hosts_why *why)
{
	why->dsn = "5.4.6";
	why->text = pool_printf(pool, "mail for %.*s loops back to myself", STR_ARG(d->host));
	return HOSTS_NEVER;
}

/* The destination's own addresses: brackets, or a domain without MX. */
static enum hosts_result
find_host(const struct dest *d, const struct hosts_rules *rules, hosts_lookup *lookup,
    struct pool *pool, struct hosts *out, struct hosts_why *why, msec_t deadline)
{
	struct trouble t = { 0 };

	find_addresses(d->host, 0, d->port, rules, lookup, pool, out, &t, deadline);
	if (out->n == 0)
		return not_found(&t, pool, why);
	for (size_t i = 0; i < out->n; i++)
		if (is_self(rules, &out->v[i]))
			return loops(d, pool, why);
	hosts_order(out->v, out->n, rules->prefer);
	return HOSTS_OK;
}

/* Leave out every host from `pref` on. */
static void
cut_off(struct hosts *out, uint64_t pref)
{
	size_t n = 0;

	for (size_t i = 0; i < out->n; i++)
		if (out->v[i].pref < pref)
			out->v[n++] = out->v[i];
	out->n = n;
}

static int
by_pref(const void *a, const void *b)
{
	uint64_t x = ((const struct dns_record *)a)->pref, y = ((const struct dns_record *)b)->pref;

	return x < y ? -1 : x > y;
}

/*
 * Resolve the exchangers group by group, best first.  A group of equal preference is always looked
 * at whole: one of them may be us.  Stops when enough addresses are known.
 */
static enum hosts_result
find_exchangers(const struct dest *d, struct dns_record *mx, size_t n, bool cut,
    const struct hosts_rules *rules, hosts_lookup *lookup, struct pool *pool, struct hosts *out,
    struct hosts_why *why, msec_t deadline)
{
	struct trouble t = { .name = d->host, .type = DNS_MX };
	bool self = false;

	qsort(mx, n, sizeof(*mx), by_pref);
	for (size_t i = 0; i < n && !self; i++) {
		size_t had = out->n;

		if (i > 0 && mx[i].pref != mx[i - 1].pref && out->n >= rules->enough)
			break;
		if (mx[i].name.n == 0)		/* "." beside real ones means nothing */
			continue;
		find_addresses(mx[i].name, mx[i].pref, d->port, rules, lookup, pool, out, &t,
		    deadline);
		for (size_t j = had; j < out->n; j++)
			self = self || is_self(rules, &out->v[j]);
		if (self)
			cut_off(out, mx[i].pref);
		if (self && out->n == 0 && mx[i].pref == mx[0].pref)
			return loops(d, pool, why);
	}
	if (out->n == 0 && self) {	/* we are a backup, and nobody better can be found */
		why->dsn = "4.4.4";
		why->text = pool_printf(pool, "unable to find primary relay for %.*s",
		    STR_ARG(d->host));
		return HOSTS_LATER;
	}
	if (out->n == 0) {
		t.later = t.later || cut;	/* one that was not looked at may be good */
		return not_found(&t, pool, why);
	}
	hosts_order(out->v, out->n, rules->prefer);
	return HOSTS_OK;
}

enum hosts_result
hosts_find(const struct dest *d, const struct hosts_rules *rules, hosts_lookup *lookup,
    struct pool *pool, struct hosts *out, struct hosts_why *why, msec_t deadline)
{
	struct dns_answer a = { 0 };
	struct dns_record *mx;
	struct trouble t = { .name = d->host, .type = DNS_MX };

	out->n = 0;
	if (d->literal) {
		out->v[out->n++] = (struct host){ d->host, 0, d->addr };
		return is_self(rules, &out->v[0]) ? loops(d, pool, why) : HOSTS_OK;
	}
	if (!d->mx)
		return find_host(d, rules, lookup, pool, out, why, deadline);
	t.status = lookup(d->host, DNS_MX, pool, &a, deadline);
	if (t.status == DNS_NODATA)
		return find_host(d, rules, lookup, pool, out, why, deadline);
	if (t.status != DNS_OK) {
		t.later = t.status == DNS_TEMPFAIL || t.status == DNS_BOGUS;
		return not_found(&t, pool, why);
	}
	mx = a.records.v;
	if (a.records.n == 1 && mx[0].name.n == 0) {
		why->dsn = "5.1.10";
		why->text = pool_printf(pool, "Domain %.*s does not accept mail (nullMX)",
		    STR_ARG(d->host));
		return HOSTS_NEVER;
	}
	return find_exchangers(d, mx, a.records.n, a.cut, rules, lookup, pool, out, why,
	    deadline);
}
