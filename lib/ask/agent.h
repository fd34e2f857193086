/* SPDX-License-Identifier: ISC */
/*
 * agent - a delivery agent's accounts with qmgr (wire/deliver.h).
 *
 * What every agent does the same way: know which deliveries are under way, tell each result until
 * qmgr says `settled`, and tell a new qmgr about all of that.  An agent's passport names
 * agent_joined and agent_left, its ops name agent_on_inflight:
 *
 *	{ &deliver_msg,  NULL,                on_deliver,        PEER_BIT(PEER_QMGR) },
 *	{ &inflight_msg, &inflight_reply_msg, agent_on_inflight, PEER_BIT(PEER_QMGR) },
 *
 * and on_deliver, in the fiber of its request, is: agent_begin, deliver, log, agent_finish.
 */
#ifndef ASK_AGENT_H
#define ASK_AGENT_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc/ipc.h"
#include "wire/deliver.h"

/* A delivery begins.  False when one with this serial is known already: then do nothing. */
bool agent_begin(const struct deliver *d);

/*
 * It ended: tell the result and wait until qmgr answered that it is settled, over as many
 * connections to qmgr as that takes.  `result->serial` is that of a delivery that began.  Reply texts
 * are cut when all recipients together would not fit in a message.  False only when the fiber was
 * cancelled, or after agent_quit while there is no connection.
 */
bool agent_finish(const struct result *result);

/* Its name in master.cf ("smtp", "relay"), told to qmgr; a literal or longer-lived.  Default "". */
void agent_service(const char *name);

/* A name for one that takes nothing new, only tells what it has. */
#define AGENT_RETIRED	"-"

/* The suite stops: no new qmgr will come and take a result. */
void agent_quit(void);

/* What a new qmgr asks. */
void agent_on_inflight(struct ipc_req *r, const void *msg);

/* A connection came or went; those of other peers are ignored. */
void agent_joined(struct ipc *c);
void agent_left(struct ipc *c);

/* Deliveries under way or not settled yet. */
size_t agent_count(void);

#endif
