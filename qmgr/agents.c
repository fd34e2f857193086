/* SPDX-License-Identifier: ISC */
/*
 * agents - deliveries under way.
 *
 * A result is believed when its delivery is known; it is logged and synced, and only then settled.
 * A connection that ends gives its agent a moment to come back and say what it still holds; what
 * nobody holds is delivered again.
 */
#include "qmgr/qmgr.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "base/panic.h"
#include "daemon/service.h"
#include "wire/peers.h"

#define INFLIGHT_MS	10000
#define WORKER_MS	30000
#define AGENT_MS	30000		/* wait this long for a first agent */
#define SEND_MS		60000
#define GRACE_MS	2000		/* an agent may come back within */
#define FIND_MS		100000		/* a message a result is about may turn up within */

struct agent {
	struct ipc *c;			/* NULL: ended */
	unsigned peer;
	char service[64];		/* its name in master.cf; "": it serves any transport */
	bool ready;			/* said what it has in flight */
	unsigned flying;
	unsigned users;			/* fibers that look at it */
	struct worker *worker;
};

struct worker {
	struct agent *agent;		/* NULL: none now */
	bool starting;
	struct fiber_queue started;
};

/* A delivery that an earlier qmgr gave out. */
struct foreign {
	uint64_t serial;
	struct agent *agent;
	struct job *job;		/* once its message was taken up */
};

static struct vec agents = { .size = sizeof(struct agent *) };
static struct fiber_queue agents_door;
static struct map *workers, *flying, *foreigns, *elsewhere;
static size_t turn;
static unsigned asking;

static struct str
serial_key(const uint64_t *serial)
{
	return str_n(serial, sizeof(*serial));
}

static void
begin(void)
{
	if (flying != NULL)
		return;
	workers = map_new();
	flying = map_new();
	foreigns = map_new();
	elsewhere = map_new();
}

static struct str
place_key(char buf[64], struct str id, uint64_t num)
{
	size_t n = id.n < 40 ? id.n : 40;

	memcpy(buf, id.p, n);
	buf[n] = '/';
	for (unsigned i = 0; i < 4; i++)
		buf[n + 1 + i] = (char)(num >> (8 * i));
	return str_n(buf, n + 5);
}

bool
agents_asked(void)
{
	return agents.n > 0 && asking == 0;
}

size_t
agents_flying(void)
{
	size_t n = 0;

	for (size_t i = 0; i < agents.n; i++) {
		const struct agent *a = *(struct agent **)vec_at(&agents, i);

		n += a->c != NULL ? a->flying : 0;
	}
	return n;
}

static void
agent_release(struct agent *a)
{
	if (a->c == NULL && a->users == 0 && a->flying == 0)
		free(a);
}

static void
note_foreign(struct agent *a, const struct inflight_one *one)
{
	struct job *j = map_get(flying, serial_key(&one->serial));
	const struct inflight_num *nums = one->nums.v;
	struct foreign *f;
	char buf[64];

	if (j != NULL) {			/* ours: the agent came back with it */
		j->agent->flying--;
		agent_release(j->agent);
		j->agent = a;
		a->flying++;
		return;
	}
	f = mem_zero(1, sizeof(*f));
	f->serial = one->serial;
	f->agent = a;
	free(map_put(foreigns, serial_key(&f->serial), f));
	for (size_t i = 0; i < one->nums.n; i++)
		(void)map_put(elsewhere, place_key(buf, one->queue_id, nums[i].num), f);
}

static void
ask_inflight(void *arg)
{
	struct agent *a = arg;
	struct inflight ask = { 0 };
	struct inflight_reply got = { .service = STR("") };
	struct pool *pool = pool_new();
	const struct inflight_one *v;

	if (a->c != NULL && ipc_call(a->c, &inflight_msg, &ask, &inflight_reply_msg, &got, pool,
	    deadline_in(INFLIGHT_MS)) != IPC_DONE)
		log_warn("%s does not say what it has in flight", peer_name(a->peer));
	(void)snprintf(a->service, sizeof(a->service), "%.*s", STR_ARG(got.service));
	v = got.list.v;
	for (size_t i = 0; i < got.list.n && a->c != NULL; i++)
		note_foreign(a, &v[i]);
	pool_free(pool);
	asking--;
	a->ready = true;
	a->users--;
	(void)fiber_queue_wake_all(&agents_door);
	agent_release(a);
}

