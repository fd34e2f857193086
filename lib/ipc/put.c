/* SPDX-License-Identifier: ISC */
/* put - the sending side of a connection. */
#include <errno.h>
#include <stdlib.h>

#include "ipc/connection.h"

static struct ipc *loaded_first;		/* connections whose outbox holds something */

/* Its outbox is empty, or nobody wants what is in it any more. */
static void
unload(struct ipc *c)
{
	struct ipc **at = &loaded_first;

	if (!c->loaded)
		return;
	while (*at != c)
		at = &(*at)->next_loaded;
	*at = c->next_loaded;
	c->loaded = false;
}

/* What waits in the outbox, then this datagram unless it is NULL.  As frame_send. */
static int
send_behind(struct ipc *c, const struct frame *f, const int *fds, size_t nfds)
{
	int sent = outbox_send(&c->outbox, c->fd);

	if (sent == 1 && f != NULL)
		sent = frame_send(c->fd, f, fds, nfds);
	return sent;
}

/* Send all there is, waiting while the socket is full; the senders take turns. */
static enum ipc_result
send_frame(struct ipc *c, const struct frame *f, const int *fds, size_t nfds, msec_t deadline)
{
	int sent = 0, e;

	while (c->sending && !c->dead)
		if (fiber_queue_wait(&c->senders, deadline) != WAKE_READY)
			return IPC_TIMEOUT;
	c->sending = true;
	while (!c->dead && (sent = send_behind(c, f, fds, nfds)) == 0) {
		fiber_drained_write(c->fd);
		if (fiber_wait_write(c->fd, deadline) != WAKE_READY)
			break;
	}
	e = errno;
	c->sending = false;
	(void)fiber_queue_wake(&c->senders);
	if (c->dead || sent < 0)
		return sent < 0 && e == EPIPE ? IPC_UNREAD : IPC_GONE;
	return sent == 1 ? IPC_DONE : IPC_TIMEOUT;
}

/* The socket took only some of an outbox: a fiber waits for room. */
static void
send_rest(void *arg)
{
	struct ipc *c = arg;

	(void)send_frame(c, NULL, NULL, 0, NEVER);
	c->held--;
	ipc_release(c);
}

/* Before the loop waits: everything said in this round goes out. */
static void
send_outboxes(void)
{
	struct ipc *c;

	while ((c = loaded_first) != NULL) {
		unload(c);
		if (c->dead || c->sending)
			continue;
		switch (outbox_send(&c->outbox, c->fd)) {
		case 0:
			c->held++;
			(void)fiber_start(send_rest, c, "ipc");
			break;
		case -1:
			/* It has left; what it said before that is to be read first. */
			if (errno == EPIPE || errno == ECONNRESET)
				outbox_clear(&c->outbox);
			else
				ipc_close(c);
			break;
		}
	}
}

/* Leave a message in the outbox; false when it has to go out by itself. */
static bool
leave(struct ipc *c, enum frame_kind kind, uint32_t call, struct buf *out)
{
	if (out->n > FRAME_ROOM || c->sending || c->dead ||
	    !outbox_add(&c->outbox, kind, call, out))
		return false;
	if (!c->loaded) {
		c->loaded = true;
		fiber_before_wait(send_outboxes);
		c->next_loaded = loaded_first;
		loaded_first = c;
	}
	return true;
}

enum ipc_result
ipc_put(struct ipc *c, enum frame_kind kind, uint32_t call, const struct ipc_msg *m,
    const void *msg, msec_t deadline)
{
	struct buf out = { .limit = IPC_TOTAL };
	struct frame f = { .kind = kind, .call = call };
	enum ipc_result r = IPC_DONE;
	int fds[IPC_FDS];
	size_t nfds = 0, at = 0;

	if (!ipc_pack(&out, m, msg, fds, &nfds)) {
		buf_free(&out);
		return IPC_TOOBIG;
	}
	if (nfds == 0 && leave(c, kind, call, &out))
		return IPC_DONE;
	f.total = (uint32_t)out.n;
	do {
		f.payload = str_sub(buf_str(&out), at, FRAME_ROOM);
		r = send_frame(c, &f, fds, f.fragment == 0 ? nfds : 0, deadline);
		at += f.payload.n;
		f.fragment++;
	} while (r == IPC_DONE && at < out.n);
	/* Half a message would leave the other side waiting for the rest: give the connection up. */
	if (r == IPC_TIMEOUT && f.fragment > 1)
		ipc_close(c);
	if (r == IPC_UNREAD && f.fragment > 1)
		r = IPC_GONE;
	buf_free(&out);
	return r;
}

void
ipc_put_bye(struct ipc *c, msec_t deadline)
{
	struct frame f = { .kind = FRAME_BYE, .call = c->read_call };

	(void)send_frame(c, &f, NULL, 0, deadline);
}

void
ipc_put_last(struct ipc *c)
{
	(void)outbox_send(&c->outbox, c->fd);
}

void
ipc_put_nothing(struct ipc *c)
{
	unload(c);
	outbox_clear(&c->outbox);
}
