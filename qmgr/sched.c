/* SPDX-License-Identifier: ISC */
/*
 * sched - which delivery goes next.
 *
 * A destination is a transport and a next hop (for local: a mailbox).  Its jobs wait in a line of
 * messages that take turns, so one message with thousands of recipients costs another one job's
 * wait and no more.  Destinations of a transport take turns as well.  A window bounds how many of a
 * destination's jobs are under way; a dead destination defers what is in line and what comes,
 * until its time is over.
 *
 * Mail that was put off before may be a lot and may go nowhere.  It has a line of its own at each
 * destination, which gets the smaller part of the turns; and a destination that has nothing else, and
 * where nothing went of late, is doubtful: it is tried with one delivery, and all doubtful ones
 * together never take more than half of a transport, however long they take to fail.
 */
#include "qmgr/qmgr.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "base/panic.h"
#include "conf/room_queue.h"
#include "daemon/service.h"

#define TRANSPORT_BUSY	2000	/* deliveries of one transport under way */
#define IDLE_MS		60000	/* a destination nobody needed for this long is forgotten */
#define DOUBTFUL_BUSY	1000	/* of them to doubtful destinations */
#define NEW_TURNS	3	/* new messages sent for each one tried before */
#define TRIES_MAX	3	/* agents that may die with a job before it waits */

struct entry {
	struct entry *next;
	struct message *m;
	struct job *first, *last;
};

struct transport {
	struct str name;
	struct window_rules rules;
	unsigned recipients;
	unsigned busy, doubtful;
	struct dest *first[2], *last[2];	/* with jobs that may go; the doubtful */
	unsigned turn;
};

static struct map *transports, *dests;
static uint64_t last_serial;

struct str
dest_transport(const struct dest *d)
{
	return d->transport->name;
}

size_t
sched_dests(void)
{
	return dests == NULL ? 0 : map_count(dests);
}

static struct feedback
feedback_of(const char *text)
{
	struct feedback f;

	if (!feedback_parse(str_of(text), &f)) {
		log_warn("bad concurrency feedback \"%s\"", text);
		f = (struct feedback){ 1, FEEDBACK_FIXED };
	}
	return f;
}

static struct transport *
transport_of(struct str name)
{
	struct transport *t;

	if (transports == NULL)
		transports = map_new();
	t = map_get(transports, name);
	if (t != NULL)
		return t;
	t = mem_zero(1, sizeof(*t));
	t->name = pool_str(pool_new(), name);
	if (!conf_load_transport(service_conf(), name, transport_params))
		log_warn("transport %.*s: bad settings, using defaults", STR_ARG(name));
	t->recipients = (unsigned)transport_conf.recipient_limit;
	t->rules = (struct window_rules){
		.initial = (unsigned)transport_conf.concurrency_initial,
		.limit = (unsigned)transport_conf.concurrency_limit,
		.cohorts = (unsigned)transport_conf.failed_cohorts,
		.plus = feedback_of(transport_conf.positive_feedback),
		.minus = feedback_of(transport_conf.negative_feedback),
	};
	(void)map_put(transports, t->name, t);
	return t;
}

/* How a destination begins: with one delivery when it is in doubt. */
static void
doubt(struct dest *d, bool yes)
{
	d->window = window_new(&d->transport->rules);
	d->doubtful = yes && !d->worker;
	if (d->doubtful)
		d->window.size = 1;
}

static struct dest *
dest_of(const struct route *route)
{
	struct transport *t = transport_of(route->transport);
	struct buf key = { .limit = 4096 };
	struct dest *d;

	if (dests == NULL)
		dests = map_new();
	buf_add(&key, route->transport);
	buf_addc(&key, '\0');
	if (route->worker)
		buf_addf(&key, "%llu:%llu:%d:%.*s", (unsigned long long)route->uid,
		    (unsigned long long)route->gid, route->virtual_box, STR_ARG(route->mailbox));
	else
		buf_add(&key, route->nexthop);
	d = map_get(dests, buf_str(&key));
	if (d == NULL) {
		char *text = mem_alloc(key.n + route->nexthop.n + route->mailbox.n + 1);

		d = mem_zero(1, sizeof(*d));
		d->transport = t;
		memcpy(text, key.p, key.n);
		d->key = str_n(text, key.n);
		if (route->nexthop.n > 0)
			memcpy(text + key.n, route->nexthop.p, route->nexthop.n);
		d->nexthop = str_n(text + key.n, route->nexthop.n);
		if (route->mailbox.n > 0)
			memcpy(text + key.n + route->nexthop.n, route->mailbox.p, route->mailbox.n);
		d->mailbox = str_n(text + key.n + route->nexthop.n, route->mailbox.n);
		d->worker = route->worker;
		d->virtual_box = route->virtual_box;
		d->uid = (uid_t)route->uid;
		d->gid = (gid_t)route->gid;
		(void)map_put(dests, d->key, d);
		doubt(d, true);
	}
	d->used = clock_ms();
	buf_free(&key);
	return d;
}

