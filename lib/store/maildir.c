/* SPDX-License-Identifier: ISC */
/*
 * maildir - folders, locks and small files.
 */
#include "store/maildir.h"

#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/panic.h"
#include "fiber/fiber.h"
#include "proto/mutf7.h"

#define LOCK_STEP_MS	2	/* first pause while another holds the lock; doubles */
#define LOCK_STEP_MAX	50
#define ENCODED_DOT	"&AC4-"	/* "." in modified UTF-7, as if it could not stand for itself */

static const struct {
	enum store_result result;
	int error;
} errors[] = {
	{ STORE_ABSENT, ENOENT }, { STORE_ABSENT, ENOTDIR }, { STORE_EXISTS, EEXIST },
	{ STORE_EXISTS, ENOTEMPTY }, { STORE_DENIED, EACCES }, { STORE_DENIED, EPERM },
	{ STORE_DENIED, EROFS }, { STORE_DENIED, ELOOP }, { STORE_DENIED, EXDEV },
	{ STORE_FULL, ENOSPC }, { STORE_FULL, EDQUOT }, { STORE_FULL, EFBIG },
	{ STORE_BUSY, EBUSY }, { STORE_NAME, ENAMETOOLONG },
};

enum store_result
store_fail(struct store *s, const char *fmt, ...)
{
	int error = errno;
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	n = strlen(s->why);
	snprintf(s->why + n, sizeof(s->why) - n, ": %s", strerror(error));
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == error)
			return errors[i].result;
	return STORE_FAILED;
}

const char *
store_why(const struct store *s)
{
	return s->why;
}

const char *
store_word(enum store_result r)
{
	static const char *const words[] = {
		[STORE_OK] = "done", [STORE_ABSENT] = "no such mailbox or message",
		[STORE_EXISTS] = "exists already", [STORE_NAME] = "not a possible name",
		[STORE_DENIED] = "permission denied", [STORE_FULL] = "disk or quota is full",
		[STORE_LIMIT] = "too many", [STORE_BUSY] = "in use by another process",
		[STORE_FAILED] = "internal error",
	};

	return words[r];
}

