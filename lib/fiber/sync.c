/* SPDX-License-Identifier: ISC */
/*
 * sync - what fibers want on the disk, in rounds.
 *
 * Requests of one round are served together, before the loop polls.  Same descriptor, same round: one
 * call for all who asked.  Where files may be synced together (together.h), a round of several is one
 * job.
 *
 * Who makes the calls?  A thread costs two switches, and the loop goes on meanwhile; the loop itself
 * costs none, and what arrives meanwhile is found together afterwards.  So while rounds are over in no
 * time (a disk with a cache that outlives a power cut, and processors to spare) the loop makes them.
 * When they are not, threads (sync_threads.h) make them for a second: few files at once each by itself,
 * which is over sooner; many as one job, and a round waits for that one and while every thread is busy,
 * so that again many come together.  What is large goes to the threads in any case (fiber_write_out).
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/panic.h"
#include "fiber/loop.h"
#include "fiber/sync_threads.h"
#include "fiber/together.h"

#define HERE_US		4000	/* the loop makes rounds that take less than this … */
#define HERE_FILE_US	50	/* … and this for each file … */
#define HERE_FILES	64	/* … up to this many files together … */
#define HERE_CALLS	2	/* … or this many by themselves */
#define HERE_SLOW	8	/* when a third of them takes more, this many times: … */
#define HERE_REST	1000	/* … threads make them for this many ms */
#define INSIDE_MOST	16	/* of more files written over in place each call is dearer than syncfs */

static struct sync_jobs asked;		/* of this round */
static struct sync_jobs large;		/* to write out, beside all rounds */
static unsigned out;			/* jobs with the threads */
static struct sync_job crowd;		/* the one with members */
static unsigned crowd_n;		/* how many */
static bool crowd_out;			/* it is with the threads */
static msec_t held_until;		/* a round waits no longer for the one before it; 0: none waits */
static unsigned slow;			/* rounds the loop made that took too long, on balance */
static msec_t rest_until;		/* it makes none until then */
static unsigned long long count_syncs, count_calls;
static struct event threads_event;
static bool threads_known;

/* Wake who waits for a job. */
static void
finish(struct sync_job *j)
{
	struct sync_job *same;

	while ((same = j->same) != NULL) {
		j->same = same->same;
		same->error = j->error;
		same->finished = true;
		loop_wake(same->fiber, WAKE_READY);
	}
	j->finished = true;
	loop_wake(j->fiber, WAKE_READY);
}

/* A job was performed: learn from it, and wake who waits. */
static void
settle(struct sync_job *j)
{
	struct sync_job *m, *next;

	if (j != &crowd) {
		if (!j->large)
			together_single(j->took_us);
		finish(j);
		return;
	}
	crowd_out = false;
	if (j->inside == 0)
		together_took(j->took_us, crowd_n);
	for (m = crowd.members; m != NULL; m = next) {
		next = m->next;
		finish(m);
	}
}

static void
collect(evutil_socket_t fd, short what, void *arg)
{
	struct sync_job *j, *next;

	/* Every write is an edge of its own; the counter need not be read. */
	(void)fd; (void)what; (void)arg;
	for (j = threads_take(); j != NULL; j = next) {
		next = j->next;
		out--;
		settle(j);
	}
}

/* The loop makes the calls itself; `list` is empty afterwards. */
static void
perform_all(struct sync_jobs *list)
{
	struct sync_job *j, *next;

	for (j = list->first; j != NULL; j = next) {
		next = j->next;
		sync_perform(j);
		settle(j);
	}
	*list = (struct sync_jobs){ NULL, NULL, 0 };
}

/* Give the jobs to the threads, or do without them. */
static void
hand_over(struct sync_jobs *list)
{
	if (!threads_start()) {
		perform_all(list);
		return;
	}
	if (!threads_known) {
		event_assign(&threads_event, loop_base(), threads_fd(), EV_ET | EV_PERSIST | EV_READ,
		    collect, NULL);
		if (event_add(&threads_event, NULL) != 0)
			panic("eventfd cannot be watched");
		threads_known = true;
	}
	out += list->n;
	threads_give(list);
}

/* Should this round wait?  While a crowd is under way, or no thread would take it up anyway. */
static bool
hold_back(void)
{
	if ((!crowd_out && !threads_busy(out)) || !together_ready()) {
		held_until = 0;
		return false;
	}
	if (held_until == 0)
		held_until = deadline_in(TOGETHER_HOLD);
	if (clock_ms() < held_until)
		return true;
	held_until = 0;
	return false;
}

/* Make one job of `members`. */
static void
make_crowd(const struct sync_jobs *members, bool inside)
{
	crowd = (struct sync_job){ .fd = -1, .members = members->first, .inside = inside };
	crowd_n = members->n;
	crowd_out = true;
	jobs_add(&asked, &crowd);
	if (!inside)
		count_calls++;		/* syncfs and one other */
}

/*
 * Make one job of those in the round that may be done together: of all, when they are `least` or more
 * and there are several that need syncfs; else of those that were written over in place.
 */
static void
join_round(unsigned least)
{
	struct sync_jobs apart = { NULL, NULL, 0 }, members = apart, inside = apart;
	struct sync_job *j, *next;
	bool many = asked.n >= least && together_ready();

	if (crowd_out || (!many && !together_in_place()))
		return;
	for (j = asked.first; j != NULL; j = next) {
		next = j->next;
		jobs_add(j->inside > 0 && together_in_place() ? &inside : together_holds(j->fd) ? &members :
		    &apart, j);
	}
	asked = apart;
	if (many && (members.n >= TOGETHER_HERE || inside.n > INSIDE_MOST)) {
		jobs_append(&members, &inside);
		make_crowd(&members, false);
		return;
	}
	jobs_append(&asked, &members);
	if (inside.n >= TOGETHER_HERE)
		make_crowd(&inside, true);
	else
		jobs_append(&asked, &inside);
}

