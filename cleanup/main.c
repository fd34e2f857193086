/* SPDX-License-Identifier: ISC */
/*
 * cleanup - put new messages into the queue.
 *
 * Runs as:  the mail owner; reads and writes the queue directory, no network.
 * Started by: master, one process; a successor waits for the lock in the queue directory.
 * Talks to: smtpd, pickup, bounce (who give messages), qmgr (who gets them).
 * Trusts:   envelopes as far as their limits go; it parses no content.
 * If taken over: can read and change all queued mail and make new mail; reaches no network, no
 *           mailbox, no key, no password.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "cleanup/cleanup.h"
#include "conf/room_queue.h"
#include "daemon/queue.h"
#include "daemon/service.h"
#include "fiber/fiber.h"

struct spool spool;
struct intake *intake;

static bool
prepare(struct jail *jail)
{
	if (!queue_prepare(&spool, "cleanup", jail))
		return false;
	if ((intake = intake_open(&spool)) == NULL) {
		log_error("open queue %s for new mail: %s", common.queue_directory, strerror(errno));
		return false;
	}
	return true;
}

/* What a predecessor took in and may not have handed on. */
static void
start(void)
{
	struct vec names = vec_of(sizeof(struct spool_name));

	(void)spool_list(&spool, SPOOL_INCOMING, SIZE_MAX, &names);
	for (size_t i = 0; i < names.n; i++)
		handover_later(((struct spool_name *)vec_at(&names, i))->name);
	vec_free(&names);
	(void)fiber_start(handover_run, NULL, "handover");
}

static void
joined(struct ipc *c)
{
	if (ipc_peer(c) == PEER_QMGR)
		handover_wake();
}

static void
stop(void)
{
	while (submit_busy() > 0)
		if (fiber_sleep(deadline_in(10)) == WAKE_CANCEL)
			break;
}

int
main(int argc, char **argv)
{
	static const unsigned char peers[] = { PEER_QMGR, PEER_NONE };
	static const struct service cleanup = {
		.name = "cleanup",
		.peer = PEER_CLEANUP,
		.params = queue_params,
		.needs = { .calls = JAIL_WRITE },
		.peers = peers,
		.ops = submit_ops,
		.prepare = prepare,
		.start = start,
		.joined = joined,
		.left = submit_left,
		.stop = stop,
	};

	return service_main(&cleanup, argc, argv);
}
