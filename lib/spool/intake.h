/* SPDX-License-Identifier: ISC */
/*
 * intake - putting new messages into the spool; cleanup alone does it.
 *
 * A small message takes a file of free/, or a new one when there is none: rename to incoming/ID,
 * one write of everything, one fdatasync that it shares with whoever else waits for one.  A large
 * message streams into a file of its own.  After spool_put (spool_stream_end) gave OK a power cut
 * loses nothing; after any other answer nothing of it is left to be delivered.
 *
 * All calls are made in fibers.
 */
#ifndef SPOOL_INTAKE_H
#define SPOOL_INTAKE_H

#include "spool/spool.h"

enum spool_put {
	SPOOL_PUT_OK,
	SPOOL_PUT_LATER,	/* an error of the disk; logged */
	SPOOL_PUT_FULL,		/* no space, no inode or no quota left */
	SPOOL_PUT_LIMITS,	/* the envelope breaks its own limits */
};

struct intake;

/*
 * Begin; the caller holds the lock "cleanup".  Puts back what a predecessor left half done in
 * incoming/, and learns which IDs were given out.  NULL with errno.  `s` must outlive it.
 */
struct intake *intake_open(const struct spool *s);
void intake_close(struct intake *in);

/*
 * A queue ID that was never given out before, whatever the clock does; may wait for the disk.
 * False when the disk does not take the promise.
 */
bool intake_id(struct intake *in, char id[LIMIT_QUEUE_ID + 1]);

/*
 * Store a message of at most LIMIT_SMALL bytes.  `id` comes from intake_id; when a file failed to
 * sync, the message is written afresh elsewhere under the same ID.  After OK *head (unless NULL) is
 * what the file's head says.
 */
enum spool_put spool_put(struct intake *in, const char *id, struct str content,
    const struct envelope *env, struct spool_head *head);

/* A message that comes in pieces. */
struct spool_stream;

/* Begin under `id`; NULL with *result saying why. */
struct spool_stream *spool_stream_begin(struct intake *in, const char *id, enum spool_put *result);

/* More content; never waits for another fiber, so pieces stay in order.  A failure sticks. */
void spool_stream_add(struct spool_stream *st, struct str data);
uint64_t spool_stream_size(const struct spool_stream *st);

/* The rest, durable; frees the stream. */
enum spool_put spool_stream_end(struct spool_stream *st, const struct envelope *env);

/* Forget it, file and all.  NULL is fine. */
void spool_stream_abort(struct spool_stream *st);

/* Messages whose writing is under way. */
bool intake_busy(const struct intake *in, const char *id);

#endif