/* The loop made a round of `files`: did that go fast, as a rule? */
static void
here_took(int64_t us, unsigned files)
{
	if (us < HERE_US + files * HERE_FILE_US) {
		if (slow > 0)
			slow--;
	} else if ((slow += 2) >= HERE_SLOW) {
		slow = 0;
		rest_until = deadline_in(HERE_REST);
	}
}

/* May the loop make the calls of this round? */
static bool
here_now(void)
{
	return asked.n <= HERE_FILES && !crowd_out && (rest_until == 0 || clock_ms() >= rest_until);
}

static void
perform_here(unsigned files)
{
	int64_t before = clock_us();

	perform_all(&asked);
	here_took(clock_us() - before, files);
}

bool
sync_asked(void)
{
	return asked.n > 0 || large.n > 0;
}

void
sync_submit(void)
{
	bool here = here_now();
	unsigned files = asked.n;
	struct sync_job *j;
	struct desc *d;

	if (large.n > 0)
		hand_over(&large);
	if (files == 0 || (!here && hold_back()))
		return;
	for (j = asked.first; j != NULL; j = j->next) {
		d = loop_desc(j->fd);
		d->sync = d->sync_full = NULL;
	}
	join_round(here ? TOGETHER_HERE : TOGETHER_MIN);
	count_calls += asked.n;
	if (here && asked.n <= HERE_CALLS)
		perform_here(files);
	else
		hand_over(&asked);
}

msec_t
sync_deadline(void)
{
	return asked.n > 0 && held_until != 0 ? held_until : NEVER;
}

/* Put a job into this round, or beside the one for the same descriptor. */
static void
enter(struct sync_job *job)
{
	struct desc *d = loop_desc(job->fd);
	struct sync_job **slot = job->full ? &d->sync_full : &d->sync;

	count_syncs++;
	if (*slot != NULL) {
		if (job->inside == 0 || (*slot)->inside == 0)
			(*slot)->inside = 0;
		else if (job->inside > (*slot)->inside)
			(*slot)->inside = job->inside;
		job->same = (*slot)->same;
		(*slot)->same = job;
		return;
	}
	*slot = job;
	jobs_add(&asked, job);
}

/* Wait, uncancellably, until it was performed; gives its error. */
static int
await(const struct sync_job *job)
{
	while (!job->finished)
		loop_park(NEVER, true);
	return job->error;
}

static int
sync_one(int fd, bool full, size_t inside)
{
	struct sync_job job = { .fiber = fiber_self(), .fd = fd, .full = full, .inside = inside };

	if (fd < 0)
		return EBADF;
	enter(&job);
	return await(&job);
}

int
fiber_sync_new(int fd, int dir)
{
	struct sync_job file = { .fiber = fiber_self(), .fd = fd, .full = true };
	struct sync_job folder = { .fiber = fiber_self(), .fd = dir, .full = true };

	if (fd < 0 || dir < 0 || fd == dir)
		return EBADF;
	enter(&file);
	enter(&folder);
	(void)await(&file);
	(void)await(&folder);
	return file.error != 0 ? file.error : folder.error;
}

int
fiber_sync(int fd)
{
	return sync_one(fd, false, 0);
}

int
fiber_sync_inside(int fd, size_t n)
{
	return sync_one(fd, false, n);
}

int
fiber_sync_full(int fd)
{
	return sync_one(fd, true, 0);
}

/* Beside all rounds, by a thread. */
static void
enter_large(struct sync_job *job)
{
	job->fiber = fiber_self();
	job->large = true;
	jobs_add(&large, job);
}

void
fiber_aside(void (*run)(void *), void *arg)
{
	struct sync_job job = { .fd = -1, .run = run, .arg = arg };

	enter_large(&job);
	(void)await(&job);
}

int
fiber_write_out(int fd)
{
	struct sync_job job = { .fd = fd };

	if (fd < 0)
		return EBADF;
	count_calls++;
	enter_large(&job);
	return await(&job);
}

int
fiber_sync_stock(const int *fds, unsigned n, int dir)
{
	struct sync_job one[FIBER_SYNC_STOCK + 1] = { 0 }, all = { .fd = -1, .members = one };
	int error = 0;

	ASSERT(n <= FIBER_SYNC_STOCK);
	for (unsigned i = 0; i <= n; i++) {
		one[i].fd = i < n ? fds[i] : dir;
		one[i].full = true;
		one[i].next = i < n ? &one[i + 1] : NULL;
	}
	all.apart = !together_ready() || !together_holds(dir);
	count_calls += all.apart ? n + 1 : 2;
	enter_large(&all);
	(void)await(&all);
	for (unsigned i = 0; i <= n && error == 0; i++)
		error = one[i].error;
	return error;
}

void
sync_drain(void)
{
	struct sync_job *j;

	/* Fibers that asked in this last round are about to vanish, and their jobs with them. */
	asked = large = (struct sync_jobs){ NULL, NULL, 0 };
	held_until = 0;
	for (;;) {
		for (j = threads_take(); j != NULL; j = j->next)
			out--;
		if (out == 0)
			break;
		threads_wait();
	}
	crowd_out = false;
	if (threads_known)
		event_del(&threads_event);
	threads_known = false;
}

void
sync_count(unsigned long long *syncs, unsigned long long *calls)
{
	*syncs = count_syncs;
	*calls = count_calls;
}
