/* SPDX-License-Identifier: ISC */
/*
 * watch - the kernel says when a folder changed (inotify).
 *
 * One inotify descriptor a process, open while somebody watches: the kernel allows few of them a
 * user, and all virtual mailboxes are one user's.  A fiber reads it.  Two views of one mailbox have
 * the same watch numbers, so a number is given back when the last view that has it goes.
 *
 * Folders are named by /proc/self/fd, since only their descriptors are at hand.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/panic.h"
#include "fiber/fiber.h"
#include "store/mailbox.h"

#define EVENTS	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR)

struct watch {
	int cur, new;		/* the kernel's numbers */
	void (*changed)(void *);
	void *arg;
};

static int events_fd = -1;
static bool reading;
static struct vec watches = { .size = sizeof(struct watch *) };

static struct watch *
nth(size_t i)
{
	return *(struct watch **)vec_at(&watches, i);
}

/* One event; number -1: some were lost, so everything may have changed. */
static void
pass_on(int number)
{
	for (size_t i = 0; i < watches.n; i++)
		if (number < 0 || nth(i)->cur == number || nth(i)->new == number)
			nth(i)->changed(nth(i)->arg);
}

static void
read_events(void *arg)
{
	_Alignas(struct inotify_event) char block[4096];
	ssize_t n;

	(void)arg;
	while (events_fd >= 0 && !fiber_cancelled()) {
		n = read(events_fd, block, sizeof(block));
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			break;
		for (ssize_t at = 0; at < n;) {
			struct inotify_event e;

			memcpy(&e, block + at, sizeof(e));
			pass_on(e.wd);
			at += (ssize_t)(sizeof(e) + e.len);
		}
		if (n < 0 && errno == EAGAIN) {
			fiber_drained_read(events_fd);
			fiber_wait_read(events_fd, NEVER);
		}
	}
	reading = false;
}

static int
watch_folder(int dir)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	return inotify_add_watch(events_fd, path, EVENTS);
}

/* Give a number back, unless another view has it too. */
static void
unwatch_folder(int number)
{
	for (size_t i = 0; i < watches.n; i++)
		if (nth(i)->cur == number || nth(i)->new == number)
			return;
	if (number >= 0)
		inotify_rm_watch(events_fd, number);
}

static void
close_events(void)
{
	int fd = events_fd;

	/* The reader wakes, and ends unless the next view has opened another by then. */
	events_fd = -1;
	fiber_forget(fd);
	close(fd);
}

struct watch *
mailbox_watch(struct box *m, void (*changed)(void *), void *arg)
{
	struct watch *w;

	if (events_fd < 0 && (events_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) < 0)
		return NULL;
	if (!reading)
		fiber_start(read_events, NULL, "watch");
	reading = true;
	w = mem_zero(1, sizeof(*w));
	w->cur = watch_folder(m->f.cur);
	w->new = watch_folder(m->f.new);
	w->changed = changed;
	w->arg = arg;
	*(struct watch **)vec_push(&watches) = w;
	if (w->cur >= 0 && w->new >= 0)
		return w;
	mailbox_unwatch(w);
	return NULL;
}

void
mailbox_unwatch(struct watch *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < watches.n; i++) {
		if (nth(i) != w)
			continue;
		vec_remove(&watches, i);
		break;
	}
	unwatch_folder(w->cur);
	unwatch_folder(w->new);
	free(w);
	if (watches.n == 0)
		close_events();
}