void
agents_joined(struct ipc *c)
{
	unsigned peer = ipc_peer(c);
	struct agent *a;

	begin();
	if (peer != PEER_SMTP && peer != PEER_LOCAL)
		return;
	a = mem_zero(1, sizeof(*a));
	a->c = c;
	a->peer = peer;
	a->users = 1;
	ipc_set_user(c, a);
	*(struct agent **)vec_push(&agents) = a;
	asking++;
	(void)fiber_start(ask_inflight, a, "inflight");
}

static void
forget_foreign(struct foreign *f)
{
	size_t at = 0;
	struct str key;
	void *value;

	while (map_next(elsewhere, &at, &key, &value))
		if (value == f)
			(void)map_del(elsewhere, key);
	(void)map_del(foreigns, serial_key(&f->serial));
	free(f);
}

/* The agent had its time to come back: what it held is nobody's now. */
static void
bury(void *arg)
{
	struct agent *a = arg;
	size_t at = 0;
	void *value;

	(void)fiber_sleep(deadline_in(GRACE_MS));
	while (map_next(foreigns, &at, NULL, &value)) {
		struct foreign *f = value;

		if (f->agent != a)
			continue;
		if (f->job == NULL) {
			forget_foreign(f);
			at = 0;
		}
	}
	at = 0;
	while (a->flying > 0 && map_next(flying, &at, NULL, &value)) {
		struct job *j = value;

		if (j->agent != a)
			continue;
		(void)map_del(flying, serial_key(&j->serial));
		j->flying = false;
		j->agent = NULL;
		a->flying--;
		sched_again(j);
		at = 0;
	}
	a->users--;
	agent_release(a);
}

void
agents_left(struct ipc *c)
{
	struct agent *a = ipc_user(c);

	if (a == NULL || (ipc_peer(c) != PEER_SMTP && ipc_peer(c) != PEER_LOCAL))
		return;
	for (size_t i = 0; i < agents.n; i++)
		if (*(struct agent **)vec_at(&agents, i) == a) {
			vec_remove(&agents, i);
			break;
		}
	if (a->worker != NULL && a->worker->agent == a)
		a->worker->agent = NULL;
	a->c = NULL;
	a->users++;
	(void)fiber_start(bury, a, "bury");
}

static bool
serves(const struct agent *a, struct str transport)
{
	return a->peer == PEER_SMTP && a->ready &&
	    (a->service[0] == '\0' || str_eq(str_of(a->service), transport));
}

/*
 * Nobody serves the transport while others are there: its name is wrong, or its processes are away.
 * Said once until somebody serves it; at a start, when no agent has come yet, it is no news.
 */
static void
note_unserved(struct str transport, bool unserved)
{
	static struct map *said;

	if (said == NULL)
		said = map_new();
	if (!unserved) {
		if (map_count(said) > 0)
			(void)map_del(said, transport);
	} else if (agents_asked() && map_put(said, transport, &said) == NULL) {
		log_warn("no process serves the transport \"%.*s\": is it in master.cf? "
		    "mail for it waits", STR_ARG(transport));
	}
}

/* The process of that transport with the fewest deliveries; equals take turns. */
static struct agent *
pick_smtp(struct str transport)
{
	msec_t until = deadline_in(AGENT_MS);
	struct agent *found = NULL;

	for (;;) {
		for (size_t i = 0; i < agents.n; i++) {
			struct agent *a = *(struct agent **)vec_at(&agents, (turn + i) % agents.n);

			if (serves(a, transport) &&
			    (found == NULL || a->flying < found->flying))
				found = a;
		}
		turn++;
		note_unserved(transport, found == NULL);
		if (found != NULL ||
		    fiber_queue_wait(&agents_door, until) != WAKE_READY)
			return found;
	}
}

