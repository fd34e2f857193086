/* SPDX-License-Identifier: ISC */
/*
 * sync_threads - fdatasync and fsync on threads beside the loop; sync.c alone includes it.
 *
 * A thread touches nothing but jobs and their files; the stack that a job stands on belongs to a
 * fiber that waits for it and cannot be cancelled.
 */
#ifndef FIBER_SYNC_THREADS_H
#define FIBER_SYNC_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fiber;

/* One call to make, or one that stands for the calls of many. */
struct sync_job {
	struct sync_job *next;
	struct sync_job *same;		/* others that wait for the same call */
	struct sync_job *members;	/* files to do together; this one stands for them */
	size_t inside;			/* the first so many bytes were written over, no more; 0: not so.
					   Of members: that is true of each */
	int64_t took_us;		/* how long that was */
	void (*run)(void *);		/* what to do instead of a sync */
	void *arg;
	struct fiber *fiber;
	int fd;
	bool full;			/* fsync, not fdatasync */
	bool large;			/* beside all rounds; says nothing about how long they take */
	bool apart;			/* members are synced each by itself, one after the other */
	bool finished;			/* the loop knows; `error` counts */
	int error;
};

/* Jobs, first to last. */
struct sync_jobs {
	struct sync_job *first, *last;
	unsigned n;
};

void jobs_add(struct sync_jobs *list, struct sync_job *j);
void jobs_append(struct sync_jobs *list, const struct sync_jobs *more);

/* Make the job's calls, here and now. */
void sync_perform(struct sync_job *j);

/* Start the threads unless they run; false when there is none to be had. */
bool threads_start(void);

/* Have they all something to do, with this many jobs under way? */
bool threads_busy(unsigned jobs);

/* Descriptor that becomes readable, each time anew, when threads have finished something. */
int threads_fd(void);

/* Hand over the jobs of `list`, which is empty afterwards. */
void threads_give(struct sync_jobs *list);

/* Take what is finished, as a list by `next`; NULL when nothing is. */
struct sync_job *threads_take(void);

/* Wait a while for something to be finished. */
void threads_wait(void);

#endif
