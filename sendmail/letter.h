/* SPDX-License-Identifier: ISC */
/*
 * letter - one message from its first byte to whoever takes it: intake, recipients, envelope.
 *
 * Knows no descriptor: the bytes are given, and what comes of them goes to a taker, which is a
 * dropper (dropper.h) in sendmail.  Nothing is handed over before the header is complete and its
 * recipients are known.
 */
#ifndef SENDMAIL_LETTER_H
#define SENDMAIL_LETTER_H

#include "sendmail/envelope.h"

/* Who takes messages; `arg` goes to each function. */
struct taker {
	void *arg;
	int (*open)(void *arg, const struct drop *env);	/* 0, or an errno; EMSGSIZE: over a limit */
	void (*add)(void *arg, struct str content);
	int (*commit)(void *arg);			/* a sysexits status; 0: it is kept */
	void (*abort)(void *arg);			/* nothing is to be kept */
};

struct letter {
	struct intake in;		/* set: dot_ends, unstuff */
	struct drop env;		/* set: all but recipients */
	struct vec *rcpts;		/* set: struct envelope_rcpt, those known before the header */
	bool extract;			/* set: add those of the header (-t), */
	unsigned notify;		/* and that is what they want to know */
	const struct taker *to;		/* set */
	struct pool *pool;		/* set: lives as long as the letter */
	struct vec *why;		/* set: faults, as in envelope.h */
	bool open;			/* `to` has its beginning */
	int status;			/* EX_OK until it is refused */
};

/* Take bytes; gives how many were used: all, unless the message ended. */
size_t letter_feed(struct letter *l, struct str bytes);

/* No more will come: the message ends here. */
void letter_eof(struct letter *l);

/*
 * It is over.  With `keep`, and when nothing was wrong with it, the taker commits it; otherwise the
 * taker forgets it.  Gives the sysexits status of what became of it and frees what it holds.
 */
int letter_end(struct letter *l, bool keep);

#endif
