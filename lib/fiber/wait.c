/* SPDX-License-Identifier: ISC */
/*
 * wait - descriptors and the loop.
 *
 * Each descriptor is registered once, for both directions and for the peer's end, with edges.  What
 * the loop reports is remembered until the caller says that it used it up, so a wait costs no
 * system call beyond the loop's own.
 *
 * Two things can arrive behind one edge, and the second must not be forgotten when the caller says
 * "drained" after the first:
 *   data and the peer's end: the loop reports the end as such (EV_CLOSED); from then on nothing is
 *     ever drained, and the reader comes to read the end.
 *   data and an error (a reset): libevent reports both as readable.  So the first long wait, and the
 *     first after a read event, ends once, after PROBE_MS, for the caller to try again.  A fiber that is idle so long
 *     also gives back the stack it does not stand on.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/panic.h"
#include "fiber/loop.h"

#define PROBE_MS	1000

static struct desc **table;
static size_t table_n;

struct desc *
loop_desc(int fd)
{
	size_t n;

	ASSERT(fd >= 0);
	if ((size_t)fd >= table_n) {
		n = table_n == 0 ? 64 : table_n;
		while (n <= (size_t)fd)
			n = size_mul(n, 2);
		table = mem_resize(table, size_mul(n, sizeof(struct desc *)));
		while (table_n < n)
			table[table_n++] = NULL;
	}
	if (table[fd] == NULL)
		table[fd] = mem_zero(1, sizeof(struct desc));
	return table[fd];
}

static struct desc *
find(int fd)
{
	return fd >= 0 && (size_t)fd < table_n ? table[fd] : NULL;
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct desc *d = arg;

	(void)fd;
	if ((what & EV_CLOSED) != 0) {
		d->closed = true;
		d->unsure = false;
	} else if ((what & EV_READ) != 0) {
		d->unsure = true;
	}
	if ((what & (EV_READ | EV_CLOSED)) != 0) {
		d->readable = true;
		if (d->reader != NULL)
			loop_wake(d->reader, WAKE_READY);
	}
	if ((what & EV_WRITE) != 0) {
		d->writable = true;
		if (d->writer != NULL)
			loop_wake(d->writer, WAKE_READY);
	}
}

static void
enroll(int fd, struct desc *d)
{
	if (d->known || d->always)
		return;
	event_assign(&d->event, loop_base(), fd, EV_ET | EV_PERSIST | EV_READ | EV_WRITE | EV_CLOSED,
	    on_event, d);
	d->unsure = true;
	if (event_add(&d->event, NULL) == 0)
		d->known = true;
	else
		d->always = true;
}

enum wake
fiber_wait_read(int fd, msec_t deadline)
{
	struct desc *d = loop_desc(fd);
	msec_t first = deadline;
	enum wake w;

	enroll(fd, d);
	if (fiber_cancelled())
		return WAKE_CANCEL;
	if (d->readable || d->always)
		return WAKE_READY;
	if (d->reader != NULL)
		panic("two fibers wait to read descriptor %d", fd);
	if (d->unsure)
		first = deadline_first(deadline, loop_now() + PROBE_MS);
	d->reader = fiber_self();
	w = loop_park(first, false);
	if (d->reader == fiber_self())
		d->reader = NULL;
	if (w == WAKE_TIMEOUT && first != deadline) {
		d->unsure = false;
		d->readable = true;
		w = WAKE_READY;
		context_trim(&fiber_self()->context);
	}
	return w;
}

enum wake
fiber_wait_write(int fd, msec_t deadline)
{
	struct desc *d = loop_desc(fd);
	enum wake w;

	enroll(fd, d);
	if (fiber_cancelled())
		return WAKE_CANCEL;
	if (d->writable || d->always)
		return WAKE_READY;
	if (d->writer != NULL)
		panic("two fibers wait to write descriptor %d", fd);
	d->writer = fiber_self();
	w = loop_park(deadline, false);
	if (d->writer == fiber_self())
		d->writer = NULL;
	return w;
}

void
fiber_drained_read(int fd)
{
	struct desc *d = find(fd);

	if (d != NULL && !d->closed)
		d->readable = false;
}

void
fiber_drained_write(int fd)
{
	struct desc *d = find(fd);

	if (d != NULL)
		d->writable = false;
}

void
fiber_forget(int fd)
{
	struct desc *d = find(fd);

	if (d == NULL)
		return;
	if (d->known)
		event_del(&d->event);
	d->known = d->always = d->readable = d->writable = d->closed = d->unsure = false;
	if (d->reader != NULL)
		loop_wake(d->reader, WAKE_CANCEL);
	if (d->writer != NULL)
		loop_wake(d->writer, WAKE_CANCEL);
	/* The number may be another file's before those two have run. */
	d->reader = d->writer = NULL;
}

void
loop_desc_clear(void)
{
	size_t i;

	for (i = 0; i < table_n; i++) {
		if (table[i] != NULL && table[i]->known)
			event_del(&table[i]->event);
		free(table[i]);
	}
	free(table);
	table = NULL;
	table_n = 0;
}