static struct agent *
start_worker(struct worker *w, const struct dest *d, struct pool *pool, struct str *why)
{
	struct ipc *c;
	struct agent *a = NULL;

	w->starting = true;
	c = service_worker(PEER_LOCAL, d->uid, d->gid, d->mailbox, d->virtual_box, pool, why,
	    deadline_in(WORKER_MS));
	if (c != NULL && (a = ipc_user(c)) != NULL) {
		a->users++;
		while (!a->ready && a->c != NULL)
			if (fiber_queue_wait(&agents_door, deadline_in(INFLIGHT_MS)) != WAKE_READY)
				break;
		a->users--;
		if (a->c == NULL) {
			agent_release(a);
			a = NULL;
			*why = STR("the delivery process ended");
		} else {
			a->worker = w;
		}
	}
	w->agent = a;
	w->starting = false;
	(void)fiber_queue_wake_all(&w->started);
	return a;
}

/* The process that delivers as this user. */
static struct agent *
pick_worker(const struct dest *d, struct pool *pool, struct str *why)
{
	struct str key = pool_printf(pool, "%u:%u:%d", (unsigned)d->uid, (unsigned)d->gid,
	    d->virtual_box);
	struct worker *w = map_get(workers, key);

	if (w == NULL) {
		w = mem_zero(1, sizeof(*w));
		(void)map_put(workers, key, w);
	}
	*why = STR("the delivery process did not start");
	while (w->agent == NULL && w->starting)
		if (fiber_queue_wait(&w->started, deadline_in(WORKER_MS)) != WAKE_READY)
			return NULL;
	return w->agent != NULL ? w->agent : start_worker(w, d, pool, why);
}

static void
fill(struct deliver *d, const struct job *j, struct pool *pool)
{
	struct message *m = j->m;
	struct deliver_rcpt *rcpts = pool_array(pool, j->n, sizeof(*rcpts));

	for (unsigned i = 0; i < j->n; i++) {
		const struct rcpt *r = &m->rcpts[j->nums[i]];

		rcpts[i] = (struct deliver_rcpt){ j->nums[i], r->addr, r->orig, r->orcpt, r->notify };
	}
	*d = (struct deliver){
		.serial = j->serial, .queue_id = str_of(m->place.head.id),
		.transport = dest_transport(j->dest), .nexthop = j->dest->nexthop,
		.mailbox = j->dest->mailbox, .sender = j->sender, .envid = m->env->envid,
		.ret = m->env->ret, .flags = m->env->flags, .rcpts = { rcpts, j->n },
		.arrival_us = (uint64_t)m->arrival_us, .active_us = (uint64_t)m->active_us,
		.received = m->env->received, .received_id_at = m->env->received_id_at,
		.prepend = forwarded_fields(m, j->nums[0], pool), .edits = m->env->edits,
		.client_name = m->env->client_name, .client_addr = m->env->client_addr,
		.helo = m->env->helo, .proto = m->env->proto, .sasl_user = m->env->sasl_user,
		.content = m->content, .fd = m->fd, .offset = m->fd >= 0 ? SPOOL_HEAD : 0,
		.size = m->size,
	};
	m->place.lent = m->place.lent || m->fd >= 0;
}

/* No agent took it: its recipients wait. */
static void
not_sent(struct job *j, struct str text, bool hop_is_bad)
{
	struct reason why = { STR("4.3.0"), text, STR(""), STR("") };
	struct message *m = j->m;

	for (unsigned i = 0; i < j->n; i++) {
		rcpt_settle(m, j->nums[i], RCPT_DEFERRED, why);
		log_rcpt(m, &m->rcpts[j->nums[i]], RESULT_DEFERRED, &why);
		m->open--;
	}
	sched_back(j, hop_is_bad ? 2 : 0, &why);
	job_free(j);
	pass_leave(m);
}

