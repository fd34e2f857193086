/* SPDX-License-Identifier: ISC */
/*
 * init - make an instance of its own in a folder: DIR/etc, DIR/spool, DIR/mail, DIR/run, DIR/log.
 *
 * By root its programs run under the service users (`posthorn users`), which exist; by anyone else
 * everything is that user's.  Nothing that exists is overwritten.
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
#include "base/buf.h"
#include "base/pool.h"
#include "io/net.h"
#include "mail/address.h"

#define PORTS_MAX	(65535 - 995)	/* the highest port is POP3S, N + 995 */

struct site {
	struct pool *pool;
	const char *dir;		/* absolute */
	const char *domain;
	const char *address;
	uint64_t base;
	bool root;
	const char *owner;		/* mail_owner */
	const char *group;		/* setgid_group */
	uid_t spool_uid, mail_uid;
	gid_t spool_gid, mail_gid, drop_gid, auth_gid;
};

static const char *
path_of(const struct site *s, const char *name)
{
	return pool_printf(s->pool, "%s/%s", s->dir, name).p;
}

static bool
folder(const struct site *s, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	const char *path = path_of(s, name);

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return false;
	if (s->root && lchown(path, uid, gid) != 0)
		return false;
	return chmod(path, mode) == 0;
}

static bool
folders(const struct site *s)
{
	static const char *const queue[] = { "incoming", "active", "deferred", "hold", "corrupt",
		"free" };
	uid_t q = s->spool_uid, none = s->root ? 0 : getuid();
	gid_t qg = s->spool_gid, rootg = s->root ? 0 : getgid();
	bool ok = folder(s, "etc", 0755, none, rootg) && folder(s, "run", 0755, none, rootg) &&
	    folder(s, "run/public", 0755, none, rootg) && folder(s, "log", 0755, none, rootg) &&
	    folder(s, "data", 0755, none, rootg) && folder(s, "spool", 0755, q, qg) &&
	    folder(s, "mail", 0700, s->mail_uid, s->mail_gid);

	for (size_t i = 0; ok && i < sizeof(queue) / sizeof(queue[0]); i++)
		ok = folder(s, pool_printf(s->pool, "spool/%s", queue[i]).p, 0700, q, qg);
	ok = ok && folder(s, "spool/maildrop", s->root ? 01730 : 0700, q, s->drop_gid);
	if (ok && symlink("../run/public", path_of(s, "spool/public")) != 0)
		ok = errno == EEXIST;
	return ok;
}

