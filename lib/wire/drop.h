/* SPDX-License-Identifier: ISC */
/*
 * drop - a message that a local user hands in: sendmail to postdrop by a pipe, and the file that
 * postdrop leaves in maildrop/ for pickup.
 *
 * Both have one form: DROP_MAGIC, then counted records: one 'E' with the packed struct drop, any
 * number of 'C' with pieces of the content (CRLF lines, nothing stuffed), and 'Z' with the number
 * of bytes of all of them.  Nothing may follow.  Without its 'Z' a message is not there: the writer
 * died or is still writing.  postdrop checks everything sendmail claims, pickup everything the file
 * says (security C3, C7).
 */
#ifndef WIRE_DROP_H
#define WIRE_DROP_H

#include "wire/envelope.h"

#define DROP_MAGIC	"PHdrop1\n"
#define DROP_MAGIC_N	8
#define DROP_HEAD	5		/* type byte, length of four bytes, the highest first */
#define DROP_ENVELOPE_MAX (8u << 20)	/* bytes of an 'E' record */
#define DROP_PIECE_MAX	65536		/* bytes of a 'C' record */

enum { DROP_ENVELOPE = 'E', DROP_CONTENT = 'C', DROP_END = 'Z' };

struct drop {
	struct str sender;	/* "" is the null sender; may lack a domain */
	struct str fullname;	/* for a From header that is missing; may be empty */
	struct ipc_list rcpts;	/* struct envelope_rcpt; addresses may lack a domain */
	struct str envid;
	uint64_t ret;
	uint64_t flags;		/* ENV_8BITMIME, ENV_SMTPUTF8, ENV_NO_EXPAND (sendmail -G) */
	/* Written by postdrop, whatever the caller claimed: */
	uint64_t uid;
	uint64_t arrival_us;
	struct str name;	/* of the file in maildrop/ */
};

extern const struct ipc_msg drop_msg;

/* The head of a record, and back; parsing checks type and length against their limits. */
void drop_head(char out[DROP_HEAD], char type, uint32_t n);
bool drop_head_parse(const char in[DROP_HEAD], char *type, uint32_t *n);

/* The eight bytes of a 'Z' record. */
void drop_total(char out[8], uint64_t total);
uint64_t drop_total_parse(const char in[8]);

/*
 * May this text be the sender, or a recipient?  It is an address in the one spelling we use, with or
 * without a domain; a sender may be empty, a recipient does not begin with "-".
 */
bool drop_sender_ok(struct str text, struct pool *p);
bool drop_rcpt_ok(struct str text, struct pool *p);

/*
 * Is the envelope one that may go on?  Every address is one by the two above, there is a recipient, flags are among those a
 * local user may set.  `why` says what was wrong.
 */
bool drop_ok(const struct drop *d, struct pool *p, const char **why);

/* Content of CRLF lines without NUL, checked piece by piece; all zero is the start. */
struct drop_lines {
	bool cr;		/* the last byte was a CR */
};
bool drop_lines_ok(struct drop_lines *l, struct str piece);

/*
 * Where a reader of records is; all zero is the start, before the first record.  At `ended` the
 * message was complete, and nothing may follow.
 */
struct drop_walk {
	char type;		/* of the record whose head was read last */
	bool begun, ended;
	uint64_t total;		/* bytes of content so far */
	struct drop_lines lines;
};

/*
 * A record's head: how many bytes of data follow, which are at hand before drop_walk_data is called.
 * False when it is none, or one out of its order.
 */
bool drop_walk_head(struct drop_walk *w, const char in[DROP_HEAD], uint32_t *n);

/*
 * Its data, which for an envelope is left to the caller.  False, with the reason, when lines are no
 * lines or the total is another.
 */
bool drop_walk_data(struct drop_walk *w, struct str data, const char **why);

#endif
