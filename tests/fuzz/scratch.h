/* SPDX-License-Identifier: ISC */
/*
 * scratch - a mail folder made anew for each input, in memory where the system has such a place, and
 * removed behind it.
 */
#ifndef FUZZ_SCRATCH_H
#define FUZZ_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/panic.h"
#include "store/store.h"

static char scratch_path[64];

static void
scratch_empty(int at)
{
	DIR *d = fdopendir(dup(at));
	const struct dirent *e;

	ASSERT(d != NULL);
	rewinddir(d);
	while ((e = readdir(d)) != NULL) {
		int sub;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(at, e->d_name, 0) == 0)
			continue;
		sub = openat(at, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			continue;
		scratch_empty(sub);
		(void)close(sub);
		(void)unlinkat(at, e->d_name, AT_REMOVEDIR);
	}
	(void)closedir(d);
}

static void
scratch_end(void)
{
	int fd = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		scratch_empty(fd);
		(void)close(fd);
	}
	(void)rmdir(scratch_path);
}

/* An empty folder with new/, cur/ and tmp/; the caller closes it. */
static int
scratch_begin(void)
{
	static const char *const folders[] = { "cur", "new", "tmp" };
	int fd;

	if (scratch_path[0] == '\0') {
		(void)snprintf(scratch_path, sizeof(scratch_path), "%s/posthorn-fuzz.XXXXXX",
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		ASSERT(mkdtemp(scratch_path) != NULL);
		(void)atexit(scratch_end);
	}
	fd = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT(fd >= 0);
	scratch_empty(fd);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		ASSERT(mkdirat(fd, folders[i], 0700) == 0);
	return fd;
}

static void
scratch_message(int at, const char *name, const char *text)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	ASSERT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	(void)close(fd);
}

#endif
