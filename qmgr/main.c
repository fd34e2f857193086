/* SPDX-License-Identifier: ISC */
/*
 * qmgr - decide what is delivered when, where, and how many at once.
 *
 * Runs as:  the mail owner; reads and writes the queue directory, no network.
 * Started by: master, one process; a successor waits for the lock in the queue directory.
 * Talks to: cleanup (who brings messages), router, the agents smtp and local, bounce, master (who
 *           starts per-user workers), and by public/showq and public/qmgr any user's tools.
 * Trusts:   agents for results of deliveries it gave them; router for where mail goes.
 * If taken over: can read, change, lose and misdirect all queued mail, and have mail delivered to
 *           any mailbox; runs no code as a user, reaches no network, no key, no password.
 */
#include "conf/room_queue.h"
#include "daemon/queue.h"
#include "daemon/service.h"
#include "qmgr/qmgr.h"
#include "wire/arrive.h"

static bool
prepare(struct jail *jail)
{
	if (!queue_prepare(&spool, "qmgr", jail))
		return false;
	show_learn();
	scan_finished();
	sched_begin();
	jail->calls |= service_fd("showq") >= 0 ? JAIL_ACCEPT : 0;
	return true;
}

static void
start(void)
{
	(void)fiber_start(pump_run, NULL, "pump");
	(void)fiber_start(scan_run, NULL, "scan");
	(void)fiber_start(sched_run, NULL, "sched");
	(void)fiber_start(pass_sweep, NULL, "sweep");
	show_start();
}

/*
 * Let what is committing commit.  What agents have under way they tell our successor; when there is
 * none, we wait for it, lest it is delivered again after the next start.
 */
static void
stop(void)
{
	while (pass_busy() > 0 || (service_ending() && agents_flying() > 0))
		if (fiber_sleep(deadline_in(10)) == WAKE_CANCEL)
			return;
}

#define AGENTS	(PEER_BIT(PEER_SMTP) | PEER_BIT(PEER_LOCAL))

static const struct ipc_op ops[] = {
	{ &arrive_msg,	NULL,		on_arrive,	PEER_BIT(PEER_CLEANUP) },
	{ &result_msg,	&settled_msg,	on_result,	AGENTS },
	{ NULL, NULL, NULL, 0 }
};

int
main(int argc, char **argv)
{
	static const unsigned char peers[] = { PEER_ROUTER, PEER_SMTP, PEER_BOUNCE, PEER_NONE };
	static const struct service qmgr = {
		.name = "qmgr",
		.peer = PEER_QMGR,
		.params = queue_params,
		.needs = { .calls = JAIL_WRITE },
		.peers = peers,
		.ops = ops,
		.prepare = prepare,
		.start = start,
		.joined = agents_joined,
		.left = agents_left,
		.stop = stop,
	};

	return service_main(&qmgr, argc, argv);
}
