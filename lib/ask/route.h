/* SPDX-License-Identifier: ISC */
/*
 * ask/route - address decisions: questions to router.
 *
 * Every function fills its answer whatever happens; what it points to lives in `pool`.  No router
 * within the deadline is a temporary failure, in the words of the answer.
 *
 * Where a recipient goes, and that an address may be taken, is remembered for route_cache_time; a
 * refusal or a trouble never.
 */
#ifndef ASK_ROUTE_H
#define ASK_ROUTE_H

#include "base/clock.h"
#include "base/pool.h"
#include "wire/route.h"

/*
 * Where the recipients of a message go: one route for each, in order, numbers as asked.  Without a
 * router every route is ROUTE_LATER.
 */
void route_resolve(const struct resolve *q, struct resolved *out, struct pool *pool,
    msec_t deadline);

/* Route `i` of the answer. */
const struct route *route_at(const struct resolved *r, size_t i);

/* May this recipient be taken?  `trusted`: the client may relay. */
enum check_status route_check_rcpt(struct str addr, bool trusted, struct checked *out,
    struct pool *pool, msec_t deadline);

/* May mail from this sender be taken?  Only what router can know: its form and its own domains. */
enum check_status route_check_sender(struct str addr, struct checked *out, struct pool *pool,
    msec_t deadline);

/*
 * Add what is missing to addresses ("root" becomes root@$myorigin).  False, with `out` the
 * addresses as they were, when there was no router.
 */
bool route_complete(struct strs addrs, struct strs *out, struct pool *pool, msec_t deadline);

#endif
