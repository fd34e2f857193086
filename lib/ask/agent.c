/* SPDX-License-Identifier: ISC */
#include "ask/agent.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "base/panic.h"
#include "wire/peers.h"

/* How long a result may wait for room in the socket; it is kept in any case. */
#define SEND_MS		60000

struct account {
	struct pool *pool;
	struct inflight_one one;	/* serial, queue ID, recipient numbers */
	struct result *result;		/* NULL: under way */
};

static struct map *accounts;		/* by the bytes of the serial */
static struct ipc *qmgr;		/* the newest connection; NULL: none */
static void (*on_less)(void);

static struct str
key_of(const uint64_t *serial)
{
	return str_n(serial, sizeof(*serial));
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

static struct strs
copy_strs(struct pool *pool, struct strs from)
{
	struct strs to = { pool_array(pool, from.n, sizeof(struct str)), from.n };

	for (size_t i = 0; i < from.n; i++)
		to.v[i] = pool_str(pool, from.v[i]);
	return to;
}

static struct result *
copy_result(struct pool *pool, const struct result *from)
{
	struct result *to = pool_alloc(pool, sizeof(*to));
	struct result_rcpt *v = pool_array(pool, from->rcpts.n, sizeof(*v));

	*to = *from;
	to->queue_id = pool_str(pool, from->queue_id);
	to->rcpts.v = v;
	for (size_t i = 0; i < from->rcpts.n; i++) {
		const struct result_rcpt *r = (const struct result_rcpt *)from->rcpts.v + i;

		v[i] = *r;
		v[i].dsn = pool_str(pool, r->dsn);
		v[i].text = pool_str(pool, r->text);
		v[i].diag = pool_str(pool, r->diag);
		v[i].remote = pool_str(pool, r->remote);
		v[i].to = copy_strs(pool, r->to);
		v[i].owner = pool_str(pool, r->owner);
	}
	return to;
}

void
agent_finish(const struct result *result)
{
	struct account *a = accounts == NULL ? NULL : map_get(accounts, key_of(&result->serial));

	ASSERT(a != NULL && a->result == NULL);
	a->result = copy_result(a->pool, result);
	/* From here on qmgr may settle it and free the account: `result` is the caller's own. */
	if (qmgr != NULL && ipc_send(qmgr, &result_msg, result, deadline_in(SEND_MS)) == IPC_TOOBIG)
		panic("result of %.*s breaks the limits of its message", STR_ARG(result->queue_id));
}

void
agent_on_settled(struct ipc_req *r, const void *msg)
{
	const struct settled *s = msg;
	struct account *a = accounts == NULL ? NULL : map_get(accounts, key_of(&s->serial));

	(void)r;
	if (a == NULL || a->result == NULL)
		return;
	(void)map_del(accounts, key_of(&s->serial));
	pool_free(a->pool);
	if (on_less != NULL)
		on_less();
}

/* Send every result again; the fibers of new ones may change the map while a send waits. */
static void
send_kept(struct ipc *c)
{
	size_t n = 0, at = 0, most = map_count(accounts);
	uint64_t *serials = mem_alloc(size_mul(most + 1, sizeof(*serials)));
	void *value;

	while (n < most && map_next(accounts, &at, NULL, &value)) {
		const struct account *a = value;

		if (a->result != NULL)
			serials[n++] = a->one.serial;
	}
	for (size_t i = 0; i < n && qmgr == c; i++) {
		const struct account *a = map_get(accounts, key_of(&serials[i]));

		if (a != NULL)
			(void)ipc_send(c, &result_msg, a->result, deadline_in(SEND_MS));
	}
	free(serials);
}

void
agent_on_inflight(struct ipc_req *r, const void *msg)
{
	struct inflight_reply answer = { { NULL, 0 } };
	size_t n = accounts == NULL ? 0 : map_count(accounts), at = 0;
	struct inflight_one *list = pool_array(ipc_pool(r), n, sizeof(*list));
	void *value;

	(void)msg;
	answer.list.v = list;
	while (answer.list.n < n && map_next(accounts, &at, NULL, &value))
		list[answer.list.n++] = ((struct account *)value)->one;
	ipc_reply(r, &answer);
	/* Behind the answer, so that qmgr knows each of them; not on a connection that has ended. */
	if (n > 0 && qmgr == ipc_conn(r))
		send_kept(qmgr);
}

void
agent_joined(struct ipc *c)
{
	if (ipc_peer(c) == PEER_QMGR)
		qmgr = c;
}

void
agent_left(struct ipc *c)
{
	if (qmgr == c)
		qmgr = NULL;
}

size_t
agent_count(void)
{
	return accounts == NULL ? 0 : map_count(accounts);
}

void
agent_on_less(void (*fn)(void))
{
	on_less = fn;
}
