/* SPDX-License-Identifier: ISC */
/*
 * submit - hand a new message to cleanup; ids 21 to 27.
 *
 * A message of at most LIMIT_SMALL bytes is one `submit`.  A larger one is `submit_open`, any number
 * of `submit_data`, then `submit_end`; the connection's end or `submit_abort` forgets it.  The answer
 * comes when the message is on stable storage: from then on it is ours.
 */
#ifndef WIRE_SUBMIT_H
#define WIRE_SUBMIT_H

#include "wire/envelope.h"

enum {
	SUBMIT_OK,
	SUBMIT_LATER,		/* nothing was kept: 451 */
	SUBMIT_FULL,		/* nothing was kept, the disk is full: 452 4.3.1 */
	SUBMIT_TOOBIG,		/* beyond message_size_limit: 552 5.3.4 */
	SUBMIT_BAD,		/* an envelope cleanup does not take: 554 */
};

struct submit {
	struct envelope envelope;
	struct str content;	/* CRLF lines, dots not stuffed */
};

struct submit_open {
	uint64_t expect;	/* bytes the client announced (SIZE); 0: unknown */
};

struct submit_opened {
	uint64_t result;
	uint64_t handle;	/* of this connection */
	struct str queue_id;
};

struct submit_data {
	uint64_t handle;
	struct str data;
};

struct submit_end {
	uint64_t handle;
	uint64_t size;		/* all bytes sent, so that a lost piece is noticed */
	struct envelope envelope;
};

struct submit_abort {
	uint64_t handle;
};

struct submitted {
	uint64_t result;
	struct str queue_id;	/* when SUBMIT_OK */
	struct str text;	/* else: why, for the log */
};

extern const struct ipc_msg submit_msg, submit_open_msg, submit_opened_msg, submit_data_msg,
    submit_end_msg, submit_abort_msg, submitted_msg;

#endif
