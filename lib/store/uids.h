/* SPDX-License-Identifier: ISC */
/*
 * uids - which message has which UID, durably.
 *
 * One append-only text file a mailbox, posthorn-uids.  Each line ends in a checksum over what
 * stands before it, so a line torn by a crash is known and cut off:
 *
 *	posthorn-uids 1 <uidvalidity> <crc>	first line
 *	N <uidnext> <crc>			UIDs below this are taken
 *	M <uid> <size> <base> <crc>		message file BASE has this UID; size in CRLF form or 0
 *	S <uid> <size> <crc>			its size, learnt later
 *	K <index> <name> <crc>			keyword of Maildir's letter 'a' + index; those
 *						between have none
 *	R <uid> <crc>				a session was told of all below this one
 *
 * A base is written with bytes outside "!".."~" and "%" as %XX.  Lines of messages that are gone
 * stay until the file is rewritten (a new file renamed over it, its N line keeping what was taken).
 * All functions want the mailbox's lock held.  A UID may be shown to a client only after uids_flush
 * said it is on disk.
 */
#ifndef STORE_UIDS_H
#define STORE_UIDS_H

#include "base/map.h"
#include "store/maildir.h"

#define UIDS_TAIL	10	/* bytes of a line's end: blank, checksum, LF */

struct uid_rec {
	uint32_t uid;
	bool seen;		/* a file had this base in the scan under way */
	uint64_t size;
	char *base;
};

struct uids {
	uint32_t validity, next;
	uint32_t recent;	/* the first UID no reading and writing session was told of */
	struct map *by_base;	/* struct uid_rec * */
	struct vec recs;	/* struct uid_rec * */
	struct vec keywords;	/* struct str, memory of its own; empty: a letter without a name */
	ino_t ino;		/* the file read last, how far, and the checksum that ends there */
	off_t end;
	char tail[UIDS_TAIL];
	struct buf pending;	/* lines to append */
};

/* Begin empty; end. */
void uids_init(struct uids *u);
void uids_free(struct uids *u);

/*
 * Read what others appended since the last call; makes the file when there is none.  Another file in
 * its place is read from its beginning: where u->validity is another then, UIDs given out before mean
 * nothing any more.
 */
enum store_result uids_load(struct store *s, struct folder *f, struct uids *u);

/* The record of a base, or NULL. */
struct uid_rec *uids_get(const struct uids *u, struct str base);

/* Give the base the next UID; NULL when the numbers are used up. */
struct uid_rec *uids_add(struct uids *u, struct str base, uint64_t size);

/* Note a size. */
void uids_size(struct uids *u, uint32_t uid, uint64_t size);

/* The index of a keyword, or -1; made, with a letter that no file in `f` has, unless that is NULL. */
int uids_keyword(struct uids *u, const struct folder *f, struct str name);

/* A session that may write was told of all there is: for others nothing of it is recent. */
void uids_told(struct uids *u);

/* Append what is pending; `durable` waits until it is on disk. */
enum store_result uids_flush(struct store *s, struct folder *f, struct uids *u, bool durable);

/* Rewrite the file without records whose `seen` is false, when they are many. */
enum store_result uids_tidy(struct store *s, struct folder *f, struct uids *u);

#endif
