/* SPDX-License-Identifier: ISC */
/*
 * submit - give cleanup a new message.
 *
 *	struct submission *s = submission_begin(pool);
 *	while (…)
 *		submission_add(s, bytes);
 *	submission_end(s, &envelope, &done, deadline);
 *
 * Content is CRLF lines, dots not stuffed.  Up to LIMIT_SMALL bytes stay here until the end; what is
 * longer streams to cleanup while it comes.
 */
#ifndef ASK_SUBMIT_H
#define ASK_SUBMIT_H

#include "base/clock.h"
#include "base/pool.h"
#include "wire/submit.h"

struct submission;

/* Begin; `size` is what the client announced, 0 when unknown.  Memory is in `pool` and outside. */
struct submission *submission_begin(struct pool *pool, uint64_t size);

/* Add content.  A failure sticks and shows at the end, so callers may go on reading. */
void submission_add(struct submission *s, struct str data, msec_t deadline);

/* Bytes added so far. */
uint64_t submission_size(const struct submission *s);

/*
 * Hand it over and wait until it is durable.  Fills `done` (texts in the pool); a cleanup that does
 * not answer is SUBMIT_LATER.  Frees the submission.
 */
void submission_end(struct submission *s, const struct envelope *env, struct submitted *done,
    msec_t deadline);

/* Forget it.  NULL is fine. */
void submission_abort(struct submission *s);

#endif
