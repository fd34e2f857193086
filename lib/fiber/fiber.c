/* SPDX-License-Identifier: ISC */
/*
 * fiber - the scheduler: starting, running, waiting, waking, ending.
 *
 * A round: every runnable fiber runs until it waits, one switching straight to the next; then the
 * loop looks for events, blocking when nothing is runnable.  Fibers woken during a round run in it
 * too, up to a bound, so a hand-over between fibers costs no system call.
 *
 * Timers are a heap of fibers, kept lazily: a wait that ends early leaves its fiber where it is,
 * and a later deadline is noticed when the old one comes up.  So a session that always waits with
 * a deadline minutes away touches the heap once in minutes.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/panic.h"
#include "fiber/loop.h"

#define STACK_DEFAULT	((size_t)64 << 10)
#define STACK_LEAST	((size_t)16 << 10)
#define STACKS_CACHED	128		/* unused stacks kept for the next fibers */
#define ROUND_EXTRA	256		/* fibers woken in a round that still run in it */
#define SYNC_PUT_OFF	4		/* turns that a sync waits, at most, while there is more to do */

#ifdef WITH_SANITIZER
#define STACK_FACTOR	4		/* red zones make frames larger */
#else
#define STACK_FACTOR	1
#endif

struct list {
	struct fiber *first, *last;
	size_t n;
};

struct signal_hook {
	struct event event;
	void (*fn)(void *);
	void *arg;
	bool used;
};

static struct fiber outside;		/* the thread's own stack: where the loop runs */
static struct fiber *current = &outside;
static struct fiber *all;		/* every live fiber */
static struct fiber *cache;		/* unused stacks, last used first */
static struct fiber *doomed;		/* stacks to unmap once they are left */
static struct list runnable, later;
static struct fiber **heap;
static size_t heap_n, heap_cap;
static struct event_base *base;
static struct event tick;
static bool tick_set;
static msec_t tick_at;
static void (*before_wait)(void);
static msec_t now;
static size_t budget;			/* fibers that may still run in this round */
static bool stopping;
static size_t stack_size = STACK_DEFAULT;
static unsigned cached;
static struct fiber_stats stats;
static struct signal_hook signals[NSIG];

/* ---- lists and the heap ---- */

static void
list_add(struct list *l, struct fiber *f)
{
	f->next = NULL;
	if (l->last != NULL)
		l->last->next = f;
	else
		l->first = f;
	l->last = f;
	l->n++;
}

static struct fiber *
list_take(struct list *l)
{
	struct fiber *f = l->first;

	if (f == NULL)
		return NULL;
	l->first = f->next;
	if (l->first == NULL)
		l->last = NULL;
	l->n--;
	f->next = NULL;
	return f;
}

static void
heap_set(size_t i, struct fiber *f)
{
	heap[i] = f;
	f->timer_at = i + 1;
}

