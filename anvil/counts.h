/* SPDX-License-Identifier: ISC */
/*
 * counts - connections, rates and penalties by service and client.
 *
 * Pure but for the clock value handed in: no loop, no messages.  Memory is bounded: beyond the
 * limit the client that was silent longest and has no open connection is forgotten.
 */
#ifndef ANVIL_COUNTS_H
#define ANVIL_COUNTS_H

#include "base/buf.h"
#include "base/clock.h"
#include "wire/anvil.h"

struct counts_limits {
	msec_t unit;		/* rates are per this time */
	size_t clients;
	msec_t penalty;		/* for the first failed login; doubled with each more */
	msec_t penalty_max;
	msec_t penalty_memory;	/* failures are forgotten after this */
};

/* Once, and again to begin anew. */
void counts_init(const struct counts_limits *limits);

/* Count one event at time `now`; gives what it adds up to. */
struct anvil_counted counts_add(const struct anvil_count *q, msec_t now);

/* How many clients are remembered. */
size_t counts_size(void);

/*
 * The largest counts since the last call, one line each as Postfix's anvil logs them, without
 * "statistics: "; gives how many.  Lines live until the next call.
 */
#define COUNTS_LINES	7
size_t counts_report(struct str lines[COUNTS_LINES]);

#endif