void
agents_send(struct job *j)
{
	struct pool *pool = pool_new();
	struct str why = STR("");
	struct message *m = j->m;
	struct agent *a;
	struct deliver d;
	enum ipc_result r;

	begin();
	a = j->dest->worker ? pick_worker(j->dest, pool, &why) :
	    pick_smtp(dest_transport(j->dest));
	if (a == NULL) {
		if (!j->dest->worker)
			why = pool_printf(pool, "no process serves the transport \"%.*s\"",
			    STR_ARG(dest_transport(j->dest)));
		not_sent(j, pool_printf(pool, "mail transport unavailable: %.*s",
		    (int)(why.n < 1000 ? why.n : 1000), why.p), true);
		pool_free(pool);
		return;
	}
	if (!work_load(m)) {
		not_sent(j, STR("the message file cannot be read"), false);
		pool_free(pool);
		return;
	}
	pass_hold(m);
	work_use(m);
	fill(&d, j, pool);
	j->agent = a;
	j->flying = true;
	a->flying++;
	a->users++;
	(void)map_put(flying, serial_key(&j->serial), j);
	r = a->c == NULL ? IPC_GONE : ipc_send(a->c, &deliver_msg, &d, deadline_in(SEND_MS));
	a->users--;
	/* After GONE the agent's end is on its way, and with it the job's next try. */
	if (r == IPC_TIMEOUT || r == IPC_TOOBIG) {
		uint64_t serial = d.serial;

		if (map_get(flying, serial_key(&serial)) == j) {
			(void)map_del(flying, serial_key(&serial));
			a->flying--;
			j->flying = false;
			not_sent(j, STR("the delivery process does not take the message"), false);
		}
	}
	agent_release(a);
	work_unuse(m);
	pass_leave(m);
	pool_free(pool);
}

bool
agents_elsewhere(struct message *m, uint32_t num)
{
	char buf[64];
	struct foreign *f;
	struct job *j;

	begin();
	if (map_count(elsewhere) == 0)
		return false;
	f = map_get(elsewhere, place_key(buf, str_of(m->place.head.id), num));
	if (f == NULL || (f->job != NULL && f->job->m != m))
		return false;
	if ((j = f->job) == NULL) {
		j = f->job = mem_zero(1, sizeof(*j));
		j->m = m;
		j->serial = f->serial;
		j->agent = f->agent;
		j->flying = true;
		f->agent->flying++;
		(void)map_put(flying, serial_key(&j->serial), j);
		pass_hold(m);
	}
	j->nums = mem_resize(j->nums, (j->n + 1) * sizeof(*j->nums));
	j->nums[j->n++] = num;
	m->rcpts[num].state = RCPT_OPEN;
	m->rcpts[num].routed = true;
	m->open++;
	(void)map_del(elsewhere, place_key(buf, str_of(m->place.head.id), num));
	return true;
}

static bool
in_job(const struct job *j, uint64_t num)
{
	for (unsigned i = 0; i < j->n; i++)
		if (j->nums[i] == num)
			return true;
	return false;
}

static void
apply(struct job *j, const struct result_rcpt *res)
{
	static const enum rcpt_state states[] = { [RESULT_SENT] = RCPT_SENT,
		[RESULT_DEFERRED] = RCPT_DEFERRED, [RESULT_BOUNCED] = RCPT_BOUNCED,
		[RESULT_EXPANDED] = RCPT_EXPANDED };
	struct reason why = { res->dsn, res->text, res->diag, res->remote };
	struct message *m = j->m;
	uint32_t num = (uint32_t)res->num;

	if (!in_job(j, res->num) || m->rcpts[num].state != RCPT_OPEN)
		return;
	m->rcpts[num].relayed = j->dest != NULL && !j->dest->worker;
	if (res->status == RESULT_EXPANDED) {
		/* When the log takes no forwarding, local is asked again later; a copy that it put into
		 * the mailbox, too, it will find there. */
		if (expand_rcpt(m, num, &res->to, false, res->owner.n > 0, res->owner))
			return;
		why = (struct reason){ STR("4.3.0"), STR("forwarding could not be stored"), STR(""),
			STR("") };
		log_rcpt(m, &m->rcpts[num], RESULT_DEFERRED, &why);
		rcpt_settle(m, num, RCPT_DEFERRED, why);
		return;
	}
	rcpt_settle(m, num, res->status == RESULT_SENT && res->notifies ? RCPT_NOTIFIED :
	    states[res->status], why);
}

