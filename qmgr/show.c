/* SPDX-License-Identifier: ISC */
/*
 * show - the public sockets: public/showq lists the queue in the attribute protocol of Postfix's
 * showq, which exporters read; public/qmgr takes the questions of wire/queue.h.
 *
 * showq, every name and value ended by NUL: "protocol" "showq" and an empty name; for each message
 * queue_name queue_id time size forced_expire sender, then for each recipient that waits recipient
 * and reason, and an empty name; at the end one more empty name.
 */
#include "qmgr/qmgr.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "conf/common.h"
#include "conf/room_queue.h"
#include "daemon/accept.h"
#include "daemon/service.h"
#include "io/net.h"
#include "io/stream.h"
#include "wire/peers.h"
#include "wire/queue.h"

#define SHOW_MS		120000	/* a reader has this long */
#define LISTED_MAX	64	/* users in an authorized_ list */

struct visitor {
	uid_t uid;
	unsigned n;
};

struct allowed {
	bool anyone;
	uid_t uids[LISTED_MAX];
	unsigned n;
};

static struct vec visitors = { .size = sizeof(struct visitor) };
static struct allowed may_list, may_flush;

static void
learn(struct allowed *a, const struct strs *list)
{
	for (size_t i = 0; i < list->n; i++) {
		char name[256] = { 0 };
		const struct passwd *pw;
		uint64_t uid;

		if (str_eq(list->v[i], STR("static:anyone"))) {
			a->anyone = true;
			continue;
		}
		if (a->n == LISTED_MAX || list->v[i].n >= sizeof(name))
			continue;
		memcpy(name, list->v[i].p, list->v[i].n);
		if (str_u64(list->v[i], UINT32_MAX, &uid))
			a->uids[a->n++] = (uid_t)uid;
		else if ((pw = getpwnam(name)) != NULL)
			a->uids[a->n++] = pw->pw_uid;
		else
			log_warn("authorized users: unknown user %s", name);
	}
}

void
show_learn(void)
{
	learn(&may_list, &queue_conf.authorized_mailq_users);
	learn(&may_flush, &queue_conf.authorized_flush_users);
}

static bool
is_operator(uid_t uid)
{
	return uid == 0 || uid == getuid();
}

static bool
is_allowed(const struct allowed *a, uid_t uid)
{
	if (a->anyone || is_operator(uid))
		return true;
	for (unsigned i = 0; i < a->n; i++)
		if (a->uids[i] == uid)
			return true;
	return false;
}

static struct visitor *
visitor_of(uid_t uid)
{
	struct visitor *v;

	for (size_t i = 0; i < visitors.n; i++)
		if ((v = vec_at(&visitors, i))->uid == uid)
			return v;
	v = vec_push(&visitors);
	v->uid = uid;
	return v;
}

/* Who is it, and are they too many?  False: turned away. */
static bool
enter(int fd, uid_t *uid)
{
	struct visitor *v;

	if (!net_unix_peer(fd, NULL, uid, NULL))
		return false;
	v = visitor_of(*uid);
	if (v->n >= queue_conf.tool_clients)
		return false;
	v->n++;
	return true;
}

static void
leave(uid_t uid)
{
	struct visitor *v = visitor_of(uid);

	if (--v->n == 0)
		vec_remove(&visitors, (size_t)(v - (struct visitor *)visitors.p));
}

static void
attr(struct buf *out, const char *name, struct str value)
{
	buf_addz(out, name);
	buf_addc(out, '\0');
	buf_add(out, value);
	buf_addc(out, '\0');
}

static void
attr_number(struct buf *out, const char *name, int64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	attr(out, name, str_of(text));
}

static struct str
queue_of(const struct message *m)
{
	if (m->held)
		return STR("hold");
	if (m->active)
		return STR("active");
	return m->ready ? STR("incoming") : STR("deferred");
}

static void
show_message(struct buf *out, const struct message *m)
{
	attr(out, "queue_name", queue_of(m));
	attr(out, "queue_id", str_of(m->place.head.id));
	attr_number(out, "time", m->arrival_us / 1000000);
	attr_number(out, "size", (int64_t)m->size);
	attr_number(out, "forced_expire", m->expire);
	attr(out, "sender", m->sender.n > 0 ? m->sender : STR("MAILER-DAEMON"));
	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct rcpt *r = &m->rcpts[i];

		if (r->state > RCPT_DEFERRED && r->state != RCPT_BOUNCED)
			continue;
		attr(out, "recipient", r->addr);
		attr(out, "reason", r->why != NULL ? r->why->text : STR(""));
	}
	buf_addc(out, '\0');
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct spool_name *)a)->name, ((const struct spool_name *)b)->name);
}

static void
show_queue(struct stream *s)
{
	struct vec ids = vec_of(sizeof(struct spool_name));
	struct buf out = { 0 };
	struct message *m;
	size_t at = 0;
	enum io r = IO_OK;
	msec_t since;

	attr(&out, "protocol", STR("showq"));
	buf_addc(&out, '\0');
	while (index_walk(&at, &m))
		memcpy(((struct spool_name *)vec_push(&ids))->name, m->place.head.id,
		    sizeof(m->place.head.id));
	fiber_yield();
	vec_sort(&ids, by_id);
	since = 0;
	for (size_t i = 0; i < ids.n && r == IO_OK; i++) {
		m = index_find(str_of(((struct spool_name *)vec_at(&ids, i))->name));
		if (m == NULL || m->twin || m->gone || m->deleted)
			continue;
		show_message(&out, m);
		if (out.n > 16384 || i % 64 == 63) {
			r = stream_write(s, buf_str(&out));
			buf_reset(&out);
			let_others(&since);
		}
	}
	buf_addc(&out, '\0');
	if (r == IO_OK && stream_write(s, buf_str(&out)) == IO_OK)
		(void)stream_flush(s);
	buf_free(&out);
	vec_free(&ids);
}

