/* SPDX-License-Identifier: ISC */
/*
 * file - see file.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hash.h"
#include "fiber/fiber.h"
#include "io/file.h"

#define STEP_MAX	255	/* bytes of one name */
#define PATH_STEPS	32	/* names in a path below a folder */
#define READ_PIECE	((size_t)32 << 10)
#define OPEN_ALWAYS	(O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)
#define OPEN_FOLDER	(O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* Close without losing errno. */
static int
fail(int fd, int error)
{
	close(fd);
	errno = error;
	return -1;
}

static bool
one_name(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
	    strcmp(name, "..") != 0;
}

int
file_open(int dir, const char *name, int flags, mode_t mode)
{
	struct stat st;
	int fd;

	if (!one_name(name)) {
		errno = EINVAL;
		return -1;
	}
	fd = openat(dir, name, flags | OPEN_ALWAYS | O_NONBLOCK, mode);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0)
		return fail(fd, errno);
	if (!S_ISREG(st.st_mode))
		return fail(fd, EINVAL);
	return fd;
}

int
file_open_folder(const char *path)
{
	return open(path, OPEN_FOLDER);
}

int
file_open_folder_at(int dir, const char *name)
{
	if (!one_name(name)) {
		errno = EINVAL;
		return -1;
	}
	return openat(dir, name, OPEN_FOLDER | O_NOFOLLOW);
}

bool
file_make_folder(int dir, const char *name, mode_t mode)
{
	if (!one_name(name)) {
		errno = EINVAL;
		return false;
	}
	if (mkdirat(dir, name, mode) != 0)
		return errno == EEXIST;
	return file_sync_full(dir);
}

/* The next step of a path, as a C string; false when the path is bad. */
static bool
next_step(struct str *path, char step[STEP_MAX + 1])
{
	struct str head;

	if (!str_cut(path, '/', &head) || head.n == 0 || head.n > STEP_MAX ||
	    memchr(head.p, '\0', head.n) != NULL)
		return false;
	memcpy(step, head.p, head.n);
	step[head.n] = '\0';
	return one_name(step);
}

/* Is every step good?  A slash at the end is not a step. */
static bool
path_ok(struct str path)
{
	char step[STEP_MAX + 1];
	unsigned n = 0;

	if (path.n == 0 || path.p[path.n - 1] == '/')
		return false;
	while (path.n > 0)
		if (!next_step(&path, step) || ++n > PATH_STEPS)
			return false;
	return true;
}

/* One call does it where the kernel has openat2 and nothing is missing. */
static int
beneath_at_once(int dir, struct str path)
{
	struct open_how how = { .flags = OPEN_FOLDER,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	char text[PATH_STEPS * (STEP_MAX + 1)];

	if (path.n >= sizeof(text)) {
		errno = ENOSYS;
		return -1;
	}
	memcpy(text, path.p, path.n);
	text[path.n] = '\0';
	return (int)syscall(SYS_openat2, dir, text, &how, sizeof(how));
}

int
file_beneath(int dir, struct str path, bool create)
{
	char step[STEP_MAX + 1];
	int fd, next, error;

	if (!path_ok(path)) {
		errno = EINVAL;
		return -1;
	}
	if ((fd = beneath_at_once(dir, path)) >= 0)
		return fd;
	if (errno == ELOOP || errno == EXDEV || errno == ENOTDIR || (errno == ENOENT && !create))
		return -1;
	fd = dir;
	while (path.n > 0) {
		next_step(&path, step);
		if (create && !file_make_folder(fd, step, 0700))
			next = -1;
		else
			next = file_open_folder_at(fd, step);
		error = errno;
		if (fd != dir)
			close(fd);
		if (next < 0) {
			errno = error;
			return -1;
		}
		fd = next;
	}
	return fd;
}

bool
file_write(int fd, struct str data)
{
	ssize_t n;

	while (data.n > 0) {
		n = write(fd, data.p, data.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return false;
		data = str_sub(data, (size_t)n, data.n - (size_t)n);
	}
	return true;
}

bool
file_read(int fd, size_t max, struct buf *out)
{
	size_t total = 0;
	ssize_t n;
	char *to;

	for (;;) {
		if ((to = buf_room(out, READ_PIECE)) == NULL) {
			errno = EFBIG;
			return false;
		}
		n = pread(fd, to, READ_PIECE, (off_t)total);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		total += (size_t)n;
		if (total > max) {
			errno = EFBIG;
			return false;
		}
		buf_grew(out, (size_t)n);
	}
}

static bool
sync_how(int fd, bool full)
{
	int r;

	if (fiber_running()) {
		errno = full ? fiber_sync_full(fd) : fiber_sync(fd);
		return errno == 0;
	}
	while ((r = full ? fsync(fd) : fdatasync(fd)) != 0 && errno == EINTR)
		;
	return r == 0;
}

bool
file_sync(int fd)
{
	return sync_how(fd, false);
}

bool
file_sync_full(int fd)
{
	return sync_how(fd, true);
}

bool
file_replace(int dir, const char *name, mode_t mode, struct str data)
{
	char temp[64];
	int fd, error;
	bool ok;

	if (!one_name(name)) {
		errno = EINVAL;
		return false;
	}
	snprintf(temp, sizeof(temp), ".new.%ld.%08x", (long)getpid(), random_below(UINT32_MAX));
	fd = file_open(dir, temp, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd < 0)
		return false;
	ok = file_write(fd, data) && file_sync_full(fd);
	error = errno;
	if (close(fd) != 0 && ok) {
		ok = false;
		error = errno;
	}
	if (ok && renameat(dir, temp, dir, name) != 0) {
		ok = false;
		error = errno;
	}
	if (!ok) {
		unlinkat(dir, temp, 0);
		errno = error;
		return false;
	}
	return file_sync_full(dir);
}