/* Wait for the job of a delivery that an earlier qmgr gave out; NULL: its message is no more. */
static struct job *
find_foreign(struct str id, uint64_t serial)
{
	msec_t until = deadline_in(FIND_MS);

	while (deadline_left(until) > 0) {
		struct foreign *f = map_get(foreigns, serial_key(&serial));
		struct message *m = index_find(id);

		if (f == NULL || (m == NULL && scan_done_yet()))
			return NULL;
		if (f->job != NULL && f->job->flying)
			return f->job;
		if (m != NULL && !m->active && !m->held)
			message_retry(m);
		(void)fiber_sleep(deadline_in(50));
	}
	return NULL;
}

/*
 * An agent that joins tells what it has at once, maybe before it was asked what it has in flight.  Until
 * its answer is here nobody knows whether a result is of an earlier qmgr's delivery; taken too early,
 * it would be lost, and its message delivered again, or for ever believed to be on its way.
 */
static void
wait_answer(struct ipc *c)
{
	struct agent *a = ipc_user(c);

	if (a == NULL || a->ready)
		return;
	a->users++;
	while (!a->ready && a->c != NULL)
		if (fiber_queue_wait(&agents_door, deadline_in(2 * INFLIGHT_MS)) != WAKE_READY)
			break;
	a->users--;
	agent_release(a);
}

static void
settle(struct ipc_req *r, const struct result *res)
{
	struct settled s = { res->serial };

	ipc_reply(r, &s);
}

void
on_result(struct ipc_req *r, const void *msg)
{
	const struct result *res = msg;
	const struct result_rcpt *v = res->rcpts.v;
	struct job *j;
	struct foreign *f;
	struct message *m;
	bool quick;

	wait_answer(ipc_conn(r));
	j = map_get(flying, serial_key(&res->serial));
	if (j == NULL)
		j = find_foreign(res->queue_id, res->serial);
	if (j == NULL || !str_eq(res->queue_id, str_of(j->m->place.head.id))) {
		settle(r, res);		/* told before: its log says so */
		return;
	}
	m = j->m;
	(void)map_del(flying, serial_key(&j->serial));
	j->flying = false;
	j->agent->flying--;
	agent_release(j->agent);
	if ((f = map_get(foreigns, serial_key(&res->serial))) != NULL)
		forget_foreign(f);
	for (size_t i = 0; i < res->rcpts.n; i++)
		apply(j, &v[i]);
	for (unsigned i = 0; i < j->n; i++)
		if (m->rcpts[j->nums[i]].state == RCPT_OPEN) {
			struct reason why = { STR("4.3.0"), STR("no result from the delivery agent"),
				STR(""), STR("") };

			rcpt_settle(m, j->nums[i], RCPT_DEFERRED, why);
		}
	m->open -= j->n;
	sched_back(j, (unsigned)res->hop, res->rcpts.n > 0 ? m->rcpts[j->nums[0]].why : NULL);
	job_free(j);
	/* All sent and nothing else to do: the done mark will say it all. */
	quick = pass_last(m) && pass_all_sent(m);
	if (!quick)
		(void)log_dirty(m, false, true);
	/* m may be gone after it; the agent hears when the mark is safe. */
	if (quick)
		pass_leave_here(m);
	else
		pass_leave(m);
	settle(r, res);
}
