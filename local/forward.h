/* SPDX-License-Identifier: ISC */
/*
 * forward - a user's .forward file.
 *
 * The file is believed only when nobody but the user or root can have written it.  A file that is
 * there and cannot be believed, or says what we cannot do, is refused with a reason: the mail waits
 * rather than going where its reader did not ask for.
 */
#ifndef LOCAL_FORWARD_H
#define LOCAL_FORWARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"

#define FORWARD_BYTES	65536	/* largest file */
#define FORWARD_MAX	1000	/* most addresses */

enum forward_result {
	FORWARD_NONE,		/* no such file */
	FORWARD_OK,
	FORWARD_REFUSED,	/* `why` says so */
};

/*
 * Read `name` below the folder `home` of `uid`: a regular file with one name, owned by uid or
 * root, writable by its owner alone, no link.
 */
enum forward_result forward_read(int home, const char *name, uid_t uid, struct pool *pool,
    struct str *text, struct str *why);

/* Whose addresses mean "deliver here". */
struct forward_self {
	struct str login;
	struct str rcpt;	/* the recipient's address */
	bool (*local_domain)(struct str domain);	/* does user@domain mean the user `user` here? */
	struct str origin;	/* domain of a name without one */
};

struct forward {
	bool here;		/* the mailbox gets a copy */
	struct strs to;		/* other addresses, each once */
};

/*
 * Parse the text (the syntax of aliases(5) values: entries between commas and line ends, "#" lines
 * are comments).  FORWARD_OK also for a text without entries: here is set then.
 */
enum forward_result forward_parse(struct str text, const struct forward_self *self,
    struct pool *pool, struct forward *out, struct str *why);

#endif
