/* SPDX-License-Identifier: ISC */
/*
 * queue - the queue tools and qmgr, by the named socket public/qmgr; ids 100 and 101.
 *
 * qmgr decides by SO_PEERCRED who may ask for what: flushing as authorized_flush_users says, the
 * rest root and the mail owner only.
 */
#ifndef WIRE_QUEUE_H
#define WIRE_QUEUE_H

#include "ipc/message.h"

enum queue_verb {
	QUEUE_FLUSH,		/* try everything now */
	QUEUE_FLUSH_ID,		/* this message */
	QUEUE_FLUSH_SITE,	/* what goes to this domain */
	QUEUE_HOLD,		/* what: an ID */
	QUEUE_RELEASE,
	QUEUE_EXPIRE,
	QUEUE_DELETE,
	QUEUE_COUNT,		/* text: how the queue stands, for people */
	QUEUE_VERBS
};

struct queue_ask {
	uint64_t verb;
	struct str what;	/* ID or domain; empty where none is needed */
};

struct queue_answer {
	bool ok;
	uint64_t n;		/* messages it applied to */
	struct str text;	/* why not, or what was asked for */
};

extern const struct ipc_msg queue_ask_msg, queue_answer_msg;

#endif