/* A file that is not there yet, durable. */
static bool
file(const struct site *s, const char *name, struct str text, mode_t mode, gid_t gid)
{
	int fd = open(path_of(s, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0)
		return errno == EEXIST;
	ok = write(fd, text.p, text.n) == (ssize_t)text.n;
	if (s->root)
		ok = ok && fchown(fd, 0, gid) == 0;
	ok = ok && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	return close(fd) == 0 && ok;
}

static struct str
main_cf(const struct site *s)
{
	struct buf b = { 0 };
	struct str text;

	buf_addf(&b, "# %s, made by posthorn init.  man 5 main.cf says what else there is.\n\n"
	    "# Who we are.\n"
	    "mydomain = %s\nmyhostname = mail.$mydomain\nmyorigin = $mydomain\n"
	    "mydestination = $myhostname, localhost.$mydomain, localhost\n"
	    "inet_interfaces = %s\nmynetworks = 127.0.0.0/8 [::1]/128\nrecipient_delimiter = +\n\n",
	    s->domain, s->domain, s->address);
	buf_addf(&b, "# Where things are.\n"
	    "daemon_directory = %s\nqueue_directory = %s/spool\ndata_directory = %s/data\n"
	    "run_directory = %s/run\nmaillog_file = %s/log/mail.log\n"
	    "mail_owner = %s\nsetgid_group = %s\n\n",
	    program_folder(), s->dir, s->dir, s->dir, s->dir, s->owner, s->group);
	buf_addf(&b, "# Mailboxes: users come and go with `posthorn user`.\n"
	    "virtual_mailbox_domains = $mydomain\n"
	    "virtual_mailbox_maps = texthash:%s/etc/mailboxes\n"
	    "virtual_mailbox_base = %s/mail\n"
	    "virtual_uid_maps = static:%u\nvirtual_gid_maps = static:%u\nmail_uids = %u\n"
	    "authd_default_domain = $mydomain\n\n",
	    s->dir, s->dir, (unsigned)s->mail_uid, (unsigned)s->mail_gid, (unsigned)s->mail_uid);
	buf_addf(&b, "# Other names: aliases of local users, and addresses of any domain.\n"
	    "alias_maps = texthash:%s/etc/aliases\nalias_database = $alias_maps\n"
	    "virtual_alias_maps = texthash:%s/etc/virtual\n\n", s->dir, s->dir);
	buf_addf(&b, "# TLS, with a certificate that nobody but us has signed.\n"
	    "smtpd_tls_cert_file = %s/etc/cert.pem\nsmtpd_tls_key_file = %s/etc/key.pem\n"
	    "smtpd_tls_security_level = may\nsmtpd_tls_loglevel = 1\n"
	    "smtp_tls_security_level = may\nsmtp_tls_loglevel = 1\n"
	    "auth_allow_plaintext_loopback = yes\n", s->dir, s->dir);
	text = pool_str(s->pool, buf_str(&b));
	buf_free(&b);
	return text;
}

static struct str
master_cf(const struct site *s)
{
	static const struct {
		unsigned port;
		const char *rest;
	} inet[] = {
		{ 25, "smtpd" },
		{ 587, "smtpd\n\t-o syslog_name=postfix/submission\n\t-o smtpd_submission=yes\n"
		    "\t-o smtpd_sasl_auth_enable=yes" },
		{ 465, "smtpd\n\t-o syslog_name=postfix/submissions\n\t-o smtpd_submission=yes\n"
		    "\t-o smtpd_sasl_auth_enable=yes\n\t-o smtpd_tls_wrappermode=yes" },
		{ 110, "login\n\t-o login_protocol=pop3" },
		{ 995, "login\n\t-o login_protocol=pop3\n\t-o login_tls_wrappermode=yes" },
		{ 143, "login\n\t-o login_protocol=imap" },
		{ 993, "login\n\t-o login_protocol=imap\n\t-o login_tls_wrappermode=yes" },
	};
	struct buf b = { 0 };
	struct str text;

	buf_addz(&b, "# Which programs run, and where they listen.  man 5 master.cf\n"
	    "# service             type  private unpriv chroot wakeup maxproc command\n");
	for (size_t i = 0; i < sizeof(inet) / sizeof(inet[0]); i++)
		buf_addf(&b, strchr(s->address, ':') != NULL ? "[%s]:%-10u inet  n - n - - %s\n" :
		    "%s:%-10u inet  n - n - - %s\n", s->address, (unsigned)s->base + inet[i].port,
		    inet[i].rest);
	buf_addz(&b, "pickup   unix  n - n 60 1 pickup\ncleanup  unix  n - n - 1 cleanup\n"
	    "qmgr     unix  n - n 300 1 qmgr\nrewrite  unix  - - n - - router\n"
	    "bounce   unix  - - n - - bounce\nsmtp     unix  - - n - - smtp\n"
	    "relay    unix  - - n - - smtp\n\t-o syslog_name=postfix/relay\n"
	    "local    unix  - n n - - local\nvirtual  unix  - n n - - local\n"
	    "pop3d    unix  - n n - - pop3d\nimapd    unix  - n n - - imapd\n"
	    "dnsd     unix  - - n - - dnsd\ntlsd-smtpd unix - - n - - tlsd\n"
	    "tlsd-smtp unix - - n - - tlsd\ntlsd-login unix - - n - - tlsd\n"
	    "keyd     unix  - - n - 1 keyd\nauthd    unix  - - n - - authd\n"
	    "anvil    unix  - - n - 1 anvil\n");
	text = pool_str(s->pool, buf_str(&b));
	buf_free(&b);
	return text;
}

static bool
certificate(const struct site *s)
{
	const char *key = path_of(s, "etc/key.pem"), *cert = path_of(s, "etc/cert.pem");
	struct str keyd = pool_printf(s->pool, "%s/keyd", program_folder());
	struct str host = pool_printf(s->pool, "mail.%s", s->domain);
	int status;
	pid_t pid;

	if (access(key, F_OK) == 0 && access(cert, F_OK) == 0)
		return true;
	if ((pid = fork()) == 0) {
		(void)execl(keyd.p, keyd.p, "--generate", key, cert, "localhost", host.p, s->domain,
		    s->address, "127.0.0.1", "::1", (char *)NULL);
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

	s->root = geteuid() == 0;
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
arguments(struct site *s, int argc, char **argv)
{
	struct net_addr a;

	if (argc < 1 || argv[0][0] == '-')
		return complain(EX_USAGE,
		    "usage: posthorn init DIR --domain D [--port-base N] [--address IP]");
	s->dir = argv[0];
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc)
			return complain(EX_USAGE, "%s wants a value", argv[i]);
		if (strcmp(argv[i], "--domain") == 0)
			s->domain = argv[i + 1];
		else if (strcmp(argv[i], "--address") == 0)
			s->address = argv[i + 1];
		else if (strcmp(argv[i], "--port-base") != 0)
			return complain(EX_USAGE, "unknown option %s", argv[i]);
		else if (!str_u64(str_of(argv[i + 1]), PORTS_MAX, &s->base))
			return complain(EX_USAGE, "--port-base wants a number up to %d", PORTS_MAX);
	}
	if (s->domain == NULL || !domain_ok(str_of(s->domain), false))
		return complain(EX_USAGE, "--domain wants the name of a mail domain");
	if (!net_parse(str_of(s->address), 25, &a))
		return complain(EX_USAGE, "--address wants an IP address, not \"%s\"", s->address);
	return 0;
}

int
verb_init(const char *dir, int argc, char **argv)
{
	struct site s = { .pool = pool_new(), .address = "127.0.0.1", .base = 20000 };
	struct str aliases = STR("# Other names of local users; see aliases(5).\n"
	    "postmaster: root\nMAILER-DAEMON: postmaster\nabuse: postmaster\n");
	struct str virtual = STR("# Addresses that stand for others; see virtual(5).\n"
	    "# sales@example.org  alice@example.org, bob@example.org\n");
	const char *todo;
	char *real;
	int status;

	(void)dir;
	(void)umask(022);
	if ((status = arguments(&s, argc, argv)) != 0 || (status = who(&s)) != 0)
		return status;
	if (mkdir(s.dir, 0755) != 0 && errno != EEXIST)
		return complain(EX_CANTCREAT, "%s: %s", s.dir, strerror(errno));
	if ((real = realpath(s.dir, NULL)) == NULL)
		return complain(EX_CANTCREAT, "%s: %s", s.dir, strerror(errno));
	s.dir = real;
	if (access(path_of(&s, "etc/main.cf"), F_OK) == 0)
		return complain(EX_CANTCREAT, "there is an instance in %s already", s.dir);
	if (!folders(&s) || !file(&s, "etc/master.cf", master_cf(&s), 0644, 0) ||
	    !file(&s, "etc/users", STR(""), 0640, s.auth_gid) ||
	    !file(&s, "etc/mailboxes", STR(""), 0644, 0) ||
	    !file(&s, "etc/aliases", aliases, 0644, 0) ||
	    !file(&s, "etc/virtual", virtual, 0644, 0))
		return complain(EX_CANTCREAT, "%s: %s", s.dir, strerror(errno));
	if (!certificate(&s))
		return complain(EX_SOFTWARE, "%s/keyd could not make a key and a certificate",
		    program_folder());
	/* main.cf last: with it the instance is whole. */
	if (!file(&s, "etc/main.cf", main_cf(&s), 0644, 0))
		return complain(EX_CANTCREAT, "%s/etc/main.cf: %s", s.dir, strerror(errno));
	printf("made %s for %s: SMTP %u, submission %u and %u (TLS), POP3 %u and %u (TLS), "
	    "IMAP %u and %u (TLS) on %s\nnext:  posthorn -c %s/etc user add NAME --password-stdin;  "
	    "posthorn -c %s/etc start\n", s.dir, s.domain, (unsigned)s.base + 25,
	    (unsigned)s.base + 587, (unsigned)s.base + 465, (unsigned)s.base + 110,
	    (unsigned)s.base + 995, (unsigned)s.base + 143, (unsigned)s.base + 993, s.address,
	    s.dir, s.dir);
	if (s.root && !alternate_list(path_of(&s, "etc"), &todo))
		fprintf(stderr, "posthorn: warning: %s\n", todo);
	free(real);
	pool_free(s.pool);
	return 0;
}
