/* SPDX-License-Identifier: ISC */
/*
 * reply - a verdict: the answer of an SMTP server, a delivery result, a line of a DSN.
 *
 * A struct by value, no memory behind it.  Text is kept as one or more lines with '\n' between
 * them, without code; bytes that are not printable are replaced when a reply is made, so it can be
 * logged, stored and sent as it is.
 */
#ifndef MAIL_REPLY_H
#define MAIL_REPLY_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "mail/limits.h"

struct reply {
	unsigned code;			/* 200 to 599; 0: none yet */
	char dsn[REPLY_DSN_MAX];	/* "5.1.1" (RFC 3463), or "" */
	char text[REPLY_TEXT_MAX];	/* NUL-terminated, cut where it was longer */
};

/* Make one.  `dsn` may be NULL or "" (greeting, EHLO, AUTH challenges); it is a literal of ours. */
struct reply reply(unsigned code, const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct reply reply_v(unsigned code, const char *dsn, const char *fmt, va_list ap);

/* The same with text that is not a format. */
struct reply reply_text(unsigned code, struct str dsn, struct str text);

/* Append it as a server sends it, "250-2.1.0 …" and "250 2.1.0 …", each line with CRLF. */
void reply_add(struct buf *out, const struct reply *r);

/* Append it as one line for a log or a report: "550 5.1.1 text text". */
void reply_add_flat(struct buf *out, const struct reply *r);

/* First digit of the code. */
bool reply_is_ok(const struct reply *r);	/* 2xx */
bool reply_is_go(const struct reply *r);	/* 3xx */
bool reply_is_later(const struct reply *r);	/* 4xx */
bool reply_is_no(const struct reply *r);	/* 5xx */

/*
 * The enhanced code to report: its own when it has one that fits the code (RFC 3463 2), otherwise
 * "X.0.0" with the first digit of the code.
 */
struct str reply_dsn(const struct reply *r, char out[REPLY_DSN_MAX]);

/* "class.subject.detail" with class 2, 4 or 5 and up to three digits each. */
bool dsn_code_ok(struct str s);

/*
 * Reading a remote's reply, line by line without CRLF (RFC 5321 4.2).  All zero is a fresh reader;
 * set it to zero again for the next reply.
 */
struct reply_reader {
	struct reply reply;
	unsigned lines;
	size_t used;		/* of reply.text */
};

enum reply_read {
	REPLY_MORE,	/* another line follows */
	REPLY_DONE,	/* `reply` is complete */
	REPLY_BAD,	/* no reply, another code than the line before, or too many lines */
};

/*
 * Take one line.  Taken: no text behind the code, no blank behind it, an enhanced code with nothing
 * behind it.  The enhanced code is removed from the text of every line that repeats it.  `rest`
 * (may be NULL) is the text of this line as it came, for EHLO keywords.
 */
enum reply_read reply_line(struct reply_reader *rd, struct str line, struct str *rest);

#endif
