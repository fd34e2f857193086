/* SPDX-License-Identifier: ISC */
/*
 * intake - whatever a local program writes becomes a message of CRLF lines.
 *
 * Pure: bytes go in, the header and then content come out.  Line ends may be LF or CRLF; a CR alone
 * breaks lines in the body and is a blank in the header; NUL is dropped; the last line gets an end if it has none; a "From " line in front (as mbox has it) goes;
 * a blank line is put before a body that follows the header without one.
 */
#ifndef SENDMAIL_INTAKE_H
#define SENDMAIL_INTAKE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"
#include "mail/header.h"

#define INTAKE_HEADER_MAX	((size_t)4 << 20)

struct intake {
	bool dot_ends;		/* set: a line that is "." ends the message */
	bool unstuff;		/* set: other lines lose a leading dot (SMTP) */
	bool started;
	bool cr, dot, mid;	/* held back: a CR, a dot at the start of a line; inside a line */
	bool ended;		/* the lone dot came */
	bool in_body;		/* `header` is complete */
	size_t line_at;		/* where the current header line begins */
	struct header_watch watch;
	struct buf header;	/* fields as they came, with CRLF; without the blank line */
	struct buf out;		/* content behind it, from the blank line on; empty it as you go */
};

/* Take bytes; gives how many were used (all, unless the message ended). */
size_t intake_feed(struct intake *in, struct str bytes);

/* No more will come. */
void intake_eof(struct intake *in);

/* Did everything fit?  False when the header is larger than INTAKE_HEADER_MAX. */
bool intake_ok(const struct intake *in);

void intake_free(struct intake *in);

/* Append the header without Bcc, Resent-Bcc, Return-Path and Content-Length. */
void intake_public_header(const struct intake *in, struct buf *out);

/*
 * Recipients of -t: the addresses in To, Cc and Bcc, or when any Resent- field is there, in
 * Resent-To, Resent-Cc and Resent-Bcc.  Pushes struct mailbox; false when a list passed its cap.
 */
bool intake_rcpts(const struct intake *in, struct pool *p, struct vec *out);

#endif
