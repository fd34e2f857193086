/* SPDX-License-Identifier: ISC */
/*
 * deliver - qmgr and its agents (smtp, local); ids 30 to 39.
 *
 * On the connection that qmgr asks by:
 *	deliver		qmgr -> agent, one-way
 *	result		agent -> qmgr, a call; its reply is `settled`
 *	inflight	qmgr -> agent, a call; its reply is `inflight_reply`; qmgr's first on a connection
 *
 * qmgr sends `deliver` for one group of recipients of one message that share transport and next hop
 * (for local: one recipient).  The agent logs each recipient's fate in the classic form
 * ("ID: to=<…>, relay=…, delay=…, delays=a/b/c/d, dsn=…, status=…") and sends one `result` for the
 * group.  It keeps that result, and sends it again on a new connection, until qmgr answered
 * `settled`: synced to the message's log.  A new qmgr asks `inflight` first and schedules none of
 * those; a `result` may come on any connection and for a serial that this qmgr never gave out.
 */
#ifndef WIRE_DELIVER_H
#define WIRE_DELIVER_H

#include "wire/envelope.h"

struct deliver_rcpt {
	uint64_t num;		/* recipient number, never changes */
	struct str addr;	/* where it goes now */
	struct str orig;	/* X-Original-To, orig_to= when another than addr */
	struct str orcpt;
	uint64_t notify;
};

struct deliver {
	uint64_t serial;	/* of this delivery; unique over restarts of qmgr */
	struct str queue_id;
	struct str transport;	/* service of master.cf: "smtp", "relay", "local", "virtual" */
	struct str nexthop;	/* smtp: domain, "[host]", "[host]:port"; local: domain */
	struct str mailbox;	/* local: relative mailbox name (virtual) or user name */
	struct str sender;
	struct str envid;
	uint64_t ret;
	uint64_t flags;		/* ENV_… */
	struct ipc_list rcpts;	/* struct deliver_rcpt */
	uint64_t arrival_us;	/* wall time; delay= counts from here */
	uint64_t active_us;	/* when qmgr began with it */
	struct str received;	/* as in struct envelope */
	uint64_t received_id_at;
	struct strs prepend;
	struct ipc_list edits;	/* struct envelope_edit */
	struct str client_name, client_addr, helo, proto, sasl_user;
	/*
	 * The content: in `content` when it is small (then fd is -1), else `size` bytes from `offset`
	 * of the read-only descriptor `fd`, read with pread, never beyond.
	 */
	struct str content;
	int fd;
	uint64_t offset;
	uint64_t size;
};

/* What became of a recipient. */
enum {
	RESULT_SENT,
	RESULT_DEFERRED,	/* try later */
	RESULT_BOUNCED,		/* never; return to sender */
	RESULT_EXPANDED,	/* replaced by the addresses in `to` (.forward) */
};

struct result_rcpt {
	uint64_t num;
	uint64_t status;
	struct str dsn;		/* "2.0.0" */
	struct str text;	/* for log, bounce and mailq: "host mx[192.0.2.1] said: 550 …" */
	struct str diag;	/* Diagnostic-Code value without type, the remote's words; may be empty */
	struct str remote;	/* Remote-MTA host name; empty: none */
	bool notifies;		/* RESULT_SENT: the next hop took NOTIFY, and tells the sender itself */
	struct strs to;		/* RESULT_EXPANDED: new addresses */
	struct str owner;	/* RESULT_EXPANDED: new envelope sender; empty: the old one */
};

/* soft_bounce: a failure becomes one to try again; its dsn moves to the pool. */
void result_soften(struct result_rcpt *r, struct pool *pool);

struct result {
	uint64_t serial;
	struct str queue_id;
	struct ipc_list rcpts;	/* struct result_rcpt; every recipient of the delivery once */
	/*
	 * How the next hop did, for concurrency feedback: 0 no statement, 1 it works, 2 it cannot be
	 * reached or refused the session (other mail for it would fare the same).
	 */
	uint64_t hop;
};

struct settled {
	uint64_t serial;
};

struct inflight {
	uint64_t unused;
};

struct inflight_one {
	uint64_t serial;
	struct str queue_id;
	struct ipc_list nums;	/* struct inflight_num */
};

struct inflight_num {
	uint64_t num;
};

struct inflight_reply {
	struct str service;	/* the agent's name in master.cf: it serves the transport of that name */
	struct ipc_list list;	/* struct inflight_one: deliveries under way or not settled */
};

extern const struct ipc_msg deliver_msg, result_msg, settled_msg, inflight_msg, inflight_reply_msg;

#endif
