/* SPDX-License-Identifier: ISC */
/*
 * ask/bounce - tell the sender what became of a message.
 */
#ifndef ASK_BOUNCE_H
#define ASK_BOUNCE_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/pool.h"
#include "wire/bounce.h"

/*
 * Have a notice written and queued.  True when it is on stable storage or none is due (then
 * `done->queue_id` is empty); false when it has to be asked again later.  Reply texts are cut when all
 * recipients together would not fit in a message.  The descriptor in `n` stays the caller's.
 */
bool bounce_notify(const struct notify *n, struct notified *done, struct pool *pool,
    msec_t deadline);

#endif
