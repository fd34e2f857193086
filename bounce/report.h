/* SPDX-License-Identifier: ISC */
/*
 * report - a delivery status notification as bytes: multipart/report of RFC 6522 with a text for
 * people, message/delivery-status (RFC 3464) and what is returned of the message.
 */
#ifndef BOUNCE_REPORT_H
#define BOUNCE_REPORT_H

#include "base/buf.h"
#include "base/pool.h"
#include "mail/message.h"
#include "wire/bounce.h"

/* Facts about us and this report. */
struct report {
	const struct notify *about;
	const char *host;		/* myhostname */
	struct str to;			/* who gets it */
	bool to_postmaster;		/* it is about mail that could not be returned either */
	int64_t now;			/* wall time, seconds */
	struct str boundary;		/* unguessable, so that no message can end its part early */
	uint64_t size_limit;		/* of a message returned whole */
	struct str message_id;		/* out: of the report, with its brackets */
	bool eightbit;			/* out: it needs 8BITMIME */
	bool utf8;			/* out: it needs SMTPUTF8 */
};

/* Where the bytes go, a piece at a time. */
typedef void report_sink(void *arg, struct str piece);

/*
 * Write the whole report; `p` is for what it needs meanwhile.  False, with errno, when the message
 * it returns could not be read: then what was written is worthless.
 */
bool report_write(struct report *r, struct pool *p, report_sink *sink, void *arg);

/* A sentence for people about an enhanced status code, NULL when it says nothing useful. */
const char *report_explain(struct str dsn);

#endif
