/* SPDX-License-Identifier: ISC */
/*
 * talk - a session with a client that says everything at once, closes, and listens to the end.
 */
#ifndef FUZZ_TALK_H
#define FUZZ_TALK_H

#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/panic.h"
#include "fiber/fiber.h"
#include "io/stream.h"

#define TALK_MAX	60000	/* fits the socket, so that one write takes it */
#define TALK_MS		20000

struct talk {
	int server, client;
	void (*serve)(struct stream *);
	struct buf said;
};

static void
talk_listen(void *arg)
{
	struct talk *t = arg;
	char *room;
	ssize_t n;

	while ((room = buf_room(&t->said, 65536)) != NULL) {
		while ((n = read(t->client, room, 65536)) < 0) {
			fiber_drained_read(t->client);
			ASSERT(fiber_wait_read(t->client, deadline_in(TALK_MS)) == WAKE_READY);
		}
		if (n == 0)
			break;
		buf_grew(&t->said, (size_t)n);
	}
	ASSERT(room != NULL);
	fiber_forget(t->client);
}

static void
talk_run(void *arg)
{
	struct talk *t = arg;
	struct stream *s = stream_open(t->server);

	(void)fiber_start(talk_listen, t, "listen");
	stream_deadline(s, deadline_in(TALK_MS));
	t->serve(s);
	(void)stream_flush(s);
	stream_close(s);
}

/* Serve a client that says `input`; what it was told is in t->said, which is the caller's to free. */
static void
talk(struct talk *t, struct str input, void (*serve)(struct stream *))
{
	int pair[2];

	ASSERT(input.n <= TALK_MAX);
	ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	*t = (struct talk){ .server = pair[0], .client = pair[1], .serve = serve };
	ASSERT(input.n == 0 || write(t->client, input.p, input.n) == (ssize_t)input.n);
	(void)shutdown(t->client, SHUT_WR);
	fiber_run(talk_run, t);
	(void)close(t->client);
}

#endif
