/* SPDX-License-Identifier: ISC */
/*
 * services - master.cf and main.cf as master needs them: which program, which uid, how many.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "master/master.h"
#include "master/rules.h"

static struct vec old = { .size = sizeof(struct old_generation) };

static gid_t
group_called(const char *name)
{
	const struct group *gr = name == NULL || name[0] == '\0' ? NULL : getgrnam(name);

	return gr == NULL ? 0 : gr->gr_gid;
}

/* Users and groups, once for all processes and workers of this configuration. */
static bool
find_user(struct service_line *s, const struct conf_service *line)
{
	const char *user = rules_user(s->program, line);
	struct passwd *pw;

	if (!master.root) {
		s->uid = getuid();
		s->gid = getgid();
		return true;
	}
	if (user == NULL)
		user = common.mail_owner;
	pw = getpwnam(user);
	if (pw == NULL) {
		log_error("service %s needs the user \"%s\", which does not exist; "
		    "`posthorn users` lists the users a package makes", s->name.p, user);
		return false;
	}
	if (pw->pw_uid == 0) {
		log_error("service %s: the user \"%s\" is root; that is never right", s->name.p, user);
		return false;
	}
	s->uid = pw->pw_uid;
	s->gid = pw->pw_gid;
	s->group = group_called(s->program->group);
	return true;
}

static bool
add_service(struct vec *list, struct conf_service *line)
{
	struct service_line *s = pool_alloc(master.pool, sizeof(*s));

	if (!rules_service(line, s))
		return true;		/* a finding said so already */
	if (!find_user(s, line))
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
 * A queue that is not there would end one program after the other.  Who says `posthorn reload` hears
 * of it from the checks that come before; SIGHUP comes without them.
 */
static bool
queue_there(void)
{
	struct stat st;
	int err = stat(common.queue_directory, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;

	if (err != 0)
		log_error("queue_directory: %s: %s", common.queue_directory, strerror(err));
	return err == 0;
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
	if (conf_broken(master.conf) || !queue_there())
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
	master.setgid = group_called(common.setgid_group);
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