static void
heap_up(size_t i, struct fiber *f)
{
	while (i > 0 && heap[(i - 1) / 2]->timer_key > f->timer_key) {
		heap_set(i, heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_set(i, f);
}

static void
heap_down(size_t i, struct fiber *f)
{
	size_t child;

	while ((child = 2 * i + 1) < heap_n) {
		if (child + 1 < heap_n && heap[child + 1]->timer_key < heap[child]->timer_key)
			child++;
		if (heap[child]->timer_key >= f->timer_key)
			break;
		heap_set(i, heap[child]);
		i = child;
	}
	heap_set(i, f);
}

static void
heap_add(struct fiber *f, msec_t key)
{
	if (heap_n == heap_cap) {
		heap_cap = heap_cap == 0 ? 64 : size_mul(heap_cap, 2);
		heap = mem_resize(heap, size_mul(heap_cap, sizeof(struct fiber *)));
	}
	f->timer_key = key;
	heap_n++;
	heap_up(heap_n - 1, f);
}

static void
heap_remove(struct fiber *f)
{
	size_t at = f->timer_at;
	struct fiber *moved;

	if (at == 0)
		return;
	f->timer_at = 0;
	moved = heap[--heap_n];
	if (moved == f)
		return;
	if (moved->timer_key < f->timer_key)
		heap_up(at - 1, moved);
	else
		heap_down(at - 1, moved);
}

/* ---- the life of a fiber ---- */

static void ended(struct fiber *f);

static void
body(void *arg)
{
	struct fiber *f = arg;

	f->run(f->arg);
	ended(f);
}

/* A stack with its fiber, used again or new. */
static struct fiber *
fiber_new(void)
{
	struct context c;
	struct fiber *f;
	char *top;

	if ((f = cache) != NULL) {
		cache = f->next;
		cached--;
		c = f->context;
		memset(f, 0, sizeof(*f));
		f->context = c;
		return f;
	}
	/*
	 * The fiber stands at the top of the mapping, and the stack begins below it; the context has
	 * to be at its final place before the stack is entered for the first time.
	 */
	top = context_map(stack_size * STACK_FACTOR);
	if (top == NULL)
		fatal("no memory for the stack of another fiber (%u now): errno %d", stats.live, errno);
	f = (struct fiber *)(void *)(top - ((sizeof(*f) + 63) & ~(size_t)63));
	context_new(&f->context, &current->context, f, top, stack_size * STACK_FACTOR, body, f);
	stats.stacks++;
	return f;
}

static void
fiber_free(struct fiber *f)
{
	struct context c = f->context;

	context_free(&c);
	stats.stacks--;
}

/* The fiber is over and its handle too; the stack serves the next one. */
static void
release(struct fiber *f)
{
	if (f->all_prev != NULL)
		f->all_prev->all_next = f->all_next;
	else
		all = f->all_next;
	if (f->all_next != NULL)
		f->all_next->all_prev = f->all_prev;
	if (cached >= STACKS_CACHED) {
		f->next = doomed;	/* perhaps it is the running one */
		doomed = f;
	} else {
		f->next = cache;
		cache = f;
		cached++;
	}
}

/* Who runs now: the next runnable fiber, or the loop. */
static struct fiber *
next_fiber(void)
{
	if (budget == 0 || runnable.first == NULL)
		return &outside;
	budget--;
	return list_take(&runnable);
}

static void
switch_away(bool last)
{
	struct fiber *from = current, *to = next_fiber();

	if (to == from)
		return;
	stats.switches++;
	current = to;
	context_switch(&from->context, &to->context, last);
}

static void
ended(struct fiber *f)
{
	heap_remove(f);
	f->ended = true;
	stats.live--;
	if (f->joiner != NULL)
		loop_wake(f->joiner, WAKE_READY);
	if (!f->kept)
		release(f);
	switch_away(true);
}

struct fiber *
fiber_start(void (*run)(void *), void *arg, const char *name)
{
	struct fiber *f = fiber_new();

	f->run = run;
	f->arg = arg;
	f->name = name;
	f->all_next = all;
	if (all != NULL)
		all->all_prev = f;
	all = f;
	stats.live++;
	if (stats.live > stats.most)
		stats.most = stats.live;
	list_add(&runnable, f);
	return f;
}

struct fiber *
fiber_self(void)
{
	return current == &outside ? NULL : current;
}

bool
fiber_running(void)
{
	return current != &outside;
}

void
fiber_keep(struct fiber *f)
{
	f->kept = true;
}

enum wake
fiber_join(struct fiber *f, msec_t deadline)
{
	enum wake w = WAKE_READY;

	ASSERT(f->kept && f->joiner == NULL && f != current);
	if (!f->ended) {
		f->joiner = current;
		w = loop_park(deadline, false);
		f->joiner = NULL;
	}
	if (w == WAKE_READY)
		release(f);
	return w;
}

/* ---- waiting and waking ---- */

msec_t
loop_now(void)
{
	return now;
}

enum wake
loop_park(msec_t deadline, bool deaf)
{
	struct fiber *f = current;

	if (f == &outside)
		panic("a wait outside any fiber");
	if (f->cancelled && !deaf)
		return WAKE_CANCEL;
	if (deadline <= now)
		return WAKE_TIMEOUT;
	f->deadline = deadline;
	if (deadline != NEVER) {
		if (f->timer_at == 0) {
			heap_add(f, deadline);
		} else if (f->timer_key > deadline) {
			f->timer_key = deadline;
			heap_up(f->timer_at - 1, f);
		}
	}
	f->parked = true;
	f->deaf = deaf;
	switch_away(false);
	return f->woke;
}

static void
queue_leave(struct fiber *f)
{
	struct fiber_queue *q = f->queue;

	if (q == NULL)
		return;
	if (f->prev != NULL)
		f->prev->next = f->next;
	else
		q->first = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
	else
		q->last = f->prev;
	f->prev = f->next = NULL;
	f->queue = NULL;
	q->count--;
}

void
loop_wake(struct fiber *f, enum wake why)
{
	if (!f->parked)
		return;
	queue_leave(f);
	f->parked = false;
	f->woke = why;
	list_add(&runnable, f);
}

void
fiber_cancel(struct fiber *f)
{
	f->cancelled = true;
	if (f->parked && !f->deaf)
		loop_wake(f, WAKE_CANCEL);
}

bool
fiber_cancelled(void)
{
	return current->cancelled;
}

enum wake
fiber_sleep(msec_t deadline)
{
	return loop_park(deadline, false);
}

void
fiber_yield(void)
{
	if (current == &outside)
		panic("fiber_yield outside any fiber");
	list_add(&later, current);
	switch_away(false);
}

enum wake
fiber_queue_wait(struct fiber_queue *q, msec_t deadline)
{
	struct fiber *f = current;
	enum wake w;

	if (q->limit != 0 && q->count >= q->limit)
		return WAKE_CANCEL;
	f->queue = q;
	f->next = NULL;
	f->prev = q->last;
	if (q->last != NULL)
		q->last->next = f;
	else
		q->first = f;
	q->last = f;
	q->count++;
	w = loop_park(deadline, false);
	queue_leave(f);
	return w;
}

unsigned
fiber_queue_wake(struct fiber_queue *q)
{
	if (q->first == NULL)
		return 0;
	loop_wake(q->first, WAKE_READY);
	return 1;
}

unsigned
fiber_queue_wake_all(struct fiber_queue *q)
{
	unsigned n = 0;

	while (fiber_queue_wake(q) != 0)
		n++;
	return n;
}

/* ---- the loop ---- */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd; (void)what; (void)arg;
	tick_set = false;
}

static void
base_log(int severity, const char *text)
{
	(void)severity; (void)text;
}

struct event_base *
loop_base(void)
{
	struct event_config *config;

	if (base != NULL)
		return base;
	event_set_log_callback(base_log);
	signal(SIGPIPE, SIG_IGN);	/* a closed pipe is a result of write, not the end */
	if ((config = event_config_new()) == NULL)
		fatal("no event loop");
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL)
		fatal("no event loop with edges: errno %d", errno);
	evtimer_assign(&tick, base, on_tick, NULL);
	return base;
}

