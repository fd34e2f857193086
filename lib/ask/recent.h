/* SPDX-License-Identifier: ISC */
/*
 * ask/recent - answers of a moment ago, by the question.
 *
 * A burst of mail asks the same again and again.  The key is the packed question, all of it, so an
 * answer is never taken for another question's.  Bounded in number, size and age; the oldest goes
 * first.
 */
#ifndef ASK_RECENT_H
#define ASK_RECENT_H

#include "base/clock.h"
#include "base/pool.h"
#include "ipc/message.h"

struct recent;

/* At most `most` answers; give it to recent_free.  Neither question nor answer holds descriptors. */
struct recent *recent_new(const struct ipc_msg *question, const struct ipc_msg *answer, unsigned most);
void recent_free(struct recent *r);

/* The answer to `question` when it is known; what it points to lives in `pool`. */
bool recent_get(const struct recent *r, const void *question, void *answer, struct pool *pool);

/* Know it until `until`.  One that is too large is not kept. */
void recent_put(struct recent *r, const void *question, const void *answer, msec_t until);

#endif
