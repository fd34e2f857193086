/* SPDX-License-Identifier: ISC */
/*
 * active - take a due message up: content and envelope, routes, expansions, jobs.
 *
 * What router expanded is written to the log and synced before anything goes to the new addresses,
 * so that a restart goes on with the same recipients.
 */
#include "qmgr/qmgr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ask/route.h"
#include "base/event.h"
#include "base/log.h"
#include "base/panic.h"
#include "conf/common.h"
#include "conf/room_queue.h"
#include "daemon/service.h"
#include "wire/deliver_log.h"

#define STARTING_MAX	100	/* messages being routed at once */
#define ROUTE_MS	120000	/* router has this long */
#define EXPAND_DEPTH	20	/* generations of a recipient */
#define EXPAND_ROUNDS	4	/* router expands in one step; more rounds are .forward */

struct fiber_queue pump_door;
unsigned active_count;
const struct envelope no_envelope;
static unsigned starting, active_old;
static uint64_t content_held;
static struct vec actives = { .size = sizeof(struct message *) };

static const struct event queue_active = { "queue-active",
	"{id}: from=<{from}>, size={size}, nrcpt={nrcpt} (queue active)" };

void
pump_wake(void)
{
	(void)fiber_queue_wake(&pump_door);
}

bool
work_room(size_t n)
{
	return content_held + n <= queue_conf.content_cache;
}

void
work_took(size_t n)
{
	content_held += n;
}

void
work_drop(struct message *m)
{
	if (m->fd >= 0)
		(void)close(m->fd);
	m->fd = -1;
	if (m->work == NULL)
		return;
	content_held -= m->content.n;
	m->content = STR("");
	m->env = &no_envelope;
	pool_free(m->work);
	m->work = NULL;
}

void
let_others(msec_t *since)
{
	msec_t now = clock_ms();

	if (now == *since)
		return;
	fiber_yield();
	*since = clock_ms();
}

void
work_use(struct message *m)
{
	m->using++;
}

/* What many messages hold at once is bounded; a descriptor is never kept. */
void
work_unuse(struct message *m)
{
	ASSERT(m->using > 0);
	if (--m->using == 0 && (m->fd >= 0 || !work_room(0)))
		work_drop(m);
}

bool
work_load(struct message *m)
{
	struct spool_file f;
	enum spool_verdict v;
	int fd = -1;

	if (m->work != NULL)
		return true;
	m->work = pool_new();
	v = spool_read(&spool, m->place.folder, m->place.head.id,
	    SPOOL_READ_CONTENT | (m->verified ? 0 : SPOOL_READ_VERIFY), m->work, &f, &fd);
	if (v == SPOOL_GOOD) {
		m->verified = true;
		m->env = memcpy(pool_alloc(m->work, sizeof(f.env)), &f.env, sizeof(f.env));
		m->content = f.content;
		work_took(m->content.n);
		if (f.head.content_len > LIMIT_SMALL)
			m->fd = fd;
		else
			(void)close(fd);
		return true;
	}
	if (v == SPOOL_ERROR) {
		log_error("%s: read queue file: %s", m->place.head.id, strerror(errno));
	} else {
		log_warn("%s: message file is %s: %s", m->place.head.id, spool_verdict_word(v),
		    v == SPOOL_MISSING ? "dropped" : "moved to corrupt");
		if (v != SPOOL_MISSING)
			(void)spool_move(&spool, m->place.folder, SPOOL_CORRUPT, m->place.head.id);
		m->deleted = m->gone = true;
	}
	work_drop(m);
	return false;
}

/* The log, one writer at a time. */
bool
log_records(struct message *m, const struct spool_record *v, size_t n, bool sync)
{
	bool ok;

	while (m->logging)
		(void)fiber_queue_wait(&m->turn, NEVER);
	m->logging = true;
	ok = spool_log(&spool, &m->place, v, n, sync);
	if (!ok) {
		int e = errno;

		log_error("%s: write log of queue file: %s", m->place.head.id, strerror(e));
		if (e == ENOENT)
			m->deleted = m->gone = true;
	}
	m->logging = false;
	(void)fiber_queue_wake_all(&m->turn);
	return ok;
}

