/* SPDX-License-Identifier: ISC */
/*
 * maildir - the Maildir++ driver's own parts: folders, file names, locks, text on disk.
 *
 * Only files of lib/store include this.
 *
 *	ROOT/{cur,new,tmp}			INBOX
 *	ROOT/.A.B/{cur,new,tmp,maildirfolder}	mailbox A/B, levels in modified UTF-7
 *	ROOT/subscriptions			one name a line, in modified UTF-7
 *	ROOT/posthorn-validity			the last UIDVALIDITY given out
 *	ROOT/posthorn-store			locked while mailboxes are made, renamed, removed
 *	ROOT/posthorn-rename			what is being renamed, see rename.c
 *	FOLDER/posthorn-uids			UIDs and keywords, see uids.h
 *	FOLDER/posthorn-lock			locked while UIDs are given or files are renamed
 *	FOLDER/posthorn-pop3			locked by a POP3 session
 *
 * Every path is one component below a held folder descriptor, opened with openat2 and
 * RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS.  Text is kept with LF; file names carry the sizes as
 * other servers write them: "BASE,S=<bytes on disk>,W=<bytes as CRLF>:2,FLAGS".
 */
#ifndef STORE_MAILDIR_H
#define STORE_MAILDIR_H

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/vec.h"
#include "store/store.h"

#define MAILDIR_WHY	300
#define MAILDIR_LOCK_MS	30000	/* how long to wait for another process */

struct folder {
	int dir, cur, new, tmp;
};

struct store {
	int root;
	struct folder inbox;	/* open as long as the store once it was needed; dir -1: not yet */
	struct timespec bare;	/* the inbox's cur/ of this time of change was seen empty; 0: not known */
	char why[MAILDIR_WHY];
};

#define FOLDER_NONE	((struct folder){ -1, -1, -1, -1 })

/* Note what failed and turn errno into a result. */
enum store_result store_fail(struct store *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Open one component below `at`; -1 with errno. */
int beneath(int at, const char *name, int flags, mode_t mode);

/* Make a directory durable in its parent; an existing one is fine.  -1 with errno. */
int make_dir(int at, const char *name);

/* fdatasync and fsync that let other fibers run; 0 or an errno. */
int sync_data(int fd);
int sync_full(int fd);

/* Append the folder's name on disk ("." for INBOX); false for a name that cannot be. */
bool folder_disk_name(struct buf *out, struct str name);

/* The opposite: append the mailbox name of ".A.B"; false when it is none of ours. */
bool folder_mail_name(struct buf *out, struct str disk);

/* "INBOX" in any case. */
bool name_is_inbox(struct str name);

/* Open (make) the folder of a mailbox.  INBOX's descriptors are shared: see folder_close. */
enum store_result folder_open(struct store *s, struct str name, struct folder *f);
enum store_result folder_make(struct store *s, int at, const char *disk);
void folder_close(struct store *s, struct folder *f);

/* Take the lock `file` below `dir`, waiting for others; -1 with errno EBUSY.  close() gives it back. */
int lock_take(int dir, const char *file, msec_t wait_ms);

/* The store's lock, -1 with *r; is there a folder of that name on disk; make changes of names durable. */
int store_take(struct store *s, enum store_result *r);
bool store_there(struct store *s, const char *disk);
enum store_result store_sync(struct store *s);

/* STORE_NAME, with the reason noted. */
enum store_result store_bad_name(struct store *s);

/* Finish a rename of several folders that a crash broke off. */
void rename_finish(struct store *s);

/* A number for a new mailbox, larger than all before.  Call with the store's lock held. */
enum store_result next_validity(struct store *s, uint32_t *out);

/* Write a small file durably by way of `NAME.new`. */
enum store_result write_whole(struct store *s, int dir, const char *name, struct str text);

/* Read a small file; false with errno: there is none, it passes `max`, it cannot be read. */
bool read_whole(int dir, const char *name, size_t max, struct buf *out);

/* Rename, unless the new name is taken: false with errno EEXIST then. */
bool rename_free(int from_dir, const char *from, int to_dir, const char *to);

/* --- file names --- */

/* What stands before ":2,". */
struct str file_base(const char *file);

/* Flags in "…:2,FLAGS"; letters nobody knows are dropped. */
uint32_t file_flags(const char *file);

/* Append "base:2,FLAGS". */
void file_name(struct buf *out, struct str base, uint32_t flags);

/* The number behind ",W=" in a base; 0 when there is none. */
uint64_t file_size(struct str base);

/* Append a base nobody has used: "SECONDS.RANDOM.posthorn". */
void file_fresh(struct buf *out);

/* --- text on its way to disk --- */

struct textout {
	int fd;
	int error;		/* errno of the first failure */
	bool nul;		/* a NUL byte came */
	bool cr, crcr;		/* CRs not written yet: one; and one before it was written */
	uint64_t disk, wire;	/* bytes so far on disk, and in CRLF form */
	struct buf out;
};

/* Begin on `fd`, add, write what waits; false once something failed or a NUL came. */
void textout_begin(struct textout *t, int fd);
bool textout_write(struct textout *t, struct str data);
bool textout_end(struct textout *t);
void textout_free(struct textout *t);

#endif
