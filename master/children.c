/* SPDX-License-Identifier: ISC */
/*
 * children - what they say, connecting them to each other, their ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/frame.h"
#include "master/master.h"
#include "master/rules.h"

#define FORK_AGAIN_MS	1000
#define HOPELESS	3	/* deaths after which `posthorn start` is not kept waiting */
#define JUST_USED_MS	2000	/* a worker that was named so lately is about to get work */
#define FRAMES_A_TURN	64	/* one child's messages before the others are heard */
#define REPLACED_GRACE_MS	60000	/* what is under way in a mail folder that was put aside may take */
#define KILL_MS		5000	/* after its grace time a process may take this long to end */
#define OUTLIVED	2	/* reloads after which a process is kept for transactions only, */
#define LAST_IDLE_MS	10000	/* and idle sessions for this long */

static char room[IPC_FRAME];

static void
send_frame(struct process *p, enum frame_kind kind, uint32_t call, const struct ipc_msg *m,
    const void *msg)
{
	struct buf out = { .limit = FRAME_ROOM };
	struct frame f = { .kind = kind, .call = call };
	int fds[IPC_FDS];
	size_t nfds = 0;

	if (p->control >= 0 && ipc_pack(&out, m, msg, fds, &nfds)) {
		f.payload = buf_str(&out);
		f.total = (uint32_t)out.n;
		/* One that has just ended is noticed when it is reaped. */
		if (frame_send(p->control, &f, fds, nfds) != 1 && errno != EPIPE &&
		    errno != ECONNRESET)
			log_warn("%s[%d] does not read what master says: %s", p->program->name,
			    (int)p->pid, strerror(errno));
	}
	buf_free(&out);
}

void
child_send(struct process *p, const struct ipc_msg *m, const void *msg)
{
	send_frame(p, FRAME_ONEWAY, 0, m, msg);
}

void
child_reply(struct process *p, uint32_t call, const struct ipc_msg *m, const void *msg)
{
	send_frame(p, FRAME_REPLY, call, m, msg);
}

static void
stop_child(struct process *p, msec_t grace_ms, bool idle)
{
	struct ctl_stop stop = { (uint64_t)grace_ms, idle, master.stopping };

	/* Asked again, it is in more of a hurry, or not asked. */
	if (p->state == PROCESS_STOPPING && p->kill_at <= deadline_in(grace_ms + KILL_MS))
		return;
	p->state = PROCESS_STOPPING;
	child_send(p, &ctl_stop_msg, &stop);
	p->kill_at = deadline_in(grace_ms + KILL_MS);
}

void
child_stop(struct process *p, msec_t grace_ms)
{
	stop_child(p, grace_ms, false);
}

void
child_outlived(struct process *p)
{
	if (p->generation + OUTLIVED < master.generation && p->idle_at == NEVER &&
	    !p->idle_told)
		p->idle_at = deadline_in(LAST_IDLE_MS);
}

void
children_end_idle(void)
{
	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *p = *(struct process **)vec_at(&master.processes, i);
		struct ctl_stop stop = { (uint64_t)deadline_left(p->kill_at - KILL_MS), true,
			master.stopping };

		if (deadline_left(p->idle_at) > 0)
			continue;
		p->idle_at = NEVER;
		p->idle_told = true;
		child_send(p, &ctl_stop_msg, &stop);
	}
}

/* One socket pair between an asking and an answering process. */
static void
connect_pair(struct process *asker, struct process *server)
{
	struct ctl_connect m;
	int pair[2];

	if (!frame_pair(pair)) {
		log_error("socket pair: %s", strerror(errno));
		return;
	}
	m = (struct ctl_connect){ server->program->peer, true, pair[0] };
	child_send(asker, &ctl_connect_msg, &m);
	m = (struct ctl_connect){ asker->program->peer, false, pair[1] };
	child_send(server, &ctl_connect_msg, &m);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static bool
serves(const struct process *server, const struct process *asker)
{
	return server->service != NULL &&
	    rules_answers(&master.services, server->service, asker->program);
}

/* An agent that is asked to end and may hold results, which a new qmgr must have. */
static bool
holds_results(const struct process *agent, const struct process *qmgr)
{
	return qmgr->program->peer == PEER_QMGR && agent->state == PROCESS_STOPPING &&
	    (agent->program->peer == PEER_SMTP || agent->program->peer == PEER_LOCAL);
}

void
children_connect(struct process *p)
{
	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *q = *(struct process **)vec_at(&master.processes, i);

		if (q == p || q->control < 0)
			continue;
		/* One that is asked to end still finishes its sessions, and asks while it does. */
		if ((q->state != PROCESS_STOPPING && serves(q, p)) || holds_results(q, p))
			connect_pair(p, q);
		if (serves(p, q))
			connect_pair(q, p);
	}
}

static void
got_ready(struct process *p, struct str payload, int *fds, size_t nfds, struct pool *pool)
{
	struct ctl_ready m;

	if (!ipc_unpack(payload, &ctl_ready_msg, &m, fds, nfds, pool))
		return;
	(void)snprintf(p->jail, sizeof(p->jail), "%.*s", STR_ARG(m.jail));
	if (p->state == PROCESS_STARTING)
		p->state = PROCESS_READY;
}

