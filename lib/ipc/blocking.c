/* SPDX-License-Identifier: ISC */
/* blocking - a call of ipc.h without a loop. */
#include "ipc/ipc.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/panic.h"

static bool
poll_one(int fd, short events, msec_t deadline)
{
	struct pollfd p = { fd, events, 0 };
	msec_t left = deadline_left(deadline);

	return poll(&p, 1, left > 3600000 ? 3600000 : (int)left) == 1;
}

enum ipc_result
ipc_call_blocking(int fd, const struct ipc_msg *m, const void *msg, const struct ipc_msg *reply_m,
    void *reply, struct pool *pool, msec_t timeout_ms)
{
	struct buf out = { .limit = IPC_TOTAL }, in = { .limit = IPC_TOTAL };
	struct frame f = { .kind = FRAME_REQUEST, .call = 1 };
	msec_t deadline = deadline_in(timeout_ms);
	char *big = mem_alloc(IPC_FRAME);
	int fds[IPC_FDS], got_fds[IPC_FDS];
	size_t nfds = 0, ngot, at = 0;
	enum ipc_result r = IPC_TOOBIG;
	int got;

	if (!ipc_pack(&out, m, msg, fds, &nfds))
		goto done;
	r = IPC_GONE;
	f.total = (uint32_t)out.n;
	do {
		f.payload = str_sub(buf_str(&out), at, FRAME_ROOM);
		while ((got = frame_send(fd, &f, fds, f.fragment == 0 ? nfds : 0)) == 0)
			if (!poll_one(fd, POLLOUT, deadline)) {
				r = IPC_TIMEOUT;
				goto done;
			}
		if (got < 0)
			goto done;
		at += f.payload.n;
		f.fragment++;
	} while (at < out.n);
	nfds = 0;
	do {
		if (!poll_one(fd, POLLIN, deadline)) {
			r = IPC_TIMEOUT;
			goto done;
		}
		got = frame_recv(fd, big, &f, got_fds, &ngot);
		if (got < 0)
			goto done;
		if (got == 0)
			continue;
		if (f.kind != FRAME_REPLY) {
			frame_close_fds(got_fds, ngot);
			continue;
		}
		if (f.fragment == 0) {
			memcpy(fds, got_fds, ngot * sizeof(fds[0]));
			nfds = ngot;
		}
		buf_add(&in, f.payload);
	} while (got == 0 || in.n < f.total);
	r = ipc_unpack(pool_str(pool, buf_str(&in)), reply_m, reply, fds, nfds, pool) ?
	    IPC_DONE : IPC_GONE;
done:
	buf_free(&out);
	buf_free(&in);
	free(big);
	return r;
}
