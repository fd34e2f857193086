/* SPDX-License-Identifier: ISC */
/*
 * bounce - qmgr asks for a notice to the sender; ids 40 and 41.
 *
 * bounce writes a delivery status notification (RFC 3464) and submits it to cleanup.  The answer
 * comes when the notice is on stable storage; only then may qmgr mark its recipients done.  It is
 * asked again after a crash, so a notice may come twice, never not at all.
 */
#ifndef WIRE_BOUNCE_H
#define WIRE_BOUNCE_H

#include "wire/envelope.h"

enum notice {
	NOTICE_FAILED,		/* could not be delivered */
	NOTICE_DELAYED,		/* not yet; we keep trying until expire_us */
	NOTICE_SUCCESS,		/* delivered or relayed; the sender asked for it (NOTIFY=SUCCESS) */
};

/* RFC 3464 2.3.3; the same order as enum dsn_action of lib/proto. */
enum { ACTION_FAILED, ACTION_DELAYED, ACTION_DELIVERED, ACTION_RELAYED, ACTION_EXPANDED };

struct notify_rcpt {
	struct str addr;	/* where it went */
	struct str orig;	/* as the sender gave it; empty: the same */
	struct str orcpt;	/* decoded, "rfc822;user@domain"; empty: none */
	uint64_t action;	/* ACTION_ */
	struct str dsn;		/* "5.1.1" */
	struct str text;	/* why, for people; as in struct result_rcpt */
	struct str diag;	/* the remote's own words; empty: it said none */
	struct str remote;	/* Remote-MTA; empty: none */
	uint64_t attempt_us;	/* last attempt, wall time */
};

struct notify {
	uint64_t kind;		/* NOTICE_ */
	struct str queue_id;	/* of the message this is about */
	struct str sender;	/* "": nobody is told (or the postmaster, notify_classes) */
	struct str envid;
	uint64_t ret;
	uint64_t flags;		/* ENV_ */
	uint64_t arrival_us;
	uint64_t expire_us;	/* NOTICE_DELAYED: when we give up */
	struct str client_name;	/* who brought the message: Received-From-MTA */
	struct ipc_list rcpts;	/* struct notify_rcpt, those this notice is about */
	/* The message, as in struct deliver. */
	struct str received;
	uint64_t received_id_at;
	struct strs prepend;
	struct ipc_list edits;	/* struct envelope_edit */
	struct str content;
	int fd;			/* -1: `content` has it all */
	uint64_t offset;
	uint64_t size;
};

struct notified {
	uint64_t result;	/* SUBMIT_OK, or what cleanup said: ask again later */
	struct str queue_id;	/* of the notice; empty: none was due */
};

extern const struct ipc_msg notify_msg, notified_msg;

#endif
