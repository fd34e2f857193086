/* SPDX-License-Identifier: ISC */
#include "ask/agent.h"

#include "base/log.h"
#include "base/map.h"
#include "base/panic.h"
#include "base/vec.h"
#include "fiber/fiber.h"
#include "wire/limits.h"
#include "wire/peers.h"

/* How long qmgr may take to sync a result before it is told again. */
#define SETTLE_MS	120000
#define AGAIN_MS	500

struct account {
	struct pool *pool;
	struct inflight_one one;	/* serial, queue ID, recipient numbers */
};

static struct map *accounts;		/* by the bytes of the serial */
static struct vec conns;		/* struct ipc *: connections to qmgr, the newest last */
static struct fiber_queue without;	/* results that wait for a connection */

static const char *service;
static bool quitting;

static struct str
key_of(const uint64_t *serial)
{
	return str_n(serial, sizeof(*serial));
}

static struct ipc *
qmgr(void)
{
	return conns.n == 0 ? NULL : *(struct ipc **)vec_at(&conns, conns.n - 1);
}

static void
forget(struct ipc *c)
{
	for (size_t i = 0; i < conns.n; i++)
		if (*(struct ipc **)vec_at(&conns, i) == c) {
			vec_remove(&conns, i);
			return;
		}
}

bool
agent_begin(const struct deliver *d)
{
	const struct deliver_rcpt *from = d->rcpts.v;
	struct inflight_num *nums;
	struct account *a;
	struct pool *pool;

	if (accounts == NULL)
		accounts = map_new();
	if (map_get(accounts, key_of(&d->serial)) != NULL) {
		log_warn("delivery %llu asked for twice", (unsigned long long)d->serial);
		return false;
	}
	pool = pool_new();
	a = pool_alloc(pool, sizeof(*a));
	a->pool = pool;
	a->one.serial = d->serial;
	a->one.queue_id = pool_str(pool, d->queue_id);
	nums = pool_array(pool, d->rcpts.n, sizeof(*nums));
	for (size_t i = 0; i < d->rcpts.n; i++)
		nums[i].num = from[i].num;
	a->one.nums = (struct ipc_list){ nums, d->rcpts.n };
	(void)map_put(accounts, key_of(&d->serial), a);
	return true;
}

/* The same, with at most `most` bytes of each reply. */
static struct result
clipped(const struct result *from, size_t most, struct pool *pool)
{
	struct result to = *from;
	struct result_rcpt *v = pool_array(pool, from->rcpts.n, sizeof(*v));

	for (size_t i = 0; i < from->rcpts.n; i++) {
		v[i] = ((const struct result_rcpt *)from->rcpts.v)[i];
		v[i].text = str_sub(v[i].text, 0, most);
		v[i].diag = str_sub(v[i].diag, 0, most);
	}
	to.rcpts.v = v;
	return to;
}

/*
 * Tell it once; true when it is settled.  The long replies of a remote to thousands of recipients may
 * be more than a message between programs holds; they are cut until they fit, as what became of each
 * recipient must arrive whatever was said about it.
 */
static bool
tell(struct ipc *c, const struct result *result)
{
	struct settled answer = { 0 };
	struct pool *pool = pool_new();
	enum ipc_result r;

	r = ipc_call(c, &result_msg, result, &settled_msg, &answer, pool, deadline_in(SETTLE_MS));
	for (size_t most = LIMIT_REPLY / 2; r == IPC_TOOBIG && most > 0; most /= 2) {
		struct result less = clipped(result, most, pool);

		r = ipc_call(c, &result_msg, &less, &settled_msg, &answer, pool,
		    deadline_in(SETTLE_MS));
	}
	pool_free(pool);
	if (r == IPC_TOOBIG)
		panic("result of %.*s breaks the limits of its message",
		    STR_ARG(result->queue_id));
	if (r == IPC_GONE || r == IPC_UNREAD)	/* it is dead, agent_left is on its way */
		forget(c);
	return r == IPC_DONE && answer.serial == result->serial;
}

bool
agent_finish(const struct result *result)
{
	struct account *a = accounts == NULL ? NULL : map_get(accounts, key_of(&result->serial));

	ASSERT(a != NULL);
	while (qmgr() == NULL || !tell(qmgr(), result)) {
		if (qmgr() == NULL && quitting)
			return false;
		if (qmgr() == NULL)
			(void)fiber_queue_wait(&without, NEVER);
		else
			(void)fiber_sleep(deadline_in(AGAIN_MS));
		if (fiber_cancelled())
			return false;
	}
	(void)map_del(accounts, key_of(&result->serial));
	pool_free(a->pool);
	return true;
}

void
agent_quit(void)
{
	quitting = true;
	(void)fiber_queue_wake_all(&without);
}

void
agent_service(const char *name)
{
	service = name;
}

void
agent_on_inflight(struct ipc_req *r, const void *msg)
{
	struct inflight_reply answer = { .service = str_of(service) };
	size_t n = accounts == NULL ? 0 : map_count(accounts), at = 0;
	struct inflight_one *list = pool_array(ipc_pool(r), n, sizeof(*list));
	void *value;

	(void)msg;
	answer.list.v = list;
	while (answer.list.n < n && map_next(accounts, &at, NULL, &value))
		list[answer.list.n++] = ((struct account *)value)->one;
	ipc_reply(r, &answer);
}

void
agent_joined(struct ipc *c)
{
	if (ipc_peer(c) != PEER_QMGR)
		return;
	if (conns.size == 0)
		conns = vec_of(sizeof(struct ipc *));
	*(struct ipc **)vec_push(&conns) = c;
	(void)fiber_queue_wake_all(&without);
}

void
agent_left(struct ipc *c)
{
	forget(c);
}

size_t
agent_count(void)
{
	return accounts == NULL ? 0 : map_count(accounts);
}
