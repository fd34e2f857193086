/* SPDX-License-Identifier: ISC */
/*
 * dsn - the fields of message/delivery-status (RFC 3464) and of its UTF-8 kin (RFC 6533).
 *
 * Each function appends whole lines with CRLF, folded; values are made printable and one line, so
 * no remote text ever begins a field of its own.
 */
#ifndef PROTO_DSN_H
#define PROTO_DSN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };

/* "failed", …  (RFC 3464 2.3.3) */
const char *dsn_action_word(enum dsn_action a);

/* Per-message fields, 2.2; empty ones are left out. */
struct dsn_message {
	struct str envid;
	struct str reporting_mta;	/* our host name */
	struct str received_from;	/* host name the message came from */
	int64_t arrival;		/* seconds since 1970; 0: not known */
	int zone;			/* minutes east */
	struct str queue_id;
	struct str sender;
	bool utf8;
};

void dsn_add_message(struct buf *out, const struct dsn_message *m);

/* Per-recipient fields, 2.3, with the blank line in front of them. */
struct dsn_rcpt {
	struct str orcpt;		/* "rfc822;user@example.org", decoded; empty: none */
	struct str final;		/* address it was last */
	enum dsn_action action;
	struct str status;		/* "5.1.1" */
	struct str remote_mta;
	struct str diagnostic;		/* the remote's words */
	bool diagnostic_smtp;		/* they are an SMTP reply; else "X-Posthorn" */
	int64_t last_attempt;
	int64_t retry_until;		/* for DSN_DELAYED */
	int zone;
	bool utf8;			/* write utf-8 addresses (RFC 6533) */
};

void dsn_add_rcpt(struct buf *out, const struct dsn_rcpt *r);

#endif
