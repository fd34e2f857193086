/* SPDX-License-Identifier: ISC */
/*
 * mailbox - what imapd and pop3d are alike in: a worker of one user and mailbox that authd passes
 * logged-in clients to.
 */
#ifndef DAEMON_MAILBOX_H
#define DAEMON_MAILBOX_H

#include "daemon/service.h"
#include "io/stream.h"
#include "store/store.h"
#include "wire/session.h"

struct mailbox_worker {
	const char *name;
	unsigned peer;			/* PEER_IMAPD, PEER_POP3D */
	unsigned protocol;		/* SESSION_IMAP, SESSION_POP3 */
	const struct conf_param *params;
	size_t stack;			/* bytes of a session's stack */
	/* One client until it ends; `hello` is NULL for a test's socket on descriptor 0. */
	void (*session)(struct stream *io, struct store *store, const struct session *hello);
};

/* The whole main of such a program: service_main with the user's store open and its jail around it. */
int mailbox_main(const struct mailbox_worker *w, int argc, char **argv);

#endif
