/* SPDX-License-Identifier: ISC */
#include "admin/queue.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/common.h"

void
queue_conf_read(const char *tool, const char *dir)
{
	const struct conf_finding *f;
	struct conf *c;
	size_t n;

	/* Environment of a privileged caller's caller means nothing. */
	if (dir == NULL && getuid() == geteuid())
		dir = getenv("MAIL_CONFIG");
	c = conf_read(dir == NULL ? CONFDIR : dir, NULL);
	if (conf_common(c) && !conf_broken(c))
		return;
	f = conf_findings(c, &n);
	for (size_t i = 0; i < n; i++)
		if (f[i].grade == CONF_ERROR)
			fprintf(stderr, "%s: %s:%u: %s\n", tool, f[i].file, f[i].line, f[i].text);
	exit(EX_CONFIG);
}

void
queue_open(const char *tool, struct spool *s, bool alone)
{
	const struct passwd *pw = getpwnam(common.mail_owner);
	const char *what;

	if (pw == NULL) {
		fprintf(stderr, "%s: fatal: mail_owner %s: no such user\n", tool, common.mail_owner);
		exit(EX_NOUSER);
	}
	/* Root must not open files below a folder that the mail owner can change. */
	if (getuid() == 0 && pw->pw_uid != 0 &&
	    (setgroups(0, NULL) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)) {
		fprintf(stderr, "%s: fatal: become %s: %s\n", tool, common.mail_owner, strerror(errno));
		exit(EX_OSERR);
	}
	if (getuid() != pw->pw_uid && !alone) {
		fprintf(stderr, "%s: fatal: only root and %s may read the queue's files\n", tool,
		    common.mail_owner);
		exit(EX_NOPERM);
	}
	if (getuid() != pw->pw_uid) {
		fprintf(stderr, "%s: fatal: Queue report unavailable - mail system is down\n", tool);
		exit(EX_UNAVAILABLE);
	}
	if (!spool_open(s, common.queue_directory, &what)) {
		bool whole = what[0] == '/';	/* the queue directory itself is not there */

		fprintf(stderr, "%s: fatal: %s%s%s: %s\n", tool, whole ? "" : common.queue_directory,
		    whole ? "" : "/", what, strerror(errno));
		exit(EX_UNAVAILABLE);
	}
	if (alone) {
		int fd = spool_lock(s, "qmgr", false);

		if (fd < 0) {
			fprintf(stderr, "%s: fatal: the queue manager runs but does not answer\n", tool);
			exit(EX_UNAVAILABLE);
		}
		/* It may start while we list: a pager must not keep it waiting. */
		(void)close(fd);
	}
}

struct state {
	struct str addr, reason;
	bool done;
};

/* The recipients that wait, from envelope and log. */
static void
waiting(const struct spool_file *f, struct queue_entry *e, bool *held)
{
	const struct envelope_rcpt *rcpts = f->env.rcpts.v;
	struct vec states = vec_of(sizeof(struct state));

	for (size_t i = 0; i < f->env.rcpts.n; i++)
		((struct state *)vec_push(&states))->addr = rcpts[i].addr;
	for (size_t i = 0; i < f->nlog; i++) {
		const struct spool_record *r = &f->log[i];
		const struct spool_result *res = r->results.v;
		const struct spool_added *added = r->added.v;

		for (size_t k = 0; k < r->results.n; k++)
			if (res[k].num < states.n) {
				struct state *s = vec_at(&states, res[k].num);

				s->done = res[k].status != SPOOL_RCPT_DEFERRED &&
				    res[k].status != SPOOL_RCPT_BOUNCED;
				s->reason = res[k].text;
			}
		for (size_t k = 0; k < r->added.n; k++)
			((struct state *)vec_push(&states))->addr = added[k].addr;
		if (r->kind == SPOOL_LOG_HOLD || r->kind == SPOOL_LOG_RELEASE)
			*held = r->kind == SPOOL_LOG_HOLD;
		e->forced_expire = e->forced_expire || r->kind == SPOOL_LOG_EXPIRE;
	}
	for (size_t i = 0; i < states.n; i++) {
		const struct state *s = vec_at(&states, i);

		if (!s->done)
			*(struct queue_rcpt *)vec_push(&e->rcpts) =
			    (struct queue_rcpt){ s->addr, s->reason };
	}
	vec_free(&states);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct spool_name *)a)->name, ((const struct spool_name *)b)->name);
}

static void
walk_folder(const struct spool *s, enum spool_folder where, void (*show)(struct queue_entry *))
{
	struct vec names = vec_of(sizeof(struct spool_name));

	(void)spool_list(s, where, SIZE_MAX, &names);
	vec_sort(&names, by_name);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = ((struct spool_name *)vec_at(&names, i))->name;
		struct pool *pool = pool_new();
		struct queue_entry e = { .rcpts = vec_of(sizeof(struct queue_rcpt)) };
		struct spool_file f;
		bool held = where == SPOOL_HOLD;

		if (spool_read(s, where, name, 0, pool, &f, NULL) == SPOOL_GOOD) {
			waiting(&f, &e, &held);
			e.queue = held ? STR("hold") : str_of(spool_folder_name(where));
			e.id = str_of(name);
			e.time = (int64_t)(f.env.arrival_us / 1000000);
			e.size = f.head.content_len;
			e.sender = f.env.sender.n > 0 ? f.env.sender : STR("MAILER-DAEMON");
			show(&e);
		}
		vec_free(&e.rcpts);
		pool_free(pool);
	}
	vec_free(&names);
}

void
queue_walk(const struct spool *s, void (*show)(struct queue_entry *))
{
	static const enum spool_folder order[] = { SPOOL_ACTIVE, SPOOL_INCOMING, SPOOL_DEFERRED,
		SPOOL_HOLD };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		walk_folder(s, order[i], show);
}
