/* SPDX-License-Identifier: ISC */
/*
 * message - a message as its readers see it.
 *
 * The bytes that were received are never rewritten: headers to add and headers to
 * leave out are kept beside them.  This reader merges them on the way, without ever holding the
 * message: content comes from memory or through a callback (pread of a spool file).
 */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/pool.h"
#include "base/str.h"

struct message;

enum message_form {
	MESSAGE_CRLF,	/* as in the spool: what IMAP, milters and reports count */
	MESSAGE_LF,	/* CRLF becomes LF: Maildir, mbox */
	MESSAGE_DATA,	/* for SMTP DATA: dots doubled, every line end CRLF, ends in CRLF.CRLF */
};

struct message_plan {
	struct str received;	/* the Received field, whole; empty: none */
	size_t received_id_at;	/* where in it the queue ID goes; 0: nowhere */
	struct str queue_id;
	struct strs top;	/* fields above Received (Return-Path, Delivered-To), each whole */
	struct strs prepend;	/* fields below Received, each whole */
	struct strs drop;	/* names of fields of the content to leave out */

	/* The content: `memory`, or when `read` is set, `size` bytes through it. */
	struct str memory;
	ssize_t (*read)(void *arg, void *to, size_t n, uint64_t offset);	/* as pread(2) */
	void *arg;
	uint64_t size;
};

/*
 * Make a reader; everything `plan` points to must outlive it, it lives in `p` (plus one window of
 * 32 KB from the heap while a callback is in use, so message_close it).  NULL, with errno, when the
 * content could not be read: the beginning is looked at, for a text without a header gets a blank
 * line between itself and the fields that are added.
 */
struct message *message_open(struct pool *p, const struct message_plan *plan, enum message_form form);

/* A struct plan reads from a descriptor: `arg` is a struct message_fd. */
struct message_fd {
	int fd;
	uint64_t offset;	/* where the content begins */
};
ssize_t message_pread(void *arg, void *to, size_t n, uint64_t offset);

/*
 * How many bytes message_read will give in all.  Known without reading for MESSAGE_CRLF; the others
 * take one pass over the content.  -1, with errno, when that failed.
 */
int64_t message_size(struct message *m);

/* The size in MESSAGE_CRLF form, whatever the form of this reader: for SIZE= of RFC 1870. */
uint64_t message_wire_size(const struct message *m);

/*
 * The next bytes: at least one, at most `n` (which is at least MESSAGE_READ_MIN); 0 at the end; -1,
 * with errno, when the content could not be read or is shorter than was said (EIO): then the copy
 * that was begun must not be completed.
 */
#define MESSAGE_READ_MIN	16
ssize_t message_read(struct message *m, void *to, size_t n);

/* Start again at the first byte. */
void message_rewind(struct message *m);

/* Give the window back.  NULL is fine. */
void message_close(struct message *m);

#endif
