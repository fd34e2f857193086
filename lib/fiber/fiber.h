/* SPDX-License-Identifier: ISC */
/*
 * fiber - sessions as straight-line code.
 *
 * A fiber is a function with a small stack of its own.  All fibers of a process share one thread
 * and one event loop; a fiber runs until it waits, so nothing needs a lock.  Every wait takes an
 * absolute deadline (base/clock.h) and can be cancelled.  Only lib/fiber knows that there is an
 * event loop (libevent, edge-triggered) below.
 *
 * A switch costs no system call.  A wait on a descriptor costs none either beyond the loop's own:
 * a descriptor is registered once, at its first wait, and remembered as ready or not.
 */
#ifndef FIBER_FIBER_H
#define FIBER_FIBER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

struct fiber;

enum wake {
	WAKE_READY,	/* what was waited for happened */
	WAKE_TIMEOUT,	/* the deadline passed */
	WAKE_CANCEL,	/* fiber_cancel was called; every later wait of this fiber says so too */
};

/*
 * Run `first(arg)` as the first fiber and return when fiber_stop was called or no fiber is left.
 * Once per process at a time; may be called again after it returned.
 */
void fiber_run(void (*first)(void *), void *arg);

/* Make fiber_run return after the current round. */
void fiber_stop(void);

/* Is the caller inside a fiber? */
bool fiber_running(void);

/*
 * Start a fiber; it runs when the caller next waits.  `name` (a literal) is for people.  The
 * handle is valid until the fiber ended, or, when fiber_keep was called on it, until fiber_join.
 */
struct fiber *fiber_start(void (*run)(void *), void *arg, const char *name);

/* The calling fiber. */
struct fiber *fiber_self(void);

/* Keep the handle beyond the fiber's end; fiber_join then waits for the end and frees it. */
void fiber_keep(struct fiber *f);
enum wake fiber_join(struct fiber *f, msec_t deadline);

/* Wake the fiber from its wait, this and every later one, with WAKE_CANCEL. */
void fiber_cancel(struct fiber *f);
bool fiber_cancelled(void);

/*
 * Wait until reading (writing) `fd` may succeed.  `fd` is non-blocking.  The caller has tried and
 * got EAGAIN (or a short read): readiness is an edge.  WAKE_READY means "try": it can be wrong once
 * in a while, so on EAGAIN say drained and wait again.  One fiber at a time may wait for each
 * direction of a descriptor.
 */
enum wake fiber_wait_read(int fd, msec_t deadline);
enum wake fiber_wait_write(int fd, msec_t deadline);

/*
 * Tell the loop that a read of `fd` drained it (EAGAIN, or less than was asked for), so that the
 * next fiber_wait_read really waits.  Without the call a wait returns at once when the descriptor
 * was ever ready.  After the peer's end-of-file was seen by the loop this does nothing, so the end
 * is always noticed.  The same for writing (EAGAIN).
 */
void fiber_drained_read(int fd);
void fiber_drained_write(int fd);

/*
 * The loop forgets `fd`: call before closing it or passing it to another process.  A fiber that
 * waits for it wakes with WAKE_CANCEL.
 */
void fiber_forget(int fd);

/* Sleep; WAKE_TIMEOUT is the normal end. */
enum wake fiber_sleep(msec_t deadline);

/* Let every other runnable fiber run once. */
void fiber_yield(void);

/*
 * Make what was written to `fd` durable (fdatasync); the fiber waits.  Requests of one turn of the loop
 * are a round, and the same fd twice in a round is synced once.  Where rounds are over in a few ms the
 * whole process waits for them; slower ones are made by a small thread pool, and what arrives
 * meanwhile forms the next.  0, or an errno.  A failure is final for that file.  Not cancellable.
 */
int fiber_sync(int fd);

/*
 * The same for a file of which only the first `n` bytes were written over; before that they were
 * durable, and nothing behind them changed.  Several such files in a round cost one wait and one flush
 * of the device, where the file system leaves what is written over in its place.  After
 * fiber_sync_together the file must lie on the file system named there: nobody looks.
 */
