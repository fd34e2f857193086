/* SPDX-License-Identifier: ISC */
#include "spool/stock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/panic.h"
#include "fiber/fiber.h"

#define LOW		64		/* with fewer files than this … */
#define AHEAD		FIBER_SYNC_STOCK	/* … so many are made */
#define LENGTH_MAX	((size_t)32 << 10)
#define FORGET		64		/* messages, about, until a long one is forgotten */
#define RESCAN_MS	200		/* between looks into free/ */
#define FAILED_MS	5000		/* none are made for so long after that failed, … */
#define CROWD		32		/* … nor while more messages than this are written at once */

struct unused {
	char name[LIMIT_QUEUE_ID + 1];
	int fd;				/* of one made ahead and durable; else -1 */
	size_t length;			/* of that one */
};

struct stock {
	const struct spool *spool;
	struct vec unused;
	msec_t rescan;			/* not before this */
	msec_t make;			/* likewise */
	struct fiber *maker;		/* NULL: none is at work */
	size_t length;			/* that files are made of: most messages of late fit */
	char prefix[24];		/* names of files made ahead: this and a number */
	unsigned next;			/* the maker's */
};

struct stock *
stock_open(const struct spool *s)
{
	struct stock *st = mem_zero(1, sizeof(*st));

	st->spool = s;
	st->unused = vec_of(sizeof(struct unused));
	st->length = SPOOL_AHEAD_MIN;
	(void)snprintf(st->prefix, sizeof(st->prefix), "new-%u-", (unsigned)getpid());
	return st;
}

static void
drop(const struct stock *st, const struct unused *u)
{
	(void)close(u->fd);
	(void)unlinkat(st->spool->folder[SPOOL_UNUSED], u->name, 0);
}

void
stock_close(struct stock *st)
{
	const struct unused *u;

	if (st->maker != NULL) {
		fiber_keep(st->maker);
		(void)fiber_join(st->maker, NEVER);
	}
	while ((u = vec_pop(&st->unused)) != NULL)
		if (u->fd >= 0)
			drop(st, u);
	vec_free(&st->unused);
	free(st);
}

/* Look what lies in free/; it is taken before what was made here. */
static void
rescan(struct stock *st)
{
	struct vec found = vec_of(sizeof(struct unused)), names = vec_of(sizeof(struct spool_name));
	const struct unused *old;

	st->rescan = deadline_in(RESCAN_MS);
	while ((old = vec_pop(&st->unused)) != NULL)
		if (old->fd >= 0)
			*(struct unused *)vec_push(&found) = *old;
	(void)spool_list(st->spool, SPOOL_UNUSED, SPOOL_FREE_MAX, &names);
	for (size_t i = 0; i < names.n; i++) {
		const struct spool_name *n = vec_at(&names, i);
		struct unused *u;

		if (strncmp(n->name, st->prefix, strlen(st->prefix)) == 0)
			continue;
		u = vec_push(&found);
		memcpy(u->name, n->name, sizeof(u->name));
		u->fd = -1;
	}
	vec_free(&names);
	vec_free(&st->unused);
	st->unused = found;
}

/* A blank file; false with errno. */
static bool
make_one(struct stock *st, struct unused *u)
{
	static const char zeros[LENGTH_MAX];
	int e;

	do {
		(void)snprintf(u->name, sizeof(u->name), "%s%u", st->prefix, st->next++);
		u->fd = openat(st->spool->folder[SPOOL_UNUSED], u->name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	} while (u->fd < 0 && errno == EEXIST);
	if (u->fd < 0)
		return false;
	if (spool_pwrite(u->fd, str_n(zeros, u->length), 0))
		return true;
	e = errno;
	drop(st, u);
	errno = e;
	return false;
}

struct batch {
	struct stock *st;
	struct unused file[AHEAD];
	size_t length;
	unsigned n;
	int error;
};

/* On a thread. */
static void
make_batch(void *arg)
{
	struct batch *b = arg;

	for (; b->n < AHEAD; b->n++) {
		b->file[b->n].length = b->length;
		if (!make_one(b->st, &b->file[b->n])) {
			b->error = errno;
			return;
		}
	}
}

/* In steps of the least. */
static size_t
length_of(const struct stock *st)
{
	return (st->length + SPOOL_AHEAD_MIN - 1) / SPOOL_AHEAD_MIN * SPOOL_AHEAD_MIN;
}

/* The maker's fiber. */
static void
make(void *arg)
{
	struct stock *st = arg;
	struct batch b = { .st = st, .length = length_of(st) };
	int fds[AHEAD];

	fiber_aside(make_batch, &b);
	for (unsigned i = 0; i < b.n; i++)
		fds[i] = b.file[i].fd;
	if (b.error == 0)
		b.error = fiber_sync_stock(fds, b.n, st->spool->folder[SPOOL_UNUSED]);
	for (unsigned i = 0; i < b.n; i++) {
		if (b.error == 0)
			*(struct unused *)vec_push(&st->unused) = b.file[i];
		else
			drop(st, &b.file[i]);
	}
	/* No message is the worse for it; one that finds no space says so itself. */
	if (b.error != 0)
		st->make = deadline_in(FAILED_MS);
	st->maker = NULL;
}

/*
 * See to it that some are there.  Not for many messages that come together: they share the cost of
 * new files, inodes and all, with each other.
 */
static void
fill(struct stock *st, size_t crowd)
{
	if (st->unused.n >= LOW || st->maker != NULL)
		return;
	if (clock_ms() >= st->rescan)
		rescan(st);
	if (st->unused.n < LOW && crowd <= CROWD && clock_ms() >= st->make)
		st->maker = fiber_start(make, st, "stock");
}

/* A message of this length: how long should files be? */
static void
learn(struct stock *st, size_t length)
{
	if (length > LENGTH_MAX)
		return;
	if (length >= st->length)
		st->length = length;
	else
		st->length -= (st->length - length) / FORGET;
}

int
stock_take(struct stock *st, const char *id, size_t length, size_t crowd, size_t *inside)
{
	const int *folder = st->spool->folder;
	const struct unused *u;
	struct stat info;
	int fd;

	learn(st, length);
	fill(st, crowd);
	while ((u = vec_pop(&st->unused)) != NULL) {
		fd = u->fd;
		*inside = u->length;
		if (renameat(folder[SPOOL_UNUSED], u->name, folder[SPOOL_INCOMING], id) != 0) {
			if (fd >= 0)
				(void)close(fd);
			continue;
		}
		if (fd >= 0)
			return fd;
		fd = openat(folder[SPOOL_INCOMING], id, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0) {
			*inside = fstat(fd, &info) == 0 ? (size_t)info.st_size : 0;
			return fd;
		}
		(void)unlinkat(folder[SPOOL_INCOMING], id, 0);
	}
	return -1;
}
