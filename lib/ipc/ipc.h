/* SPDX-License-Identifier: ISC */
/*
 * ipc - calls between our programs, in fibers.
 *
 * A connection is one SOCK_SEQPACKET socket pair that master made; both ends may call and serve.
 * A message up to IPC_FRAME bytes is one datagram; a larger one travels as numbered fragments, at
 * most IPC_TOTAL in all.  Any number of calls may be in flight.  A message that breaks a rule ends
 * that connection and nothing else.
 *
 * A program names what it serves in a table of ops; each request runs in a fiber of its own.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include "base/clock.h"
#include "ipc/frame.h"
#include "ipc/message.h"

struct ipc;
struct ipc_req;

enum ipc_result {
	IPC_DONE,
	IPC_GONE,	/* no connection, or it ended before the answer came */
	IPC_UNREAD,	/* the other end left in order and never read this: ask another */
	IPC_TIMEOUT,	/* the deadline passed; a late answer is dropped */
	IPC_TOOBIG,	/* the message breaks its own limits */
};

struct ipc_op {
	const struct ipc_msg *request;
	const struct ipc_msg *reply;	/* NULL: one-way */
	void (*run)(struct ipc_req *r, const void *msg);
	unsigned peers;			/* bits 1 << PEER_x: who may ask; see wire/peers.h */
};

/*
 * Take over a connected descriptor.  `ops` (ending in a row with request NULL, or NULL for none) is
 * what the other end may ask; `peer` is its number in wire/peers.h; `closed(ipc, arg)`, when not
 * NULL, is called once in a fiber when the connection has ended, after which the ipc is freed.
 * Reading starts at once in a fiber of its own.
 */
struct ipc *ipc_open(int fd, const struct ipc_op *ops, unsigned peer,
    void (*closed)(struct ipc *, void *), void *arg);

/*
 * The other end is no program of ours: a message that comes in fragments ends the connection, so
 * that it can never have us hold more than one datagram.  Before the next wait after ipc_open.
 */
void ipc_small(struct ipc *c);

/*
 * Leave in order: answer what was read, read no more, say how far that was, and end, within the
 * deadline.  Returns at once; `closed` tells the end.  The other side's calls behind that point give
 * IPC_UNREAD.
 */
void ipc_bye(struct ipc *c, msec_t deadline);

/* End it: calls in flight give IPC_GONE. */
void ipc_close(struct ipc *c);

/*
 * Ask and wait.  On IPC_DONE `reply` is filled; its texts and arrays live in `pool`.  Descriptors in
 * `msg` stay the caller's (they are duplicated by the kernel), those in `reply` become the caller's.
 */
enum ipc_result ipc_call(struct ipc *c, const struct ipc_msg *m, const void *msg,
    const struct ipc_msg *reply_m, void *reply, struct pool *pool, msec_t deadline);

/* Tell, without an answer.  Waits only while the socket is full. */
enum ipc_result ipc_send(struct ipc *c, const struct ipc_msg *m, const void *msg, msec_t deadline);

/*
 * Answer a request; once.  A handler that returns without answering a request that wants one (and
 * did not ipc_keep it) ends the connection: that is a bug of ours.
 */
void ipc_reply(struct ipc_req *r, const void *msg);

/* The handler will answer later, from another fiber; message and pool live until then. */
void ipc_keep(struct ipc_req *r);

/* The request's pool, alive until the handler returned and the answer went out. */
struct pool *ipc_pool(struct ipc_req *r);

/*
 * Take the pool of a one-way message with everything in it: it is the caller's to free, once the
 * handler has returned.
 */
struct pool *ipc_take_pool(struct ipc_req *r);

/* The connection it came by; what `ipc_open` was given as peer and arg. */
struct ipc *ipc_conn(struct ipc_req *r);
unsigned ipc_peer(const struct ipc *c);
void *ipc_arg(const struct ipc *c);

/* Its number in this process: never given twice, as an address may be. */
uint64_t ipc_number(const struct ipc *c);

/* Has it not ended?  For a handler that has waited. */
bool ipc_alive(const struct ipc *c);

/* A place for the program to keep something with a connection. */
void ipc_set_user(struct ipc *c, void *user);
void *ipc_user(const struct ipc *c);

/* Calls in flight from this end. */
unsigned ipc_inflight(const struct ipc *c);

/* For tests and small tools outside the loop: one blocking call on a blocking descriptor. */
enum ipc_result ipc_call_blocking(int fd, const struct ipc_msg *m, const void *msg,
    const struct ipc_msg *reply_m, void *reply, struct pool *pool, msec_t timeout_ms);

#endif
