/* SPDX-License-Identifier: ISC */
/*
 * imapd - a user's mail by IMAP, after login.
 *
 * Runs as:  the user; sees that one mail folder, no network of its own, no exec.
 * Started by: master, one process for each user and mailbox, when authd asks; ends when idle.
 * Talks to: authd, which passes clients (message `session`); the clients, over descriptors.
 * Trusts:   authd to pass only this user's clients.  Never the client.
 * If taken over: owns this user's mail and the sessions of this user; no other user, no secret, no
 *           connection elsewhere.
 */
#include "daemon/mailbox.h"
#include "imapd/imapd.h"

#define STACK		(128u << 10)	/* nested structures are written by recursion */

int
main(int argc, char **argv)
{
	static const struct mailbox_worker imapd = {
		.name = "imapd",
		.peer = PEER_IMAPD,
		.protocol = SESSION_IMAP,
		.stack = STACK,
		.session = imap_session,
	};

	fold_ready();
	return mailbox_main(&imapd, argc, argv);
}
