/* SPDX-License-Identifier: ISC */
/*
 * init - make an instance of its own in a folder: DIR/etc, DIR/spool, DIR/mail, DIR/run, DIR/log, DIR/data;
 * or the machine's, in the folders the suite was built with.
 *
 * By root its programs run under the service users (`posthorn users`), which exist; by anyone else
 * everything is that user's.  No file of somebody else's is overwritten.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/alternate.h"
#include "admin/posthorn.h"
#include "admin/site.h"
#include "base/buf.h"
#include "base/pool.h"
#include "io/net.h"
#include "mail/address.h"

#define PORTS_MAX	(65535 - 995)	/* the highest port is POP3S, N + 995 */

static const char *
path_of(const struct site *s, const char *dir, const char *name)
{
	return pool_printf(s->pool, "%s/%s", dir, name).p;
}

/* The folders above it, as far as they are missing, are everybody's to look at. */
static void
parents(const char *path)
{
	char up[PATH_MAX], *slash = up;

	if ((size_t)snprintf(up, sizeof(up), "%s", path) >= sizeof(up))
		return;
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		(void)mkdir(up, 0755);
		*slash = '/';
	}
}

/* By descriptor: where a lesser user owns the folder above, a name may be a link by now. */
static bool
folder(const struct site *s, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	bool ok;
	int fd;

	parents(path);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return false;
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return false;
	ok = (!s->root || fchown(fd, uid, gid) == 0) && fchmod(fd, mode) == 0;
	return close(fd) == 0 && ok;
}

static bool
folders(const struct site *s)
{
	static const char *const queue[] = { "incoming", "active", "deferred", "hold", "corrupt",
		"free" };
	uid_t q = s->spool_uid, none = s->root ? 0 : getuid();
	gid_t qg = s->spool_gid, rootg = s->root ? 0 : getgid();
	bool ok = folder(s, s->etc, 0755, none, rootg) && folder(s, s->run, 0755, none, rootg) &&
	    folder(s, path_of(s, s->run, "public"), 0755, none, rootg) &&
	    (s->log == NULL || folder(s, s->log, 0755, none, rootg)) &&
	    folder(s, s->data, 0755, none, rootg) && folder(s, s->spool, 0755, q, qg) &&
	    folder(s, s->mail, 0700, s->mail_uid, s->mail_gid);

	for (size_t i = 0; ok && i < sizeof(queue) / sizeof(queue[0]); i++)
		ok = folder(s, path_of(s, s->spool, queue[i]), 0700, q, qg);
	ok = ok && folder(s, path_of(s, s->spool, "maildrop"), s->root ? 01730 : 0700, q, s->drop_gid);
	/* Monitors look for showq here. */
	if (ok && symlink(s->system ? path_of(s, s->run, "public") : "../run/public",
	    path_of(s, s->spool, "public")) != 0)
		ok = errno == EEXIST;
	return ok;
}

/* A file that is not there yet, durable; what cannot be made whole is not left for the next attempt. */
static bool
file(const struct site *s, const char *name, struct str text, mode_t mode, gid_t gid)
{
	const char *path = path_of(s, s->etc, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), e;
	bool ok;

	if (fd < 0)
		return errno == EEXIST;
	errno = ENOSPC;		/* what a short write says nothing about */
	ok = write(fd, text.p, text.n) == (ssize_t)text.n;
	if (s->root)
		ok = ok && fchown(fd, 0, gid) == 0;
	ok = ok && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	if (!ok) {
		e = errno;
		(void)unlink(path);
		errno = e;
	}
	return ok;
}

/* "loopback-only" is none. */
static bool
own_address(const struct site *s)
{
	struct net_addr a;

	return net_parse(str_of(s->address), 25, &a);
}