static uint64_t
spool_state(const struct rcpt *r)
{
	switch (r->state) {
	case RCPT_SENT:
		return SPOOL_RCPT_SENT;
	case RCPT_BOUNCED:
		return SPOOL_RCPT_BOUNCED;
	case RCPT_EXPANDED:
		return SPOOL_RCPT_EXPANDED;
	case RCPT_NOTIFIED:
		return SPOOL_RCPT_NOTIFIED;
	default:
		return SPOOL_RCPT_DEFERRED;
	}
}

#define TEXTS_MAX	(6u << 20)	/* of one record; then texts are cut */
#define TEXT_CUT	80
#define LOG_LONG	(SPOOL_LOG_MAX / 2)	/* then only final states are added */

/* The reason of a recipient as the record has it: whole, while there is room. */
static void
fill_reason(struct spool_result *to, const struct reason *why, size_t *texts)
{
	bool cut = *texts + why->text.n + why->diag.n > TEXTS_MAX;

	to->dsn = why->dsn;
	to->text = cut ? str_sub(why->text, 0, TEXT_CUT) : why->text;
	to->diag = cut ? STR("") : why->diag;
	to->remote = why->remote;
	*texts += cut ? 0 : why->text.n + why->diag.n;
}

/*
 * Write the states that the log does not have yet: final ones, and with `deferred_too` all.  What is
 * read at a start has its bounds (SPOOL_RECORD_MAX, SPOOL_LOG_MAX), and final states must be in them.
 */
bool
log_dirty(struct message *m, bool deferred_too, bool sync)
{
	struct pool *pool = pool_new();
	struct spool_result *v = pool_array(pool, m->nrcpts, sizeof(*v));
	struct spool_record rec = { .kind = SPOOL_LOG_RESULT,
		.time_us = (uint64_t)clock_wall_us(), .next_us = deferred_too ? (uint64_t)m->next_us : 0 };
	const struct reason *last = NULL;
	bool final_only = !deferred_too ||
	    m->place.log_end - spool_log_at(&m->place.head) > LOG_LONG;
	size_t n = 0, texts = 0;
	bool ok;

	for (unsigned i = 0; i < m->nrcpts; i++) {
		struct rcpt *r = &m->rcpts[i];

		if (!r->dirty || (final_only && r->state <= RCPT_DEFERRED))
			continue;
		r->dirty = false;
		v[n].num = i;
		v[n].status = spool_state(r);
		v[n].same = n > 0 && r->why == last;
		if (!v[n].same && r->why != NULL)
			fill_reason(&v[n], r->why, &texts);
		last = r->why;
		n++;
	}
	rec.results = (struct ipc_list){ v, n };
	if (n == 0)
		rec.kind = SPOOL_LOG_NEXT;
	if (deferred_too && m->held) {
		rec.next_us = 0;
		rec.kind = m->hold_new ? SPOOL_LOG_HOLD : rec.kind;
		m->hold_new = false;
	}
	ok = (n == 0 && rec.next_us == 0 && rec.kind != SPOOL_LOG_HOLD) ||
	    log_records(m, &rec, 1, sync);
	/* What the log did not take is for the next writer. */
	for (size_t i = 0; i < n && !ok; i++)
		m->rcpts[v[i].num].dirty = true;
	m->hold_new = m->hold_new || (!ok && rec.kind == SPOOL_LOG_HOLD && m->held);
	pool_free(pool);
	return ok;
}

void
rcpt_settle(struct message *m, uint32_t num, enum rcpt_state state, struct reason why)
{
	struct rcpt *r = &m->rcpts[num];
	const struct reason *old = r->why;

	r->state = (uint8_t)state;
	r->dirty = true;
	r->why = reason_hold(&why);
	reason_drop(old);
}

void
log_rcpt(struct message *m, const struct rcpt *r, unsigned status, const struct reason *why)
{
	struct deliver d = { .queue_id = str_of(m->place.head.id),
		.arrival_us = (uint64_t)m->arrival_us, .active_us = (uint64_t)m->active_us };
	struct deliver_rcpt to = { .addr = r->addr, .orig = r->orig };
	struct result_rcpt res = { .status = status, .dsn = why->dsn, .text = why->text };
	int64_t now = clock_wall_us();
	struct deliver_times t = { now, now, now };

	/* Postfix's programs of these names would say this. */
	log_program(status == RESULT_SENT ? "discard" : "error");
	deliver_log(&d, &to, &res, STR("none"), 1, &t);
	log_program("qmgr");
}

