/* SPDX-License-Identifier: ISC */
/*
 * user - the mailbox users of an instance: config/users (who, with hashed passwords, for authd
 * alone) and config/mailboxes (which mailbox an address has, for router).
 *
 * Both are replaced as a whole: written aside, synced, renamed, the folder synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/posthorn.h"
#include "base/buf.h"
#include "base/panic.h"
#include "conf/common.h"
#include "mail/address.h"
#include "daemon/programs.h"

#define FILE_LIMIT	(64u << 20)
#define PASSWORD_LIMIT	512

struct edit {
	const char *dir;
	const char *domain;
	uid_t uid;
	gid_t gid;
	int lock;
	struct pool *pool;
};

static bool
slurp(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;
	char *at;

	out->limit = FILE_LIMIT;
	if (fd < 0)
		return errno == ENOENT;
	while ((at = buf_room(out, 65536)) != NULL && (n = read(fd, at, 65536)) > 0)
		buf_grew(out, (size_t)n);
	(void)close(fd);
	return at != NULL && n == 0;
}

static bool
replace(const struct edit *e, const char *name, struct str text)
{
	struct str path = pool_printf(e->pool, "%s/%s", e->dir, name);
	struct str aside = pool_printf(e->pool, "%s/%s.new", e->dir, name);
	struct stat st;
	bool had = stat(path.p, &st) == 0, ok;
	int fd, folder;

	(void)unlink(aside.p);
	fd = open(aside.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	ok = write(fd, text.p, text.n) == (ssize_t)text.n;
	if (ok && had && geteuid() == 0)
		ok = fchown(fd, st.st_uid, st.st_gid) == 0;
	ok = ok && fchmod(fd, had ? st.st_mode & 07777 : 0640) == 0 && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	ok = ok && rename(aside.p, path.p) == 0;
	folder = open(e->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = ok && folder >= 0 && fsync(folder) == 0;
	if (folder >= 0)
		(void)close(folder);
	return ok;
}

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

/* Append the lines of `old` whose first word (up to `sep`) is not `key`.  Was it there? */
static bool
without(struct buf *out, struct str old, struct str key, const char *seps)
{
	bool found = false;
	struct str line;

	while (str_cut(&old, '\n', &line)) {
		size_t n = 0;

		while (n < line.n && strchr(seps, line.p[n]) == NULL)
			n++;
		if (str_ieq(str_sub(line, 0, n), key)) {
			found = true;
			continue;
		}
		buf_add(out, line);
		buf_addc(out, '\n');
	}
	return found;
}

static bool
edit_files(const struct edit *e, struct str key, const char *users_line, const char *box_line,
    bool *found)
{
	struct buf users = { 0 }, boxes = { 0 }, new_users = { .limit = FILE_LIMIT },
	    new_boxes = { .limit = FILE_LIMIT };
	struct str upath = pool_printf(e->pool, "%s/users", e->dir);
	struct str bpath = pool_printf(e->pool, "%s/mailboxes", e->dir);
	bool ok = slurp(upath.p, &users) && slurp(bpath.p, &boxes);

	*found = without(&new_users, buf_str(&users), key, ":");
	(void)without(&new_boxes, buf_str(&boxes), key, " \t");
	buf_addz(&new_users, users_line);
	buf_addz(&new_boxes, box_line);
	/* The mailbox first: a user without one could log in to nothing. */
	ok = ok && replace(e, "mailboxes", buf_str(&new_boxes)) &&
	    replace(e, "users", buf_str(&new_users));
	buf_free(&users);
	buf_free(&boxes);
	explicit_bzero(new_users.p, new_users.cap);
	buf_free(&new_users);
	buf_free(&new_boxes);
	return ok;
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
add(const struct edit *e, const char *name)
{
	struct str user, domain, password, hashed, key, line, box;
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
	line = pool_printf(e->pool, "%.*s:%.*s:%u:%u:%.*s\n", STR_ARG(key), STR_ARG(hashed),
	    (unsigned)e->uid, (unsigned)e->gid, STR_ARG(box));
	if (!edit_files(e, key, line.p,
	    pool_printf(e->pool, "%.*s\t%.*s\n", STR_ARG(key), STR_ARG(box)).p, &found))
		return complain(EX_CANTCREAT, "%s: %s", e->dir, strerror(errno));
	printf("%.*s %s\n", STR_ARG(key), found ? "changed" : "added");
	return 0;
}

static int
drop(const struct edit *e, const char *name)
{
	struct str user, domain;
	bool found;

	if (!full_name(e, name, &user, &domain))
		return complain(EX_DATAERR, "\"%s\" is no name of a mailbox user", name);
	if (!edit_files(e, pool_printf(e->pool, "%.*s@%.*s", STR_ARG(user), STR_ARG(domain)), "", "",
	    &found))
		return complain(EX_CANTCREAT, "%s: %s", e->dir, strerror(errno));
	if (!found)
		return complain(EX_NOUSER, "there is no user %s", name);
	printf("%.*s@%.*s removed; the mail stays\n", STR_ARG(user), STR_ARG(domain));
	return 0;
}

static int
list(const struct edit *e)
{
	struct buf users = { 0 };
	struct str all, line, name;

	if (!slurp(pool_printf(e->pool, "%s/users", e->dir).p, &users))
		return complain(EX_NOPERM, "%s/users: %s", e->dir, strerror(errno));
	all = buf_str(&users);
	while (str_cut(&all, '\n', &line))
		if (line.n > 0 && line.p[0] != '#' && str_cut(&line, ':', &name))
			printf("%.*s\n", STR_ARG(name));
	buf_free(&users);
	return 0;
}

/* Who owns the mailboxes: mailbox_uid as init wrote it, or we ourselves. */
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
	struct conf *c = conf_read(dir, NULL);

	if (!conf_common(c) || conf_broken(c)) {
		(void)show_findings(c, false);
		return complain(EX_CONFIG, "the configuration has errors");
	}
	e.dir = conf_dir(c);
	e.domain = conf_get(c, "authd_default_domain");
	if (e.domain == NULL || e.domain[0] == '\0')
		e.domain = common.mydomain;
	owner(&e, c);
	e.lock = open(e.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e.lock < 0 || flock(e.lock, LOCK_EX) != 0)
		return complain(EX_NOPERM, "%s: %s", e.dir, strerror(errno));
	if (argc == 3 && strcmp(argv[0], "add") == 0 && strcmp(argv[2], "--password-stdin") == 0)
		return add(&e, argv[1]);
	if (argc == 2 && strcmp(argv[0], "remove") == 0)
		return drop(&e, argv[1]);
	if (argc == 1 && strcmp(argv[0], "list") == 0)
		return list(&e);
	return complain(EX_USAGE, "usage: posthorn user add NAME --password-stdin | remove NAME | list");
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
