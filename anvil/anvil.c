/* SPDX-License-Identifier: ISC */
/*
 * anvil - counters shared by all workers.
 *
 * Runs as:  posthorn-anvil, no file system, no network.
 * Started by: master, one process.
 * Talks to: nobody; smtpd, login and authd ask it.
 * Trusts:   its askers, for counts only.
 * If taken over: rate limits and login penalties are off.
 */
#include <stdio.h>
#include <stdint.h>

#include "anvil/counts.h"
#include "base/log.h"
#include "base/map.h"
#include "conf/room_anvil.h"
#include "daemon/service.h"
#include "fiber/fiber.h"

/*
 * What each asking process has open, so that it can be taken back when the process ends: the
 * user of a connection is a map from "SERVICE NUL CLIENT" to a number stored as a pointer.
 */
static struct str
open_key(struct buf *b, const struct anvil_count *q)
{
	buf_add(b, q->service);
	buf_addc(b, '\0');
	buf_add(b, q->client);
	return buf_str(b);
}

/* Note who has clients open; false for the end of one that was never counted here. */
static bool
track(struct ipc *from, const struct anvil_count *q)
{
	struct map *open = ipc_user(from);
	struct buf b = { 0 };
	struct str key = open_key(&b, q);
	uintptr_t n;

	if (open == NULL) {
		open = map_new();
		ipc_set_user(from, open);
	}
	n = (uintptr_t)map_get(open, key);
	if (q->what == ANVIL_CONNECT)
		(void)map_put(open, key, (void *)(n + 1));
	else if (n > 1)
		(void)map_put(open, key, (void *)(n - 1));
	else
		(void)map_del(open, key);
	buf_free(&b);
	return q->what == ANVIL_CONNECT || n > 0;
}

static struct anvil_counted
count(struct ipc *from, const struct anvil_count *q)
{
	if ((q->what == ANVIL_CONNECT || q->what == ANVIL_DISCONNECT) && !track(from, q))
		return (struct anvil_counted){ 0 };
	return counts_add(q, clock_ms());
}

static void
on_count(struct ipc_req *r, const void *msg)
{
	struct anvil_counted out = count(ipc_conn(r), msg);

	ipc_reply(r, &out);
}

static void
on_tell(struct ipc_req *r, const void *msg)
{
	(void)count(ipc_conn(r), msg);
}

/* A process has ended: so have its clients. */
static void
left(struct ipc *c)
{
	struct map *open = ipc_user(c);
	size_t at = 0;
	struct str key;
	void *n;

	if (open == NULL)
		return;
	while (map_next(open, &at, &key, &n)) {
		struct str client = key, service;
		struct anvil_count q = { .what = ANVIL_DISCONNECT };

		(void)str_cut(&client, '\0', &service);
		q.service = service;
		q.client = client;
		for (uintptr_t i = (uintptr_t)n; i > 0; i--)
			(void)counts_add(&q, clock_ms());
	}
	map_free(open);
	ipc_set_user(c, NULL);
}

static void
report(void)
{
	struct str lines[COUNTS_LINES];
	size_t n = counts_report(lines);

	for (size_t i = 0; i < n; i++)
		log_info("statistics: %.*s", STR_ARG(lines[i]));
}

static void
report_now_and_then(void *arg)
{
	(void)arg;
	while (fiber_sleep(deadline_in(anvil_conf.status_ms)) == WAKE_TIMEOUT)
		report();
}

static void
start(void)
{
	(void)fiber_start(report_now_and_then, NULL, "report");
}

static bool
prepare(struct jail *jail)
{
	struct counts_limits limits = {
		.unit = anvil_conf.unit_ms,
		.clients = anvil_conf.clients,
		.penalty = anvil_conf.penalty_ms,
		.penalty_max = anvil_conf.penalty_max_ms,
		.penalty_memory = anvil_conf.penalty_memory_ms,
	};

	(void)jail;
	counts_init(&limits);
	return true;
}

static const struct ipc_op ops[] = {
	{ &anvil_count_msg, &anvil_counted_msg, on_count,
	  PEER_BIT(PEER_SMTPD) | PEER_BIT(PEER_LOGIN) | PEER_BIT(PEER_AUTHD) },
	{ &anvil_tell_msg, NULL, on_tell,
	  PEER_BIT(PEER_SMTPD) | PEER_BIT(PEER_LOGIN) | PEER_BIT(PEER_AUTHD) },
	{ NULL, NULL, NULL, 0 }
};

int
main(int argc, char **argv)
{
	static const struct service anvil = {
		.name = "anvil",
		.peer = PEER_ANVIL,
		.params = anvil_params,
		.needs = { .name = "anvil" },
		.ops = ops,
		.prepare = prepare,
		.start = start,
		.left = left,
		.stop = report,
	};

	return service_main(&anvil, argc, argv);
}
