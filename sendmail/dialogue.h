/* SPDX-License-Identifier: ISC */
/*
 * dialogue - SMTP with a local program (sendmail -bs): its bytes in, answers out, messages to a taker.
 *
 * The caller trusts us and is trusted with no more than `sendmail ADDRESS` is.  Commands and data may
 * end in CRLF or LF (LSB, sendmail's own habit); 250 after DATA means that the taker has kept the
 * message.
 */
#ifndef SENDMAIL_DIALOGUE_H
#define SENDMAIL_DIALOGUE_H

#include "proto/smtp.h"
#include "sendmail/letter.h"

struct dialogue {
	const struct options *options;	/* set */
	const struct caller *caller;	/* set */
	const struct taker *to;		/* set */
	const char *host;		/* set: our name */
	uint64_t size_limit;		/* set: of a message; 0: none (RFC 1870) */
	bool over;			/* QUIT, or the end of the input */
	struct vec why;			/* faults, as in envelope.h; they go with the next bytes */
	/* The rest is its own. */
	struct pool *pool;		/* of the transaction */
	struct smtp_mail mail;
	struct vec rcpts;		/* struct envelope_rcpt */
	struct buf line;
	struct letter letter;
	bool in_data;			/* `letter` is being read */
	unsigned state;
};

/* Begin; the greeting is appended to `out`. */
void dialogue_begin(struct dialogue *d, struct buf *out);

/*
 * Take the next line or piece of a message from the front of `bytes`, which moves on; what there is
 * to answer is appended to `out`.  Call it while bytes are left and it is not over.
 */
void dialogue_take(struct dialogue *d, struct str *bytes, struct buf *out);

/* No more will come: a message without its end is dropped. */
void dialogue_eof(struct dialogue *d, struct buf *out);

/* Give back what it holds; a message that is being read is dropped. */
void dialogue_free(struct dialogue *d);

#endif