static void
serve_showq(int fd)
{
	struct stream *s = stream_open(fd);
	uid_t uid = 0;

	stream_deadline(s, deadline_in(SHOW_MS));
	if (enter(fd, &uid)) {
		if (is_allowed(&may_list, uid))
			show_queue(s);
		leave(uid);
	}
	stream_close(s);
}

/* public/qmgr */

static bool
goes_to(const struct message *m, struct str site)
{
	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct rcpt *r = &m->rcpts[i];
		ptrdiff_t at = str_rchr(r->addr, '@');

		if (r->state <= RCPT_DEFERRED && at >= 0 &&
		    str_ieq(str_sub(r->addr, (size_t)at + 1, r->addr.n), site))
			return true;
	}
	return false;
}

static uint64_t
flush(const struct queue_ask *ask)
{
	struct message *m;
	uint64_t n = 0;
	size_t at = 0;

	while (index_walk(&at, &m)) {
		if (m->active || m->ready || m->held ||
		    (ask->verb == QUEUE_FLUSH_ID && !str_eq(ask->what, str_of(m->place.head.id))) ||
		    (ask->verb == QUEUE_FLUSH_SITE && !goes_to(m, ask->what)))
			continue;
		message_retry(m);
		n++;
	}
	if (ask->verb == QUEUE_FLUSH || n > 0)
		sched_flush();
	return n;
}

/* Hold, release, expire, delete: one record, synced, then the folder follows. */
static bool
operate(struct message *m, uint64_t verb)
{
	static const uint64_t kinds[QUEUE_VERBS] = { [QUEUE_HOLD] = SPOOL_LOG_HOLD,
		[QUEUE_RELEASE] = SPOOL_LOG_RELEASE, [QUEUE_EXPIRE] = SPOOL_LOG_EXPIRE,
		[QUEUE_DELETE] = SPOOL_LOG_DELETE };
	struct spool_record rec = { .kind = kinds[verb], .time_us = (uint64_t)clock_wall_us() };
	char id[LIMIT_QUEUE_ID + 1];
	enum spool_folder to = SPOOL_DEFERRED;
	bool ok;

	if (m->ending)
		return false;
	memcpy(id, m->place.head.id, sizeof(id));
	m->operators++;
	ok = log_records(m, &rec, 1, true);
	m->operators--;
	(void)fiber_queue_wake_all(&m->turn);
	if (!ok || (m = index_find(str_of(id))) == NULL)
		return false;
	switch (verb) {
	case QUEUE_HOLD:
		m->hold_new = false;
		m->held = true;
		to = SPOOL_HOLD;
		break;
	case QUEUE_RELEASE:
		m->held = m->hold_new = false;
		break;
	case QUEUE_EXPIRE:
		m->expire = true;
		m->held = m->hold_new = false;
		break;
	default:
		m->deleted = true;
		m->held = m->hold_new = false;
		break;
	}
	if (!m->active && spool_move(&spool, m->place.folder, to, id))
		m->place.folder = to;
	if (m->held)
		index_rest(m);
	else
		message_retry(m);
	return true;
}

static void
on_queue_ask(struct ipc_req *r, const void *msg)
{
	const struct queue_ask *ask = msg;
	uid_t uid = (uid_t)(uintptr_t)ipc_arg(ipc_conn(r));
	struct queue_answer a = { .ok = true };
	struct message *m = index_find(ask->what);

	if (ask->verb <= QUEUE_FLUSH_SITE) {
		a.ok = is_allowed(&may_flush, uid);
		if (a.ok)
			a.n = flush(ask);
	} else if (ask->verb == QUEUE_COUNT) {
		a.n = index_count();
		a.text = pool_printf(ipc_pool(r), "%zu messages, %u active, %zu destinations",
		    index_count(), active_count, sched_dests());
	} else if (!is_operator(uid)) {
		a.ok = false;
	} else if (m != NULL) {
		a.n = operate(m, ask->verb);
	}
	if (!a.ok)
		a.text = STR("permission denied");
	ipc_reply(r, &a);
}

static const struct ipc_op tool_ops[] = {
	{ &queue_ask_msg, &queue_answer_msg, on_queue_ask, PEER_BIT(PEER_TOOL) },
	{ NULL, NULL, NULL, 0 }
};

static void
tool_left(struct ipc *c, void *arg)
{
	(void)c;
	leave((uid_t)(uintptr_t)arg);
}

static void
serve_tool(int fd)
{
	uid_t uid = 0;

	if (!enter(fd, &uid)) {
		fiber_forget(fd);
		(void)close(fd);
		return;
	}
	ipc_small(ipc_open(fd, tool_ops, PEER_TOOL, tool_left, (void *)(uintptr_t)uid));
}

void
show_start(void)
{
	if (service_fd("showq") >= 0)
		accept_start(service_fd("showq"), serve_showq);
	if (service_fd("qmgr") >= 0)
		accept_start(service_fd("qmgr"), serve_tool);
}
