/* SPDX-License-Identifier: ISC */
/*
 * pass - the end of a message's pass: what its sender must hear, expiry, the next try, the end.
 *
 * Order keeps it safe: results are in the log before a notice is asked for; a notice is on disk
 * before its recipients count as done; the message's end is its head saying so, synced, before
 * anything else may use the file.
 */
#include "qmgr/qmgr.h"

#include <errno.h>
#include <stdlib.h>

#include "ask/bounce.h"
#include "base/event.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/panic.h"
#include "conf/room_queue.h"
#include "daemon/service.h"

#define NOTICE_MS	120000	/* bounce and cleanup have this long */
#define SWEEP_MS	1000	/* how long a file may lag behind its message */
#define GATHER_MS	5	/* a done mark waits so long for others */
#define ENDING_MAX	500	/* passes that end at the same time */

static const struct event removed = { "removed", "{id}: removed" };
static const struct event expired = { "expired",
	"{id}: from=<{from}>, status={status}, returned to sender" };

static unsigned busy, enders, waiting;
static struct message *first_ended, *last_ended;

unsigned
pass_busy(void)
{
	return busy + waiting;
}

void
pass_hold(struct message *m)
{
	m->hands++;
}

bool
pass_last(const struct message *m)
{
	return m->hands == 1;
}

void
message_retry(struct message *m)
{
	if (m->active || m->ready || m->held)
		return;
	index_due(m, clock_ms());
	pump_wake();
}

static bool
is_done(const struct rcpt *r)
{
	return r->state == RCPT_EXPANDED || r->state == RCPT_NOTIFIED ||
	    (r->state == RCPT_SENT && !(r->notify & NOTIFY_SUCCESS)) ||
	    (r->state == RCPT_SENT && (r->notify & NOTIFY_NEVER));
}

bool
pass_all_sent(const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (!is_done(&m->rcpts[i]))
			return false;
	return true;
}

/*
 * Nobody waits for a done mark but the agent that keeps the result, and it does so for many.  So marks
 * wait a moment for each other and are synced together.
 */
static void
wait_for_others(void)
{
	static struct fiber_gather marks;

	if (!service_stopping())
		fiber_gather(&marks, GATHER_MS);
}

/* The message leaves the queue. */
static void
finish(struct message *m)
{
	bool kept;

	m->ending = true;
	wait_for_others();
	while (m->logging || m->operators > 0)	/* an operator's word is on its way to the disk */
		(void)fiber_queue_wait(&m->turn, NEVER);
	if (!m->gone) {
		if (spool_finish(&spool, &m->place, free_files < SPOOL_FREE_MAX, &kept) && kept)
			free_files++;
		EVENT(&removed, { "id", str_of(m->place.head.id) });
	}
	work_drop(m);
	active_leave(m);
	index_remove(m);
	pump_wake();
}

/* Another time. */
static void
put_off(struct message *m)
{
	int64_t now = clock_wall_us(), wait;
	enum spool_folder to = m->held ? SPOOL_HOLD : SPOOL_DEFERRED;

	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_TODO)
			m->rcpts[i].state = RCPT_DEFERRED;
	wait = m->held ? 0 : backoff_ms((now - m->arrival_us) / 1000, queue_conf.minimal_backoff_ms,
	    queue_conf.maximal_backoff_ms, random_below(UINT32_MAX));
	m->next_us = m->held ? 0 : now + wait * 1000;
	(void)log_dirty(m, true, false);
	if (m->gone) {
		log_warn("%s: message file is missing: dropped", m->place.head.id);
		finish(m);
		return;
	}
	if (spool_move(&spool, m->place.folder, to, m->place.head.id))
		m->place.folder = to;
	else
		log_error("%s: move to %s: %s", m->place.head.id, spool_folder_name(to),
		    strerror(errno));
	work_drop(m);
	active_leave(m);
	if (!m->held)
		index_due(m, deadline_in(wait));
	pump_wake();
}

static void
expire(struct message *m)
{
	int64_t most = m->sender.n == 0 ? queue_conf.bounce_lifetime_ms :
	    queue_conf.maximal_lifetime_ms;
	struct reason old = { STR("4.4.7"), STR("message expired in the queue"), STR(""), STR("") };
	unsigned n = 0;

	if (m->held || (!m->expire && (clock_wall_us() - m->arrival_us) / 1000 < most))
		return;
	for (unsigned i = 0; i < m->nrcpts; i++) {
		struct rcpt *r = &m->rcpts[i];

		if (r->state != RCPT_TODO && r->state != RCPT_DEFERRED)
			continue;
		if (r->why == NULL)
			r->why = reason_hold(&old);
		r->state = RCPT_BOUNCED;
		r->dirty = true;
		n++;
	}
	if (n > 0)
		EVENT(&expired, { "id", str_of(m->place.head.id) }, { "from", m->sender },
		    { "status", m->expire ? STR("force-expired") : STR("expired") });
}

static struct str
sender_of(const struct message *m, const struct rcpt *r)
{
	return r->owned ? r->sender : m->sender;
}

/* Does the sender want to hear of this recipient, and in which kind of notice? */
static bool
notice_due(const struct rcpt *r, uint64_t *kind)
{
	*kind = r->state == RCPT_BOUNCED ? NOTICE_FAILED : NOTICE_SUCCESS;
	if (r->notify & NOTIFY_NEVER)
		return false;
	if (r->state == RCPT_BOUNCED)
		return r->notify == 0 || (r->notify & NOTIFY_FAILURE) != 0;
	return r->state == RCPT_SENT && (r->notify & NOTIFY_SUCCESS) != 0;
}

