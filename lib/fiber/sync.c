/* SPDX-License-Identifier: ISC */
/*
 * sync - fdatasync and fsync on threads beside the loop.
 *
 * Requests of one round are handed over together, before the loop polls: one lock, and a wake-up for
 * as many idle threads as there is work for.  Same descriptor, same round: one call for all who
 * asked.  Threads report back through a list without a lock and one write to an eventfd for all that
 * finished until the loop looked.  Sleeping on a semaphore, not on a condition, keeps a thread that
 * wakes from queueing for the lock first.
 *
 * Where files may be synced together (together.h), a round of many is one job.  A round waits for
 * that, and while every thread is busy, so that again many come together; few at a time go their own
 * way at once, which is over sooner.  The job is syncfs, then the first file by itself.  That second call is the flush
 * of the device: some file systems write their last blocks after the flush that syncfs makes, or make
 * none when only contents changed.  When either fails, every file is asked by itself.
 *
 * A thread touches nothing but jobs and the file; the stack that a job stands on belongs to a fiber
 * that waits for it and cannot be cancelled.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "fiber/loop.h"
#include "fiber/together.h"

#define THREADS_DEFAULT	8
#define THREADS_MAX	64
#define THREAD_STACK	((size_t)128 << 10)

struct sync_job {
	struct sync_job *next;
	struct sync_job *same;		/* others that wait for the same call */
	struct sync_job *members;	/* a round of jobs to do together; this one stands for them */
	msec_t took;			/* how long that was */
	struct fiber *fiber;
	int fd;
	bool full;
	bool finished;			/* the loop knows; `error` counts */
	int error;
};

static unsigned wanted = THREADS_DEFAULT;
static atomic_uint started;

/* The loop's side. */
static struct sync_job *round_first, *round_last;
static unsigned round_n;
static unsigned out;			/* jobs with the threads */
static struct sync_job crowd;		/* the one with members */
static unsigned crowd_n;		/* how many */
static bool crowd_out;			/* it is with the threads */
static msec_t held_until;		/* a round waits no longer for it; 0: none waits */
static unsigned long long count_syncs, count_calls;
static int wake_fd = -1;
static struct event wake_event;
static bool wake_known;

/* Shared with the threads, under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sync_job *todo_first, *todo_last;
static unsigned todo_n;
static unsigned idle;			/* threads asleep that nobody has woken yet */

static sem_t work;			/* one post for each thread taken off `idle` */
static struct sync_job *_Atomic done;
static atomic_bool told;		/* the eventfd was written since the loop last looked */

static void
perform_one(struct sync_job *j)
{
	int r;

	do
		r = j->full ? fsync(j->fd) : fdatasync(j->fd);
	while (r != 0 && errno == EINTR);
	j->error = r == 0 ? 0 : errno;
}

static void
perform(struct sync_job *j)
{
	struct sync_job *m = j->members;

	if (m == NULL) {
		msec_t before = clock_ms();

		perform_one(j);
		j->took = clock_ms() - before;
		return;
	}
	if (together_sync(&j->took) == 0) {
		perform_one(m);
		if (m->error == 0) {
			while ((m = m->next) != NULL)
				m->error = 0;
			return;
		}
	}
	for (m = j->members; m != NULL; m = m->next)
		perform_one(m);
}

/* A share of what is to do, as a list; under the lock. */
static struct sync_job *
take_share(void)
{
	struct sync_job *first = todo_first, *last = first;
	unsigned n = 1 + todo_n / (started > 0 ? started : 1);

	if (first == NULL)
		return NULL;
	for (todo_n--; n > 1 && last->next != NULL; n--, todo_n--)
		last = last->next;
	if ((todo_first = last->next) == NULL)
		todo_last = NULL;
	last->next = NULL;
	return first;
}

/* Hand a job back; it is the loop's from here on. */
static void
report(struct sync_job *j)
{
	static const uint64_t one = 1;

	j->next = atomic_load(&done);
	while (!atomic_compare_exchange_weak(&done, &j->next, j))
		;
	if (!atomic_exchange(&told, true))
		while (write(wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
}

static void *
thread(void *arg)
{
	struct sync_job *j, *next;

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&lock);
		if ((j = take_share()) == NULL)
			idle++;
		pthread_mutex_unlock(&lock);
		if (j == NULL) {
			while (sem_wait(&work) != 0)
				;
			continue;
		}
		for (; j != NULL; j = next) {
			next = j->next;
			perform(j);
			report(j);
		}
	}
	return NULL;
}

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

