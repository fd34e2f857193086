/* SPDX-License-Identifier: ISC */
/*
 * rules - what master decides from its arguments alone: no descriptor, no name service, no state.
 */
#include "master/rules.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MOST_MS	60000
#define PROCESSES_MOST	64

/* `smtp`, `127.0.0.1:2525`, `[::1]:submission`: what stands behind the last colon. */
static const char *
port_of(struct str service)
{
	ptrdiff_t colon = str_rchr(service, ':');

	return service.p + colon + 1;
}

const char *
rules_user(const struct program *p, const struct conf_service *line)
{
	/* Submission has a user of its own, whatever its port is called. */
	for (size_t i = 0; i < line->overrides.n; i++)
		if (str_eq(line->overrides.v[i], STR("smtpd_submission=yes")))
			return program_user(p, "submission");
	return program_user(p, port_of(line->name));
}

unsigned
rules_processes(const struct program *p, unsigned maxproc)
{
	if (p->kind == PROGRAM_WORKER)
		return 0;
	if (p->kind == PROGRAM_SINGLE)
		return 1;
	if (maxproc == SERVICE_DEFAULT || maxproc == 0)
		return p->processes;
	return maxproc > PROCESSES_MOST ? PROCESSES_MOST : maxproc;
}

bool
rules_service(const struct conf_service *line, struct service_line *s)
{
	const struct program *p = program_by_name(line->command.p);

	if (p == NULL)
		return false;
	*s = (struct service_line){
		.name = line->name,
		.program = p,
		.overrides = line->overrides,
		.args = line->args,
		.want = rules_processes(p, line->maxproc),
		.listeners = vec_of(sizeof(int)),
	};
	return true;
}

/* Is one of the services of this program meant for that asker ("tlsd-smtpd")? */
static bool
is_special(const struct service_line *s, const struct program *server, const char *asker)
{
	struct str name = s->name, program = str_of(server->name);

	return s->program == server && name.n > program.n && str_start(name, program) &&
	    name.p[program.n] == '-' &&
	    str_eq(str_sub(name, program.n + 1, name.n), str_of(asker));
}

bool
rules_answers(const struct vec *services, const struct service_line *server,
    const struct program *asker)
{
	const struct program *p = server->program;

	if (!(asker->asks & PEER_BIT(p->peer)))
		return false;
	for (size_t i = 0; i < services->n; i++)
		if (is_special(*(struct service_line *const *)vec_at(services, i), p, asker->name))
			return is_special(server, p, asker->name);
	return str_chr(server->name, '-') < 0 || !str_start(server->name, str_of(p->name));
}

msec_t
rules_backoff(msec_t before, msec_t lived, bool shot)
{
	if (lived >= QUICK_DEATH_MS || (shot && before == 0))
		return 0;
	if (before == 0)
		return BACKOFF_FIRST_MS;
	return before > BACKOFF_MOST_MS / 2 ? BACKOFF_MOST_MS : before * 2;
}

enum room
rules_room(unsigned workers, uint64_t limit)
{
	if (workers < limit)
		return ROOM_FREE;
	return workers < limit + limit / 4 + 1 ? ROOM_TIGHT : ROOM_NONE;
}

static bool
listed(const struct strs *uids, uint64_t uid)
{
	for (size_t i = 0; i < uids->n; i++) {
		uint64_t v;

		if (str_u64(uids->v[i], UINT32_MAX, &v) && v == uid)
			return true;
	}
	return false;
}

static bool
a_service_runs_as(const struct vec *services, uint64_t uid)
{
	for (size_t i = 0; i < services->n; i++)
		if ((*(struct service_line *const *)vec_at(services, i))->uid == uid)
			return true;
	return false;
}

static bool
a_service_has_group(const struct vec *services, uint64_t gid)
{
	for (size_t i = 0; i < services->n; i++) {
		const struct service_line *s = *(struct service_line *const *)vec_at(services, i);

		if (s->gid == gid || s->group == gid)
			return true;
	}
	return false;
}

const char *
rules_worker(const struct worker_rules *r, const struct ctl_worker *ask)
{
	const struct program *p = program_by_peer((unsigned)ask->worker);

	if (p == NULL || p->kind != PROGRAM_WORKER)
		return "no such worker";
	if (ask->mailbox.n == 0 || ask->mailbox.p[0] == '/' ||
	    str_find(ask->mailbox, STR("..")) >= 0)
		return "bad mailbox name";
	if (!r->root)
		return ask->uid == r->self ? NULL : "this instance runs as an ordinary user and "
		    "serves that user's mailboxes only";
	if (ask->uid == 0 || ask->gid == 0)
		return "root owns no mailboxes";
	if (ask->uid >= UINT32_MAX || ask->gid >= UINT32_MAX)
		return "no uid or gid";		/* to setresuid(2) it means: stay root */
	if (a_service_runs_as(r->services, ask->uid))
		return "that uid runs a service";
	if (ask->uid < r->first_valid_uid && !listed(&r->mail_uids, ask->uid))
		return "uid below first_valid_uid and not in mail_uids";
	if (a_service_has_group(r->services, ask->gid) || ask->gid == r->setgid)
		return "that group is a service's";
	return NULL;
}