static void
fill_notify_rcpt(struct notify_rcpt *to, const struct rcpt *r)
{
	*to = (struct notify_rcpt){ .addr = r->addr, .orig = r->orig, .orcpt = r->orcpt,
		.action = r->state == RCPT_BOUNCED ? ACTION_FAILED :
		    r->relayed ? ACTION_RELAYED : ACTION_DELIVERED,
		.attempt_us = (uint64_t)clock_wall_us() };
	if (r->why != NULL) {
		to->dsn = r->why->dsn;
		to->text = r->why->text;
		to->diag = r->why->diag;
		to->remote = r->why->remote;
	}
	/* A recipient that failed for good because its time was over keeps its 4.x.x as 5.x.x's cause;
	 * the notice says failed. */
}

/* One notice for all recipients of this kind and envelope sender; false: ask again later. */
static bool
notify_group(struct message *m, uint64_t kind, struct str sender)
{
	struct pool *pool = pool_new();
	struct notify_rcpt *v = pool_array(pool, m->nrcpts, sizeof(*v));
	unsigned *nums = pool_array(pool, m->nrcpts, sizeof(*nums));
	struct notify ask = {
		.kind = kind, .queue_id = str_of(m->place.head.id), .sender = sender,
		.envid = m->env->envid, .ret = m->env->ret, .flags = m->env->flags,
		.arrival_us = (uint64_t)m->arrival_us, .client_name = m->env->client_name,
		.received = m->env->received, .received_id_at = m->env->received_id_at,
		.prepend = m->env->prepend, .edits = m->env->edits, .content = m->content,
		.fd = m->fd, .offset = m->fd >= 0 ? SPOOL_HEAD : 0, .size = m->size,
	};
	struct notified got;
	uint64_t k;
	size_t n = 0;
	bool ok;

	for (unsigned i = 0; i < m->nrcpts; i++)
		if (notice_due(&m->rcpts[i], &k) && k == kind &&
		    str_eq(sender_of(m, &m->rcpts[i]), sender)) {
			fill_notify_rcpt(&v[n], &m->rcpts[i]);
			nums[n++] = i;
		}
	ask.rcpts = (struct ipc_list){ v, n };
	m->place.lent = m->place.lent || m->fd >= 0;
	ok = bounce_notify(&ask, &got, pool, deadline_in(NOTICE_MS));
	for (size_t i = 0; ok && i < n; i++) {
		m->rcpts[nums[i]].state = RCPT_NOTIFIED;
		m->rcpts[nums[i]].dirty = true;
	}
	pool_free(pool);
	return ok;
}

static void
notify_all(struct message *m)
{
	uint64_t kind;

	if (!work_load(m))
		return;
	for (unsigned i = 0; i < m->nrcpts; i++) {
		struct rcpt *r = &m->rcpts[i];

		if (notice_due(r, &kind)) {
			if (!notify_group(m, kind, sender_of(m, r)))
				return;
		} else if (r->state == RCPT_BOUNCED) {
			r->state = RCPT_NOTIFIED;	/* nobody is to hear of it */
			r->dirty = true;
		}
	}
}

static bool
has_state(const struct message *m, enum rcpt_state state)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == state)
			return true;
	return false;
}

static void
pass_end(struct message *m)
{
	busy++;
	ASSERT(m->open == 0);
	if (m->deleted || pass_all_sent(m)) {
		finish(m);
	} else if (has_state(m, RCPT_TODO) && !m->expire) {
		reroute(m);		/* out of a .forward */
	} else {
		expire(m);
		if (has_state(m, RCPT_BOUNCED) || has_state(m, RCPT_SENT)) {
			(void)log_dirty(m, false, true);
			notify_all(m);
		}
		if (m->gone || pass_all_sent(m))
			finish(m);
		else
			put_off(m);
	}
	busy--;
}

static void
end_fiber(void *arg)
{
	msec_t since = clock_ms();
	struct message *m;

	(void)arg;
	while ((m = first_ended) != NULL) {
		first_ended = m->next;
		waiting--;
		pass_end(m);
		let_others(&since);
	}
	enders--;
}

/* A destination that dies ends the passes of thousands: they take turns with everything else. */
void
pass_leave(struct message *m)
{
	ASSERT(m->hands > 0);
	if (--m->hands > 0)
		return;
	m->next = NULL;
	if (first_ended == NULL)
		first_ended = m;
	else
		last_ended->next = m;
	last_ended = m;
	waiting++;
	if (enders == ENDING_MAX)
		return;
	enders++;
	(void)fiber_start(end_fiber, NULL, "pass end");
}

void
pass_leave_here(struct message *m)
{
	ASSERT(m->hands > 0);
	if (--m->hands == 0)
		pass_end(m);
}

/*
 * Most messages are done before a second is over, and their files never leave incoming/ until they
 * go to free/.  Those that take longer move to active/, where people look for them.
 */
void
pass_sweep(void *arg)
{
	(void)arg;
	while (fiber_sleep(deadline_in(SWEEP_MS)) != WAKE_CANCEL)
		active_sweep(clock_wall_us() - (int64_t)SWEEP_MS * 1000);
}
