/* SPDX-License-Identifier: ISC */
/*
 * blocklog - a disk that remembers in which order it was written.
 *
 *	blocklog IMAGE LOG MEGABYTES MOUNTPOINT
 *
 * Mounts a file system with one file, "disk", of that size, kept in IMAGE.  A loop device on it sees a
 * disk; what the device writes and each flush it asks for is appended to LOG before it is answered,
 * so at any moment the length of LOG says what the disk had been told by then.  tests/crash/power
 * replays the log up to any point, with or without what no flush has made safe.
 *
 * A record is four 64-bit numbers in this machine's order - kind (1 write, 2 flush), offset, length,
 * time in ns - and, for a write, that many bytes.
 *
 * Stays in the foreground; ends when it is unmounted.  Needs root (for the loop device) and
 * libfuse3; tests/crash/power/run compiles it.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { KIND_WRITE = 1, KIND_FLUSH = 2 };

static int image = -1, record = -1;
static off_t disk_size;

/* One record, whole or the disk fails. */
static int
remember(uint64_t kind, uint64_t at, const char *data, size_t n)
{
	struct timespec now;
	uint64_t head[4] = { kind, at, n, 0 };
	struct iovec iov[2] = { { head, sizeof(head) }, { (void *)(uintptr_t)data, n } };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	head[3] = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	return writev(record, iov, 2) == (ssize_t)(sizeof(head) + n) ? 0 : -EIO;
}

static int
is_disk(const char *path)
{
	return strcmp(path, "/disk") == 0;
}

static int
on_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof(*st));
	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0700;
		st->st_nlink = 2;
		return 0;
	}
	if (!is_disk(path))
		return -ENOENT;
	st->st_mode = S_IFREG | 0600;
	st->st_nlink = 1;
	st->st_size = disk_size;
	return 0;
}

static int
on_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t at, struct fuse_file_info *fi,
    enum fuse_readdir_flags flags)
{
	(void)path; (void)at; (void)fi; (void)flags;
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	fill(buf, "disk", NULL, 0, 0);
	return 0;
}

static int
on_open(const char *path, struct fuse_file_info *fi)
{
	(void)fi;
	return is_disk(path) ? 0 : -ENOENT;
}

static int
on_read(const char *path, char *to, size_t n, off_t at, struct fuse_file_info *fi)
{
	ssize_t got;

	(void)path; (void)fi;
	got = pread(image, to, n, at);
	return got < 0 ? -errno : (int)got;
}

static int
on_write(const char *path, const char *data, size_t n, off_t at, struct fuse_file_info *fi)
{
	(void)path; (void)fi;
	if (at < 0 || at + (off_t)n > disk_size)
		return -ENOSPC;
	if (remember(KIND_WRITE, (uint64_t)at, data, n) != 0)
		return -EIO;
	return pwrite(image, data, n, at) == (ssize_t)n ? (int)n : -EIO;
}

static int
on_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	(void)path; (void)datasync; (void)fi;
	return remember(KIND_FLUSH, 0, NULL, 0);
}

static int
on_truncate(const char *path, off_t n, struct fuse_file_info *fi)
{
	(void)path; (void)fi;
	return n == disk_size ? 0 : -EPERM;
}

int
main(int argc, char **argv)
{
	static const struct fuse_operations ops = {
		.getattr = on_getattr, .readdir = on_readdir, .open = on_open, .read = on_read,
		.write = on_write, .fsync = on_fsync, .truncate = on_truncate,
	};
	char name[] = "blocklog", foreground[] = "-f", single[] = "-s";
	char *args[] = { name, foreground, single, NULL, NULL };

	if (argc != 5) {
		fprintf(stderr, "usage: blocklog IMAGE LOG MEGABYTES MOUNTPOINT\n");
		return 64;
	}
	disk_size = (off_t)strtoul(argv[3], NULL, 10) << 20;
	image = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	record = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (image < 0 || record < 0 || ftruncate(image, disk_size) != 0) {
		perror("blocklog");
		return 1;
	}
	args[3] = argv[4];
	return fuse_main(4, args, &ops, NULL);
}
