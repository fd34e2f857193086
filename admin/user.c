/* SPDX-License-Identifier: ISC */
/*
 * user - the mailbox users of an instance: add, remove, list.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/posthorn.h"
#include "admin/user_files.h"
#include "base/buf.h"
#include "base/panic.h"
#include "conf/common.h"
#include "conf/lines.h"
#include "mail/address.h"
#include "daemon/programs.h"

#define PASSWORD_LIMIT	512

struct edit {
	struct user_files files;
	struct pool *pool;
	struct conf *conf;
	const char *domain;
	uid_t uid;
	gid_t gid;
};

/* The hash of a password, made by the only program that links crypt. */
static bool
hash(const struct edit *e, struct str password, struct str *out)
{
	struct str path = pool_printf(e->pool, "%s/authd", common.daemon_directory);
	int to[2], from[2], status;
	char text[512];
	ssize_t n, all = 0;
	pid_t pid;

	if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
		return false;
	if ((pid = fork()) == 0) {
		(void)dup2(to[0], 0);
		(void)dup2(from[1], 1);
		(void)execl(path.p, path.p, "--hash", (char *)NULL);
		_exit(127);
	}
	(void)close(to[0]);
	(void)close(from[1]);
	n = write(to[1], password.p, password.n);
	(void)close(to[1]);
	while (n == (ssize_t)password.n && (size_t)all < sizeof(text) &&
	    (n = read(from[0], text + all, sizeof(text) - (size_t)all)) > 0) {
		all += n;
		n = (ssize_t)password.n;
	}
	(void)close(from[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return false;
	*out = str_trim(pool_str(e->pool, str_n(text, (size_t)all)));
	return out->n > 0;
}

/* A name as users log in with it: "alice" or "alice@domain"; gives the full address. */
static bool
full_name(const struct edit *e, const char *name, struct str *user, struct str *domain)
{
	struct address a;

	if (address_parse(str_of(name), e->pool, ADDRESS_BARE_OK, &a) != ADDRESS_OK)
		return false;
	for (size_t i = 0; i < a.local.n; i++)
		if (!ch_alnum(a.local.p[i]) && strchr("._-+=", a.local.p[i]) == NULL)
			return false;
	if (a.local.n == 0 || a.local.p[0] == '.' || a.local.p[0] == '-')
		return false;
	*user = a.local;
	*domain = a.domain.n > 0 ? a.domain : str_of(e->domain);
	return true;
}

static bool
read_password(const struct edit *e, struct str *out)
{
	char text[PASSWORD_LIMIT + 2];
	size_t n = fread(text, 1, sizeof(text), stdin);
	struct str all = str_n(text, n), line;

	if (!str_cut(&all, '\n', &line) || line.n == 0 || line.n > PASSWORD_LIMIT)
		return false;
	if (line.p[line.n - 1] == '\r')
		line.n--;
	*out = pool_str(e->pool, line);
	explicit_bzero(text, sizeof(text));
	return line.n > 0;
}

static int
cannot(const struct edit *e, const char *what)
{
	return complain(errno == EACCES || errno == EPERM ? EX_NOPERM : EX_CANTCREAT, "%s: %s: %s",
	    e->files.users, what, strerror(errno));
}

/* Is it one of the domains of mailboxes, as far as that can be said without asking tables? */
static bool
has_mail(const struct edit *e, struct str domain)
{
	const char *set = conf_get(e->conf, "virtual_mailbox_domains");
	struct str rest = str_of(set == NULL ? "" : set), one;

	while (lines_word(&rest, true, &one))
		if (str_ieq(one, domain) || str_chr(one, ':') >= 0 || str_chr(one, '/') >= 0)
			return true;
	return false;
}

/* Does router look into the file of mailboxes that this command writes? */
static bool
is_asked(const struct edit *e)
{
	const char *set = conf_get(e->conf, "virtual_mailbox_maps");
	struct str rest = str_of(set == NULL ? "" : set), one;

	while (lines_word(&rest, true, &one))
		if (str_end(one, str_of(e->files.mailboxes)))
			return true;
	return false;
}

/*
 * Does the file of virtual aliases that init made send this user's mail elsewhere?  Without asking
 * tables, as above.
 */
static bool
is_alias(const struct edit *e, struct str user, struct str key)
{
	const char *set = conf_get(e->conf, "virtual_alias_maps");
	struct str path = pool_printf(e->pool, "%s/virtual", conf_dir(e->conf)), rest, line, word;
	struct buf text = { 0 };
	bool found = false;

	if (set != NULL && str_find(str_of(set), path) >= 0 && user_files_read(path.p, &text)) {
		rest = buf_str(&text);
		while (str_cut(&rest, '\n', &line))
			found = found || (lines_word(&line, true, &word) &&
			    (str_ieq(word, user) || str_ieq(word, key)));
	}
	buf_free(&text);
	return found;
}

/*
 * What is not the password of a user there is already stays: the name as it is written, whose mailbox
 * it is and where.
 */
static void
keep_the_rest(const struct edit *e, struct str *key, struct str *owner, struct str *box)
{
	struct str line, name, hashed, uid, gid;

	if (!user_files_find(&e->files, *key, &line) || !str_cut(&line, ':', &name) ||
	    !str_cut(&line, ':', &hashed) || !str_cut(&line, ':', &uid) || !str_cut(&line, ':', &gid) ||
	    line.n == 0)
		return;
	*key = name;
	*owner = pool_printf(e->pool, "%.*s:%.*s", STR_ARG(uid), STR_ARG(gid));
	*box = line;
}

static int
add(const struct edit *e, const char *name)
{
	struct str user, domain, password, hashed, key, line, box, owner;
	bool found;

	if (!full_name(e, name, &user, &domain))
		return complain(EX_DATAERR, "\"%s\" cannot be the name of a mailbox user", name);
	if (!read_password(e, &password))
		return complain(EX_DATAERR, "no password on standard input (1 to %d bytes)",
		    PASSWORD_LIMIT);
	if (!hash(e, password, &hashed))
		return complain(EX_SOFTWARE, "%s/authd cannot hash the password",
		    common.daemon_directory);
	key = pool_printf(e->pool, "%.*s@%.*s", STR_ARG(user), STR_ARG(domain));
	box = pool_printf(e->pool, "%.*s%s%.*s/", STR_ARG(domain), "/", STR_ARG(user));
	if (str_ieq(domain, str_of(e->domain)))
		box = pool_printf(e->pool, "%.*s/", STR_ARG(user));
	owner = pool_printf(e->pool, "%u:%u", (unsigned)e->uid, (unsigned)e->gid);
	keep_the_rest(e, &key, &owner, &box);
	line = pool_printf(e->pool, "%.*s:%.*s:%.*s:%.*s\n", STR_ARG(key), STR_ARG(hashed),
	    STR_ARG(owner), STR_ARG(box));
	if (!user_files_set(&e->files, key, line.p,
	    pool_printf(e->pool, "%.*s\t%.*s\n", STR_ARG(key), STR_ARG(box)).p, &found))
		return cannot(e, "not added");
	printf("%.*s %s\n", STR_ARG(key), found ? "changed" : "added");
	if (is_alias(e, str_ieq(domain, str_of(e->domain)) ? user : key, key))
		fprintf(stderr, "posthorn: warning: %s/virtual sends mail for %.*s elsewhere\n",
		    conf_dir(e->conf), STR_ARG(key));
	if (!is_asked(e))
		fprintf(stderr, "posthorn: warning: no mail comes in for %.*s until virtual_mailbox_maps "
		    "names texthash:%s\n", STR_ARG(key), e->files.mailboxes);
	if (!has_mail(e, domain))
		fprintf(stderr, "posthorn: warning: no mail comes in for %.*s until "
		    "virtual_mailbox_domains names it\n", STR_ARG(domain));
	return 0;
}

static int
drop(const struct edit *e, const char *name)
{
	struct str user, domain;
	bool found;

	if (!full_name(e, name, &user, &domain))
		return complain(EX_DATAERR, "\"%s\" is no name of a mailbox user", name);
	if (!user_files_set(&e->files, pool_printf(e->pool, "%.*s@%.*s", STR_ARG(user),
	    STR_ARG(domain)), "", "", &found))
		return cannot(e, "not removed");
	if (!found)
		return complain(EX_NOUSER, "there is no user %s", name);
	printf("%.*s@%.*s removed; the mail stays\n", STR_ARG(user), STR_ARG(domain));
	return 0;
}

/* NAME@DOMAIN:HASH:UID:GID:MAILBOX/, as authd reads it. */
static bool
line_ok(struct str line, struct str *name)
{
	struct str part;
	unsigned n = 0;

	if (!str_cut(&line, ':', name) || str_chr(*name, '@') <= 0)
		return false;
	while (n < 3 && str_cut(&line, ':', &part) && part.n > 0)
		n++;
	return n == 3 && line.n > 0;
}

static int
list(const struct edit *e)
{
	struct buf users = { 0 };
	struct str all, line, name;
	unsigned number = 0;

	if (!user_files_read(e->files.users, &users))
		return cannot(e, "not read");
	all = buf_str(&users);
	while (str_cut(&all, '\n', &line)) {
		number++;
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (line_ok(line, &name))
			printf("%.*s\n", STR_ARG(name));
		else
			fprintf(stderr, "%s:%u: warning: not NAME@DOMAIN:HASH:UID:GID:MAILBOX/, of no "
			    "use to anybody\n", e->files.users, number);
	}
	buf_free(&users);
	return 0;
}

/* Who owns the mailboxes: virtual_uid_maps as init wrote it, or we ourselves. */
static void
owner(struct edit *e, struct conf *c)
{
	const char *uid = conf_get(c, "virtual_uid_maps"), *gid = conf_get(c, "virtual_gid_maps");
	uint64_t v;

	e->uid = getuid();
	e->gid = getgid();
	if (uid != NULL && strncmp(uid, "static:", 7) == 0 && str_u64(str_of(uid + 7), UINT32_MAX, &v))
		e->uid = (uid_t)v;
	if (gid != NULL && strncmp(gid, "static:", 7) == 0 && str_u64(str_of(gid + 7), UINT32_MAX, &v))
		e->gid = (gid_t)v;
}

int
verb_user(const char *dir, int argc, char **argv)
{
	struct edit e = { .pool = pool_new() };
	int (*change)(const struct edit *, const char *);
	struct conf *c = conf_read(dir, NULL);

	if (!conf_common(c) || conf_broken(c)) {
		(void)show_findings(c, 0, false);
		return complain(EX_CONFIG, "the configuration has errors");
	}
	e.conf = c;
	e.domain = conf_get(c, "authd_default_domain");
	if (e.domain == NULL || e.domain[0] == '\0')
		e.domain = common.mydomain;
	e.files = (struct user_files){ e.pool, conf_get(c, "authd_users_file"),
		pool_printf(e.pool, "%s/mailboxes", conf_dir(c)).p, -1 };
	owner(&e, c);
	if (argc == 1 && strcmp(argv[0], "list") == 0)
		return list(&e);
	if (argc == 3 && strcmp(argv[0], "add") == 0 && strcmp(argv[2], "--password-stdin") == 0)
		change = add;
	else if (argc == 2 && strcmp(argv[0], "remove") == 0)
		change = drop;
	else
		return complain(EX_USAGE,
		    "usage: posthorn user add NAME --password-stdin | remove NAME | list");
	/* authd may be gone before it read the password. */
	(void)signal(SIGPIPE, SIG_IGN);
	return user_files_lock(&e.files) ? change(&e, argv[1]) : cannot(&e, "not changed");
}

int
verb_users(const char *dir, int argc, char **argv)
{
	const char *user;

	(void)dir;
	(void)argv;
	if (argc > 0)
		return complain(EX_USAGE, "users takes no words");
	printf("posthorn\t(mail_owner: the queue)\nposthorn-mail\t(mailboxes)\n");
	for (unsigned i = 0; (user = program_user_at(i)) != NULL; i++)
		printf("%s\n", user);
	return 0;
}
