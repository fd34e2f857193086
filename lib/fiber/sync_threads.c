/* SPDX-License-Identifier: ISC */
/*
 * Jobs are handed over together: one lock, and a wake-up for as many idle threads as there is work
 * for.  Threads report back through a list without a lock and one write to an eventfd for all that
 * finished until the loop looked.  Sleeping on a semaphore, not on a condition, keeps a thread that
 * wakes from queueing for the lock first.
 */
#include "fiber/sync_threads.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fiber/fiber.h"
#include "fiber/together.h"

#define THREADS_DEFAULT	8
#define THREADS_MAX	64
#define THREAD_STACK	((size_t)128 << 10)

static unsigned wanted = THREADS_DEFAULT;
static atomic_uint started;
static int wake_fd = -1;

/* Under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sync_jobs todo;
static unsigned idle;			/* threads asleep that nobody has woken yet */

static sem_t work;			/* one post for each thread taken off `idle` */
static struct sync_job *_Atomic done;
static atomic_bool told;		/* the eventfd was written since the loop last looked */

void
jobs_add(struct sync_jobs *list, struct sync_job *j)
{
	j->next = NULL;
	if (list->last != NULL)
		list->last->next = j;
	else
		list->first = j;
	list->last = j;
	list->n++;
}

void
jobs_append(struct sync_jobs *list, const struct sync_jobs *more)
{
	if (more->first == NULL)
		return;
	if (list->last != NULL)
		list->last->next = more->first;
	else
		list->first = more->first;
	list->last = more->last;
	list->n += more->n;
}

static void
perform_one(struct sync_job *j)
{
	int r;

	do
		r = j->full ? fsync(j->fd) : fdatasync(j->fd);
	while (r != 0 && errno == EINTR);
	j->error = r == 0 ? 0 : errno;
}

/*
 * Many files: syncfs, then the first file by itself.  That second call is the flush of the device:
 * some file systems write their last blocks after the flush that syncfs makes, or make none when
 * only contents changed.  When either fails, every other file is asked by itself.  None is asked twice:
 * the kernel tells of a failure once.
 */
static void
perform_members(struct sync_job *first, bool apart)
{
	struct sync_job *m;
	bool ok = !apart && together_sync() == 0;

	perform_one(first);
	ok = ok && first->error == 0;
	for (m = first->next; m != NULL; m = m->next) {
		m->error = 0;
		if (!ok)
			perform_one(m);
	}
}

/*
 * Many files that were written over in place: nothing of them but those bytes has to be written, so
 * all are started, then waited for, and then one fdatasync flushes the device for all.  That has to be
 * one of a regular file that was just written: for a folder ext4 makes no flush when no transaction is
 * open; and without a journal it writes the folder that the file was renamed into, for all that were.
 */
static void
perform_inside(struct sync_job *first)
{
	static const unsigned start = SYNC_FILE_RANGE_WRITE;
	static const unsigned wait = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
	    SYNC_FILE_RANGE_WAIT_AFTER;
	struct sync_job *m, *last = first;
	int written;

	for (m = first; m != NULL; m = m->next)
		m->error = sync_file_range(m->fd, 0, (off_t)m->inside, start) == 0 ? 0 : errno;
	for (m = first; m != NULL; m = m->next) {
		if (sync_file_range(m->fd, 0, (off_t)m->inside, wait) != 0 && m->error == 0)
			m->error = errno;
		last = m;
	}
	written = last->error;
	perform_one(last);
	for (m = first; m != last; m = m->next)
		if (m->error == 0)
			m->error = last->error;
	if (written != 0)
		last->error = written;
}

void
sync_perform(struct sync_job *j)
{
	int64_t before = clock_us();

	if (j->run != NULL)
		j->run(j->arg);
	else if (j->members != NULL && j->inside > 0)
		perform_inside(j->members);
	else if (j->members != NULL)
		perform_members(j->members, j->apart);
	else
		perform_one(j);
	j->took_us = clock_us() - before;
}

/* A share of what is to do, as a list; under the lock. */
static struct sync_job *
take_share(void)
{
	struct sync_job *first = todo.first, *last = first;
	unsigned n = 1 + todo.n / (started > 0 ? started : 1);

	if (first == NULL)
		return NULL;
	for (todo.n--; n > 1 && last->next != NULL; n--, todo.n--)
		last = last->next;
	if ((todo.first = last->next) == NULL)
		todo.last = NULL;
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
			sync_perform(j);
			report(j);
		}
	}
	return NULL;
}

bool
threads_start(void)
{
	sigset_t block, before;
	pthread_attr_t attr;
	pthread_t t;

	if (started > 0 || wanted == 0)
		return started > 0;
	if (wake_fd < 0 && (wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
		return false;
	if (sem_init(&work, 0, 0) != 0)
		return false;
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
	return started > 0;
}

void
fiber_sync_threads(unsigned n)
{
	wanted = n > THREADS_MAX ? THREADS_MAX : n;
}

bool
threads_busy(unsigned jobs)
{
	return jobs > 0 && jobs >= started;
}

int
threads_fd(void)
{
	return wake_fd;
}

void
threads_give(struct sync_jobs *list)
{
	unsigned n;

	pthread_mutex_lock(&lock);
	if (todo.last != NULL)
		todo.last->next = list->first;
	else
		todo.first = list->first;
	todo.last = list->last;
	todo.n += list->n;
	n = idle < todo.n ? idle : todo.n;
	idle -= n;
	pthread_mutex_unlock(&lock);
	*list = (struct sync_jobs){ NULL, NULL, 0 };
	/* Not under the lock: a thread that wakes would run straight into it. */
	while (n-- > 0)
		(void)sem_post(&work);
}

struct sync_job *
threads_take(void)
{
	/* In this order: who reports after the first line writes to the eventfd again. */
	atomic_store(&told, false);
	return atomic_exchange(&done, NULL);
}

void
threads_wait(void)
{
	struct pollfd p = { wake_fd, POLLIN, 0 };
	uint64_t count;

	(void)poll(&p, 1, 1000);
	(void)!read(wake_fd, &count, sizeof(count));
}
