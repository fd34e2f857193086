/* SPDX-License-Identifier: ISC */
/*
 * file - files below a held folder, made durable.
 *
 * Nothing here follows a link, and a name is one step below a folder that is held open, so nobody
 * who can rename folders can move the ground under a call.  Waiting for the disk happens beside the
 * loop in a fiber (fiber_sync), and plainly outside.
 */
#ifndef IO_FILE_H
#define IO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Open a regular file, one name without '/', below `dir`: O_NOFOLLOW, O_CLOEXEC, O_NOCTTY, and
 * O_NONBLOCK so that a FIFO cannot hold us.  -1 with errno: ELOOP for a link, EINVAL for
 * what is no regular file or a name with '/'.
 */
int file_open(int dir, const char *name, int flags, mode_t mode);

/* Open a folder by path; below `dir` one name, no links.  -1 with errno. */
int file_open_folder(const char *path);
int file_open_folder_at(int dir, const char *name);

/*
 * Open the folder `path` ("a/b/c", relative, no empty, "." or ".." steps) below `dir` without ever
 * leaving it or following a link; with `create`, missing steps are made (0700) and are durable when
 * the call returns.  -1 with errno; EINVAL for a bad path.
 */
int file_beneath(int dir, struct str path, bool create);

/* Make the folder `name` below `dir` unless it is there, and make that durable.  False: errno. */
bool file_make_folder(int dir, const char *name, mode_t mode);

/* Write all of it at the file's position; false with errno (ENOSPC for a write of nothing). */
bool file_write(int fd, struct str data);

/* Append the whole file to `out`, at most `max` bytes (EFBIG beyond); false with errno. */
bool file_read(int fd, size_t max, struct buf *out);

/* fdatasync; fsync for folders and for files whose name or size is new.  False with errno. */
bool file_sync(int fd);
bool file_sync_full(int fd);

/*
 * Replace the content of `name` below `dir` in one step: a temporary file beside it is written,
 * synced, renamed over it, and the folder is synced.  False with errno; the old content is there
 * then, and no temporary file.
 */
bool file_replace(int dir, const char *name, mode_t mode, struct str data);

#endif
