/* SPDX-License-Identifier: ISC */
/*
 * imapd - what the parts of the IMAP server share.
 */
#ifndef IMAPD_IMAPD_H
#define IMAPD_IMAPD_H

#include "base/pool.h"
#include "io/stream.h"
#include "proto/imap.h"
#include "store/store.h"
#include "wire/session.h"

#define IMAP_IDLE_MS	(30 * 60 * 1000)	/* RFC 3501 5.4: no sooner than 30 minutes */
#define IMAP_COMMAND_MS	(5 * 60 * 1000)		/* for one command line, and for one message out */
#define IMAP_POLL_MS	1000			/* IDLE looks this often where nobody tells it */
#define IMAP_WHOLE_MAX	(256u << 20)		/* bytes of messages taken apart, and of the largest one */
#define IMAP_LOOK_MS	(60 * 1000)		/* … and this often all the same: network file systems */

/* How a command ends: the tagged answer. */
enum status { S_OK, S_NO, S_BAD, S_NONE };

struct verdict {
	enum status status;
	struct str text;	/* response code and words */
};

/* One connection. */
struct client {
	struct stream *io;
	struct store *store;	/* the user's, for all sessions of the process */
	struct str user;
	struct pool *pool;	/* of the command under way */
	struct buf command;	/* its text, literals included */
	struct str tag;
	char early[IMAP_TAG_MAX];	/* the same as it was seen first, for a line that is lost */
	size_t early_n;
	char tail[STREAM_TAIL];	/* the end of a line that was read over */
	size_t tail_n;
	bool uid;		/* it came behind UID */
	struct imap_literal text;	/* APPEND: the literal not read yet */
	bool has_text;

	struct box *box;	/* selected mailbox, or NULL */
	size_t told;		/* messages the client was told of */
	size_t told_recent;
	size_t told_keywords;
	bool over;		/* close after this answer */
};

/* When a command is legal. */
enum { ANY = 1, SELECTED = 2 };

/* What it does beyond its answer. */
enum {
	NUMBERS = 1,	/* works with sequence numbers: no EXPUNGE may be told with its answer */
	UIDS = 2,	/* has a UID form */
	QUIET = 8,	/* tells no changes at all */
};

struct command {
	const char *verb;
	struct verdict (*run)(struct client *c, struct scan *args);
	unsigned legal;
	unsigned flags;
	const char *rfc;
};

/* The tagged answer; formatted text lives in the command's pool. */
struct verdict verdict(struct client *c, enum status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct verdict bad_syntax(struct client *c);

/* The answer for a store that could not: NO with the response code that fits. */
struct verdict verdict_store(struct client *c, enum store_result r);

/* An untagged line, CRLF added. */
void tell(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Look for changes and tell them; EXPUNGE only when `expunge`. */
void tell_changes(struct client *c, bool expunge);

/* "* n FETCH (FLAGS (…))" for the message at index i; with its UID when `uid`. */
void tell_flags(struct client *c, size_t i, bool uid);

/* Append the flags of a message, or all words of `flags` with the mailbox's keywords. */
void add_flags(struct buf *out, const struct box *box, uint32_t flags, bool recent);

/* "* FLAGS (…)" and its permanent sister. */
void tell_flag_words(struct client *c);

/* Read flag words (struct str) into bits; keywords are made when `create`.  False: one cannot be. */
bool flag_bits(struct client *c, const struct vec *words, bool create, uint32_t *bits);

/* The bit of a system flag, 0 for another word. */
uint32_t system_flag(struct str word);

/*
 * Read a sequence set and give the indexes it means as size_t in `at`: UIDs when c->uid, else
 * numbers, all of which must exist (RFC 3501 9, seq-number).
 */
bool scan_messages(struct client *c, struct scan *in, struct vec *at, struct verdict *no);

/*
 * One line, as stream_getline gives it; what is longer than the stream would skip is skipped all the
 * same, up to a bound, behind which BYE was said.  `first` of a command: a stop ends the wait.  Of a
 * line that is too long or has a bare CR, LF or NUL `line` is the end, enough to see a literal there.
 */
enum io command_line(struct client *c, struct str *line, bool first);

/*
 * A command is refused, and this line of it was read: where it ends in a literal that comes without
 * waiting, read over that and over what follows, for these bytes must not be taken for commands.
 * False: the session cannot go on.
 */
bool skip_literals(struct client *c, struct str line);

/* Leave the selected mailbox. */
void unselect(struct client *c);

/* What follows CAPABILITY. */
extern const char imap_capabilities[];

/* Serve one client to the end; `hello` is what login handed over, NULL: a test's socket. */
void imap_session(struct stream *io, struct store *store, const struct session *hello);

/* structure.c: append ENVELOPE, BODY, BODYSTRUCTURE. */
struct mime_part;
void add_envelope(struct buf *out, struct str header, struct pool *p);
void add_structure(struct buf *out, const struct mime_part *part, bool extended, struct pool *p);

/*
 * fold.c: load what is needed, before the jail; append UTF-8 without case, what is no UTF-8 as it is.
 */
void fold_ready(void);
void fold_add(struct buf *out, struct str text);

/*
 * turn.c: wait until `n` more bytes of a message may be in memory, IMAP_WHOLE_MAX in all sessions or one
 * message; false when that takes too long.  What was taken is given back; meanwhile take no other.
 */
bool turn_take(uint64_t n);
void turn_give(uint64_t n);

/* The commands, one file each or one for a few that belong together. */
struct verdict cmd_append(struct client *c, struct scan *args);
struct verdict cmd_capability(struct client *c, struct scan *args);
struct verdict cmd_close(struct client *c, struct scan *args);
struct verdict cmd_copy(struct client *c, struct scan *args);
struct verdict cmd_create(struct client *c, struct scan *args);
struct verdict cmd_delete(struct client *c, struct scan *args);
struct verdict cmd_enable(struct client *c, struct scan *args);
struct verdict cmd_examine(struct client *c, struct scan *args);
struct verdict cmd_expunge(struct client *c, struct scan *args);
struct verdict cmd_fetch(struct client *c, struct scan *args);
struct verdict cmd_id(struct client *c, struct scan *args);
struct verdict cmd_idle(struct client *c, struct scan *args);
struct verdict cmd_list(struct client *c, struct scan *args);
struct verdict cmd_logout(struct client *c, struct scan *args);
struct verdict cmd_lsub(struct client *c, struct scan *args);
struct verdict cmd_move(struct client *c, struct scan *args);
struct verdict cmd_namespace(struct client *c, struct scan *args);
struct verdict cmd_noop(struct client *c, struct scan *args);
struct verdict cmd_rename(struct client *c, struct scan *args);
struct verdict cmd_search(struct client *c, struct scan *args);
struct verdict cmd_select(struct client *c, struct scan *args);
struct verdict cmd_status(struct client *c, struct scan *args);
struct verdict cmd_store(struct client *c, struct scan *args);
struct verdict cmd_subscribe(struct client *c, struct scan *args);
struct verdict cmd_unselect(struct client *c, struct scan *args);
struct verdict cmd_unsubscribe(struct client *c, struct scan *args);

/* append.c: where the command so far ends in APPEND's own literal, so that it must not be read. */
bool append_text_next(struct str command);

#endif
