/* SPDX-License-Identifier: ISC */
/*
 * hosts - the hosts that take mail for a destination, in the order to try them (RFC 5321 5.1).
 *
 * MX records by preference, equal ones in random order; without MX the domain's own addresses; no
 * mail at all for a null MX (RFC 7505).  Where one of the hosts is this machine, it and all that are
 * no better are left out, so that mail never turns back.
 */
#ifndef SMTP_HOSTS_H
#define SMTP_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "smtp/dest.h"
#include "io/net.h"
#include "wire/dns.h"

#define HOSTS_MAX	100	/* addresses kept of one destination */

struct host {
	struct str name;
	uint64_t pref;
	struct net_addr addr;	/* with the port */
	struct str domain;	/* the destination that led to it, filled in by who tries it */
};

struct hosts {
	struct host v[HOSTS_MAX];
	size_t n;
};

enum hosts_prefer { PREFER_ANY, PREFER_IPV6, PREFER_IPV4 };

/* How to choose, and who we are. */
struct hosts_rules {
	bool ipv4, ipv6;
	enum hosts_prefer prefer;
	size_t enough;			/* addresses that will be tried; no need to find more */
	struct str myhostname;
	const struct net_addr *own;	/* our addresses, and those of proxies in front of us */
	size_t own_n;
	const uint16_t *own_ports;	/* ports on which we take mail */
	size_t own_ports_n;
};

enum hosts_result {
	HOSTS_OK,
	HOSTS_LATER,	/* defer */
	HOSTS_NEVER,	/* bounce */
};

struct hosts_why {
	const char *dsn;	/* "5.4.4" */
	struct str text;	/* in the pool */
};

/* dns_lookup of ask/dns.h, or what a test puts in its place. */
typedef enum dns_status hosts_lookup(struct str name, enum dns_type type, struct pool *pool,
    struct dns_answer *out, msec_t deadline);

/*
 * Find the hosts of `d` within the deadline.  Names live in `pool`.  Unless the result is HOSTS_OK
 * (one host at least), `why` says what to tell people.
 */
enum hosts_result hosts_find(const struct dest *d, const struct hosts_rules *rules,
    hosts_lookup *lookup, struct pool *pool, struct hosts *out, struct hosts_why *why,
    msec_t deadline);

/* Is this address and port our own door?  The unspecified address reaches this machine too. */
bool hosts_is_self(const struct hosts_rules *rules, const struct net_addr *a);

/*
 * Put `v` in the order to try: by preference, inside one preference by chance, but a preferred
 * family first.
 */
void hosts_order(struct host *v, size_t n, enum hosts_prefer prefer);

#endif
