/* SPDX-License-Identifier: ISC */
/*
 * frame_fuzz - datagrams from a program that was taken over: heads, fragments, replies nobody asked
 * for.  The connection may end; nothing else may happen, and no descriptor stays open.
 *
 * The input is a list of datagrams.  Byte 0: bit 0 set, then a length (2 bytes) and a datagram as it
 * is; else bits 1, 2 are the kind, bit 3 says "a full one", and call, fragment, what the total is
 * more than the payload (a byte each), length (2) and payload follow.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "fiber/fiber.h"
#include "ipc/frame.h"
#include "ipc/ipc.h"
#include "wire/control.h"
#include "wire/peers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DATAGRAMS	4	/* of the largest fit the socket's buffer */

struct input {
	const uint8_t *p;
	size_t n;
};

static unsigned
take(struct input *in, unsigned bytes)
{
	unsigned v = 0;

	for (unsigned i = 0; i < bytes && in->n > 0; i++, in->p++, in->n--)
		v |= (unsigned)*in->p << (8 * i);
	return v;
}

static struct str
take_text(struct input *in)
{
	size_t n = take(in, 2);
	struct str out;

	n = n < in->n ? n : in->n;
	out = str_n(in->p, n);
	in->p += n;
	in->n -= n;
	return out;
}

static void
send_one(int fd, struct input *in)
{
	static char full[FRAME_ROOM];
	unsigned what = take(in, 1);
	struct frame f = { .kind = (enum frame_kind)(1 + (what >> 1 & 3)) };
	struct str text;
	unsigned more;

	if (what & 1) {
		text = take_text(in);
		(void)!send(fd, text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
	f.call = take(in, 1);
	f.fragment = take(in, 1);
	more = take(in, 1);
	text = take_text(in);
	f.payload = text;
	if (what & 8) {
		memset(full, 0, sizeof(full));
		if (text.n > 0)
			memcpy(full, text.p, text.n < sizeof(full) ? text.n : sizeof(full));
		f.payload = str_n(full, sizeof(full));
	}
	f.total = (uint32_t)f.payload.n + more * 1000;
	(void)frame_send(fd, &f, NULL, 0);
}

static void
on_tool(struct ipc_req *r, const void *msg)
{
	struct ctl_tool_reply a = { true, STR("yes"), -1 };

	(void)msg;
	ipc_reply(r, &a);
}

static void
on_stop(struct ipc_req *r, const void *msg)
{
	(void)r;
	(void)msg;
}

static const struct ipc_op ops[] = {
	{ &ctl_tool_msg, &ctl_tool_reply_msg, on_tool, PEER_BIT(PEER_MASTER) },
	{ &ctl_stop_msg, NULL, on_stop, PEER_BIT(PEER_MASTER) },
	{ NULL, NULL, NULL, 0 },
};

/* A call of ours that the input may answer. */
static void
run(void *arg)
{
	struct ctl_tool ask = { CTL_STATUS, false };
	struct ctl_tool_reply got;
	struct pool *pool = pool_new();
	struct ipc *c = ipc_open((int)(intptr_t)arg, ops, PEER_MASTER, NULL, NULL);

	(void)ipc_call(c, &ctl_tool_msg, &ask, &ctl_tool_reply_msg, &got, pool, deadline_in(2000));
	pool_free(pool);
}

static void
nothing(void *arg)
{
	(void)arg;
}

static unsigned
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		(void)closedir(d);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	static bool ready;
	unsigned before;
	int pair[2];

	if (!ready) {
		log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_PLAIN, "frame");
		fiber_run(nothing, NULL);	/* the loop keeps descriptors of its own */
		ready = true;
	}
	/* Each time anew: libFuzzer starts helpers when it likes. */
	before = open_files();
	if (!frame_pair(pair))
		return 0;
	for (unsigned i = 0; i < DATAGRAMS && in.n > 0; i++)
		send_one(pair[1], &in);
	(void)shutdown(pair[1], SHUT_WR);
	fiber_run(run, (void *)(intptr_t)pair[0]);
	(void)close(pair[1]);
	ASSERT(open_files() == before);
	return 0;
}
