/* SPDX-License-Identifier: ISC */
/*
 * smtp - deliver mail to other hosts.
 *
 * Runs as:  its own uid, no file system; connects to anybody.
 * Started by: master, for each transport of master.cf that names it ("smtp", "relay").
 * Talks to: the world; dnsd, tlsd; qmgr gives it deliveries.
 * Trusts:   those three.  Never a server, never a word of its replies.
 * If taken over: can read and change the mail that passes through it while it is held, and connect
 *           anywhere; cannot reach the queue, mailboxes, keys, password files, or mail that other
 *           processes deliver.
 */
#include <unistd.h>

#include "ask/agent.h"
#include "ask/dns.h"
#include "smtp/cache.h"
#include "conf/room_smtp.h"
#include "daemon/service.h"
#include "smtp/delivery.h"
#include "smtp/self.h"

/* One delivery, from the question to the settled result, in its own fiber. */
static void
on_deliver(struct ipc_req *r, const void *msg)
{
	const struct deliver *m = msg;
	struct hosts_rules rules = self_rules();
	struct result *result;

	if (!agent_begin(m)) {
		if (m->fd >= 0)
			(void)close(m->fd);
		return;
	}
	service_session_begin();
	result = delivery_run(m, &rules, dns_lookup, ipc_pool(r));
	if (m->fd >= 0)
		(void)close(m->fd);
	(void)agent_finish(result);
	service_session_end();
}

static bool
prepare(struct jail *jail)
{
	(void)jail;
	self_learn();
	agent_service(service_name());
	return true;
}

/* A qmgr that comes when we are on our way out takes our results; its deliveries go to others. */
static void
joined(struct ipc *c)
{
	if (service_retiring())
		agent_service(AGENT_RETIRED);
	agent_joined(c);
}

int
main(int argc, char **argv)
{
	static const unsigned char peers[] = { PEER_DNSD, PEER_TLSD, PEER_NONE };
	static const struct ipc_op ops[] = {
		{ &deliver_msg, NULL, on_deliver, PEER_BIT(PEER_QMGR) },
		{ &inflight_msg, &inflight_reply_msg, agent_on_inflight, PEER_BIT(PEER_QMGR) },
		{ NULL, NULL, NULL, 0 }
	};
	static const struct service smtp = {
		.name = "smtp",
		.peer = PEER_SMTP,
		.params = smtp_params,
		.needs = { .name = "smtp", .calls = JAIL_CONNECT },
		.peers = peers,
		.ops = ops,
		.prepare = prepare,
		.joined = joined,
		.left = agent_left,
		.stop = cache_clear,
		.quit = agent_quit,
	};

	return service_main(&smtp, argc, argv);
}
