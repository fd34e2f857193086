/* SPDX-License-Identifier: ISC */
/*
 * loop - what the files of lib/fiber share; nobody else includes it.
 */
#ifndef FIBER_LOOP_H
#define FIBER_LOOP_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "fiber/fiber.h"
#include "fiber/stack.h"

struct sync_job;

/* A fiber lives at the top of its own stack and is used again with it. */
struct fiber {
	struct context context;
	void (*run)(void *);
	void *arg;
	const char *name;
	struct fiber *next, *prev;	/* run list, or the queue it waits in, or the free list */
	struct fiber *all_next, *all_prev;
	struct fiber_queue *queue;	/* waits in this one */
	struct fiber *joiner;
	msec_t deadline;		/* of the wait under way */
	msec_t timer_key;		/* where it stands in the heap: never later than deadline */
	size_t timer_at;		/* place in the heap plus one; 0: not in it */
	enum wake woke;
	bool parked;			/* waits; not in the run list */
	bool deaf;			/* this wait cannot be cancelled */
	bool cancelled;
	bool kept;
	bool ended;
};

/* One descriptor of the process, as the loop knows it. */
struct desc {
	struct event event;
	struct fiber *reader, *writer;
	struct sync_job *sync;		/* request of this round for it */
	struct sync_job *sync_full;
	bool known;			/* registered with the loop */
	bool always;			/* the poller refuses it (a regular file): always ready */
	bool readable, writable;
	bool closed;			/* the peer's end was seen */
	bool unsure;			/* an error may hide behind the last read event */
};

/* The loop, made when first needed. */
struct event_base *loop_base(void);

/* The descriptor's record, made when first needed; stays at its place. */
struct desc *loop_desc(int fd);

/* Forget all descriptors: the loop ends. */
void loop_desc_clear(void);

/* Let the running fiber wait; gives why it was woken.  `deaf`: not by a cancel. */
enum wake loop_park(msec_t deadline, bool deaf);

/* End its wait. */
void loop_wake(struct fiber *f, enum wake why);

/* Time of this round. */
msec_t loop_now(void);

/* Is there anything for sync_submit to do? */
bool sync_asked(void);

/* Serve this round's sync requests, or hand them to the threads; before the loop polls. */
void sync_submit(void);

/* When a round of them that waits for the one before it should be handed over all the same. */
msec_t sync_deadline(void);

/* Wait until no thread works for us: the loop ends. */
void sync_drain(void);

/* Syncs asked for, and the system calls made for them. */
void sync_count(unsigned long long *syncs, unsigned long long *calls);

#endif
