/* SPDX-License-Identifier: ISC */
/*
 * delivery - one `deliver` of qmgr: some recipients of one message for one destination.
 *
 * Walks over the hosts of the destination until every recipient has its fate, each logged the
 * moment it is known.
 */
#ifndef SMTP_DELIVERY_H
#define SMTP_DELIVERY_H

#include <stdbool.h>

#include "base/pool.h"
#include "smtp/fate.h"
#include "smtp/hosts.h"
#include "wire/deliver.h"
#include "wire/deliver_log.h"

#define HOSTS_MS	60000	/* all DNS questions of one destination */

struct session;

struct delivery {
	const struct deliver *msg;
	const struct deliver_rcpt *rcpts;	/* msg->rcpts */
	size_t n;
	struct pool *pool;		/* lives until the result was told */
	struct result_rcpt *results;	/* one for each recipient */
	bool *decided;
	size_t left;			/* recipients without a fate */
	struct deliver_times times;
	msec_t limit;
	struct session *session;	/* the one in use; NULL: none yet */
	bool final;			/* no host is left to try after this one */
	uint64_t hop;			/* as in struct result */
};

/*
 * Deliver and give the result; texts live in `pool`, as does the result.  Waits, for an hour at
 * most (smtp_delivery_time_limit).
 */
struct result *delivery_run(const struct deliver *msg, const struct hosts_rules *rules,
    hosts_lookup *lookup, struct pool *pool);

/* Recipient `i` has its fate: keep and log it. */
void delivery_decide(struct delivery *d, size_t i, const struct fate *f);

/*
 * A server answered for recipient `i`: the same, unless that is a temporary refusal and there are
 * other hosts to try: then it is only logged, and the recipient is left.
 */
void delivery_answer(struct delivery *d, size_t i, const struct fate *f);

/* delivery_answer for all that are left; logged once. */
void delivery_answer_all(struct delivery *d, const struct fate *f);

#endif
