/* SPDX-License-Identifier: ISC */
/* queue - what the queue tools share: the configuration, the way into the spool, one entry. */
#ifndef ADMIN_QUEUE_H
#define ADMIN_QUEUE_H

#include <stdbool.h>

#include "base/pool.h"
#include "base/vec.h"
#include "spool/spool.h"

struct queue_rcpt {
	struct str addr;
	struct str reason;	/* empty: none */
};

/* One message as listings show it. */
struct queue_entry {
	struct str queue;	/* "active", "deferred", "hold", … */
	struct str id;
	int64_t time;
	uint64_t size;
	bool forced_expire;
	struct str sender;
	struct vec rcpts;	/* struct queue_rcpt */
};

/* Read main.cf of `dir` (NULL: the environment or the default); exits with 78 when it is broken. */
void queue_conf_read(const char *tool, const char *dir);

/*
 * Into the spool without qmgr, to read: root becomes the mail owner first.  With `alone` it exits with
 * 69 for other users and while qmgr runs; qmgr may start later.
 */
void queue_open(const char *tool, struct spool *s, bool alone);

/* List all messages of the spool itself. */
void queue_walk(const struct spool *s, void (*show)(struct queue_entry *));

#endif
