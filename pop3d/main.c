/* SPDX-License-Identifier: ISC */
/*
 * pop3d - a user's mail by POP3, after login.
 *
 * Runs as:  the user; sees that one mail folder, no network of its own, no exec.
 * Started by: master, one process for each user and mailbox, when authd asks; ends when idle.
 * Talks to: authd, which passes clients (message `session`); the clients, over descriptors.
 * Trusts:   authd to pass only this user's clients.  Never the client.
 * If taken over: owns this user's mail and the sessions of this user; no other user, no secret, no
 *           connection elsewhere.
 */
#include "daemon/mailbox.h"
#include "pop3d/pop3d.h"

#define STACK		(64u << 10)

int
main(int argc, char **argv)
{
	static const struct mailbox_worker pop3d = {
		.name = "pop3d",
		.peer = PEER_POP3D,
		.protocol = SESSION_POP3,
		.stack = STACK,
		.session = pop3_session,
	};

	return mailbox_main(&pop3d, argc, argv);
}
