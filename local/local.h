/* SPDX-License-Identifier: ISC */
/*
 * local - what its files share.
 */
#ifndef LOCAL_LOCAL_H
#define LOCAL_LOCAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/pool.h"
#include "ipc/ipc.h"
#include "wire/deliver.h"

/* Whose mail this process delivers. */
struct owner {
	uid_t uid;
	bool virtual_box;	/* mailboxes by relative name below `root`; no .forward */
	const char *login;	/* system user's name; NULL with virtual_box */
	const char *path;	/* of root, for people */
	int root;		/* home folder or virtual_mailbox_base; -1: it cannot be opened */
	int root_error;		/* errno of that */
};

extern struct owner owner;

/*
 * Deliver one recipient of `d`: fills `*res` (texts in `pool` or static) and logs the line.  Waits
 * for the disk; a result of RESULT_SENT means the message is on it.
 */
void deliver_rcpt(const struct deliver *d, const struct deliver_rcpt *r, struct result_rcpt *res,
    struct pool *pool);

/* What qmgr may ask. */
void on_deliver(struct ipc_req *req, const void *msg);

#endif
