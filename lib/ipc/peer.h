/* SPDX-License-Identifier: ISC */
/*
 * peer - another program of the suite, however many processes it has today.
 *
 * master hands every process one connection to each process of the programs its passport names, and
 * a new one when one of them restarts.  Callers name the program, not the process: a call takes the
 * connection with the fewest calls in flight and, when there is none at the moment, waits for one
 * until its deadline.
 */
#ifndef IPC_PEER_H
#define IPC_PEER_H

#include <stdbool.h>

#include "ipc/ipc.h"

/* lib/daemon calls this when master passed a connection on which we are the asking side. */
void peer_add(unsigned peer, struct ipc *c);
void peer_remove(unsigned peer, struct ipc *c);

/* The connection to the peer with this ipc_number, or NULL when it has ended; for who keeps one. */
struct ipc *peer_find(unsigned peer, uint64_t number);

/* Is there any connection to it now? */
bool peer_has_any(unsigned peer);

/* Some connection to the peer, waiting for one until the deadline; NULL when there was none. */
struct ipc *peer_get(unsigned peer, msec_t deadline);

/* ipc_call and ipc_send on such a connection. */
enum ipc_result peer_call(unsigned peer, const struct ipc_msg *m, const void *msg,
    const struct ipc_msg *reply_m, void *reply, struct pool *pool, msec_t deadline);

/*
 * peer_call for a question whose answer changes nothing: when the process that was asked ends before
 * it answers, another one is asked, a few times at most.
 */
enum ipc_result peer_ask(unsigned peer, const struct ipc_msg *m, const void *msg,
    const struct ipc_msg *reply_m, void *reply, struct pool *pool, msec_t deadline);
enum ipc_result peer_send(unsigned peer, const struct ipc_msg *m, const void *msg, msec_t deadline);

#endif
