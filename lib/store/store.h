/* SPDX-License-Identifier: ISC */
/*
 * store - a user's mail.
 *
 * One interface; behind it is the Maildir++ driver (maildir.h and the files that include it).
 * Nothing above lib/store may assume files: a mailbox is a name, a message is a UID, text is read
 * in the form the network wants (CRLF) whatever the driver keeps.
 *
 * Mailbox names are UTF-8, levels are separated by STORE_SEPARATOR, "INBOX" in any case is the
 * inbox.  store_name_ok decides what a name may be, and every call that takes one asks it, so no
 * name becomes a path unchecked.
 *
 * A `struct box` is one reader's view: messages in order of UID, index 0 is IMAP's number 1.
 * Several processes and several views in one process may work on the same mailbox; a view changes
 * only in mailbox_poll and mailbox_sweep and by the caller's own calls.
 *
 * STORE_OK of a call that changes something means: on stable storage.  Calls block the process for
 * file access, and the fiber alone while they wait for the disk or for another process.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"

#define STORE_SEPARATOR		'/'
#define STORE_NAME_LIMIT	200	/* bytes of a mailbox name as the driver writes it */
#define STORE_LEVELS		32	/* levels of a name */
#define STORE_KEYWORDS		26	/* keywords of a mailbox, Maildir's letters */
#define STORE_KEYWORD_LIMIT	64	/* bytes of one */
#define STORE_MAILBOXES		10000	/* of a user */

struct store;
struct box;

enum store_result {
	STORE_OK,
	STORE_ABSENT,	/* no such mailbox or message, or it went away */
	STORE_EXISTS,	/* that name is taken */
	STORE_NAME,	/* a name that cannot be */
	STORE_DENIED,	/* the system refuses: owner, mode, jail, read-only */
	STORE_FULL,	/* disk or quota is full */
	STORE_LIMIT,	/* one of the numbers above */
	STORE_BUSY,	/* another process held the lock too long */
	STORE_FAILED,	/* anything else; store_why tells */
};

/* For people: "no such mailbox", … */
const char *store_word(enum store_result r);

/*
 * Open the mail kept at `path` below the folder `dir` (path "." is the folder itself).  `create`
 * makes what is missing.  `dir` stays the caller's and may be closed.  Give *out to store_close.
 */
enum store_result store_open(int dir, struct str path, bool create, struct store **out);
void store_close(struct store *s);

/* What the last call that failed ran into: "cannot open .Sent/cur: Permission denied". */
const char *store_why(const struct store *s);

/* May a mailbox have this name? */
bool store_name_ok(struct str name);

/* --- mailboxes by name --- */

struct store_entry {
	struct str name;
	bool exists;		/* false: only a level above others, or only subscribed */
	bool subscribed;
	bool children;		/* there is a mailbox below it */
};

/* All names, sorted, INBOX first; levels above existing mailboxes are there too.  In `pool`. */
enum store_result store_list(struct store *s, struct pool *pool, struct store_entry **list, size_t *n);

/* Is there such a mailbox?  Make one (ABSENT parents too), remove one with its messages. */
bool store_exists(struct store *s, struct str name);
enum store_result store_create(struct store *s, struct str name);
enum store_result store_delete(struct store *s, struct str name);

/* Mailboxes below `from` move along; renaming INBOX moves its messages (RFC 3501 6.3.5). */
enum store_result store_rename(struct store *s, struct str from, struct str to);

/* Put the name on the list of subscribed ones, or take it off; it need not exist. */
enum store_result store_subscribe(struct store *s, struct str name, bool on);

/* --- a mailbox --- */

/* Flags of a message: one bit each; above these the mailbox's keywords from bit STORE_KEYWORD0. */
enum {
	STORE_ANSWERED = 1,
	STORE_FLAGGED = 2,
	STORE_DELETED = 4,
	STORE_SEEN = 8,
	STORE_DRAFT = 16,
	STORE_FORWARDED = 32,	/* the keyword $Forwarded, Maildir's P */
};
#define STORE_KEYWORD0	6

struct store_msg {
	uint32_t uid;
	uint32_t flags;
	bool recent;	/* no view that may write saw it before this one */
	bool gone;	/* expunged; stays in the view until mailbox_sweep */
	bool changed;	/* flags changed elsewhere, see mailbox_next_changed */
	uint64_t size;	/* in CRLF form; 0: ask mailbox_size */
	int64_t date;	/* when it arrived, seconds since 1970; -1: ask mailbox_date */
	char *file;	/* the driver's, and where it lies */
	bool in_new;
};

struct store_counts {
	uint32_t messages, recent, unseen, deleted;
	uint32_t uidvalidity, uidnext;
	uint64_t size;		/* only when asked for */
};

/* Open and take a snapshot; read-only changes nothing, not even what is recent. */
enum store_result mailbox_open(struct store *s, struct str name, bool readonly, struct box **out);
void mailbox_close(struct box *m);

/* The snapshot: how many messages, and the i-th, in order of UID, valid until the view changes. */
size_t mailbox_count(const struct box *m);
const struct store_msg *mailbox_msg(const struct box *m, size_t i);

/* First index whose UID is at least `uid`; mailbox_count when there is none. */
size_t mailbox_find(const struct box *m, uint32_t uid);

