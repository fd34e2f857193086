/* SPDX-License-Identifier: ISC */
/*
 * Head, little-endian: u16 magic, u8 version, u8 kind, u32 call, u32 fragment, u32 total.
 */
#include "ipc/frame.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAGIC		0x4850u		/* "PH" */
#define FRAME_VERSION		1
#define SOCKET_BUFFER	(1 << 20)

static void
put(unsigned char *p, uint32_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static uint32_t
get(const unsigned char *p, unsigned bytes)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint32_t)p[i] << (8 * i);
	return v;
}

void
frame_pack_head(unsigned char *head, const struct frame *f)
{
	put(head, MAGIC, 2);
	head[2] = FRAME_VERSION;
	head[3] = (unsigned char)f->kind;
	put(head + 4, f->call, 4);
	put(head + 8, f->fragment, 4);
	put(head + 12, f->total, 4);
}

int
frame_send(int fd, const struct frame *f, const int *fds, size_t nfds)
{
	unsigned char head[FRAME_HEAD];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(IPC_FDS * sizeof(int))];
	} control;
	struct iovec iov[2] = {
		{ head, sizeof(head) }, { (void *)(uintptr_t)f->payload.p, f->payload.n },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	frame_pack_head(head, f);
	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, nfds * sizeof(int));
	}
	do
		n = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	return 1;
}

void
frame_close_fds(int *fds, size_t nfds)
{
	for (size_t i = 0; i < nfds; i++)
		(void)close(fds[i]);
}

static void
take_fds(struct msghdr *m, int *fds, size_t *nfds)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*nfds < IPC_FDS)
				fds[(*nfds)++] = fd;
			else
				(void)close(fd);
		}
	}
}

static bool
frame_ok(const unsigned char *head, size_t n, struct frame *f)
{
	if (n < FRAME_HEAD || get(head, 2) != MAGIC || head[2] != FRAME_VERSION)
		return false;
	if (head[3] < FRAME_REQUEST || head[3] > FRAME_BYE)
		return false;
	f->kind = (enum frame_kind)head[3];
	f->call = get(head + 4, 4);
	f->fragment = get(head + 8, 4);
	f->total = get(head + 12, 4);
	f->payload = str_n(head + FRAME_HEAD, n - FRAME_HEAD);
	return f->total <= IPC_TOTAL && f->payload.n <= f->total &&
	    (f->fragment > 0 || f->payload.n == f->total || f->payload.n == FRAME_ROOM);
}

int
frame_recv(int fd, char *room, struct frame *f, int *fds, size_t *nfds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(IPC_FDS * sizeof(int))];
	} control;
	struct iovec iov = { room, IPC_FRAME };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room, .msg_controllen = sizeof(control.room),
	};
	ssize_t n;

	*nfds = 0;
	/* RESET is told once: the other end left things unread; what it said before that is still here. */
	do
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	take_fds(&m, fds, nfds);
	if (n == 0) {
		errno = 0;
	} else if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
	    frame_ok((unsigned char *)room, (size_t)n, f)) {
		return 1;
	} else {
		errno = EPROTO;
	}
	frame_close_fds(fds, *nfds);
	*nfds = 0;
	return -1;
}

int
frame_recv_batch(int fd, char *rooms, struct frame_got got[FRAME_BATCH])
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(IPC_FDS * sizeof(int))];
	} control[FRAME_BATCH];
	struct mmsghdr m[FRAME_BATCH];
	struct iovec iov[FRAME_BATCH];
	int n;

	memset(m, 0, sizeof(m));
	for (int i = 0; i < FRAME_BATCH; i++) {
		iov[i] = (struct iovec){ rooms + (size_t)i * IPC_FRAME, IPC_FRAME };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
		m[i].msg_hdr.msg_control = control[i].room;
		m[i].msg_hdr.msg_controllen = sizeof(control[i].room);
	}
	do
		n = recvmmsg(fd, m, FRAME_BATCH, MSG_CMSG_CLOEXEC | MSG_DONTWAIT, NULL);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	for (int i = 0; i < n; i++) {
		got[i].nfds = 0;
		take_fds(&m[i].msg_hdr, got[i].fds, &got[i].nfds);
		got[i].bad = m[i].msg_len == 0 ||
		    (m[i].msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
		    !frame_ok((unsigned char *)iov[i].iov_base, m[i].msg_len, &got[i].frame);
		if (!got[i].bad)
			continue;
		errno = m[i].msg_len == 0 ? 0 : EPROTO;
		for (int k = i; k < n; k++) {
			if (k > i) {
				got[k].nfds = 0;
				take_fds(&m[k].msg_hdr, got[k].fds, &got[k].nfds);
			}
			frame_close_fds(got[k].fds, got[k].nfds);
		}
		return i == 0 ? -1 : i + 1;
	}
	return n;
}

bool
frame_pair(int pair[2])
{
	int size = SOCKET_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		return false;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return true;
}
