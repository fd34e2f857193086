/* SPDX-License-Identifier: ISC */
/*
 * spool - the folders of the queue, and reading and changing the files in them.
 *
 * Names are hints: which folder a file is in says where to look first, its head says what it is.
 * A file is named by its queue ID everywhere; in free/ the name means nothing.
 *
 * The calls here block for as long as the disk needs (a page in the cache, as a rule); only those of
 * spool/log.h and spool/intake.h wait for stable storage, in fibers.
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include "base/vec.h"
#include "spool/format.h"

enum spool_folder {
	SPOOL_INCOMING,
	SPOOL_ACTIVE,
	SPOOL_DEFERRED,
	SPOOL_HOLD,
	SPOOL_CORRUPT,
	SPOOL_UNUSED,		/* free/ */
	SPOOL_MAILDROP,
	SPOOL_FOLDERS
};

#define SPOOL_SMALL_FILE	(128u << 10)	/* a file of this size is read in one piece */
#define SPOOL_AHEAD_MIN		(4u << 10)	/* a file made ahead is at least this long … */
#define SPOOL_FILE_MIN		(16u << 10)	/* … and one made for a short message */
#define SPOOL_REUSE_MAX		(64u << 10)	/* a longer file is unlinked, not used again */
#define SPOOL_FREE_MAX		4096		/* files kept in free/ */

struct spool {
	int dir;
	int folder[SPOOL_FOLDERS];
};

/* "incoming", …; the name of the folder under the queue directory. */
const char *spool_folder_name(enum spool_folder f);

/*
 * Open the queue directory and its folders, which exist.  False, with errno and *what naming the
 * folder, when one is missing; nothing is left open then.
 */
bool spool_open(struct spool *s, const char *queue_directory, const char **what);
void spool_close(struct spool *s);

/*
 * Take the lock "NAME.lock" of the queue directory: whoever holds "cleanup" is the only writer of
 * new files, whoever holds "qmgr" the only one to change others.  With `wait` it blocks until the
 * holder is gone, else false with errno EWOULDBLOCK.  Gives the descriptor to keep, or -1.
 */
int spool_lock(const struct spool *s, const char *name, bool wait);

/* The file names in a folder, at most `max`: struct spool_name each.  False with errno. */
struct spool_name {
	uint64_t inode;			/* files read in this order are read the fastest */
	char name[LIMIT_QUEUE_ID + 1];
};
bool spool_list(const struct spool *s, enum spool_folder f, size_t max, struct vec *names);

/* Move a file; true too when it is there already.  False with errno. */
bool spool_move(const struct spool *s, enum spool_folder from, enum spool_folder to, const char *id);

/* What spool_read should do beyond head, envelope and log. */
enum {
	SPOOL_READ_CONTENT = 1,	/* fill f->content when the file is small */
	SPOOL_READ_VERIFY = 2,	/* read it all and check the checksum */
};

/*
 * Read a file.  A name that is not the ID in a live head makes it BAD.  With `fd` not NULL, *fd is
 * an open read-only descriptor after GOOD, the caller's to close.
 */
enum spool_verdict spool_read(const struct spool *s, enum spool_folder where, const char *id,
    unsigned what, struct pool *pool, struct spool_file *f, int *fd);

/* The same for a descriptor, whatever its name; it stays open. */
enum spool_verdict spool_read_fd(int fd, unsigned what, struct pool *pool, struct spool_file *f);

/*
 * After a power cut a file may bear a name that it had before: its renames were lost, the message
 * written into it since was not.  Puts a file that holds a whole message, whatever its name, into
 * incoming/ under the message's ID, which *id gets.  False when it holds none, or on an error.
 */
bool spool_adopt(const struct spool *s, enum spool_folder where, const char *name,
    char id[LIMIT_QUEUE_ID + 1]);

/*
 * The envelope of a finished message whose file was not used again yet, checked against its
 * checksum; false when there is none (large ones are not looked at).
 */
bool spool_read_done(const struct spool *s, enum spool_folder where, const char *name,
    struct pool *pool, struct spool_file *f);

/* Just the head. */
enum spool_verdict spool_read_head(const struct spool *s, enum spool_folder where, const char *id,
    struct spool_head *h);

/* Write all of `data` at `at`; false with errno (ENOSPC for a short write that makes no progress). */
bool spool_pwrite(int fd, struct str data, uint64_t at);

#endif