static void
apply_fate(struct message *m, uint32_t num, const struct route *route, enum rcpt_state state)
{
	struct reason why = { route->dsn, route->text, STR(""), STR("") };
	char soft[16];
	unsigned status;

	if (state == RCPT_BOUNCED && common.soft_bounce) {
		state = RCPT_DEFERRED;
		if (str_start(why.dsn, STR("5"))) {
			(void)snprintf(soft, sizeof(soft), "4%.*s", STR_ARG(str_sub(why.dsn, 1, 14)));
			why.dsn = str_of(soft);
		}
	}
	status = state == RCPT_SENT ? RESULT_SENT :
	    state == RCPT_BOUNCED ? RESULT_BOUNCED : RESULT_DEFERRED;
	if (why.dsn.n == 0 || (state == RCPT_SENT && why.dsn.p[0] != '2'))
		why.dsn = state == RCPT_SENT ? STR("2.0.0") : state == RCPT_BOUNCED ?
		    STR("5.0.0") : STR("4.0.0");
	rcpt_settle(m, num, state, why);
	log_rcpt(m, &m->rcpts[num], status, &why);
}

static bool
known(const struct message *m, struct str addr)
{
	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct rcpt *r = &m->rcpts[i];

		if ((r->expanded || r->routed) && r->state != RCPT_EXPANDED && str_ieq(r->addr, addr))
			return true;
	}
	return false;
}

/* Is `addr` among the ancestors of the recipient, or the line of them too long? */
static bool
loops(const struct message *m, uint32_t num, struct str addr)
{
	unsigned depth = 0;

	for (; num != UINT32_MAX && num < m->nrcpts; num = m->rcpts[num].parent)
		if (++depth > EXPAND_DEPTH || (depth > 1 && str_ieq(m->rcpts[num].addr, addr)))
			return true;
	return false;
}

/* The recipients that `num` becomes, numbered from m->nrcpts on; false for a loop or too many. */
static bool
list_added(const struct message *m, uint32_t num, const struct strs *to, const struct spool_added *like,
    struct spool_added *v, size_t *n)
{
	bool ok = m->nrcpts + to->n <= LIMIT_RCPTS;

	*n = 0;
	for (size_t i = 0; ok && i < to->n; i++) {
		if (known(m, to->v[i]))
			continue;
		ok = like->expanded || !loops(m, num, to->v[i]);
		v[*n] = *like;
		v[*n].num = m->nrcpts + *n;
		v[*n].addr = to->v[i];
		++*n;
	}
	return ok;
}

/* One at a time of a message: numbers are given out before the log has them. */
static bool
expand_alone(struct message *m, uint32_t num, const struct strs *to, const struct spool_added *like,
    struct pool *pool)
{
	struct spool_added *v = pool_array(pool, to->n + 1, sizeof(*v));
	struct spool_record rec = { .kind = SPOOL_LOG_EXPAND, .time_us = (uint64_t)clock_wall_us() };
	struct spool_result parent = { .num = num, .status = SPOOL_RCPT_EXPANDED };
	size_t n;

	if (!list_added(m, num, to, like, v, &n)) {
		struct route no = { .dsn = STR("5.4.6"),
			.text = STR("mail forwarding loop or too many recipients") };

		apply_fate(m, num, &no, RCPT_BOUNCED);
		return true;
	}
	rec.results = (struct ipc_list){ &parent, 1 };
	rec.added = (struct ipc_list){ v, n };
	if (!log_records(m, &rec, 1, true))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct rcpt new = { .addr = v[i].addr, .orig = v[i].orig, .orcpt = v[i].orcpt,
			.notify = (uint8_t)v[i].notify, .parent = num, .owned = v[i].owned,
			.sender = v[i].sender, .expanded = v[i].expanded };

		ASSERT(rcpt_add(m, &new));
	}
	m->rcpts[num].state = RCPT_EXPANDED;
	return true;
}

/*
 * Replace a recipient by others: in the log, synced, and then in memory.  False when the log did not
 * take it: nothing has changed.
 */
