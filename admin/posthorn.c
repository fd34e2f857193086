/* SPDX-License-Identifier: ISC */
/*
 * posthorn - the operator's command: make, start, stop, reload, look at and check an instance.
 *
 * Runs as:  its caller.
 * Talks to: master, on the instance's control socket.
 */
#include "admin/posthorn.h"

#include <limits.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"
#include "io/settle.h"

static const struct verb {
	const char *name;
	int (*run)(const char *dir, int argc, char **argv);
	const char *args;
	const char *text;
} verbs[] = {
	{ "init", verb_init, "DIR|--system --domain D [--port-base N] [--address IP]",
	  "make an instance in DIR, or the machine's own" },
	{ "start", verb_start, "", "start it; returns when it answers" },
	{ "stop", verb_stop, "", "stop it; returns when it has ended" },
	{ "reload", verb_reload, "", "read the configuration again, without dropping a session" },
	{ "status", verb_status, "[--json]", "what runs, since when, and how it is confined" },
	{ "check", verb_check, "[--strict]", "look for mistakes in the configuration" },
	{ "user", verb_user, "add|remove|list [NAME] [--password-stdin]", "mailbox users" },
	{ "users", verb_users, "", "the system users a package makes" },
};

int
complain(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("posthorn: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return status;
}

const char *
program_folder(void)
{
	static char path[PATH_MAX + 64];
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *cut;

	if (n > 0) {
		self[n] = '\0';
		for (int i = 0; i < 2; i++)
			if ((cut = strrchr(self, '/')) != NULL)
				*cut = '\0';
		(void)snprintf(path, sizeof(path), "%s/libexec/posthorn/master", self);
		if (access(path, X_OK) == 0) {
			*strrchr(path, '/') = '\0';
			return path;
		}
	}
	return LIBEXECDIR;
}

bool
show_findings(struct conf *c, size_t from, bool all)
{
	const struct conf_finding *f;
	bool ok = true;
	size_t n;

	f = conf_findings(c, &n);
	for (size_t i = from; i < n; i++) {
		ok = ok && f[i].grade != CONF_ERROR;
		if (f[i].grade == CONF_NOTE && !all)
			continue;
		if (f[i].line > 0)
			fprintf(stderr, "%s:%u: %s: %s\n", f[i].file, f[i].line, conf_grade_word(f[i].grade),
			    f[i].text);
		else
			fprintf(stderr, "%s: %s: %s\n", f[i].file, conf_grade_word(f[i].grade), f[i].text);
	}
	return ok;
}

static int
usage(void)
{
	fprintf(stderr, "usage: posthorn [-c CONFIG_DIR] VERB …\n\n");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(stderr, "  %-7s %-54s %s\n", verbs[i].name, verbs[i].args, verbs[i].text);
	return EX_USAGE;
}

int
main(int argc, char **argv)
{
	const char *dir = getenv("MAIL_CONFIG");
	int c;

	if (!settle(-1))
		return EX_OSERR;
	(void)signal(SIGCHLD, SIG_DFL);		/* whoever started us may have ignored it */
	log_open(2, LOG_PLAIN, "posthorn");
	if (dir == NULL)
		dir = CONFDIR;
	while ((c = getopt(argc, argv, "+c:")) != -1) {
		if (c != 'c')
			return usage();
		dir = optarg;
	}
	argc -= optind;
	argv += optind;
	if (argc == 0)
		return usage();
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[0], verbs[i].name) == 0)
			return verbs[i].run(dir, argc - 1, argv + 1);
	return usage();
}