int fiber_sync_inside(int fd, size_t n);

/* The same as fiber_sync with fsync, for directories and new names. */
int fiber_sync_full(int fd);

/*
 * fsync of a new file and of the folder its name is in, at the same time.  0 when both are safe,
 * else an errno.
 */
int fiber_sync_new(int fd, int dir);

/*
 * Have a thread write out what was written to `fd`, much as a rule (more than 64 KB, say): before
 * fiber_sync, so that a large file keeps no round waiting.  0, or an errno, final like that of
 * fiber_sync.  Not cancellable.
 */
int fiber_write_out(int fd);

/*
 * Run `run(arg)` on a thread (in the loop when none can be started); the fiber waits.  For system calls
 * that would keep the others waiting: it may touch nothing that fibers do, log nothing and call nothing
 * of this library.  Not cancellable.
 */
void fiber_aside(void (*run)(void *), void *arg);

/*
 * fsync of up to FIBER_SYNC_STOCK new files and of the folder their names are in, by a thread beside all
 * rounds.  0 when all are safe, else an errno.  Not cancellable.
 */
#define FIBER_SYNC_STOCK	64
int fiber_sync_stock(const int *fds, unsigned n, int dir);

/*
 * Files on the file system of the folder `dir` may be made durable together: when a round holds several,
 * one syncfs stands for all of them, and a round waits up to 20 ms for the one before it.  Where
 * syncfs cannot be trusted, or takes long because others write much there, each file is synced by
 * itself as before, and fiber_sync_inside is a fiber_sync.  The descriptor stays the caller's; a second
 * call replaces the first, -1 ends it.
 */
void fiber_sync_together(int dir);

/* Threads for fiber_sync (default 8, at most 64); before the first call. */
void fiber_sync_threads(unsigned n);

/*
 * A queue of waiting fibers, first in first out.  All zero is a valid empty queue with no bound;
 * `limit` bounds how many may wait.
 */
struct fiber_queue {
	struct fiber *first, *last;
	unsigned count;
	unsigned limit;
};

/* Wait in the queue.  WAKE_CANCEL at once when the queue is at its limit. */
enum wake fiber_queue_wait(struct fiber_queue *q, msec_t deadline);

/* Wake the first (all) that wait; gives how many. */
unsigned fiber_queue_wake(struct fiber_queue *q);
unsigned fiber_queue_wake_all(struct fiber_queue *q);

/*
 * A place where fibers wait for each other, to sync together what nobody waits for: the first who
 * comes waits `ms`, who comes meanwhile goes on with it.  All zero is a valid one.
 */
struct fiber_gather {
	struct fiber_queue others;
	bool open;
};

void fiber_gather(struct fiber_gather *g, msec_t ms);

/*
 * Call `fn` at the end of every round, before the loop waits for events, and once more before
 * fiber_run returns.  It runs outside of all fibers: it may start and wake some, and waits for nothing.
 * One function a process; saying it again changes nothing.
 */
void fiber_before_wait(void (*fn)(void));

/* Call `fn(arg)` in a fiber of its own whenever `signo` arrives (SIGTERM, SIGHUP, SIGCHLD, …). */
void fiber_signal(int signo, void (*fn)(void *), void *arg);

struct fiber_stats {
	unsigned live;			/* fibers now */
	unsigned most;			/* most at once */
	unsigned stacks;		/* stacks allocated, used or cached */
	size_t stack_size;		/* bytes of each, without its guard page */
	unsigned long long switches;
	unsigned long long rounds;	/* turns of the loop */
	unsigned long long syncs;	/* fiber_sync calls */
	unsigned long long sync_calls;	/* fdatasync, fsync and syncfs calls made for them */
};

/* The figures of this process so far. */
struct fiber_stats fiber_stats(void);

/* Most bytes of its stack the fiber ever used (pages touched), for measuring. */
size_t fiber_stack_used(const struct fiber *f);

/* Bytes of each stack (default 64 KB; rounded to pages); before the first fiber. */
void fiber_stack_size(size_t n);

#endif
