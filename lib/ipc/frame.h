/* SPDX-License-Identifier: ISC */
/*
 * frame - one datagram between two programs.
 *
 * A message that does not fit one datagram travels as numbered fragments of one call: the same
 * call number, fragment 0, 1, 2, …, each saying the total.  Descriptors come with the first.
 * Needs no loop; master uses it with poll.
 */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "ipc/message.h"

#define FRAME_HEAD	16
#define FRAME_ROOM	(IPC_FRAME - FRAME_HEAD)	/* payload of one datagram */
#define IPC_FRAME	(72u << 10)	/* one datagram; holds a 64 KB message and its envelope */
#define IPC_TOTAL	(16u << 20)	/* all fragments of one message */

/* BYE has no payload: its sender has read the calls up to this number and will read no more. */
enum frame_kind { FRAME_REQUEST = 1, FRAME_REPLY, FRAME_ONEWAY, FRAME_BYE };

struct frame {
	enum frame_kind kind;
	uint32_t call;		/* number the caller chose; 0 for one-way messages */
	uint32_t fragment;	/* 0 first */
	uint32_t total;		/* bytes of the whole payload */
	struct str payload;	/* of this datagram */
};

/* The FRAME_HEAD bytes before the payload. */
void frame_pack_head(unsigned char *head, const struct frame *f);

/* Send one datagram.  1 sent, 0 the socket is full (EAGAIN), -1 with errno.  */
int frame_send(int fd, const struct frame *f, const int *fds, size_t nfds);

/*
 * Receive one datagram into `room` of at least IPC_FRAME bytes; the payload views it.  Descriptors
 * (close-on-exec) go to `fds`, room for IPC_FDS.  1 received, 0 nothing there (EAGAIN), -1 the
 * connection ended or broke a rule (errno 0 for an orderly end, EPROTO for a bad frame); then no
 * descriptor is left open.
 */
int frame_recv(int fd, char *room, struct frame *f, int *fds, size_t *nfds);

/*
 * The same for as many datagrams as are there, at most FRAME_BATCH, with one system call.  `rooms` is
 * FRAME_BATCH times IPC_FRAME bytes.  Gives how many came (each with its descriptors), or 0 or -1 as
 * above.  Fewer than FRAME_BATCH: the socket was empty then.
 */
#define FRAME_BATCH	4
struct frame_got {
	struct frame frame;
	int fds[IPC_FDS];
	size_t nfds;
	bool bad;		/* the connection ended here or broke a rule; the last of the batch */
};
int frame_recv_batch(int fd, char *rooms, struct frame_got got[FRAME_BATCH]);

/* Close all of them. */
void frame_close_fds(int *fds, size_t nfds);

/* A connected, non-blocking, close-on-exec SOCK_SEQPACKET pair with buffers for our datagrams. */
bool frame_pair(int pair[2]);

#endif
