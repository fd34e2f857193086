/* SPDX-License-Identifier: ISC */
/*
 * sendmail - hand in a message, the way every Unix program knows; also mailq and newaliases.
 *
 * Runs as:  whoever calls it, with no privilege and no configuration of its own.
 * Talks to: postdrop, by a pipe, which it starts and which alone may write into maildrop/.
 * Trusts:   nothing; nothing trusts it: postdrop and pickup check all it says.
 * If taken over: it could do nothing its caller could not do anyway.
 *
 * Exit 0 means that the message is on disk.  75 (EX_TEMPFAIL) means it is not and may be tried
 * again; PHP 8.5 is said to take 75 for success, which is wrong by sysexits(3), and every other
 * caller that tells statuses apart (procmail, maildrop, filters in master.cf) needs 75 to retry.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/conf.h"
#include "sendmail/submit.h"

#define ARGS_MAX	64

/* Become another program of ours with these arguments; gives a status only when that failed. */
static int
become(const char *tool, const struct options *o, const char *const *args, size_t n)
{
	char path[1024];
	char *argv[ARGS_MAX + 4];
	size_t k = 0;

	argv[k++] = (char *)(uintptr_t)tool;
	if (o->config != NULL) {
		argv[k++] = (char *)(uintptr_t)"-c";
		argv[k++] = (char *)(uintptr_t)o->config;
	}
	for (size_t i = 0; i < n && i < ARGS_MAX; i++)
		argv[k++] = (char *)(uintptr_t)args[i];
	argv[k] = NULL;
	if (tool_path(tool, path, sizeof(path)))
		(void)execv(path, argv);
	complain("cannot run %s: %s", tool, strerror(errno));
	return EX_UNAVAILABLE;
}

/* newaliases: postalias on every table of alias_database, or the one of -oA. */
static int
run_aliases(const struct options *o, struct pool *p)
{
	const char *args[ARGS_MAX];
	struct strs none = { NULL, 0 };
	struct conf *c;
	const char *value;
	struct str list, word;
	size_t n = 0;

	if (o->what != NULL)
		return become("postalias", o, &o->what, 1);
	c = conf_read(o->config != NULL ? o->config : CONFDIR, &none);
	value = conf_get(c, "alias_database");
	list = str_trim(str_of(value));
	for (size_t i = 0, from = 0; i <= list.n && n < ARGS_MAX; i++) {
		if (i < list.n && !ch_space(list.p[i]) && list.p[i] != ',')
			continue;
		word = str_sub(list, from, i - from);
		from = i + 1;
		if (word.n > 0)
			args[n++] = pool_str(p, word).p;
	}
	conf_free(c);
	if (n == 0) {
		complain("alias_database is empty: nothing to build");
		return EX_OK;
	}
	return become("postalias", o, args, n);
}

static int
run_mode(const struct options *o, struct pool *p)
{
	const char *args[2];

	switch (o->mode) {
	case MODE_MAIL:
		return run_mail(o, p);
	case MODE_SMTP:
		return run_smtp(o, p);
	case MODE_QUEUE:
		args[0] = "-p";
		return become("postqueue", o, args, 1);
	case MODE_FLUSH:
		args[0] = "-f";
		return become("postqueue", o, args, 1);
	case MODE_FLUSH_SITE:
	case MODE_FLUSH_ID:
		args[0] = o->mode == MODE_FLUSH_SITE ? "-s" : "-i";
		args[1] = o->what;
		return become("postqueue", o, args, 2);
	case MODE_ALIASES:
		return run_aliases(o, p);
	case MODE_DAEMON:
		args[0] = "start";
		return become("posthorn", o, args, 1);
	case MODE_VERIFY:
		/* Postfix mails a report of what would become of a message; nobody makes one here yet. */
		complain("-bv: reports on deliverability are not made yet; nothing was sent");
		return EX_UNAVAILABLE;
	case MODE_NOTHING:
		return EX_OK;
	}
	return EX_SOFTWARE;
}

/* What the command line does not say the environment may. */
static void
take_environment(struct options *o)
{
	if (o->config == NULL)
		o->config = getenv("MAIL_CONFIG");
	if (o->fullname == NULL)
		o->fullname = getenv("NAME");
}

int
main(int argc, char **argv)
{
	struct pool *p = pool_new();
	struct sigaction quiet = { .sa_handler = SIG_IGN };
	struct options o;
	char why[OPTIONS_WHY];
	int status = EX_USAGE;

	(void)sigaction(SIGPIPE, &quiet, NULL);
	/* A caller that ignores its children has taught us to; then postdrop's status would be lost. */
	(void)signal(SIGCHLD, SIG_DFL);
	if (options_parse(&o, argc, argv, why))
		status = EX_OK;
	if (why[0] != '\0')
		complain("%s", why);
	if (status == EX_OK) {
		take_environment(&o);
		status = run_mode(&o, p);
	}
	pool_free(p);
	return status;
}
