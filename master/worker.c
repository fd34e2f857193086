/* SPDX-License-Identifier: ISC */
/*
 * worker - local, pop3d and imapd as the user whose mail it is.
 *
 * qmgr and authd name numbers and a mailbox; what they may name is decided here: a uid from
 * first_valid_uid on or listed in mail_uids, never root, never a service's own; a gid that is the
 * user's own group, never a service's.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/frame.h"
#include "master/master.h"

static bool
listed(uid_t uid)
{
	for (size_t i = 0; i < common.mail_uids.n; i++) {
		uint64_t v;

		if (str_u64(common.mail_uids.v[i], UINT32_MAX, &v) && (uid_t)v == uid)
			return true;
	}
	return false;
}

static bool
a_service_runs_as(uid_t uid)
{
	for (size_t i = 0; i < master.services.n; i++) {
		struct service_line *s = *(struct service_line **)vec_at(&master.services, i);

		if (s->uid == uid)
			return true;
	}
	return false;
}

static bool
is_group(const char *name, gid_t gid)
{
	const struct group *gr = name == NULL || name[0] == '\0' ? NULL : getgrnam(name);

	return gr != NULL && gr->gr_gid == gid;
}

static bool
a_service_has_group(gid_t gid)
{
	for (size_t i = 0; i < master.services.n; i++) {
		struct service_line *s = *(struct service_line **)vec_at(&master.services, i);

		if (s->gid == gid || is_group(s->program->group, gid))
			return true;
	}
	return is_group(common.setgid_group, gid);
}

static bool
own_group(uid_t uid, gid_t gid)
{
	const struct passwd *pw = getpwuid(uid);

	return pw != NULL && pw->pw_gid == gid;
}

/* NULL when allowed, else why not. */
static const char *
refusal(const struct ctl_worker *ask)
{
	const struct program *p = program_by_peer((unsigned)ask->worker);

	if (p == NULL || p->kind != PROGRAM_WORKER)
		return "no such worker";
	if (ask->mailbox.n == 0 || ask->mailbox.p[0] == '/' ||
	    str_find(ask->mailbox, STR("..")) >= 0)
		return "bad mailbox name";
	if (master.stopping)
		return "stopping";
	if (!master.root)
		return ask->uid == getuid() ? NULL : "this instance runs as an ordinary user and "
		    "serves that user's mailboxes only";
	if (ask->uid == 0 || ask->gid == 0)
		return "root owns no mailboxes";
	if (a_service_runs_as((uid_t)ask->uid))
		return "that uid runs a service";
	if (ask->uid < common.first_valid_uid && !listed((uid_t)ask->uid))
		return "uid below first_valid_uid and not in mail_uids";
	if (a_service_has_group((gid_t)ask->gid))
		return "that group is a service's";
	if (!ask->virtual_box && !own_group((uid_t)ask->uid, (gid_t)ask->gid))
		return "not the group of that user";
	return NULL;
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

	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *p = *(struct process **)vec_at(&master.processes, i);

		if (p->mailbox == NULL)
			continue;
		n++;
		if (p->state != PROCESS_STOPPING && (oldest == NULL || p->used < oldest->used))
			oldest = p;
	}
	if (n < common.worker_limit)
		return true;
	if (oldest != NULL)
		child_stop(oldest, 1000);
	return n < common.worker_limit + common.worker_limit / 4 + 1;
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
