/* SPDX-License-Identifier: ISC */
/*
 * ask/dns - look something up: a question to dnsd.
 */
#ifndef ASK_DNS_H
#define ASK_DNS_H

#include "base/clock.h"
#include "base/pool.h"
#include "io/net.h"
#include "wire/dns.h"

/*
 * Look `name` up and wait until `deadline`.  Always fills `out`; its texts and records live in
 * `pool`.  The result is out->status, also returned.  A name that may not stand in the DNS gives
 * DNS_BAD without asking; no dnsd gives DNS_TEMPFAIL.  A dot at the end of `name` is ignored.
 *
 * MX records come in the order of their preference, equal ones shuffled; a null MX (RFC 7505) is one
 * record with an empty name.  An answer has at most DNS_MX_MAX, DNS_ADDR_MAX or DNS_RECORD_MAX
 * records.
 */
enum dns_status dns_lookup(struct str name, enum dns_type type, struct pool *pool,
    struct dns_answer *out, msec_t deadline);

/* Record `i` of the answer. */
const struct dns_record *dns_record_at(const struct dns_answer *a, size_t i);

/* The address in an A or AAAA record, with a port; false for any other. */
bool dns_addr(const struct dns_record *r, uint16_t port, struct net_addr *out);

/*
 * The name of an address by PTR, confirmed forwards: true only when some PTR name is a valid host
 * name that has this very address.  On false `name` is "unknown" (what Postfix writes), and
 * *temporary says whether asking later may help (NULL is fine).  `name` lives in `pool`.
 */
bool dns_reverse(const struct net_addr *a, struct pool *pool, struct str *name, bool *temporary,
    msec_t deadline);

/* The name to ask PTR of: "1.2.0.192.in-addr.arpa". */
struct str dns_reverse_name(struct pool *pool, const struct net_addr *a);

#endif
