/* SPDX-License-Identifier: ISC */
/*
 * header - the header fields of a message (RFC 5322 2.2, 3.6).
 *
 * Two ways to look at them: an iterator over bytes in memory, and a watcher that is fed line by
 * line while a message passes (smtpd, pickup).  Both take CRLF and LF, both stop at the first line
 * that cannot belong to a header, and both have caps.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"
#include "mail/limits.h"

struct header {
	struct str whole;	/* all lines of the field with their ends */
	struct str name;	/* without the colon */
	struct str value;	/* behind the colon, folds and all, without the last line end */
};

struct headers {
	struct str rest;	/* not read yet; after the end: the body */
	unsigned count;
	bool blank;		/* a blank line ended it: `rest` begins behind that line */
	bool capped;		/* too many fields */
};

/* Start at the first byte of a message. */
struct headers headers_of(struct str message);

/*
 * The next field.  False at the end: a blank line, a line that is no field, the end of the text, or
 * HEADER_COUNT_MAX fields; the struct says which.
 */
bool header_next(struct headers *h, struct header *out);

/* The first field of that name (case-blind), or false. */
bool header_find(struct str message, struct str name, struct header *out);

/* Where the body begins: the bytes before it, the blank line included. */
size_t header_length(struct str message);

/*
 * Is `line` (without its end) the first line of a field?  Name characters are 33 to 126 without
 * ":"; blanks before the colon are taken (RFC 5322 4.5).
 */
bool header_line(struct str line, struct str *name, struct str *value);

/* A value without folds: line ends dropped, blanks at both ends too. */
struct str header_unfold(struct pool *p, struct str value);

/*
 * Append a name as it stands in front of "<address>" (RFC 5322 3.4): as it is, in quotes, or as
 * encoded words (RFC 2047) when it is not ASCII.
 */
void header_phrase(struct buf *out, struct str name);

/* Append "Name: value" folded at blanks before column HEADER_LINE, ending in `eol`. */
void header_fold(struct buf *out, struct str name, struct str value, struct str eol);

/* Fields that programs ask about, as bits. */
#define HEADER_FROM		0x0001
#define HEADER_DATE		0x0002
#define HEADER_MESSAGE_ID	0x0004
#define HEADER_TO		0x0008	/* To or Cc */
#define HEADER_SENDER		0x0010
#define HEADER_RESENT		0x0020	/* any Resent- field */
#define HEADER_RESENT_FROM	0x0040
#define HEADER_RESENT_DATE	0x0080
#define HEADER_RESENT_ID	0x0100
#define HEADER_RESENT_TO	0x0200	/* Resent-To or -Cc */
#define HEADER_RECEIVED		0x0400
#define HEADER_DELIVERED	0x0800	/* Delivered-To */
#define HEADER_MIME		0x1000	/* MIME-Version */
#define HEADER_DROP		0x2000	/* Bcc, Resent-Bcc, Return-Path, Content-Length: ours to remove */
#define HEADER_BCC		0x4000
#define HEADER_RESENT_BCC	0x8000

/* The bits of a field name; 0 for names nobody asks about. */
unsigned header_bits(struct str name);

/* Fed with the lines of a message as they pass. */
struct header_watch {
	unsigned seen;		/* HEADER_ bits of all fields so far */
	unsigned hops;		/* Received fields */
	unsigned count;		/* fields */
	unsigned now;		/* bits of the field the last line belongs to */
	bool done;		/* the header is over */
	bool blank;		/* … by a blank line, which is not part of the body */
	unsigned id_n;
	char id[MESSAGE_ID_MAX];	/* value of the first Message-ID, folds removed */
};

/* One line without its end, and whether it is (still) header. */
bool header_watch(struct header_watch *w, struct str line);

/* The Message-ID it saw, or "". */
struct str header_watch_id(const struct header_watch *w);

#endif