bool
expand_rcpt(struct message *m, uint32_t num, const struct strs *to, bool by_router, bool has_owner,
    struct str owner)
{
	const struct rcpt *from = &m->rcpts[num];
	/* A list with an owner sends a message of its own (RFC 3461 5.2.7.3). */
	struct spool_added like = { .parent = num,
		.orig = from->orig.n > 0 ? from->orig : from->addr,
		.orcpt = has_owner ? STR("") : from->orcpt, .notify = has_owner ? 0 : from->notify,
		.expanded = by_router, .owned = has_owner || from->owned,
		.sender = has_owner ? owner : from->sender };
	struct pool *pool = pool_new();
	bool ok;

	while (m->expanding)
		(void)fiber_queue_wait(&m->turn, NEVER);
	m->expanding = true;
	ok = expand_alone(m, num, to, &like, pool);
	m->expanding = false;
	(void)fiber_queue_wake_all(&m->turn);
	pool_free(pool);
	return ok;
}

static bool
is_deferred_transport(struct str name)
{
	for (size_t i = 0; i < queue_conf.defer_transports.n; i++)
		if (str_eq(queue_conf.defer_transports.v[i], name))
			return true;
	return false;
}

static void
apply_deliver(struct message *m, uint32_t num, const struct route *route)
{
	struct rcpt *r = &m->rcpts[num];

	if (route->addr.n > 0 && !str_eq(route->addr, r->addr)) {
		if (r->orig.n == 0)
			r->orig = r->addr;
		r->addr = pool_str(m->keep, route->addr);
	}
	r->routed = true;
	if (is_deferred_transport(route->transport)) {
		struct route later = { .dsn = STR("4.3.2"), .text = STR("deferred transport") };

		apply_fate(m, num, &later, RCPT_DEFERRED);
	} else {
		sched_add(m, num, route);
	}
}

/* Its record is written when the pass ends, unsynced: after a crash router would say it again. */
static void
put_on_hold(struct message *m, const struct route *route)
{
	if (m->held)
		return;
	m->held = m->hold_new = true;
	log_info("%s: placed on hold (%.*s)", m->place.head.id, STR_ARG(route->text));
}

static void
apply_route(struct message *m, const struct route *route)
{
	uint32_t num = (uint32_t)route->num;

	if (route->num >= m->nrcpts || m->rcpts[num].state != RCPT_TODO)
		return;
	switch (route->action) {
	case ROUTE_DELIVER:
		apply_deliver(m, num, route);
		break;
	case ROUTE_EXPAND:
		if (m->rcpts[num].expanded || !expand_rcpt(m, num, &route->to, true, route->has_owner,
		    route->owner)) {
			struct route later = { .dsn = STR("4.3.0"), .text = STR("expansion could not "
			    "be stored") };

			apply_fate(m, num, &later, RCPT_DEFERRED);
		}
		break;
	case ROUTE_FAIL:
		apply_fate(m, num, route, route->code >= 500 || route->code == 0 ? RCPT_BOUNCED :
		    RCPT_DEFERRED);
		break;
	case ROUTE_DISCARD:
		apply_fate(m, num, route, RCPT_SENT);
		break;
	case ROUTE_HOLD:
		put_on_hold(m, route);
		m->rcpts[num].state = RCPT_DEFERRED;
		break;
	default:
		apply_fate(m, num, route, RCPT_DEFERRED);
		break;
	}
}

/* Ask router about all that is to do; false when nothing was. */
static bool
route_round(struct message *m)
{
	struct pool *pool = pool_new();
	struct resolve_rcpt *v = pool_array(pool, m->nrcpts, sizeof(*v));
	struct resolve ask = { .sender = m->sender };
	struct resolved got;
	size_t n = 0;

	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_TODO && !agents_elsewhere(m, i))
			v[n++] = (struct resolve_rcpt){ i, m->rcpts[i].addr, m->rcpts[i].expanded };
	if (n > 0) {
		ask.rcpts = (struct ipc_list){ v, n };
		route_resolve(&ask, &got, pool, deadline_in(ROUTE_MS));
		/* Expansions last: who is a recipient anyway is not added by one. */
		for (unsigned expand = 0; expand < 2; expand++)
			for (size_t i = 0; i < got.routes.n; i++)
				if ((route_at(&got, i)->action == ROUTE_EXPAND) == expand)
					apply_route(m, route_at(&got, i));
	}
	pool_free(pool);
	return n > 0;
}