/* Take what the threads finished. */
static void
collect(void)
{
	struct sync_job *j, *m, *next;

	/* In this order: who reports after the first line writes to the eventfd again. */
	atomic_store(&told, false);
	j = atomic_exchange(&done, NULL);
	for (; j != NULL; j = next) {
		next = j->next;
		out--;
		if (j != &crowd) {
			together_single(j->took);
			finish(j);
			continue;
		}
		crowd_out = false;
		together_took(crowd.took, crowd_n);
		for (m = crowd.members; m != NULL; m = next) {
			next = m->next;
			finish(m);
		}
		next = crowd.next;
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	/* Every write is an edge of its own; the counter need not be read. */
	(void)fd; (void)what; (void)arg;
	collect();
}

static void
threads_start(void)
{
	sigset_t block, before;
	pthread_attr_t attr;
	pthread_t t;

	if (started > 0 || wanted == 0)
		return;
	if (wake_fd < 0 && (wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
		return;
	if (sem_init(&work, 0, 0) != 0)
		return;
	sigfillset(&block);
	pthread_sigmask(SIG_BLOCK, &block, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	while (started < wanted && pthread_create(&t, &attr, thread, NULL) == 0)
		started++;
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (started == 0) {
		log_warn("no thread can be started; files are synced one at a time");
		wanted = 0;
	}
}

void
fiber_sync_threads(unsigned n)
{
	wanted = n > THREADS_MAX ? THREADS_MAX : n;
	threads_start();
}

/* Without threads the loop itself does the work. */
static void
perform_all(void)
{
	struct sync_job *j;

	for (j = round_first; j != NULL; j = j->next)
		perform(j);
	round_last->next = atomic_load(&done);
	atomic_store(&done, round_first);
	collect();
}

static void
watch_threads(void)
{
	if (wake_known)
		return;
	event_assign(&wake_event, loop_base(), wake_fd, EV_ET | EV_PERSIST | EV_READ, on_wake, NULL);
	if (event_add(&wake_event, NULL) != 0)
		panic("eventfd cannot be watched");
	wake_known = true;
}

static void
hand_over(void)
{
	unsigned n;

	watch_threads();
	pthread_mutex_lock(&lock);
	if (todo_last != NULL)
		todo_last->next = round_first;
	else
		todo_first = round_first;
	todo_last = round_last;
	todo_n += round_n;
	n = idle < todo_n ? idle : todo_n;
	idle -= n;
	pthread_mutex_unlock(&lock);
	/* Not under the lock: a thread that wakes would run straight into it. */
	while (n-- > 0)
		(void)sem_post(&work);
}

/* Should this round wait?  While a crowd is under way, or no thread would take it up anyway. */
static bool
hold_back(void)
{
	if ((!crowd_out && (out == 0 || out < started)) || !together_ready()) {
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

/* Make one job of those in the round that may be done together, when they are enough. */
static void
join_round(void)
{
	struct sync_job *j, *next, **apart = &round_first, **member = &crowd.members;
	unsigned members = 0;

	if (round_n < TOGETHER_MIN || crowd_out || !together_ready())
		return;
	crowd = (struct sync_job){ .fd = -1 };
	j = round_first;
	round_first = round_last = NULL;
	for (; j != NULL; j = next) {
		next = j->next;
		if (together_holds(j->fd)) {
			*member = j;
			member = &j->next;
			members++;
		} else {
			*apart = round_last = j;
			apart = &j->next;
		}
	}
	*member = NULL;
	*apart = crowd.members == NULL ? NULL : &crowd;
	if (members == 0)
		return;
	round_last = &crowd;
	round_n -= members - 1;
	crowd_out = true;
	crowd_n = members;
	count_calls++;		/* syncfs and one other */
}

void
sync_submit(void)
{
	struct sync_job *j;
	struct desc *d;

	if (round_first == NULL || hold_back())
		return;
	for (j = round_first; j != NULL; j = j->next) {
		d = loop_desc(j->fd);
		d->sync = d->sync_full = NULL;
	}
	join_round();
	count_calls += round_n;
	out += round_n;
	threads_start();
	if (started == 0)
		perform_all();
	else
		hand_over();
	round_first = round_last = NULL;
	round_n = 0;
}

msec_t
sync_deadline(void)
{
	return round_first != NULL && held_until != 0 ? held_until : NEVER;
}

/* Put a job into this round, or beside the one for the same descriptor. */
static void
enter(struct sync_job *job)
{
	struct desc *d = loop_desc(job->fd);
	struct sync_job **slot = job->full ? &d->sync_full : &d->sync;

	count_syncs++;
	if (*slot != NULL) {
		job->same = (*slot)->same;
		(*slot)->same = job;
		return;
	}
	*slot = job;
	if (round_last != NULL)
		round_last->next = job;
	else
		round_first = job;
	round_last = job;
	round_n++;
}

static int
sync_one(int fd, bool full)
{
	struct sync_job job = { .fiber = fiber_self(), .fd = fd, .full = full };

	if (fd < 0)
		return EBADF;
	enter(&job);
	while (!job.finished)
		loop_park(NEVER, true);
	return job.error;
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
	while (!file.finished || !folder.finished)
		loop_park(NEVER, true);
	return file.error != 0 ? file.error : folder.error;
}

int
fiber_sync(int fd)
{
	return sync_one(fd, false);
}

int
fiber_sync_full(int fd)
{
	return sync_one(fd, true);
}

void
sync_drain(void)
{
	struct pollfd p = { wake_fd, POLLIN, 0 };
	struct sync_job *j;
	uint64_t count;

	/* Fibers that asked in this last round are about to vanish, and their jobs with them. */
	round_first = round_last = NULL;
	round_n = 0;
	held_until = 0;
	for (;;) {
		(void)!read(wake_fd, &count, sizeof(count));
		atomic_store(&told, false);
		for (j = atomic_exchange(&done, NULL); j != NULL; j = j->next)
			out--;
		if (out == 0)
			break;
		(void)poll(&p, 1, 1000);
	}
	crowd_out = false;
	if (wake_known)
		event_del(&wake_event);
	wake_known = false;
}

void
sync_count(unsigned long long *syncs, unsigned long long *calls)
{
	*syncs = count_syncs;
	*calls = count_calls;
}