static void
dest_forget(struct dest *d)
{
	(void)map_del(dests, d->key);
	free((void *)(uintptr_t)d->key.p);
	free((void *)(uintptr_t)d->dead_why.dsn.p);
	free(d);
}

void
job_free(struct job *j)
{
	free(j->nums);
	free(j);
}

static void
enlist(struct dest *d)
{
	struct transport *t = d->transport;
	unsigned which = d->doubtful;

	if (d->listed[which] || d->nqueued == 0 || d->busy >= d->window.size)
		return;
	d->listed[which] = true;
	d->next[which] = NULL;
	if (t->last[which] != NULL)
		t->last[which]->next[which] = d;
	else
		t->first[which] = d;
	t->last[which] = d;
}

/* Whose turn is it? */
static struct dest *
next_dest(struct transport *t)
{
	bool may = t->doubtful < DOUBTFUL_BUSY && t->first[1] != NULL;
	unsigned which = may && (t->first[0] == NULL || t->turn++ % 2 != 0);
	struct dest *d = t->first[which];

	if (d == NULL)
		return NULL;
	t->first[which] = d->next[which];
	if (t->first[which] == NULL)
		t->last[which] = NULL;
	d->listed[which] = false;
	return d;
}

static void
line_add(struct line *l, struct entry *e)
{
	e->next = NULL;
	if (l->last != NULL)
		l->last->next = e;
	else
		l->first = e;
	l->last = e;
}

/* Put a job at the end of its message's line at the destination. */
static void
queue_job(struct job *j)
{
	struct line *l = &j->dest->lines[j->m->tried];
	struct entry *e = l->last;

	if (e == NULL || e->m != j->m) {
		e = mem_zero(1, sizeof(*e));
		e->m = j->m;
		line_add(l, e);
	}
	j->next = NULL;
	if (e->last != NULL)
		e->last->next = j;
	else
		e->first = j;
	e->last = j;
	j->dest->nqueued++;
}

/* The next job; its message goes to the end of the line. */
static struct job *
take_job(struct dest *d)
{
	bool both = d->lines[0].first != NULL && d->lines[1].first != NULL;
	struct line *l = &d->lines[both ? d->turn++ % (NEW_TURNS + 1) == NEW_TURNS :
	    d->lines[0].first == NULL];
	struct entry *e = l->first;
	struct job *j = e->first;

	l->first = e->next;
	if (l->first == NULL)
		l->last = NULL;
	e->first = j->next;
	j->next = NULL;
	d->nqueued--;
	if (e->first == NULL) {
		free(e);
		return j;
	}
	line_add(l, e);
	return j;
}

static void
send_job(void *arg)
{
	agents_send(arg);
}

static void
send_more(struct transport *t)
{
	struct dest *d;

	while (t->busy < TRANSPORT_BUSY && !service_stopping() && (d = next_dest(t)) != NULL) {
		struct job *j;

		if (d->nqueued == 0 || d->busy >= d->window.size)
			continue;
		j = take_job(d);
		d->busy++;
		t->busy++;
		j->doubtful = d->doubtful;
		t->doubtful += j->doubtful;
		j->serial = ++last_serial;
		enlist(d);
		(void)fiber_start(send_job, j, "send");
	}
}

/* All recipients of a job wait for another time. */
static void
defer_job(struct job *j, const struct reason *why)
{
	struct message *m = j->m;

	for (unsigned i = 0; i < j->n; i++) {
		struct rcpt *r = &m->rcpts[j->nums[i]];

		rcpt_settle(m, j->nums[i], RCPT_DEFERRED, *why);
		log_rcpt(m, r, RESULT_DEFERRED, why);
		m->open--;
	}
	job_free(j);
	pass_leave(m);
}

static struct reason
suspended(const struct dest *d, struct pool *pool)
{
	struct reason why = { STR("4.4.1"), pool_printf(pool, "delivery temporarily suspended: %.*s",
	    STR_ARG(d->dead_why.text)), STR(""), STR("") };

	if (d->dead_why.dsn.n > 0)
		why.dsn = d->dead_why.dsn;
	return why;
}

static void
defer_all(struct dest *d)
{
	struct pool *pool = pool_new();
	struct reason why = suspended(d, pool);

	while (d->nqueued > 0)
		defer_job(take_job(d), &why);
	pool_free(pool);
}

static void
die(struct dest *d, const struct reason *why)
{
	struct buf text = { .limit = LIMIT_REPLY };

	d->dead_until = deadline_in(queue_conf.minimal_backoff_ms);
	free((void *)(uintptr_t)d->dead_why.dsn.p);
	buf_add(&text, why->dsn);
	buf_add(&text, str_sub(why->text, 0, LIMIT_REPLY - 100));
	d->dead_why.dsn = str_n(text.p, why->dsn.n);
	d->dead_why.text = str_n(text.p + why->dsn.n, text.n - why->dsn.n);
	d->failed = true;
	doubt(d, true);
	defer_all(d);
}