/* It has been here too often: whoever sent it last is told, and nobody gets it again. */
static void
fail_looped(struct message *m)
{
	struct route no = { .dsn = STR("5.4.6"), .text = STR("too many hops") };

	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_TODO)
			apply_fate(m, i, &no, RCPT_BOUNCED);
}

static void
route_all(struct message *m)
{
	unsigned round = 0;

	if (m->looped)
		fail_looped(m);
	while (round++ < EXPAND_ROUNDS && route_round(m))
		;
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_TODO) {
			struct route later = { .dsn = STR("4.3.5"), .text = STR("no route was found") };

			apply_fate(m, i, &later, RCPT_DEFERRED);
		}
	/* Done already (discarded): the done mark will say it all. */
	if (!pass_last(m) || !pass_all_sent(m))
		(void)log_dirty(m, false, true);
	sched_kick();
}

static void
announce(struct message *m)
{
	struct pool *pool = pool_new();
	unsigned n = 0;

	for (unsigned i = 0; i < m->nrcpts; i++)
		n += m->rcpts[i].state <= RCPT_DEFERRED;
	EVENT(&queue_active, { "id", str_of(m->place.head.id) }, { "from", m->sender },
	    { "size", pool_printf(pool, "%llu", (unsigned long long)m->size) },
	    { "nrcpt", pool_printf(pool, "%u", n) });
	pool_free(pool);
}

/*
 * A message's pass begins; runs in a fiber of its own.  Its file is read when a delivery goes out: what
 * a dead destination puts off at once is not read at all.
 */
static void
activate(void *arg)
{
	struct message *m = arg;

	m->active_us = clock_wall_us();
	if (!m->deleted && !m->expire) {
		announce(m);
		for (unsigned i = 0; i < m->nrcpts; i++) {
			if (m->rcpts[i].state == RCPT_DEFERRED)
				m->rcpts[i].state = RCPT_TODO;
			m->rcpts[i].routed = false;
		}
		route_all(m);
	}
	starting--;
	pump_wake();
	pass_leave(m);
}

/* New recipients came up in the middle of a pass. */
static void
reroute_fiber(void *arg)
{
	struct message *m = arg;

	route_all(m);
	pass_leave(m);
}

void
reroute(struct message *m)
{
	pass_hold(m);
	(void)fiber_start(reroute_fiber, m, "reroute");
}

static void
active_join(struct message *m)
{
	m->active = true;
	m->tried = m->next_us != 0;
	active_count++;
	active_old += m->tried;
	*(struct message **)vec_push(&actives) = m;
	m->active_at = actives.n;
}

void
active_leave(struct message *m)
{
	struct message *last = *(struct message **)vec_pop(&actives);

	ASSERT(active_count > 0 && m->active_at > 0);
	if (last != m) {
		*(struct message **)vec_at(&actives, m->active_at - 1) = last;
		last->active_at = m->active_at;
	}
	m->active_at = 0;
	m->active = false;
	active_count--;
	active_old -= m->tried;
}

void
active_sweep(int64_t before_us)
{
	for (size_t i = 0; i < actives.n; i++) {
		struct message *m = *(struct message **)vec_at(&actives, i);

		if (m->place.folder != SPOOL_ACTIVE && !m->held && m->active_us != 0 &&
		    m->active_us < before_us && spool_move(&spool, m->place.folder, SPOOL_ACTIVE,
		    m->place.head.id))
			m->place.folder = SPOOL_ACTIVE;
	}
}

/* May one more message come up?  Those that were tried before leave half of the room to new mail. */
static bool
room_for(bool old)
{
	return !service_stopping() && active_count < queue_conf.active_limit && starting < STARTING_MAX &&
	    (!old || active_old < (queue_conf.active_limit + 1) / 2);
}

void
pump_run(void *arg)
{
	struct message *m;

	(void)arg;
	for (;;) {
		while (room_for(false) && (m = index_next(room_for(true))) != NULL) {
			active_join(m);
			starting++;
			pass_hold(m);
			(void)fiber_start(activate, m, "activate");
		}
		if (fiber_queue_wait(&pump_door, room_for(false) ? index_when(room_for(true)) : NEVER) ==
		    WAKE_CANCEL)
			return;
	}
}
