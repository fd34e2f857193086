/* SPDX-License-Identifier: ISC */
/*
 * worker - local, pop3d and imapd as the user whose mail it is.
 *
 * qmgr and authd name numbers and a mailbox; what they may name is decided here (rules_worker).
 * Nothing here asks the name service: a directory server that does not answer would stop all of the
 * suite, and its client library would run as root.  The groups of services were looked up when the
 * configuration was read, and that a group is the user's own is checked by the worker, which has to
 * look its user up anyway (home_user): as that user, and before it reads a byte from anyone.
 */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/frame.h"
#include "master/master.h"
#include "master/rules.h"

/* NULL when allowed, else why not. */
static const char *
refusal(const struct ctl_worker *ask)
{
	const struct worker_rules rules = {
		.root = master.root,
		.self = getuid(),
		.first_valid_uid = common.first_valid_uid,
		.mail_uids = common.mail_uids,
		.services = &master.services,
		.setgid = master.setgid,
	};

	return master.stopping ? "stopping" : rules_worker(&rules, ask);
}

/* One `local` serves a uid; pop3d and imapd serve one mailbox of one user. */
static struct process *
find_worker(const struct ctl_worker *ask)
{
	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *p = *(struct process **)vec_at(&master.processes, i);

		if (p->mailbox == NULL || p->program->peer != ask->worker || p->uid != ask->uid ||
		    p->gid != ask->gid || p->virtual_box != ask->virtual_box ||
		    p->state == PROCESS_STOPPING || p->control < 0 ||
		    p->generation != master.generation)
			continue;
		if (p->program->peer == PEER_LOCAL || str_eq(str_of(p->mailbox), ask->mailbox))
			return p;
	}
	return NULL;
}

/* Room for one more worker; the least recently used ends first. */
static bool
make_room(void)
{
	struct process *oldest = NULL;
	unsigned n = 0;
	enum room room;

	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *p = *(struct process **)vec_at(&master.processes, i);

		if (p->mailbox == NULL)
			continue;
		n++;
		if (p->state != PROCESS_STOPPING && (oldest == NULL || p->used < oldest->used))
			oldest = p;
	}
	room = rules_room(n, common.worker_limit);
	if (room != ROOM_FREE && oldest != NULL)
		child_stop(oldest, 1000);
	return room != ROOM_NONE;
}

static void
refuse(struct process *from, uint32_t call, const char *why)
{
	struct ctl_worker_reply no = { -1, str_of(why) };

	child_reply(from, call, &ctl_worker_reply_msg, &no);
}

void
worker_request(struct process *from, uint32_t call, const struct ctl_worker *ask)
{
	const char *why = refusal(ask);
	struct ctl_worker_reply yes = { .text = STR("") };
	struct ctl_connect join;
	struct process *p;
	int pair[2];

	if (why != NULL) {
		log_warn("%s: no worker for uid %llu mailbox %.*s: %s", from->program->name,
		    (unsigned long long)ask->uid, STR_ARG(ask->mailbox), why);
		refuse(from, call, why);
		return;
	}
	p = find_worker(ask);
	if (p == NULL && !make_room()) {
		refuse(from, call, "too many workers (worker_limit)");
		return;
	}
	if (p == NULL)
		p = spawn(NULL, program_by_peer((unsigned)ask->worker), (uid_t)ask->uid,
		    (gid_t)ask->gid, ask->virtual_box, ask->mailbox);
	if (p == NULL || !frame_pair(pair)) {
		refuse(from, call, "no worker can be started now");
		return;
	}
	p->used = clock_ms();
	join = (struct ctl_connect){ from->program->peer, false, pair[1] };
	child_send(p, &ctl_connect_msg, &join);
	yes.fd = pair[0];
	child_reply(from, call, &ctl_worker_reply_msg, &yes);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
