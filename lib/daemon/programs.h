/* SPDX-License-Identifier: ISC */
/*
 * programs - what master knows of each program: whose uid, whom it may ask, how many there are.
 *
 * The table decides; a program's own passport only says what it expects, and a test holds the two
 * together (`PROGRAM --passport` prints it, tests/unit/daemon/passport_test.c compares).
 */
#ifndef DAEMON_PROGRAMS_H
#define DAEMON_PROGRAMS_H

#include "wire/peers.h"

enum program_kind {
	PROGRAM_MANY,		/* interchangeable processes; new ones start before old ones end */
	PROGRAM_SINGLE,		/* one at a time; a successor waits for the one before it */
	PROGRAM_WORKER,		/* one for each user and mailbox, on request */
};

struct program {
	const char *name;		/* command of master.cf */
	unsigned peer;
	enum program_kind kind;
	unsigned processes;		/* where master.cf says "-" */
	unsigned stage;			/* order of stopping, 0 first */
	const char *user;		/* service user when master is root; NULL: mail_owner */
	const char *group;		/* supplementary group; NULL: none */
	unsigned asks;			/* PEER_BITs it gets a connection to */
};

/* The row for a command, or NULL. */
const struct program *program_by_name(const char *name);
const struct program *program_by_peer(unsigned peer);

/* The user of one service: some services of a program have a user of their own. */
const char *program_user(const struct program *p, const char *service);

/* All service users, each once, for `posthorn users`; NULL past the last. */
const char *program_user_at(unsigned i);

/*
 * Which service a program asks when several run the same program: smtpd's tlsd is the service
 * "tlsd-smtpd" where master.cf has one, else any service of that program.
 */
#define PROGRAM_STAGES	4

#endif
