/* SPDX-License-Identifier: ISC */
/*
 * log - changing messages that are in the queue; qmgr alone does it (tools while it is stopped).
 *
 * Calls with `sync` wait in a fiber for stable storage, in the same commit rounds as everyone else;
 * outside fibers they block.
 */
#ifndef SPOOL_LOG_H
#define SPOOL_LOG_H

#include "spool/spool.h"

/* Where a message is and where its log goes on. */
struct spool_place {
	struct spool_head head;
	enum spool_folder folder;
	uint64_t log_end;	/* offset of the next record */
	uint64_t seq;		/* its number */
	bool grown;		/* the file may be shorter on the disk than it seems */
	bool lent;		/* a descriptor of the file went to another program */
};

/* The place of a file just read. */
struct spool_place spool_place_of(const struct spool_file *f, enum spool_folder folder);

/*
 * Append records (`v`, `n` of them) in one write.  True: they are in the file and, with `sync`, safe.
 * False: the log is as it was; errno says why.  The caller makes one call at a time per message.
 */
bool spool_log(const struct spool *s, struct spool_place *at, const struct spool_record *v, size_t n,
    bool sync);

/*
 * The message is done: mark its head, sync, and then give the file to free/ (a small one that was
 * never lent, when `keep`) or unlink it.  False when the mark could not be made durable; the file
 * is unlinked then all the same, and *kept is false.
 */
bool spool_finish(const struct spool *s, struct spool_place *at, bool keep, bool *kept);

#endif
