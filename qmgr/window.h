/* SPDX-License-Identifier: ISC */
/*
 * window - how many deliveries at once a destination gets, and when a message is tried again.
 *
 * Pure: numbers in, numbers out.  A window begins small, grows with every delivery that works and
 * shrinks with every one that could not reach the destination; enough failures in a row, counted in
 * rounds of a whole window (cohorts), make the destination dead.
 */
#ifndef QMGR_WINDOW_H
#define QMGR_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Feedback: `amount`, divided by the window or its square root when so written. */
struct feedback {
	double amount;
	enum { FEEDBACK_FIXED, FEEDBACK_WINDOW, FEEDBACK_ROOT } by;
};

/* "1", "0.5", "1/concurrency", "1/sqrt_concurrency"; false for anything else. */
bool feedback_parse(struct str text, struct feedback *out);

struct window_rules {
	unsigned initial;
	unsigned limit;
	unsigned cohorts;		/* 0: never dead */
	struct feedback plus, minus;
};

struct window {
	unsigned size;
	double credit;
	double failed;			/* cohorts that failed in a row */
};

/* A destination nothing is known of. */
struct window window_new(const struct window_rules *r);

/* A delivery worked; `busy` were under way, this one included. */
void window_good(struct window *w, const struct window_rules *r, unsigned busy);

/* The destination could not be reached; true when it counts as dead now. */
bool window_bad(struct window *w, const struct window_rules *r);

/*
 * Milliseconds until the next attempt of a message of this age: its age, so that waits double, but
 * at least `min` and at most `max`, and up to a quarter more by `random` (0 to UINT32_MAX), so that
 * what failed together does not come back together.
 */
int64_t backoff_ms(int64_t age_ms, int64_t min_ms, int64_t max_ms, uint32_t random);

#endif
