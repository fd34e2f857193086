/* SPDX-License-Identifier: ISC */
/*
 * services - master.cf and main.cf as master needs them: which program, which uid, how many.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "master/master.h"

static struct vec old = { .size = sizeof(struct old_generation) };

static bool
find_user(const struct program *p, struct service_line *s)
{
	const char *service = s->name.p;
	const char *colon = strrchr(service, ':');
	const char *user = program_user(p, colon == NULL ? service : colon + 1);
	struct passwd *pw;

	/* Submission has a user of its own, whatever its port is called. */
	for (size_t i = 0; i < s->overrides.n; i++)
		if (str_eq(s->overrides.v[i], STR("smtpd_submission=yes")))
			user = program_user(p, "submission");

	if (!master.root) {
		s->uid = getuid();
		s->gid = getgid();
		return true;
	}
	if (user == NULL)
		user = common.mail_owner;
	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL) {
		log_error("service %s needs the user \"%s\", which does not exist; "
		    "`posthorn users` lists the users a package makes", service, user);
		return false;
	}
	if (pw->pw_uid == 0) {
		log_error("service %s: the user \"%s\" is root; that is never right", service, user);
		return false;
	}
	s->uid = pw->pw_uid;
	s->gid = pw->pw_gid;
	return true;
}

static unsigned
how_many(const struct program *p, const struct conf_service *line)
{
	if (p->kind == PROGRAM_WORKER)
		return 0;
	if (p->kind == PROGRAM_SINGLE)
		return 1;
	if (line->maxproc == SERVICE_DEFAULT || line->maxproc == 0)
		return p->processes;
	return line->maxproc > 64 ? 64 : line->maxproc;
}

static bool
add_service(struct vec *list, struct conf_service *line)
{
	const struct program *p = program_by_name(line->command.p);
	struct service_line *s;

	if (p == NULL)
		return true;		/* a finding said so already */
	s = pool_alloc(master.pool, sizeof(*s));
	s->name = line->name;
	s->program = p;
	s->overrides = line->overrides;
	s->args = line->args;
	s->want = how_many(p, line);
	s->listeners = vec_of(sizeof(int));
	s->generation = master.generation;
	s->backoff_ms = 0;
	if (!find_user(p, s))
		return false;
	if (line->type == SERVICE_INET && !listen_service(s, line))
		return false;
	*(struct service_line **)vec_push(list) = s;
	return true;
}

static void
log_findings(struct conf *c)
{
	const struct conf_finding *f;
	size_t n;

	f = conf_findings(c, &n);
	for (size_t i = 0; i < n; i++)
		if (f[i].grade == CONF_ERROR)
			log_error("%s:%u: %s", f[i].file, f[i].line, f[i].text);
		else if (f[i].grade == CONF_WARNING)
			log_warn("%s:%u: %s", f[i].file, f[i].line, f[i].text);
}

/*
 * Both files and every file they name, as they are now.  All rows are looked at, the rooms' own too:
 * an error must show here, not in a program that dies of it after the old state is gone.  False, with
 * everything logged, when bad.
 */
static bool
read_files(struct conf_service **lines, size_t *n, int *snapshot)
{
	(void)conf_common(master.conf);
	conf_check(master.conf);
	*lines = services_read(master.conf, master.pool, n);
	log_findings(master.conf);
	if (conf_broken(master.conf))
		return false;
	*snapshot = conf_snapshot(master.conf);
	if (*snapshot < 0)
		log_error("cannot keep the configuration in memory: %s", strerror(errno));
	return *snapshot >= 0;
}

static bool
add_services(struct vec *list, struct conf_service *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!add_service(list, &lines[i]))
			return false;
	if (list->n == 0)
		log_error("%s/master.cf names no service", master.conf_dir);
	return list->n > 0;
}

bool
services_load(void)
{
	struct vec list = vec_of(sizeof(struct service_line *));
	struct master before = master;
	struct common old_common = common;
	struct conf_service *lines;
	int snapshot = -1;
	bool ok;
	size_t n;

	master.pool = pool_new();
	master.conf = conf_read(master.conf_dir, NULL);
	master.generation++;
	listen_begin();
	ok = read_files(&lines, &n, &snapshot) && add_services(&list, lines, n);
	listen_end(ok);
	if (!ok) {
		pool_free(master.pool);
		conf_free(master.conf);
		vec_free(&list);
		if (snapshot >= 0)
			(void)close(snapshot);
		master = before;
		common = old_common;
		return false;
	}
	if (before.conf != NULL) {
		*(struct old_generation *)vec_push(&old) = (struct old_generation){
			before.generation, before.conf, before.pool, before.services };
		(void)close(before.snapshot_fd);
	}
	master.services = list;
	master.snapshot_fd = snapshot;
	return true;
}

static bool
in_use(unsigned generation)
{
	for (size_t i = 0; i < master.processes.n; i++)
		if ((*(struct process **)vec_at(&master.processes, i))->generation == generation)
			return true;
	return false;
}

void
services_sweep(void)
{
	for (size_t i = old.n; i > 0; i--) {
		struct old_generation *g = vec_at(&old, i - 1);

		if (in_use(g->number))
			continue;
		for (size_t k = 0; k < g->services.n; k++)
			vec_free(&(*(struct service_line **)vec_at(&g->services, k))->listeners);
		vec_free(&g->services);
		conf_free(g->conf);
		pool_free(g->pool);
		vec_remove(&old, i - 1);
	}
}
