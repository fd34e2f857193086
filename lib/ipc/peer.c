/* SPDX-License-Identifier: ISC */
#include "ipc/peer.h"

#include "base/panic.h"
#include "base/vec.h"
#include "fiber/fiber.h"

#define PEERS	32	/* more than there are programs */
#define AGAIN_MS	20
#define ASKED_MAX	3	/* processes that may end over one question: it may be what ends them */

static struct group {
	struct vec conns;		/* struct ipc * */
	size_t turn;
	struct fiber_queue waiting;	/* for the first connection */
} groups[PEERS];

void
peer_add(unsigned peer, struct ipc *c)
{
	struct group *g = &groups[peer];

	ASSERT(peer < PEERS);
	if (g->conns.size == 0)
		g->conns = vec_of(sizeof(struct ipc *));
	*(struct ipc **)vec_push(&g->conns) = c;
	(void)fiber_queue_wake_all(&g->waiting);
}

void
peer_remove(unsigned peer, struct ipc *c)
{
	struct group *g = &groups[peer];

	ASSERT(peer < PEERS);
	for (size_t i = 0; i < g->conns.n; i++)
		if (*(struct ipc **)vec_at(&g->conns, i) == c) {
			vec_remove(&g->conns, i);
			return;
		}
}

struct ipc *
peer_find(unsigned peer, uint64_t number)
{
	const struct group *g = &groups[peer];

	ASSERT(peer < PEERS);
	for (size_t i = 0; i < g->conns.n; i++) {
		struct ipc *c = *(struct ipc **)vec_at(&g->conns, i);

		if (ipc_number(c) == number)
			return c;
	}
	return NULL;
}

bool
peer_has_any(unsigned peer)
{
	ASSERT(peer < PEERS);
	return groups[peer].conns.n > 0;
}

/* The connection with the fewest calls in flight; equals take turns. */
static struct ipc *
best(struct group *g)
{
	struct ipc *found = NULL;

	for (size_t i = 0; i < g->conns.n; i++) {
		struct ipc *c = *(struct ipc **)vec_at(&g->conns, (g->turn + i) % g->conns.n);

		if (found == NULL || ipc_inflight(c) < ipc_inflight(found))
			found = c;
	}
	g->turn++;
	return found;
}

struct ipc *
peer_get(unsigned peer, msec_t deadline)
{
	struct group *g = &groups[peer];

	ASSERT(peer < PEERS);
	while (g->conns.n == 0)
		if (fiber_queue_wait(&g->waiting, deadline) != WAKE_READY)
			return NULL;
	return best(g);
}

enum ipc_result
peer_call(unsigned peer, const struct ipc_msg *m, const void *msg, const struct ipc_msg *reply_m,
    void *reply, struct pool *pool, msec_t deadline)
{
	enum ipc_result r = IPC_UNREAD;
	struct ipc *c;

	/* A process that is being replaced has not read it: its successor does. */
	for (unsigned i = 0; r == IPC_UNREAD && deadline_left(deadline) > 0; i++) {
		if (i > 0 && fiber_sleep(deadline_in(AGAIN_MS)) == WAKE_CANCEL)
			break;
		if ((c = peer_get(peer, deadline)) == NULL)
			return IPC_GONE;
		r = ipc_call(c, m, msg, reply_m, reply, pool, deadline);
	}
	return r == IPC_UNREAD ? IPC_GONE : r;
}

enum ipc_result
peer_ask(unsigned peer, const struct ipc_msg *m, const void *msg, const struct ipc_msg *reply_m,
    void *reply, struct pool *pool, msec_t deadline)
{
	enum ipc_result r = IPC_GONE;

	for (unsigned i = 0; i < ASKED_MAX && r == IPC_GONE && deadline_left(deadline) > 0; i++) {
		/* Until the connection's own fiber has seen its end it looks like any other. */
		if (i > 0 && fiber_sleep(deadline_in(AGAIN_MS)) == WAKE_CANCEL)
			break;
		r = peer_call(peer, m, msg, reply_m, reply, pool, deadline);
	}
	return r;
}

enum ipc_result
peer_send(unsigned peer, const struct ipc_msg *m, const void *msg, msec_t deadline)
{
	struct ipc *c = peer_get(peer, deadline);

	return c == NULL ? IPC_GONE : ipc_send(c, m, msg, deadline);
}
