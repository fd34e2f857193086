/* SPDX-License-Identifier: ISC */
/*
 * outbox - datagrams of one connection that leave together.
 *
 * Whatever a round of the loop has to say to a peer goes out with one sendmmsg before the loop waits:
 * one system call instead of many, and a peer that wakes once and finds everything there.
 */
#ifndef IPC_OUTBOX_H
#define IPC_OUTBOX_H

#include "base/buf.h"
#include "ipc/frame.h"

#define OUTBOX_MAX	16	/* datagrams that wait */

struct outbox {
	unsigned n;
	struct frame_packed {
		unsigned char head[FRAME_HEAD];
		struct buf payload;
	} frames[OUTBOX_MAX];
};

/* Add a whole message without descriptors; takes over `payload`.  False when it is full. */
bool outbox_add(struct outbox *o, enum frame_kind kind, uint32_t call, struct buf *payload);

/* Send what waits: 1 all is gone, 0 the socket is full, -1 with errno the connection is no more. */
int outbox_send(struct outbox *o, int fd);

/* Forget what waits. */
void outbox_clear(struct outbox *o);

#endif
