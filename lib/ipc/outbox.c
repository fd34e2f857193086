/* SPDX-License-Identifier: ISC */
#include "ipc/outbox.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

bool
outbox_add(struct outbox *o, enum frame_kind kind, uint32_t call, struct buf *payload)
{
	struct frame f = { .kind = kind, .call = call, .total = (uint32_t)payload->n };

	if (o->n == OUTBOX_MAX)
		return false;
	frame_pack_head(o->frames[o->n].head, &f);
	o->frames[o->n].payload = *payload;
	*payload = (struct buf){ 0 };
	o->n++;
	return true;
}

/* The first `n` are gone. */
static void
drop(struct outbox *o, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_free(&o->frames[i].payload);
	o->n -= n;
	memmove(o->frames, o->frames + n, o->n * sizeof(o->frames[0]));
}

int
outbox_send(struct outbox *o, int fd)
{
	struct mmsghdr m[OUTBOX_MAX];
	struct iovec iov[OUTBOX_MAX][2];
	int n;

	while (o->n > 0) {
		memset(m, 0, o->n * sizeof(m[0]));
		for (unsigned i = 0; i < o->n; i++) {
			struct frame_packed *f = &o->frames[i];

			iov[i][0] = (struct iovec){ f->head, sizeof(f->head) };
			iov[i][1] = (struct iovec){ f->payload.p, f->payload.n };
			m[i].msg_hdr.msg_iov = iov[i];
			m[i].msg_hdr.msg_iovlen = 2;
		}
		n = sendmmsg(fd, m, o->n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
		drop(o, (unsigned)n);
	}
	return 1;
}

void
outbox_clear(struct outbox *o)
{
	drop(o, o->n);
}
