/* SPDX-License-Identifier: ISC */
#include "admin/user_files.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/panic.h"
#include "daemon/programs.h"

#define FILE_LIMIT	(64u << 20)

bool
user_files_read(const char *path, struct buf *out)
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
	if (at == NULL)
		errno = EFBIG;
	return at != NULL && n == 0;
}

/* The group that reads the users file: authd's, where it has a user of its own. */
static gid_t
reader(void)
{
	const struct passwd *pw = getpwnam(program_by_name("authd")->user);

	return pw != NULL ? pw->pw_gid : getgid();
}

bool
user_files_lock(struct user_files *e)
{
	struct stat here, there;

	/* Whoever had it before may have put another file in its place. */
	for (;;) {
		bool make = access(e->users, F_OK) != 0;

		e->lock = open(e->users, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
		if (e->lock < 0)
			return false;
		if (make && geteuid() == 0 &&
		    (fchown(e->lock, 0, reader()) != 0 || fchmod(e->lock, 0640) != 0))
			return false;
		if (flock(e->lock, LOCK_EX) != 0 || fstat(e->lock, &here) != 0)
			return false;
		if (stat(e->users, &there) == 0 && here.st_ino == there.st_ino &&
		    here.st_dev == there.st_dev)
			return true;
		(void)close(e->lock);
	}
}

/* Written aside and synced: "NAME.new". */
static bool
write_aside(const char *aside, struct str text, const struct stat *like)
{
	int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;
	bool ok;

	if (fd < 0)
		return false;
	errno = ENOSPC;		/* what a write that stops short means */
	n = write(fd, text.p, text.n);
	ok = n == (ssize_t)text.n;
	if (ok && like != NULL && geteuid() == 0)
		ok = fchown(fd, like->st_uid, like->st_gid) == 0;
	ok = ok && fchmod(fd, like != NULL ? like->st_mode & 07777 : 0644) == 0 && fsync(fd) == 0;
	return close(fd) == 0 && ok;
}

static bool
sync_folder(struct pool *pool, const char *path)
{
	struct str dir = str_of(path);
	int fd;
	bool ok;

	dir = pool_str(pool, str_sub(dir, 0, (size_t)(str_rchr(dir, '/') + 1)));
	fd = open(dir.n > 0 ? dir.p : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static bool
replace(struct pool *pool, const char *path, struct str text)
{
	const char *aside = pool_printf(pool, "%s.new", path).p;
	struct stat st;
	bool had = stat(path, &st) == 0;
	int why;

	(void)unlink(aside);
	if (write_aside(aside, text, had ? &st : NULL) && rename(aside, path) == 0 &&
	    sync_folder(pool, path))
		return true;
	why = errno;
	(void)unlink(aside);
	errno = why;
	return false;
}

bool
user_files_find(const struct user_files *e, struct str name, struct str *line)
{
	struct buf users = { 0 };
	struct str text;
	int n;

	if (!user_files_read(e->users, &users))
		return false;
	text = pool_str(e->pool, buf_str(&users));
	explicit_bzero(users.p, users.cap);
	buf_free(&users);
	while (str_cut(&text, '\n', line))
		if ((n = (int)str_chr(*line, ':')) >= 0 && str_ieq(str_sub(*line, 0, (size_t)n), name))
			return true;
	return false;
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

bool
user_files_set(const struct user_files *e, struct str name, const char *user, const char *box,
    bool *found)
{
	struct buf users = { 0 }, boxes = { 0 }, new_users = { .limit = FILE_LIMIT },
	    new_boxes = { .limit = FILE_LIMIT };
	bool ok = user_files_read(e->users, &users) && user_files_read(e->mailboxes, &boxes);
	int why;

	*found = without(&new_users, buf_str(&users), name, ":");
	(void)without(&new_boxes, buf_str(&boxes), name, " \t");
	buf_addz(&new_users, user);
	buf_addz(&new_boxes, box);
	/* The mailbox first: a user without one could log in to nothing. */
	ok = ok && replace(e->pool, e->mailboxes, buf_str(&new_boxes)) &&
	    replace(e->pool, e->users, buf_str(&new_users));
	why = errno;
	buf_free(&users);
	buf_free(&boxes);
	explicit_bzero(new_users.p, new_users.cap);
	buf_free(&new_users);
	buf_free(&new_boxes);
	errno = why;
	return ok;
}
