/* SPDX-License-Identifier: ISC */
/*
 * imap - the grammar of IMAP4rev1 (RFC 3501 9) with UIDPLUS, MOVE, ID, ENABLE.
 *
 * A command is parsed when all of it is in memory, literals included as they came
 * ("{3}" CRLF and three bytes), so parsers need no reader.  Every scanner leaves the cursor where
 * it was when it returns false.  Texts that needed no change view the input, others are in the
 * pool.  NUL is in no string (RFC 3501 9: CHAR8).
 */
#ifndef PROTO_IMAP_H
#define PROTO_IMAP_H

#include "base/buf.h"
#include "base/pool.h"
#include "base/scan.h"
#include "base/str.h"
#include "base/vec.h"

#define IMAP_LINE_MAX		65536	/* one line of a command with CRLF */
#define IMAP_COMMAND_MAX	(1u << 20)	/* a whole command, literals included, APPEND's text not */
#define IMAP_LITERAL_MAX	65536	/* one literal, APPEND's text not */
#define IMAP_LITERAL_AUTHLESS	4096	/* the same before login, sum of a command */
#define IMAP_LITERAL_MINUS	4096	/* LITERAL-: largest without waiting (RFC 7888) */
#define IMAP_TAG_MAX		64
#define IMAP_RANGES_MAX		20000	/* ranges of one sequence set */
#define IMAP_DEPTH_MAX		50	/* brackets in brackets, search keys in search keys */
#define IMAP_KEYS_MAX		2000	/* search keys of one command */
#define IMAP_ITEMS_MAX		500	/* items of one FETCH, header names of one section */
#define IMAP_FLAGS_MAX		100	/* flags of one command */
#define IMAP_PATH_MAX		100	/* numbers of one section */
#define IMAP_STAR		0	/* "*" in a sequence set, where no number is 0 */

/* --- words --- */

/* One blank; tag; atom; number and nz-number, which must fit 32 bits. */
bool imap_scan_sp(struct scan *in);
bool imap_scan_tag(struct scan *in, struct str *tag);
bool imap_scan_atom(struct scan *in, struct str *out);
bool imap_scan_number(struct scan *in, uint32_t *out);
bool imap_scan_nz_number(struct scan *in, uint32_t *out);

/* string = quoted / literal; astring adds ASTRING-CHARs; nstring adds NIL (gives a NULL p). */
bool imap_scan_string(struct scan *in, struct pool *p, struct str *out);
bool imap_scan_astring(struct scan *in, struct pool *p, struct str *out);
bool imap_scan_nstring(struct scan *in, struct pool *p, struct str *out);

/* mailbox, as UTF-8; false too for what is no modified UTF-7. */
bool imap_scan_mailbox(struct scan *in, struct pool *p, struct str *out);

/* list-mailbox: an astring with wildcards, still in modified UTF-7. */
bool imap_scan_pattern(struct scan *in, struct pool *p, struct str *out);

/* flag: "\Seen" or a keyword; flag-list with its brackets. */
bool imap_scan_flag(struct scan *in, struct str *out);
bool imap_scan_flags(struct scan *in, struct vec *out);

/* date ("1-Feb-1994", quoted or not) as days since 1970; date-time (quoted) in seconds since 1970. */
bool imap_scan_date(struct scan *in, int64_t *day);
bool imap_scan_datetime(struct scan *in, int64_t *wall);

/* --- sequence sets --- */

struct imap_range {
	uint32_t lo, hi;	/* as written; after imap_set_resolve lo <= hi */
};

struct imap_set {
	struct imap_range *v;	/* in the pool */
	size_t n;
};

/* sequence-set. */
bool imap_scan_set(struct scan *in, struct pool *p, struct imap_set *out);

/* Put `most` (the largest number there is) where "*" stands, sort, and merge what touches. */
void imap_set_resolve(struct imap_set *set, uint32_t most);

/* Is `n` in a resolved set? */
bool imap_set_has(const struct imap_set *set, uint32_t n);

/* --- literals --- */

struct imap_literal {
	uint64_t size;
	bool sync;		/* the client waits for "+" */
};