/* Wake whose deadline has passed; one whose wait was renewed meanwhile goes back. */
static void
expire(void)
{
	struct fiber *f;

	now = clock_ms();
	while (heap_n > 0 && (f = heap[0])->timer_key <= now) {
		heap_remove(f);
		if (!f->parked || f->deadline == NEVER)
			continue;
		if (f->deadline <= now)
			loop_wake(f, WAKE_TIMEOUT);
		else
			heap_add(f, f->deadline);
	}
}

/* Have the loop come back when the first timer is due. */
static void
arm(void)
{
	struct timeval tv;
	msec_t left, due = sync_deadline();

	if (heap_n > 0)
		due = deadline_first(due, heap[0]->timer_key);
	if (due == NEVER || (tick_set && tick_at <= due))
		return;
	left = due - clock_ms();
	if (left < 1)
		left = 1;
	tv.tv_sec = (time_t)(left / 1000);
	tv.tv_usec = (suseconds_t)(left % 1000 * 1000);
	evtimer_add(&tick, &tv);
	tick_set = true;
	tick_at = due;
}

static bool
idle(void)
{
	return runnable.first == NULL && later.first == NULL;
}

/* See what happened; `wait`: until something does. */
static void
look(bool wait)
{
	event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY |
	    (wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK));
	expire();
	stats.rounds++;
}