static void
got_frame(struct process *p, const struct frame *f, int *fds, size_t nfds)
{
	struct pool *pool = pool_new();
	struct ctl_worker ask;
	struct ctl_idle idle;
	unsigned id = f->payload.n < 2 ? 0 :
	    (unsigned char)f->payload.p[0] | (unsigned)(unsigned char)f->payload.p[1] << 8;

	if (id == ctl_ready_msg.id) {
		got_ready(p, f->payload, fds, nfds, pool);
	} else if (id == ctl_worker_msg.id && f->kind == FRAME_REQUEST) {
		if ((p->program->peer == PEER_QMGR || p->program->peer == PEER_AUTHD) &&
		    ipc_unpack(f->payload, &ctl_worker_msg, &ask, fds, nfds, pool))
			worker_request(p, f->call, &ask);
		else
			log_warn("%s[%d] asked for a worker", p->program->name, (int)p->pid);
	} else if (id == ctl_idle_msg.id && p->program->kind == PROGRAM_WORKER &&
	    ipc_unpack(f->payload, &ctl_idle_msg, &idle, fds, nfds, pool)) {
		if (idle.replaced)
			stop_child(p, REPLACED_GRACE_MS, true);
		else if (clock_ms() - p->used >= JUST_USED_MS)
			child_stop(p, 1000);
	} else {
		log_warn("bad message from %s[%d]", p->program->name, (int)p->pid);
	}
	frame_close_fds(fds, nfds);
	pool_free(pool);
}

void
child_read(struct process *p)
{
	int fds[IPC_FDS], got;
	struct frame f;
	size_t nfds;

	for (unsigned n = 0; n < FRAMES_A_TURN && p->control >= 0 &&
	    (got = frame_recv(p->control, room, &f, fds, &nfds)) != 0; n++) {
		if (got < 0) {
			(void)close(p->control);
			p->control = -1;
			return;
		}
		got_frame(p, &f, fds, nfds);
	}
}

static void
forget(size_t i)
{
	struct process *p = *(struct process **)vec_at(&master.processes, i);

	if (p->control >= 0)
		(void)close(p->control);
	free(p->mailbox);
	free(p);
	vec_remove(&master.processes, i);
}

/* A service whose process ended by itself: say so, and wait before the next if it was quick. */
static void
died(struct process *p, int status)
{
	struct service_line *s = p->service;
	bool shot = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && p->state == PROCESS_READY;

	if (WIFSIGNALED(status))
		log_warn("process %s/%s pid %d killed by signal %d", common.daemon_directory,
		    p->program->name, (int)p->pid, WTERMSIG(status));
	else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		log_warn("process %s/%s pid %d exit status %d%s", common.daemon_directory,
		    p->program->name, (int)p->pid, WEXITSTATUS(status),
		    WEXITSTATUS(status) == 127 ? " (cannot be executed)" :
		    WEXITSTATUS(status) == 126 ? " (cannot become its user)" : "");
	if (s == NULL)
		return;
	s->restarts++;
	/* Who waits for "ready" need not wait for a program that cannot start. */
	if (s->restarts >= HOPELESS && master.ready_fd >= 0) {
		(void)close(master.ready_fd);
		master.ready_fd = -1;
	}
	s->backoff_ms = rules_backoff(s->backoff_ms, clock_ms() - p->started, shot);
	s->not_before = s->backoff_ms == 0 ? 0 : deadline_in(s->backoff_ms);
	if (s->backoff_ms == 0)
		return;
	log_warn("%s/%s: bad command startup -- throttling for %lld s", common.daemon_directory,
	    p->program->name, (long long)(s->backoff_ms / 1000));
}

void
children_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < master.processes.n; i++) {
			struct process *p = *(struct process **)vec_at(&master.processes, i);

			if (p->pid != pid)
				continue;
			child_read(p);
			if (p->state != PROCESS_STOPPING)
				died(p, status);
			forget(i);
			break;
		}
}

static unsigned
count(const struct service_line *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *p = *(struct process **)vec_at(&master.processes, i);

		/* A successor of a single program starts when the one before has ended. */
		if (p->service == s && (p->state != PROCESS_STOPPING ||
		    s->program->kind == PROGRAM_SINGLE))
			n++;
		else if (p->service != NULL && p->service != s && p->program == s->program &&
		    s->program->kind == PROGRAM_SINGLE && str_eq(p->service->name, s->name))
			n++;
	}
	return n;
}

/* Start what is missing. */
void
children_fill(void)
{
	if (master.stopping)
		return;
	for (size_t i = 0; i < master.services.n; i++) {
		struct service_line *s = *(struct service_line **)vec_at(&master.services, i);

		while (count(s) < s->want && clock_ms() >= s->not_before) {
			struct process *p = spawn(s, s->program, s->uid, s->gid, false, STR(""));

			if (p == NULL) {
				s->not_before = deadline_in(FORK_AGAIN_MS);
				break;
			}
			children_connect(p);
		}
	}
}

bool
children_ready(void)
{
	for (size_t i = 0; i < master.services.n; i++) {
		struct service_line *s = *(struct service_line **)vec_at(&master.services, i);
		unsigned n = 0;

		for (size_t k = 0; k < master.processes.n; k++) {
			struct process *p = *(struct process **)vec_at(&master.processes, k);

			n += p->service == s && p->state == PROCESS_READY;
		}
		if (n < s->want)
			return false;
	}
	return true;
}

/* When the loop must look again. */
msec_t
children_next(void)
{
	msec_t at = NEVER;

	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *p = *(struct process **)vec_at(&master.processes, i);

		at = deadline_first(at, deadline_first(p->kill_at, p->idle_at));
	}
	for (size_t i = 0; i < master.services.n && !master.stopping; i++) {
		struct service_line *s = *(struct service_line **)vec_at(&master.services, i);

		if (count(s) < s->want)
			at = deadline_first(at, s->not_before);
	}
	return at;
}

void
children_kill_late(void)
{
	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *p = *(struct process **)vec_at(&master.processes, i);

		if (deadline_left(p->kill_at) > 0)
			continue;
		log_warn("%s[%d] did not stop in time and is killed", p->program->name, (int)p->pid);
		(void)kill(p->pid, SIGKILL);
		p->kill_at = NEVER;
	}
}
