/* SPDX-License-Identifier: ISC */
/*
 * session - one SMTP connection to a server, from connect to QUIT.
 *
 * session_open goes as far as a server that is ready for MAIL; transaction.h sends mail on it;
 * cache.h keeps it for the next.  Every reply has a deadline, and so has the delivery as a whole.
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "base/clock.h"
#include "base/pool.h"
#include "smtp/fate.h"
#include "smtp/hosts.h"
#include "io/stream.h"
#include "proto/smtp.h"
#include "wire/tls.h"

struct session {
	struct stream *s;
	struct pool *pool;		/* lives as long as the connection */
	struct str host;		/* server's name */
	struct str peer;		/* "NAME[IP]" */
	struct str relay;		/* "NAME[IP]:PORT" */
	struct net_addr addr;
	struct smtp_caps caps;
	struct tls_facts tls;		/* all zero: none */
	msec_t limit;			/* end of the delivery that uses it */
	msec_t opened;
	unsigned uses;			/* deliveries so far, this one included */
	bool last_host;			/* there is no host to try after this one */
	bool dirty;			/* RSET must come before the next MAIL */
	bool broken;			/* no more use: close it without a word */

	/* While it waits in the cache. */
	struct session *next;
	struct str dest;
	msec_t until;
};

enum session_opened {
	SESSION_OPEN,
	SESSION_FAILED,		/* `why` says; another host may do */
	SESSION_PLAIN,		/* the TLS handshake failed and TLS is not required: try without */
};

/*
 * Connect to `h`, greet, EHLO, STARTTLS where it is to be.  On SESSION_OPEN `*out` is ready for
 * MAIL.  Texts of `why` live in `pool`.  `limit` is the end of the whole delivery.  Logs what did
 * not go well with the connection.
 */
enum session_opened session_open(const struct host *h, bool tls, struct pool *pool, msec_t limit,
    struct session **out, struct fate *why);

/*
 * Go on in place of session_open with a stream that is connected already (tests, fuzzing); the
 * stream is the session's from here on.
 */
enum session_opened session_greet(struct stream *s, const struct host *h, bool tls,
    struct pool *pool, msec_t limit, struct session **out, struct fate *why);

/*
 * Read one whole reply within `ms` and the session's limit.  IO_SYNTAX for anything that is none,
 * also for lines or replies without end.  Anything but IO_OK leaves the session broken.
 */
enum io session_reply(struct session *c, struct reply *r, msec_t ms);

/* Send what waits. */
enum io session_flush(struct session *c, msec_t ms);

/* Say QUIT when that makes sense, and end it.  NULL is fine. */
void session_close(struct session *c);

#endif