/*
 * Does the line end in a literal?  A number that is too long gives the largest size, so that the
 * caller refuses it.
 */
bool imap_line_literal(struct str line, struct imap_literal *out);

/* --- FETCH --- */

enum imap_item {
	IMAP_FLAGS = 1, IMAP_UID = 2, IMAP_INTERNALDATE = 4, IMAP_RFC822_SIZE = 8,
	IMAP_ENVELOPE = 16, IMAP_BODY = 32, IMAP_BODYSTRUCTURE = 64,
};

enum imap_text { IMAP_ALL, IMAP_HEADER, IMAP_HEADER_FIELDS, IMAP_HEADER_NOT, IMAP_TEXT, IMAP_MIME };

/* BODY[…]<…>, RFC822, RFC822.HEADER, RFC822.TEXT. */
struct imap_section {
	struct str label;	/* what the answer is called: "BODY[1.TEXT]", "RFC822" */
	uint32_t *path;
	size_t path_n;
	enum imap_text text;
	struct strs fields;
	bool peek;
	bool partial;
	uint32_t offset, count;
};

struct imap_fetch {
	unsigned items;		/* enum imap_item */
	struct imap_section *sections;
	size_t sections_n;
};

/* Everything behind the sequence set of a FETCH. */
bool imap_scan_fetch(struct scan *in, struct pool *p, struct imap_fetch *out);

/* --- SEARCH --- */

enum imap_key_kind {
	IMAP_KEY_ALL, IMAP_KEY_AND, IMAP_KEY_OR, IMAP_KEY_NOT,
	IMAP_KEY_FLAG,		/* `text` is the flag ("\Seen", "$Junk"), `on` whether it must be set */
	IMAP_KEY_RECENT, IMAP_KEY_SET, IMAP_KEY_UID,
	IMAP_KEY_BEFORE, IMAP_KEY_ON, IMAP_KEY_SINCE,
	IMAP_KEY_SENTBEFORE, IMAP_KEY_SENTON, IMAP_KEY_SENTSINCE,
	IMAP_KEY_LARGER, IMAP_KEY_SMALLER,
	IMAP_KEY_HEADER,	/* field `name` holds `text` */
	IMAP_KEY_BODY, IMAP_KEY_TEXT,
};

struct imap_key {
	enum imap_key_kind kind;
	bool on;
	struct str name, text;
	uint32_t number;
	int64_t day;
	struct imap_set set;
	struct imap_key **kids;		/* AND: all, OR: two, NOT: one */
	size_t kids_n;
};

enum imap_search_fault { IMAP_SEARCH_OK, IMAP_SEARCH_SYNTAX, IMAP_SEARCH_CHARSET };

/* Everything behind SEARCH.  Charsets are US-ASCII and UTF-8. */
enum imap_search_fault imap_scan_search(struct scan *in, struct pool *p, struct imap_key **out);

/* --- STATUS --- */

enum imap_status {
	IMAP_STATUS_MESSAGES = 1, IMAP_STATUS_RECENT = 2, IMAP_STATUS_UIDNEXT = 4,
	IMAP_STATUS_UIDVALIDITY = 8, IMAP_STATUS_UNSEEN = 16,
};

/* The bracketed list; at least one item. */
bool imap_scan_status(struct scan *in, unsigned *items);

/* --- writing --- */

/* Append as string (quoted where that is possible, else a literal); p NULL gives NIL for nstring. */
void imap_add_string(struct buf *out, struct str s);
void imap_add_nstring(struct buf *out, struct str s);

/* Append a UTF-8 mailbox name as astring in modified UTF-7. */
void imap_add_mailbox(struct buf *out, struct str name);

/* Append "\"17-Jul-1996 02:44:25 +0000\"". */
void imap_add_datetime(struct buf *out, int64_t wall);

/*
 * Does the name match a LIST pattern ("*" anything, "%" anything but `sep`)?  INBOX without case.
 * Linear in name times pattern, whatever the pattern.
 */
bool imap_match(struct str pattern, struct str name, char sep);

#endif
