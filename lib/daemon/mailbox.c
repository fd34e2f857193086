/* SPDX-License-Identifier: ISC */
#include "daemon/mailbox.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "fiber/fiber.h"
#include "store/home.h"

#define SESSIONS_MAX	1000	/* of one user in one process */

static const struct mailbox_worker *me;
static struct store *store;
static struct buf path;		/* where that was, absolute */

/* A session that authd passed, until it ends. */
struct arrival {
	struct pool *pool;
	struct session hello;
};

static void
run_arrival(void *arg)
{
	struct arrival *a = arg;
	struct stream *io = stream_open(a->hello.fd);

	if (a->hello.unread.n > 0)
		stream_unread(io, a->hello.unread);
	me->session(io, store, &a->hello);
	stream_close(io);
	pool_free(a->pool);
	free(a);
	service_session_end();
}

/* authd -> worker: serve this client. */
static void
on_session(struct ipc_req *r, const void *msg)
{
	const struct session *in = msg;
	struct session_accepted out = { .ok = false };
	struct arrival *a;

	/* The jail is around the folder that is open: for another one another process is needed. */
	if (!service_stopping() && home_replaced(store, buf_z(&path))) {
		log_info("%s is another folder now: ending", buf_z(&path));
		service_replace();
	}
	if (in->fd < 0 || in->protocol != me->protocol)
		out.reason = STR("not a session of this protocol");
	else if (service_stopping())
		out = (struct session_accepted){ .ending = true, .reason = STR("stopping") };
	else if (service_sessions() >= SESSIONS_MAX)
		out.reason = STR("too many sessions");
	else
		out.ok = true;
	ipc_reply(r, &out);
	if (!out.ok) {
		if (in->fd >= 0)
			(void)close(in->fd);
		return;
	}
	a = mem_zero(1, sizeof(*a));
	a->pool = pool_new();
	a->hello = *in;
	a->hello.user = pool_str(a->pool, in->user);
	a->hello.tag = pool_str(a->pool, in->tag);
	a->hello.method = pool_str(a->pool, in->method);
	a->hello.unread = pool_str(a->pool, in->unread);
	a->hello.client_ip = pool_str(a->pool, in->client_ip);
	a->hello.server_ip = pool_str(a->pool, in->server_ip);
	service_session_begin();
	(void)fiber_start(run_arrival, a, me->name);
}

/* A test's socket on descriptor 0: a session that is logged in already. */
static void
serve(int fd)
{
	struct stream *io = stream_open(fd);

	me->session(io, store, NULL);
	stream_close(io);
}

static bool
prepare(struct jail *jail)
{
	const struct worker_facts *w = service_worker_facts();
	static struct jail_path paths[2];

	if (w->mailbox == NULL) {
		log_error("no mailbox: started by hand without -w?");
		return false;
	}
	store = home_open(w->uid, w->gid, w->mailbox, w->virtual_box, common.virtual_mailbox_base,
	    common.mail_storage, &path);
	if (store == NULL)
		return false;
	paths[0] = (struct jail_path){ buf_z(&path), PATH_READ | PATH_WRITE };
	jail->paths = paths;
	return true;
}

static const struct ipc_op ops[] = {
	{ &session_msg, &session_accepted_msg, on_session, PEER_BIT(PEER_AUTHD) },
	{ NULL, NULL, NULL, 0 },
};

int
mailbox_main(const struct mailbox_worker *w, int argc, char **argv)
{
	const struct service s = {
		.name = w->name,
		.peer = w->peer,
		.params = w->params,
		.needs = { .calls = JAIL_WRITE },	/* that one mail folder, no network, no exec */
		.ops = ops,
		.stack = w->stack,
		.prepare = prepare,
		.serve = serve,
	};

	me = w;
	return service_main(&s, argc, argv);
}