static bool
dead(struct dest *d)
{
	if (d->dead_until != 0 && deadline_left(d->dead_until) == 0) {
		d->dead_until = 0;
		doubt(d, true);
	}
	return d->dead_until != 0;
}

void
sched_add(struct message *m, uint32_t num, const struct route *route)
{
	struct dest *d = dest_of(route);
	struct rcpt *r = &m->rcpts[num];
	struct str sender = r->owned ? r->sender : m->sender;
	struct entry *e = d->lines[m->tried].last;
	struct job *j = e != NULL && e->m == m ? e->last : NULL;
	unsigned most = d->worker ? 1 : d->transport->recipients;
	uint32_t forwarder = forwarder_of(m, num);

	if (dead(d)) {
		struct pool *pool = pool_new();
		struct reason why = suspended(d, pool);

		rcpt_settle(m, num, RCPT_DEFERRED, why);
		log_rcpt(m, r, RESULT_DEFERRED, &why);
		pool_free(pool);
		return;
	}
	if (d->doubtful && !d->failed && !m->tried)
		doubt(d, false);
	if (j == NULL || j->n >= most || j->forwarder != forwarder || !str_eq(j->sender, sender)) {
		j = mem_zero(1, sizeof(*j));
		j->m = m;
		j->dest = d;
		j->sender = sender;
		j->forwarder = forwarder;
		pass_hold(m);
		queue_job(j);
	}
	j->nums = mem_resize(j->nums, (j->n + 1) * sizeof(*j->nums));
	j->nums[j->n++] = num;
	r->state = RCPT_OPEN;
	m->open++;
	/* Sent by sched_kick, when all recipients have their places. */
	enlist(d);
}

/* Give back the place of a delivery that ended. */
static void
give_back(struct dest *d, struct job *j)
{
	ASSERT(d->busy > 0 && d->transport->busy > 0);
	d->busy--;
	d->transport->busy--;
	d->transport->doubtful -= j->doubtful;
	j->doubtful = false;
	d->used = clock_ms();
	if (!dead(d))
		enlist(d);
	else if (d->nqueued > 0)
		defer_all(d);
	send_more(d->transport);
}

void
sched_back(struct job *j, unsigned hop, const struct reason *why)
{
	struct dest *d = j->dest;

	if (d == NULL)
		return;
	/* It answers, whatever others have met with. */
	if (hop == 1 && (d->doubtful || d->dead_until != 0)) {
		d->dead_until = 0;
		d->failed = false;
		doubt(d, false);
	}
	if (hop == 1)
		window_good(&d->window, &d->transport->rules, d->busy);
	else if (hop == 2 && why != NULL && window_bad(&d->window, &d->transport->rules))
		die(d, why);
	give_back(d, j);
}

void
sched_again(struct job *j)
{
	struct dest *d = j->dest;
	static const struct reason lost = { STR_INIT("4.3.0"),
		STR_INIT("delivery agent ended without a result"), { NULL, 0 }, { NULL, 0 } };

	if (d == NULL) {
		defer_job(j, &lost);
		return;
	}
	if (++j->tries >= TRIES_MAX) {
		give_back(d, j);
		defer_job(j, &lost);
		return;
	}
	if (dead(d)) {
		struct pool *pool = pool_new();
		struct reason why = suspended(d, pool);

		give_back(d, j);
		defer_job(j, &why);
		pool_free(pool);
		return;
	}
	queue_job(j);
	give_back(d, j);
}

void
sched_flush(void)
{
	size_t at = 0;
	void *value;

	while (dests != NULL && map_next(dests, &at, NULL, &value)) {
		struct dest *d = value;

		if (d->dead_until == 0 && !d->failed)
			continue;
		d->dead_until = 0;
		d->failed = false;
		doubt(d, true);
	}
}

static void
forget_idle(void)
{
	msec_t now = clock_ms();
	size_t at = 0;
	void *value;

	while (dests != NULL && map_next(dests, &at, NULL, &value)) {
		struct dest *d = value;

		if (d->busy == 0 && d->nqueued == 0 && !d->listed[0] && !d->listed[1] && !dead(d) && now - d->used > IDLE_MS)
			dest_forget(d);
	}
}

void
sched_kick(void)
{
	size_t at = 0;
	void *value;

	while (transports != NULL && map_next(transports, &at, NULL, &value)) {
		send_more(value);
	}
}

void
sched_run(void *arg)
{
	(void)arg;
	while (fiber_sleep(deadline_in(IDLE_MS)) != WAKE_CANCEL)
		forget_idle();
}

/* Serials of an earlier qmgr may be in the agents still: begin somewhere else. */
void
sched_begin(void)
{
	random_bytes(&last_serial, sizeof(last_serial));
	last_serial &= UINT64_MAX >> 2;
}
