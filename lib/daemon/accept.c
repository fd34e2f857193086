/* SPDX-License-Identifier: ISC */
#include "daemon/accept.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "base/vec.h"
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "io/net.h"

#define PAUSE_MS	100	/* when descriptors or memory are short */

struct listener {
	int fd;
	void (*serve)(int fd);
	struct fiber *fiber;
};

static struct vec listeners;		/* struct listener * */
static struct fiber_queue room;		/* listeners waiting for a session to end */
static unsigned open_now;

struct session {
	int fd;
	void (*serve)(int fd);
};

static void
run_session(void *arg)
{
	struct session one = *(struct session *)arg;

	free(arg);
	one.serve(one.fd);
	open_now--;
	service_session_end();
	(void)fiber_queue_wake_all(&room);
}

static void
start_session(int fd, void (*serve)(int fd))
{
	struct session *one = mem_alloc(sizeof(*one));

	*one = (struct session){ fd, serve };
	open_now++;
	service_session_begin();
	(void)fiber_start(run_session, one, "session");
}

static void
run_listener(void *arg)
{
	struct listener *l = arg;
	struct net_addr peer;

	for (;;) {
		int fd;

		while (open_now >= common.client_limit)
			if (fiber_queue_wait(&room, NEVER) == WAKE_CANCEL)
				goto out;
		fd = net_accept(l->fd, &peer, NEVER);
		if (fd >= 0) {
			start_session(fd, l->serve);
			continue;
		}
		if (errno == ECANCELED)
			break;
		if (errno != ECONNABORTED && errno != EAGAIN && errno != EINTR) {
			log_warn("accept: %s", strerror(errno));
			if (fiber_sleep(deadline_in(PAUSE_MS)) == WAKE_CANCEL)
				break;
		}
	}
out:
	fiber_forget(l->fd);
	(void)close(l->fd);
	l->fiber = NULL;
}

void
accept_start(int fd, void (*serve)(int fd))
{
	struct listener *l = mem_alloc(sizeof(*l));

	if (listeners.size == 0)
		listeners = vec_of(sizeof(struct listener *));
	*(struct listener **)vec_push(&listeners) = l;
	l->fd = fd;
	l->serve = serve;
	l->fiber = fiber_start(run_listener, l, "listener");
}

void
accept_stop(void)
{
	for (size_t i = 0; i < listeners.n; i++) {
		struct listener *l = *(struct listener **)vec_at(&listeners, i);

		if (l->fiber != NULL)
			fiber_cancel(l->fiber);
	}
}
