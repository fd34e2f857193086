/* SPDX-License-Identifier: ISC */
/*
 * agent - a delivery agent's accounts with qmgr (wire/deliver.h).
 *
 * What every agent does the same way: know which deliveries are under way, send each result, keep it
 * until qmgr said `settled`, and tell a new qmgr about all of that.  An agent's passport names
 * agent_joined and agent_left, its ops name agent_on_settled and agent_on_inflight:
 *
 *	{ &deliver_msg,  NULL,                on_deliver,        PEER_BIT(PEER_QMGR) },
 *	{ &settled_msg,  NULL,                agent_on_settled,  PEER_BIT(PEER_QMGR) },
 *	{ &inflight_msg, &inflight_reply_msg, agent_on_inflight, PEER_BIT(PEER_QMGR) },
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
 * It ended: keep a copy of the result and send it.  `result->serial` is that of a delivery that
 * began.  May wait while the socket is full.
 */
void agent_finish(const struct result *result);

/* The two questions qmgr has. */
void agent_on_settled(struct ipc_req *r, const void *msg);
void agent_on_inflight(struct ipc_req *r, const void *msg);

/* A connection came or went; those of other peers are ignored. */
void agent_joined(struct ipc *c);
void agent_left(struct ipc *c);

/* Deliveries under way, and results not settled yet. */
size_t agent_count(void);

/* Called whenever the count falls; NULL: nobody (the default).  For an orderly stop. */
void agent_on_less(void (*fn)(void));

#endif