/* Facts of the open mailbox (RFC 3501 2.3.1.1, 6.3.1); how many messages of the view are recent. */
uint32_t mailbox_uidvalidity(const struct box *m);
uint32_t mailbox_uidnext(const struct box *m);
size_t mailbox_recent(const struct box *m);
bool mailbox_readonly(const struct box *m);
struct str mailbox_name(const struct box *m);

/* Names of the keywords, by bit from STORE_KEYWORD0 on; empty where a bit has none. */
struct strs mailbox_keywords(const struct box *m);

/* The flag bit of a keyword, made when `create` and there is room; 0: none. */
uint32_t mailbox_keyword(struct box *m, struct str name, bool create);

/* Size in CRLF form, 0 when it cannot be had; STORE_ABSENT: the message is gone. */
enum store_result mailbox_size(struct box *m, size_t i, uint64_t *size);

/* Arrival time; 0 when the message is gone. */
int64_t mailbox_date(struct box *m, size_t i);

/* Counts of a mailbox without keeping it open. */
enum store_result store_status(struct store *s, struct str name, bool sizes, struct store_counts *out);

/* --- changes made elsewhere --- */

/*
 * Look for what deliveries and other views did.  Cheap when nothing happened.  New messages are at
 * the end of the view afterwards, those removed are marked gone, those with other flags changed.
 * STORE_ABSENT: the mailbox itself is gone, or its UIDs have another UIDVALIDITY now.
 */
enum store_result mailbox_poll(struct box *m);

/*
 * Take the messages marked gone out of the view and append the index of each to `gone` (uint32_t),
 * as it was when its turn came: what IMAP tells as EXPUNGE, one less.
 */
void mailbox_sweep(struct box *m, struct vec *gone);

/* The next message whose flags changed elsewhere; its mark is cleared.  False: none is left. */
bool mailbox_next_changed(struct box *m, size_t *i);

/*
 * Only one holder at a time, over all processes, until the mailbox is closed: POP3's lock.  Waits a
 * few seconds for a holder whose client has just gone; false when it stays.
 */
bool mailbox_exclusive(struct box *m);

/*
 * Have `changed(arg)` called, in another fiber, when something may have changed, so that a poll is
 * worth it; it must not wait.  NULL: the system has no means left, look from time to time.  Changes
 * made on another machine (a network file system) are not noticed.  Unwatch before closing; NULL is
 * fine there.  Only in a fiber.
 */
struct watch;
struct watch *mailbox_watch(struct box *m, void (*changed)(void *), void *arg);
void mailbox_unwatch(struct watch *w);

/* --- changes made here --- */

enum store_set { STORE_REPLACE, STORE_ADD, STORE_REMOVE };

/*
 * Change the flags of the `n` messages at `at`.  Those that are gone are skipped and marked.  The
 * caller knows of these changes: they are not marked as changed.
 */
enum store_result mailbox_set_flags(struct box *m, const size_t *at, size_t n, enum store_set how,
    uint32_t flags);

/*
 * Remove for good those that have all the flags `having` now, whatever the view says; they are marked
 * gone.
 */
enum store_result mailbox_expunge(struct box *m, const size_t *at, size_t n, uint32_t having);

/*
 * Copy (or move) to the mailbox `to` with flags, keywords and dates: all or none.  *validity and
 * uids[0..n-1] are those of the copies; a message that is gone makes STORE_ABSENT and no copy.
 */
enum store_result mailbox_copy(struct box *m, const size_t *at, size_t n, struct str to, bool move,
    uint32_t *validity, uint32_t *uids);

/* --- a new message --- */

struct appender;

/* Begin a message for the mailbox `name`; the mailbox must exist. */
enum store_result append_begin(struct store *s, struct str name, struct appender **out);

/* Its text, CRLF or LF lines, in pieces of any size.  False once something failed or it holds NUL. */
bool append_write(struct appender *a, struct str data);

/* Did the text hold a NUL byte, which no message may? */
bool append_had_nul(const struct appender *a);

/*
 * Keep it, with these system flags, keywords and arrival time (-1: now).  Frees the appender.
 * *validity and *uid say where it is.
 */
enum store_result append_end(struct appender *a, uint32_t flags, struct strs keywords, int64_t date,
    uint32_t *validity, uint32_t *uid);

/* Forget it.  NULL is fine. */
void append_abort(struct appender *a);

/* --- text --- */

struct text;

/* Open the text of message `i`; STORE_ABSENT when it is gone (it is marked then). */
enum store_result text_open(struct box *m, size_t i, struct text **out);
void text_close(struct text *t);

/* Its exact size in CRLF form; false, and 0, when the disk failed. */
bool text_size(struct text *t, uint64_t *size);

/*
 * Append up to `max` bytes from `offset` on to `out`, lines ending in CRLF, NUL shown as 0x80.
 * Reading on from where the last call ended is cheap.  False when the disk failed, now or before; fewer
 * bytes than asked for only at the end.
 */
bool text_read(struct text *t, uint64_t offset, size_t max, struct buf *out);

/* Append the header with its empty line, at most `max` bytes. */
bool text_header(struct text *t, size_t max, struct buf *out);

#endif
