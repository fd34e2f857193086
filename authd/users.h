/* SPDX-License-Identifier: ISC */
/*
 * users - mailbox users from a file, system users from the system.
 *
 * The file has one user a line (made by `posthorn user`):
 *
 *	NAME@DOMAIN:HASH:UID:GID:MAILBOX/
 *
 * HASH is what crypt(3) writes ("$y$..."), MAILBOX is relative to virtual_mailbox_base.  Blank
 * lines and lines that begin with # are skipped; a line that breaks a rule is reported and skipped.
 */
#ifndef AUTHD_USERS_H
#define AUTHD_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/str.h"

#define USERS_FILE_MAX	(256u << 20)	/* bytes of the file */
#define USERS_LINE_MAX	2048
#define USERS_HASH_MAX	384		/* CRYPT_OUTPUT_SIZE */

struct user {
	struct str name;	/* normalised: lower case */
	struct str hash;
	uint32_t uid;
	uint32_t gid;
	struct str mailbox;	/* below virtual_mailbox_base, or the system user's name */
	bool virtual_box;
};

/* One line without its line end; false for one that breaks a rule.  Texts view the line. */
bool users_parse(struct str line, struct user *out);

/*
 * May this be a user name at all?  1 to 320 printable ASCII bytes without blank, ':' and '/', not
 * beginning with '-' or '.'.
 */
bool users_name_ok(struct str name);

/*
 * Find a user.  `name` is as the client typed it: without a domain it means the default domain's
 * mailbox user, else the system user.  FOUND fills `out`, texts in `pool` (the hash too: clear it).
 * LATER: the file cannot be read now.
 */
enum users_result { USERS_FOUND, USERS_ABSENT, USERS_LATER };
enum users_result users_find(struct str name, struct pool *pool, struct user *out);

/* Where to look.  `domain` is the default domain; system users below `least_uid` do not exist. */
void users_init(const char *file, const char *domain, bool system_users, uint32_t least_uid);

/* Forget what was read, for tests. */
void users_free(void);

#endif
