/* SPDX-License-Identifier: ISC */
/*
 * fate - what becomes of a recipient and why, in the words people find in logs and reports.
 *
 * The remote's words are made printable and stay text: they are never parsed again (security A3).
 */
#ifndef SMTP_FATE_H
#define SMTP_FATE_H

#include "base/pool.h"
#include "io/stream.h"
#include "mail/reply.h"
#include "wire/deliver.h"

struct fate {
	uint64_t status;	/* RESULT_SENT, RESULT_DEFERRED, RESULT_BOUNCED */
	struct str dsn;
	struct str text;	/* for log, bounce and mailq */
	struct str diag;	/* the remote's reply on one line; empty: we say so ourselves */
	struct str remote;	/* its host name; empty: none */
};

/* Texts of all of these live in `pool` and keep the limits of wire/deliver.h. */

/* Ourselves. */
struct fate fate_own(struct pool *pool, uint64_t status, const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A reply that accepts: "250 2.0.0 Ok". */
struct fate fate_sent(struct pool *pool, const struct reply *r, struct str host);

/*
 * A reply that does not: "host NAME[IP] said: 550 5.1.1 … (in reply to RCPT TO command)".  5xx is
 * final; all else (4xx, and a 2xx or 3xx where it means nothing) is for later.
 */
struct fate fate_refused(struct pool *pool, const struct reply *r, struct str host, struct str peer,
    const char *command);

/* "host NAME[IP] refused to talk to me: 554 …" */
struct fate fate_silent(struct pool *pool, const struct reply *r, struct str host, struct str peer);

/* A refusal that is to be tried again whatever its code: 5.x.x becomes 4.x.x. */
void fate_soften(struct pool *pool, struct fate *f);

/* The connection failed: lost, timed out, or what came was no reply. */
struct fate fate_broken(struct pool *pool, enum io how, struct str host, struct str peer,
    const char *stage);

#endif