int
beneath(int at, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.mode = (flags & O_CREAT) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	ASSERT(strchr(name, '/') == NULL && strcmp(name, "..") != 0);
	fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
	/* Without openat2 (an old kernel, valgrind) one component and O_NOFOLLOW say the same. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(at, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
	return fd;
}

int
make_dir(int at, const char *name)
{
	if (mkdirat(at, name, 0700) < 0)
		return errno == EEXIST ? 0 : -1;
	errno = sync_full(at);
	return errno == 0 ? 0 : -1;
}

int
sync_data(int fd)
{
	if (fiber_running())
		return fiber_sync(fd);
	return fdatasync(fd) < 0 ? errno : 0;
}

int
sync_full(int fd)
{
	if (fiber_running())
		return fiber_sync_full(fd);
	return fsync(fd) < 0 ? errno : 0;
}

bool
name_is_inbox(struct str name)
{
	return str_ieq(name, STR("INBOX"));
}

/* One level of a name: no dots at its front, so that none is "." or "..". */
static bool
level_ok(struct str level)
{
	for (size_t i = 0; i < level.n; i++) {
		unsigned char c = (unsigned char)level.p[i];

		if (c < 0x20 || c == 0x7f || c == '/' || c == '\\')
			return false;
	}
	return level.n > 0 && level.p[0] != '.';
}

/* Append a level as the disk has it: "." separates levels there, so one inside is written in
 * base64 like any character that cannot stand for itself. */
static bool
add_level(struct buf *out, struct str level)
{
	struct buf wire = { 0 };
	bool ok = mutf7_encode(&wire, level);

	for (size_t i = 0; ok && i < wire.n; i++) {
		if (wire.p[i] == '.')
			buf_addz(out, ENCODED_DOT);
		else
			buf_addc(out, wire.p[i]);
	}
	buf_free(&wire);
	return ok;
}

bool
folder_disk_name(struct buf *out, struct str name)
{
	size_t start = out->n, levels = 0;
	struct str rest = name, part;
	bool ok;

	if (name_is_inbox(name)) {
		buf_addz(out, ".");
		return true;
	}
	ok = name.n > 0 && name.n <= STORE_NAME_LIMIT && name.p[name.n - 1] != STORE_SEPARATOR &&
	    name.p[0] != '~';	/* a home folder to some clients and shells */
	while (ok && str_cut(&rest, STORE_SEPARATOR, &part)) {
		ok = level_ok(part) && ++levels <= STORE_LEVELS;
		/* "inbox/x" would be a second spelling of "INBOX/x". */
		if (levels == 1 && name_is_inbox(part) && !str_eq(part, STR("INBOX")))
			ok = false;
		buf_addc(out, '.');
		ok = ok && add_level(out, part);
	}
	if (!ok || out->n - start > STORE_NAME_LIMIT + 1) {
		out->n = start;
		return false;
	}
	return true;
}

bool
store_name_ok(struct str name)
{
	struct buf disk = { 0 };
	bool ok = folder_disk_name(&disk, name);

	buf_free(&disk);
	return ok;
}

/* Append a level as people see it. */
static bool
read_level(struct buf *out, struct str disk)
{
	struct str dot = STR(ENCODED_DOT);
	ptrdiff_t at;

	while ((at = str_find(disk, dot)) >= 0) {
		if (!mutf7_decode(out, str_sub(disk, 0, (size_t)at)))
			return false;
		buf_addc(out, '.');
		disk = str_sub(disk, (size_t)at + dot.n, disk.n);
	}
	return mutf7_decode(out, disk);
}

bool
folder_mail_name(struct buf *out, struct str disk)
{
	size_t start = out->n;
	struct str rest = str_sub(disk, 1, disk.n), level;
	struct buf again = { 0 };
	bool ok = disk.n >= 2 && disk.p[0] == '.' && disk.p[disk.n - 1] != '.';

	while (ok && str_cut(&rest, '.', &level)) {
		if (out->n > start)
			buf_addc(out, STORE_SEPARATOR);
		ok = read_level(out, level);
	}
	/* One spelling only: it must be what we would write. */
	ok = ok && folder_disk_name(&again, str_sub(buf_str(out), start, out->n)) &&
	    str_eq(buf_str(&again), disk);
	buf_free(&again);
	if (!ok)
		out->n = start;
	return ok;
}

static enum store_result
folder_open_disk(struct store *s, int at, const char *disk, struct folder *f)
{
	static const int flags = O_RDONLY | O_DIRECTORY;

	*f = FOLDER_NONE;
	if ((f->dir = beneath(at, disk, flags, 0)) < 0 ||
	    (f->cur = beneath(f->dir, "cur", flags, 0)) < 0 ||
	    (f->new = beneath(f->dir, "new", flags, 0)) < 0 ||
	    (f->tmp = beneath(f->dir, "tmp", flags, 0)) < 0) {
		enum store_result r = store_fail(s, "cannot open maildir %s", disk);

		folder_close(s, f);
		return r;
	}
	return STORE_OK;
}

enum store_result
folder_open(struct store *s, struct str name, struct folder *f)
{
	struct buf disk = { 0 };
	enum store_result r = STORE_OK;

	*f = FOLDER_NONE;
	if (!folder_disk_name(&disk, name)) {
		snprintf(s->why, sizeof(s->why), "not a possible mailbox name");
		r = STORE_NAME;
	} else if (!name_is_inbox(name)) {
		r = folder_open_disk(s, s->root, buf_z(&disk), f);
	} else {
		if (s->inbox.dir < 0)
			r = folder_open_disk(s, s->root, ".", &s->inbox);
		*f = s->inbox;
	}
	buf_free(&disk);
	return r;
}

void
folder_close(struct store *s, struct folder *f)
{
	/* INBOX stays open with the store. */
	if (f->dir >= 0 && f->dir == s->inbox.dir && f != &s->inbox) {
		*f = FOLDER_NONE;
		return;
	}
	for (size_t i = 0; i < 4; i++) {
		int fd = (int[]){ f->dir, f->cur, f->new, f->tmp }[i];

		if (fd < 0)
			continue;
		if (fiber_running())
			fiber_forget(fd);
		close(fd);
	}
	*f = FOLDER_NONE;
}

/* Make what is missing of a folder; each name is durable when this returns. */
enum store_result
folder_make(struct store *s, int at, const char *disk)
{
	int dir, fd, error;

	if (strcmp(disk, ".") != 0 && make_dir(at, disk) < 0)
		return store_fail(s, "cannot make maildir %s", disk);
	if ((dir = beneath(at, disk, O_RDONLY | O_DIRECTORY, 0)) < 0)
		return store_fail(s, "cannot open maildir %s", disk);
	if (mkdirat(dir, "cur", 0700) < 0 && errno != EEXIST)
		goto bad;
	if (mkdirat(dir, "tmp", 0700) < 0 && errno != EEXIST)
		goto bad;
	if (mkdirat(dir, "new", 0700) < 0 && errno != EEXIST)
		goto bad;
	if (strcmp(disk, ".") != 0) {
		if ((fd = beneath(dir, "maildirfolder", O_WRONLY | O_CREAT, 0600)) < 0)
			goto bad;
		close(fd);
	}
	if ((error = sync_full(dir)) != 0) {
		errno = error;
		goto bad;
	}
	close(dir);
	return STORE_OK;
bad:
	error = errno;
	close(dir);
	errno = error;
	return store_fail(s, "cannot make maildir %s", disk);
}

/* Walk (make) the folders of a relative path; gives the last one's descriptor or -1 with errno. */
static int
walk(int dir, struct str path, bool create)
{
	int at = fcntl(dir, F_DUPFD_CLOEXEC, 0), next;
	char name[NAME_MAX + 1];
	struct str part;

	while (at >= 0 && str_cut(&path, '/', &part)) {
		if (part.n == 0 || str_eq(part, STR(".")))
			continue;
		if (part.n > NAME_MAX || str_eq(part, STR("..")) || str_chr(part, '\0') >= 0) {
			close(at);
			errno = EACCES;
			return -1;
		}
		memcpy(name, part.p, part.n);
		name[part.n] = '\0';
		next = create && make_dir(at, name) < 0 ? -1 :
		    beneath(at, name, O_RDONLY | O_DIRECTORY, 0);
		close(at);
		at = next;
	}
	return at;
}

enum store_result
store_open(int dir, struct str path, bool create, struct store **out)
{
	struct store *s = mem_zero(1, sizeof(*s));
	enum store_result r = STORE_OK;

	*out = s;
	s->inbox = FOLDER_NONE;
	if (path.n > 0 && path.p[0] == '/')
		s->root = (errno = EACCES, -1);
	else
		s->root = walk(dir, path, create);
	if (s->root < 0)
		r = store_fail(s, "cannot open mail folder \"%.*s\"", STR_ARG(path));
	if (r == STORE_OK)
		r = folder_open_disk(s, s->root, ".", &s->inbox);
	if (r == STORE_ABSENT && create && s->root >= 0) {
		r = folder_make(s, s->root, ".");
		if (r == STORE_OK)
			r = folder_open_disk(s, s->root, ".", &s->inbox);
	}
	if (r == STORE_OK)
		rename_finish(s);
	return r;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	folder_close(s, &s->inbox);
	if (s->root >= 0)
		close(s->root);
	free(s);
}

int
lock_take(int dir, const char *file, msec_t wait_ms)
{
	msec_t until = deadline_in(wait_ms), step = LOCK_STEP_MS;
	int fd = beneath(dir, file, O_RDWR | O_CREAT, 0600);

	if (fd < 0)
		return -1;
	/* Never the blocking form: the holder may be another fiber of this process. */
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || deadline_left(until) == 0) {
			close(fd);
			errno = EBUSY;
			return -1;
		}
		if (fiber_running())
			fiber_sleep(deadline_in(step));
		else
			usleep((useconds_t)step * 1000);
		step = step * 2 > LOCK_STEP_MAX ? LOCK_STEP_MAX : step * 2;
	}
	return fd;
}