static bool
certificate(const struct site *s)
{
	const char *key = path_of(s, s->etc, "key.pem"), *cert = path_of(s, s->etc, "cert.pem");
	struct str keyd = pool_printf(s->pool, "%s/keyd", program_folder());
	struct str host = pool_printf(s->pool, "mail.%s", s->domain);
	int status;
	pid_t pid;

	if (access(key, F_OK) == 0 && access(cert, F_OK) == 0)
		return true;
	if ((pid = fork()) == 0) {
		(void)execl(keyd.p, keyd.p, "--generate", key, cert, "localhost", host.p, s->domain,
		    "127.0.0.1", "::1", own_address(s) ? s->address : NULL, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 &&
	    chmod(key, 0600) == 0 && chmod(cert, 0644) == 0;
}

static int
who(struct site *s)
{
	struct passwd *pw;
	struct group *gr;

	if (!s->root) {
		if ((pw = getpwuid(getuid())) == NULL || (gr = getgrgid(getgid())) == NULL)
			return complain(EX_NOUSER, "uid %u or its group has no name",
			    (unsigned)getuid());
		s->owner = pool_str(s->pool, str_of(pw->pw_name)).p;
		s->group = pool_str(s->pool, str_of(gr->gr_name)).p;
		s->spool_uid = s->mail_uid = getuid();
		s->spool_gid = s->mail_gid = s->drop_gid = s->auth_gid = getgid();
		return 0;
	}
	s->owner = "posthorn";
	s->group = "postdrop";
	if ((pw = getpwnam(s->owner)) == NULL)
		goto missing;
	s->spool_uid = pw->pw_uid;
	s->spool_gid = pw->pw_gid;
	if ((pw = getpwnam("posthorn-mail")) == NULL)
		goto missing;
	s->mail_uid = pw->pw_uid;
	s->mail_gid = pw->pw_gid;
	if ((pw = getpwnam("posthorn-auth")) == NULL || (gr = getgrnam(s->group)) == NULL)
		goto missing;
	s->auth_gid = pw->pw_gid;
	s->drop_gid = gr->gr_gid;
	return 0;
missing:
	return complain(EX_NOUSER, "the service users do not exist; packages make them, "
	    "packaging/users does too, `posthorn users` lists them (and the group postdrop)");
}

static int
usage(void)
{
	return complain(EX_USAGE, "usage: posthorn init DIR --domain D [--port-base N] [--address IP]\n"
	    "       posthorn init --system --domain D [--address IP]");
}

/* Where everything is. */
static int
places(struct site *s, const char *dir)
{
	char *real;

	if (s->system) {
		if (!s->root)
			return complain(EX_NOPERM, "--system is for root; `posthorn init DIR` for everyone");
		s->etc = CONFDIR;
		s->spool = SPOOLDIR;
		s->data = STATEDIR;
		s->run = RUNDIR;
		s->mail = path_of(s, STATEDIR, "mail");
		return 0;
	}
	if ((mkdir(dir, 0755) != 0 && errno != EEXIST) || (real = realpath(dir, NULL)) == NULL)
		return complain(EX_CANTCREAT, "%s: %s", dir, strerror(errno));
	s->etc = path_of(s, real, "etc");
	s->spool = path_of(s, real, "spool");
	s->data = path_of(s, real, "data");
	s->run = path_of(s, real, "run");
	s->log = path_of(s, real, "log");
	s->mail = path_of(s, real, "mail");
	free(real);
	return 0;
}

static int
option(struct site *s, const char *name, const char *value)
{
	struct net_addr a;

	if (value == NULL)
		return complain(EX_USAGE, "%s wants a value", name);
	if (strcmp(name, "--domain") == 0) {
		s->domain = value;
		return 0;
	}
	if (strcmp(name, "--address") == 0) {
		s->address = value;
		return net_parse(str_of(value), 25, &a) ? 0 :
		    complain(EX_USAGE, "--address wants an IP address, not \"%s\"", value);
	}
	if (strcmp(name, "--port-base") != 0 || s->system)
		return complain(EX_USAGE, "unknown option %s", name);
	return str_u64(str_of(value), PORTS_MAX, &s->base) ? 0 :
	    complain(EX_USAGE, "--port-base wants a number up to %d", PORTS_MAX);
}

static int
arguments(struct site *s, int argc, char **argv)
{
	int status;

	if (argc < 1 || (argv[0][0] == '-' && strcmp(argv[0], "--system") != 0))
		return usage();
	s->system = argv[0][0] == '-';
	s->address = s->system ? "loopback-only" : "127.0.0.1";
	s->base = s->system ? 0 : 20000;
	for (int i = 1; i < argc; i += 2)
		if ((status = option(s, argv[i], argv[i + 1])) != 0)
			return status;
	if (s->domain == NULL || !domain_ok(str_of(s->domain), false))
		return complain(EX_USAGE, "--domain wants the name of a mail domain");
	return 0;
}

/* The names that a domain and its services answer to (RFC 2142), as systems have them in /etc/aliases. */
static const struct role {
	const char *name;
	bool of_domain;
} roles[] = {
	{ "mailer-daemon", true }, { "abuse", true }, { "security", true }, { "noc", true },
	{ "hostmaster", true }, { "webmaster", true }, { "www", false }, { "ftp", false },
	{ "news", false }, { "usenet", false }, { "uucp", false },
};

static struct str
aliases(const struct site *s)
{
	struct str text = STR("# Other names of local users; see aliases(5).\n"
	    "# Root's mail, and so postmaster's, goes to the mailbox that comes first in the alphabet\n"
	    "# while no one is named here.\n"
	    "#root: alice\npostmaster: root\n");

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		text = pool_printf(s->pool, "%.*s%s: postmaster\n", STR_ARG(text), roles[i].name);
	return text;
}

static struct str
virtual(const struct site *s)
{
	struct str text = STR("# Addresses that stand for others; see virtual(5).\n"
	    "# sales@example.org  alice@example.org, bob@example.org\n\n"
	    "# What every domain must be reached by.  A mailbox of such a name gets its mail when its line\n"
	    "# is gone from here.\n");

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (roles[i].of_domain)
			text = pool_printf(s->pool, "%.*s%s\tpostmaster\n", STR_ARG(text),
			    roles[i].name);
	return text;
}

static void
say_made(const struct site *s, const char *dir)
{
	if (s->system)
		printf("made %s/main.cf for %s, on %s\nnext:  posthorn user add NAME --password-stdin;  "
		    "posthorn start\n", s->etc, s->domain, s->address);
	else
		printf("made %s for %s: SMTP %u, submission %u and %u (TLS), POP3 %u and %u (TLS), "
		    "IMAP %u and %u (TLS) on %s\nnext:  posthorn -c %s user add NAME --password-stdin;  "
		    "posthorn -c %s start\n", dir, s->domain, (unsigned)s->base + 25,
		    (unsigned)s->base + 587, (unsigned)s->base + 465, (unsigned)s->base + 110,
		    (unsigned)s->base + 995, (unsigned)s->base + 143, (unsigned)s->base + 993,
		    s->address, s->etc, s->etc);
}

int
verb_init(const char *dir, int argc, char **argv)
{
	struct site s = { .pool = pool_new(), .root = geteuid() == 0 };
	const char *todo;
	int status;

	(void)dir;
	(void)umask(022);
	if ((status = arguments(&s, argc, argv)) != 0 || (status = who(&s)) != 0 ||
	    (status = places(&s, argv[0])) != 0)
		return status;
	if (!alternate_of(s.pool, s.etc, &s.alternates))
		return complain(EX_CANTCREAT, "there is an instance in %s already", s.etc);
	if (!folders(&s) || !file(&s, "master.cf", site_master_cf(&s), 0644, 0) ||
	    !file(&s, "users", STR(""), 0640, s.auth_gid) ||
	    !file(&s, "mailboxes", STR(""), 0644, 0) ||
	    !file(&s, "aliases", aliases(&s), 0644, 0) ||
	    !file(&s, "virtual", virtual(&s), 0644, 0))
		return complain(EX_CANTCREAT, "%s: %s", s.etc, strerror(errno));
	if (!certificate(&s))
		return complain(EX_SOFTWARE, "%s/keyd could not make a key and a certificate",
		    program_folder());
	/* main.cf last: with it the instance is whole. */
	if (s.alternates.n > 0)
		(void)unlink(path_of(&s, s.etc, "main.cf"));
	if (!file(&s, "main.cf", site_main_cf(&s), 0644, 0))
		return complain(EX_CANTCREAT, "%s/main.cf: %s", s.etc, strerror(errno));
	say_made(&s, argv[0]);
	if (s.root && !alternate_list(s.etc, &todo))
		fprintf(stderr, "posthorn: warning: %s\n", todo);
	pool_free(s.pool);
	return 0;
}
