/* SPDX-License-Identifier: ISC */
/*
 * connection - what the files of one connection share; nobody else includes it.
 */
#ifndef IPC_CONNECTION_H
#define IPC_CONNECTION_H

#include "fiber/fiber.h"
#include "ipc/ipc.h"
#include "ipc/outbox.h"

#define IPC_BUCKETS	64	/* of calls in flight */

struct ipc {
	uint64_t number;
	int fd;
	const struct ipc_op *ops;
	unsigned peer;
	void (*closed)(struct ipc *, void *);
	void *arg;
	void *user;
	struct fiber *reader;
	struct waiting *calls[IPC_BUCKETS];
	unsigned inflight;
	uint32_t last_call;
	struct partial *partials;
	unsigned npartials;
	struct outbox outbox;
	struct ipc *next_loaded;		/* in the list of those whose outbox holds something */
	bool loaded;			/* it is in that list */
	bool sending;			/* one fiber is in frame_send */
	struct fiber_queue senders;
	unsigned requests;		/* handlers at work */
	unsigned held;			/* calls and sends under way from this end */
	struct fiber_queue crowd;	/* the reader, when they are too many */
	bool small;			/* takes no fragments */
	uint32_t read_call;		/* the highest call of the other end that was read whole */
	msec_t bye_by;			/* ipc_bye's deadline */
	bool leaving;			/* we said, or are about to say, goodbye */
	bool left;			/* the other end did */
	struct fiber_queue parked;	/* the reader, when leaving */
	bool dead;
	bool reader_ended;
};

/* Free it when nobody holds it any more. */
void ipc_release(struct ipc *c);

/*
 * Pack and send.  A message of one datagram without descriptors waits in the outbox until the loop is
 * about to wait; any other goes out at once, behind what is in the outbox, in fragments when it must
 * be, and the fiber waits while the socket is full.
 */
enum ipc_result ipc_put(struct ipc *c, enum frame_kind kind, uint32_t call, const struct ipc_msg *m,
    const void *msg, msec_t deadline);

/* The last frame of a connection, behind the answers. */
void ipc_put_bye(struct ipc *c, msec_t deadline);

/* Give what waits to the kernel as far as it takes it at once: the connection ends. */
void ipc_put_last(struct ipc *c);

/* Forget what waits: the connection is freed. */
void ipc_put_nothing(struct ipc *c);

#endif