bool
rename_free(int from_dir, const char *from, int to_dir, const char *to)
{
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	/* A file system without that: a second name, then the first one away. */
	if (linkat(from_dir, from, to_dir, to, 0) < 0)
		return false;
	unlinkat(from_dir, from, 0);
	return true;
}

bool
read_whole(int dir, const char *name, size_t max, struct buf *out)
{
	int fd = beneath(dir, name, O_RDONLY, 0);
	ssize_t n = 1;
	int error = 0;

	if (fd < 0)
		return false;
	while (n > 0 && error == 0) {
		char *at = buf_room(out, 8192);

		if (at == NULL || out->n > max)
			error = EFBIG;
		else if ((n = read(fd, at, 8192)) < 0)
			error = errno;
		else
			buf_grew(out, (size_t)n);
	}
	close(fd);
	errno = error;
	return error == 0;
}

enum store_result
write_whole(struct store *s, int dir, const char *name, struct str text)
{
	struct buf temp = { 0 };
	enum store_result r = STORE_OK;
	int fd, error = 0;

	buf_addf(&temp, "%s.new", name);
	fd = beneath(dir, buf_z(&temp), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		error = errno;
	for (size_t done = 0; error == 0 && done < text.n;) {
		ssize_t n = write(fd, text.p + done, text.n - done);

		if (n < 0)
			error = errno;
		else
			done += (size_t)n;
	}
	if (error == 0)
		error = sync_full(fd);
	if (fd >= 0 && close(fd) < 0 && error == 0)
		error = errno;
	if (error == 0 && renameat(dir, buf_z(&temp), dir, name) < 0)
		error = errno;
	if (error == 0)
		error = sync_full(dir);
	buf_free(&temp);
	errno = error;
	if (error != 0)
		r = store_fail(s, "cannot write %s", name);
	return r;
}

enum store_result
next_validity(struct store *s, uint32_t *out)
{
	struct buf text = { 0 };
	uint64_t last = 0, now = (uint64_t)clock_wall();
	enum store_result r;

	if (read_whole(s->root, "posthorn-validity", 64, &text))
		str_u64(str_trim(buf_str(&text)), UINT32_MAX - 1, &last);
	buf_reset(&text);
	/* Seconds, so that a lost file does not bring an old number back. */
	*out = (uint32_t)(now > last ? now : last + 1);
	buf_addf(&text, "%lu\n", (unsigned long)*out);
	r = write_whole(s, s->root, "posthorn-validity", buf_str(&text));
	buf_free(&text);
	return r;
}
