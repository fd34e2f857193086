/* SPDX-License-Identifier: ISC */
/*
 * envelope - everything about a message that is not its bytes.
 *
 * Made by who takes the message in (smtpd, pickup, bounce), written by cleanup into the spool file
 * in the packed form of these rows, read by qmgr and handed on in parts.  Texts are as they came,
 * checked and decoded; no field is ever joined with another by a separator.
 */
#ifndef WIRE_ENVELOPE_H
#define WIRE_ENVELOPE_H

#include "ipc/message.h"

/* NOTIFY of RFC 3461 4.1; no bit: the sender said nothing. */
enum { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };

/* RET of RFC 3461 4.3. */
enum { RET_NONE, RET_FULL, RET_HDRS };

/* What the message is or needs. */
enum {
	ENV_8BITMIME = 1,	/* BODY=8BITMIME was said */
	ENV_SMTPUTF8 = 2,	/* SMTPUTF8 was said (RFC 6531) */
	ENV_REQUIRETLS = 4,	/* RFC 8689 */
	ENV_NO_EXPAND = 8,	/* made here: do not add missing headers, no aliases of its sender */
	ENV_LOOPED = 16,	/* too many Received fields: return it, deliver it to nobody */
};

struct envelope_rcpt {
	struct str addr;	/* "user@domain"; a bare "user" only from pickup */
	struct str orig;	/* as the sender gave it, when another; X-Original-To, orig_to= */
	struct str orcpt;	/* ORCPT, decoded: "rfc822;user@domain"; empty: none */
	uint64_t notify;
};

/* A change to the header as readers see it; the content itself is never touched. */
enum { EDIT_DROP = 1 };		/* leave out every field of this name */

struct envelope_edit {
	uint64_t kind;
	struct str name;	/* field name without colon, any case */
};

struct envelope {
	struct str sender;	/* "" is the null reverse-path */
	struct ipc_list rcpts;	/* struct envelope_rcpt; recipient number = place in this list */
	struct str envid;	/* ENVID, decoded */
	uint64_t ret;
	uint64_t flags;
	struct str origin;	/* service that took it: "smtpd", "submission", "pickup", "bounce" */
	struct str client_name;	/* forward-confirmed name or "unknown"; "localhost" for pickup */
	struct str client_addr;
	uint64_t client_port;
	struct str helo;
	struct str proto;	/* "SMTP", "ESMTP", "ESMTPSA", … (RFC 3848) */
	struct str sasl_method;
	struct str sasl_user;
	uint64_t uid;		/* who called sendmail; UINT32_MAX for others */
	/*
	 * The Received field, whole, CRLF included; the queue ID belongs at offset `received_id_at`
	 * (no ID goes in where that is 0).  Empty: none.
	 */
	struct str received;
	uint64_t received_id_at;
	struct strs prepend;	/* more fields on top, below Received, each whole with its CRLFs */
	struct ipc_list edits;	/* struct envelope_edit */
	struct str maildrop;	/* maildrop file it came from, so that a repeated pickup is known */
	uint64_t arrival_us;	/* wall time; microseconds since 1970 */
	struct str message_id;	/* of the header, for the log; empty: none seen */
};

extern const struct ipc_field envelope_rcpt_fields[];
extern const struct ipc_field envelope_edit_fields[];
extern const struct ipc_field envelope_fields[];

/* The envelope alone, as it stands in a spool file. */
extern const struct ipc_msg envelope_msg;

#endif