/* Between two rounds: send, look, sync, and wait when there is nothing else to do. */
static void
poll_events(void)
{
	static unsigned put_off;

	if (before_wait != NULL)
		before_wait();
	/* What is there already may ask for a sync too: look first, then sync all of it together. */
	if (sync_asked()) {
		look(false);
		if (!idle() && put_off++ < SYNC_PUT_OFF)
			return;
		put_off = 0;
		log_flush();
		sync_submit();
		if (!idle())
			return;
	}
	log_flush();
	if (idle())
		arm();
	look(idle());
}

/* One round: everything runnable runs once. */
static void
run_round(void)
{
	struct fiber *f;

	while ((f = list_take(&later)) != NULL)
		list_add(&runnable, f);
	budget = runnable.n + ROUND_EXTRA;
	while (budget > 0 && runnable.first != NULL) {
		switch_away(false);
		while ((f = doomed) != NULL) {
			doomed = f->next;
			fiber_free(f);
		}
	}
}

/* Drop what is left: fibers that still wait, descriptors, signals, the loop itself. */
static void
loop_end(void)
{
	struct fiber *f;
	int i;

	sync_drain();
	loop_desc_clear();
	for (i = 0; i < NSIG; i++) {
		if (signals[i].used)
			event_del(&signals[i].event);
		signals[i].used = false;
	}
	while ((f = all) != NULL) {
		all = f->all_next;
		fiber_free(f);
	}
	while ((f = cache) != NULL) {
		cache = f->next;
		fiber_free(f);
	}
	cached = 0;
	stats.live = 0;
	runnable = later = (struct list){ NULL, NULL, 0 };
	heap_n = heap_cap = 0;
	free(heap);
	heap = NULL;
	evtimer_del(&tick);
	tick_set = false;
	event_base_free(base);
	base = NULL;
}

void
fiber_run(void (*first)(void *), void *arg)
{
	ASSERT(current == &outside);
	loop_base();
	now = clock_ms();
	stopping = false;
	log_gather(true);
	fiber_start(first, arg, "first");
	for (;;) {
		run_round();
		if (stopping || stats.live == 0)
			break;
		poll_events();
	}
	if (before_wait != NULL)
		before_wait();
	log_gather(false);
	loop_end();
}

void
fiber_gather(struct fiber_gather *g, msec_t ms)
{
	if (g->open) {
		(void)fiber_queue_wait(&g->others, NEVER);
		return;
	}
	g->open = true;
	(void)fiber_sleep(deadline_in(ms));
	g->open = false;
	(void)fiber_queue_wake_all(&g->others);
}

void
fiber_before_wait(void (*fn)(void))
{
	before_wait = fn;
}

void
fiber_stop(void)
{
	stopping = true;
}

/* ---- signals ---- */

static void
on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct signal_hook *h = arg;

	(void)signo; (void)what;
	fiber_start(h->fn, h->arg, "signal");
}

void
fiber_signal(int signo, void (*fn)(void *), void *arg)
{
	struct signal_hook *h;

	ASSERT(signo > 0 && signo < NSIG);
	h = &signals[signo];
	if (h->used)
		event_del(&h->event);
	h->fn = fn;
	h->arg = arg;
	h->used = true;
	evsignal_assign(&h->event, loop_base(), signo, on_signal, h);
	if (event_add(&h->event, NULL) != 0)
		panic("signal %d cannot be caught", signo);
}

/* ---- numbers ---- */

struct fiber_stats
fiber_stats(void)
{
	struct fiber_stats s = stats;

	s.stack_size = stack_size * STACK_FACTOR;
	sync_count(&s.syncs, &s.sync_calls);
	return s;
}

size_t
fiber_stack_used(const struct fiber *f)
{
	return context_used(&f->context);
}

void
fiber_stack_size(size_t n)
{
	size_t page = context_page();

	if (n < STACK_LEAST)
		n = STACK_LEAST;
	stack_size = (n + page - 1) / page * page;
}
