/* SPDX-License-Identifier: ISC */
/*
 * clock - two clocks.
 *
 * Waiting and deadlines use milliseconds of the monotonic clock, which nobody sets; a deadline is a
 * point in that time, never a length.  Wall time appears only in headers, logs, file names and the
 * age of mail.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

typedef int64_t msec_t;

/* A deadline that never comes. */
#define NEVER	INT64_MAX

/* Now, monotonic. */
msec_t clock_ms(void);

/* The same clock in microseconds, to see how long something took. */
int64_t clock_us(void);

/* The deadline `ms` from now; NEVER stays NEVER. */
msec_t deadline_in(msec_t ms);

/* How long until `deadline`, 0 when it has passed. */
msec_t deadline_left(msec_t deadline);

/* The earlier of two deadlines. */
msec_t deadline_first(msec_t a, msec_t b);

/* Wall time, microseconds since 1970. */
int64_t clock_wall_us(void);

/* Wall time, seconds since 1970. */
int64_t clock_wall(void);

#endif
