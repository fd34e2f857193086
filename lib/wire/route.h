/* SPDX-License-Identifier: ISC */
/*
 * route - every address decision: questions to router; ids 50 to 59.
 *
 *	resolve		qmgr -> router: where do these recipients go?  reply: resolved
 *	check		smtpd -> router: may this recipient (sender) be taken?  reply: checked
 *	complete	smtpd -> router: addresses without a domain; reply: completed
 *
 * An expansion (alias, virtual alias, list) is whole in one answer: the addresses in `to` are not
 * expanded again when they come back with `expanded` set.  So an alias that names itself ends, and
 * qmgr needs to remember nothing but that one bit of a recipient that came out of an expansion.
 * Recipients out of a .forward come back without it.
 */
#ifndef WIRE_ROUTE_H
#define WIRE_ROUTE_H

#include "ipc/message.h"

/* Classes of domains (Postfix's ADDRESS_CLASS_README). */
enum route_class {
	CLASS_LOCAL,		/* mydestination */
	CLASS_ALIAS,		/* virtual_alias_domains */
	CLASS_MAILBOX,		/* virtual_mailbox_domains */
	CLASS_RELAY,		/* relay_domains */
	CLASS_DEFAULT,		/* everything else */
};

struct resolve_rcpt {
	uint64_t num;		/* recipient number; comes back as it is */
	struct str addr;
	bool expanded;		/* out of an EXPAND of router: only transport and next hop */
};

struct resolve {
	struct str sender;
	struct ipc_list rcpts;	/* struct resolve_rcpt */
};

enum route_action {
	ROUTE_DELIVER,		/* transport, nexthop, addr, class; local: uid, gid, mailbox */
	ROUTE_EXPAND,		/* to; owner when has_owner */
	ROUTE_FAIL,		/* code, dsn, text */
	ROUTE_LATER,		/* dsn, text: try again later */
	ROUTE_DISCARD,		/* take it and throw it away; text */
	ROUTE_HOLD,		/* put the message on hold; text */
};

struct route {
	uint64_t num;
	uint64_t action;
	uint64_t class;
	struct str transport;	/* "smtp", "relay", "local", "virtual", or another of master.cf */
	struct str nexthop;	/* domain, "[host]", "[host]:port"; local: the domain */
	struct str addr;	/* the address as it is to be delivered: completed, canonical */
	/*
	 * Whom local delivers for, when `worker` is set.   With `virtual_box`
	 * `mailbox` is a relative name below virtual_mailbox_base, else it is a user name.
	 */
	bool worker;
	bool virtual_box;
	uint64_t uid;
	uint64_t gid;
	struct str mailbox;
	struct strs to;		/* EXPAND: new addresses, each once, completed */
	bool has_owner;
	struct str owner;	/* EXPAND: envelope sender for them */
	uint64_t code;		/* FAIL: SMTP reply code, 400 to 599 */
	struct str dsn;		/* "5.1.1" */
	struct str text;	/* for log and bounce: "unknown user: \"x\"" */
};

struct resolved {
	struct ipc_list routes;	/* struct route, one for each recipient, in order */
};

enum check_kind { CHECK_RCPT, CHECK_SENDER };

struct check {
	uint64_t kind;		/* enum check_kind */
	struct str addr;	/* "" only as a sender */
	bool trusted;		/* the client may relay: in mynetworks or authenticated */
};

enum check_status { CHECK_OK, CHECK_REFUSED, CHECK_LATER };

struct checked {
	uint64_t status;
	uint64_t class;
	struct str addr;	/* completed and canonical */
	uint64_t code;		/* REFUSED, LATER: the answer; text begins with "<addr>: " */
	struct str dsn;
	struct str text;
};

struct complete {
	struct strs addrs;
};

struct completed {
	struct strs addrs;	/* in order; one that is no address comes back as it was */
};

extern const struct ipc_msg resolve_msg, resolved_msg, check_msg, checked_msg, complete_msg,
    completed_msg;

#endif
