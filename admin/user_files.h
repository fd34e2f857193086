/* SPDX-License-Identifier: ISC */
/*
 * user_files - the users file (who, with hashed passwords, for authd alone) and config/mailboxes
 * (which mailbox an address has, for router).
 *
 * Both are replaced as a whole: written aside, synced, renamed, the folder synced.
 */
#ifndef ADMIN_USER_FILES_H
#define ADMIN_USER_FILES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"

struct user_files {
	struct pool *pool;
	const char *users, *mailboxes;	/* absolute paths */
	int lock;
};

/*
 * Wait until nobody else changes them, until this process ends.  The lock is on the users file, made
 * when it is missing: the folder and mailboxes are everybody's to read, and so to lock.  False with errno.
 */
bool user_files_lock(struct user_files *e);

/* Append a file to `out`; a missing one is empty.  False with errno. */
bool user_files_read(const char *path, struct buf *out);

/* The line of user `name` in the users file, in whatever case it is written there; false without one. */
bool user_files_find(const struct user_files *e, struct str name, struct str *line);

/*
 * Put these lines (each with its line end, or "") in the place of those of user `name`, "NAME@DOMAIN".
 * `found`: were there any?  False with errno: users is as it was.
 */
bool user_files_set(const struct user_files *e, struct str name, const char *user, const char *box,
    bool *found);

#endif
