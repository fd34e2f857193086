/* SPDX-License-Identifier: ISC */
/*
 * deliver_log - the line every delivery agent writes for each recipient, in Postfix's form:
 *
 *	ID: to=<R>, orig_to=<O>, relay=HOST[IP]:PORT, conn_use=N, delay=1.2, delays=a/b/c/d,
 *	    dsn=2.0.0, status=sent (TEXT)
 *
 * delay= counts from arrival; delays= is the time before qmgr took it up, in qmgr, making the
 * connection, and sending.
 */
#ifndef WIRE_DELIVER_LOG_H
#define WIRE_DELIVER_LOG_H

#include "base/buf.h"
#include "wire/deliver.h"

/* When things happened, wall time in microseconds; 0: not reached. */
struct deliver_times {
	int64_t start_us;	/* the agent got the delivery */
	int64_t ready_us;	/* connection and handshakes done (local: the mailbox is open) */
	int64_t done_us;	/* result known */
};

/*
 * Log what became of recipient `r`.  `relay` is "host[ip]:port", "local", "virtual", "none", …;
 * `conn_use` counts uses of a connection, shown when above 1.
 */
void deliver_log(const struct deliver *d, const struct deliver_rcpt *r,
    const struct result_rcpt *result, struct str relay, unsigned conn_use,
    const struct deliver_times *t);

/* The line, without logging it. */
void deliver_line(struct buf *out, const struct deliver *d, const struct deliver_rcpt *r,
    const struct result_rcpt *result, struct str relay, unsigned conn_use,
    const struct deliver_times *t);

/* Append a length of time the way Postfix prints one: two digits that count, at most 10 ms fine
 * ("0.01", "1.2", "12", "350", "0"). */
void deliver_seconds(struct buf *out, int64_t us);

#endif
