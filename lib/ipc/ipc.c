/* SPDX-License-Identifier: ISC */
/*
 * One fiber reads a connection.  A reply goes straight into the waiting caller's struct; a request
 * gets a pool, a copy of its bytes and a fiber.  The ipc is freed when its reader has ended and the
 * last request that still holds it was answered.
 */
#include "ipc/ipc.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "fiber/fiber.h"
#include "ipc/connection.h"

#define MAX_REQUESTS	4096	/* of one connection being handled at once */
#define SMALL_REQUESTS	8	/* the same of a small one: anybody may be at its other end */
#define MAX_PARTIALS	64	/* messages arriving in fragments at once */
#define BYE_LOOK_MS	50	/* how often a leaving end looks whether its handlers are done */
#define BURST		4	/* batches read before the handlers get their turn */

/* A call that waits for its answer; lives on the caller's stack. */
struct waiting {
	struct waiting *next;
	uint32_t call;
	const struct ipc_msg *reply_m;
	void *reply;
	struct pool *pool;
	struct fiber_queue done;
	bool answered;
	enum ipc_result result;
};

/* A message of which some fragments came. */
struct partial {
	struct partial *next;
	enum frame_kind kind;
	uint32_t call;
	uint32_t expect;	/* number of the next fragment */
	uint32_t total;
	struct buf data;
	int fds[IPC_FDS];
	size_t nfds;
};

struct ipc_req {
	struct ipc *c;
	const struct ipc_op *op;
	uint32_t call;
	struct pool *pool;
	void *msg;
	bool kept;
	bool taken;
	bool answered;
	bool sent;			/* the answer is out */
	bool returned;			/* the handler did */
};

static char rooms[FRAME_BATCH * IPC_FRAME];	/* datagrams; used between two switches only */

void
ipc_release(struct ipc *c)
{
	if (!c->reader_ended || c->requests > 0 || c->held > 0)
		return;
	ipc_put_nothing(c);
	free(c);
}

static void
finish_calls(struct ipc *c)
{
	for (unsigned i = 0; i < IPC_BUCKETS; i++) {
		struct waiting *w = c->calls[i];

		c->calls[i] = NULL;
		for (; w != NULL; w = w->next) {
			w->answered = true;
			w->result = IPC_GONE;
			(void)fiber_queue_wake(&w->done);
		}
	}
	c->inflight = 0;
}

static void
free_partial(struct ipc *c, struct partial *p)
{
	struct partial **at;

	for (at = &c->partials; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	c->npartials--;
	buf_free(&p->data);
	free(p);
}

/* Is call `a` behind call `b`?  The numbers go round. */
static bool
is_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* The other end leaves and has not read the calls behind `last`. */
static void
got_bye(struct ipc *c, uint32_t last)
{
	c->left = true;
	for (unsigned i = 0; i < IPC_BUCKETS; i++) {
		struct waiting **at = &c->calls[i], *w;

		while ((w = *at) != NULL) {
			if (!is_later(w->call, last)) {
				at = &w->next;
				continue;
			}
			*at = w->next;
			c->inflight--;
			w->answered = true;
			w->result = IPC_UNREAD;
			(void)fiber_queue_wake(&w->done);
		}
	}
}

static struct waiting *
take_call(struct ipc *c, uint32_t call)
{
	struct waiting **at, *w;

	for (at = &c->calls[call % IPC_BUCKETS]; (w = *at) != NULL; at = &w->next)
		if (w->call == call) {
			*at = w->next;
			c->inflight--;
			return w;
		}
	return NULL;
}

static bool
got_reply(struct ipc *c, uint32_t call, struct str payload, int *fds, size_t nfds)
{
	struct waiting *w = take_call(c, call);
	bool ok;

	if (w == NULL) {		/* its caller has given up */
		frame_close_fds(fds, nfds);
		return true;
	}
	ok = ipc_unpack(pool_str(w->pool, payload), w->reply_m, w->reply, fds, nfds, w->pool);
	if (!ok)
		frame_close_fds(fds, nfds);
	w->answered = true;
	w->result = ok ? IPC_DONE : IPC_GONE;
	(void)fiber_queue_wake(&w->done);
	return ok;
}

static void
end_request(struct ipc_req *r)
{
	struct ipc *c = r->c;

	if (!r->taken)
		pool_free(r->pool);	/* r itself is in it */
	c->requests--;
	(void)fiber_queue_wake(&c->crowd);
	ipc_release(c);
}

static void
run_request(void *arg)
{
	struct ipc_req *r = arg;

	r->op->run(r, r->msg);
	r->returned = true;
	if (r->kept && !r->sent)
		return;
	if (r->op->reply != NULL && !r->answered) {
		log_error("ipc: no answer to %s from %u", r->op->request->name, r->c->peer);
		ipc_close(r->c);
	}
	end_request(r);
}

static const struct ipc_op *
find_op(const struct ipc *c, struct str payload, enum frame_kind kind)
{
	const struct ipc_op *op = c->ops;
	unsigned id;

	if (payload.n < 2 || op == NULL)
		return NULL;
	id = (unsigned char)payload.p[0] | (unsigned)(unsigned char)payload.p[1] << 8;
	for (; op->request != NULL; op++)
		if (op->request->id == id && (op->peers & 1u << c->peer) != 0 &&
		    (op->reply != NULL) == (kind == FRAME_REQUEST))
			return op;
	return NULL;
}

static bool
got_request(struct ipc *c, enum frame_kind kind, uint32_t call, struct str payload, int *fds,
    size_t nfds)
{
	const struct ipc_op *op = find_op(c, payload, kind);
	struct pool *pool;
	struct ipc_req *r;

	if (op == NULL) {
		frame_close_fds(fds, nfds);
		return false;
	}
	pool = pool_new();
	r = pool_alloc(pool, sizeof(*r));
	*r = (struct ipc_req){ .c = c, .op = op, .call = call, .pool = pool };
	r->msg = pool_alloc(pool, op->request->size);
	if (!ipc_unpack(pool_str(pool, payload), op->request, r->msg, fds, nfds, pool)) {
		frame_close_fds(fds, nfds);
		pool_free(pool);
		return false;
	}
	c->requests++;
	if (is_later(call, c->read_call))
		c->read_call = call;
	(void)fiber_start(run_request, r, op->request->name);
	return true;
}

static bool
got_message(struct ipc *c, enum frame_kind kind, uint32_t call, struct str payload, int *fds,
    size_t nfds)
{
	if (kind == FRAME_REPLY)
		return got_reply(c, call, payload, fds, nfds);
	return got_request(c, kind, call, payload, fds, nfds);
}

static struct partial *
find_partial(struct ipc *c, const struct frame *f)
{
	struct partial *p;

	for (p = c->partials; p != NULL; p = p->next)
		if (p->kind == f->kind && p->call == f->call)
			return p;
	if (c->small || f->fragment != 0 || c->npartials >= MAX_PARTIALS)
		return NULL;
	p = mem_zero(1, sizeof(*p));
	p->kind = f->kind;
	p->call = f->call;
	p->total = f->total;
	p->data.limit = IPC_TOTAL;
	p->next = c->partials;
	c->partials = p;
	c->npartials++;
	return p;
}

/* One datagram; false when it breaks a rule. */
static bool
got_frame(struct ipc *c, const struct frame *f, int *fds, size_t nfds)
{
	struct partial *p;
	bool ok = true;

	if (f->kind == FRAME_BYE) {
		frame_close_fds(fds, nfds);
		got_bye(c, f->call);
		return true;
	}
	if (f->fragment == 0 && f->payload.n == f->total)
		return got_message(c, f->kind, f->call, f->payload, fds, nfds);
	p = find_partial(c, f);
	if (p == NULL || f->fragment != p->expect || f->total != p->total ||
	    f->payload.n > p->total - p->data.n || (nfds > 0 && f->fragment > 0)) {
		frame_close_fds(fds, nfds);
		return false;
	}
	if (f->fragment == 0) {
		memcpy(p->fds, fds, nfds * sizeof(fds[0]));
		p->nfds = nfds;
	}
	p->expect++;
	buf_add(&p->data, f->payload);
	if (p->data.n == p->total) {
		ok = got_message(c, p->kind, p->call, buf_str(&p->data), p->fds, p->nfds);
		free_partial(c, p);
	}
	return ok;
}

/* Take what one system call brought; false when the connection is over. */
static bool
take_batch(struct ipc *c, struct frame_got *got, int n)
{
	for (int i = 0; i < n; i++) {
		struct frame_got *g = &got[i];

		if (g->bad)
			return false;
		if (c->dead) {
			frame_close_fds(g->fds, g->nfds);
			continue;
		}
		if (!got_frame(c, &g->frame, g->fds, g->nfds)) {
			log_warn("ipc: bad message from peer %u", c->peer);
			while (++i < n)
				if (!got[i].bad)
					frame_close_fds(got[i].fds, got[i].nfds);
			return false;
		}
	}
	return true;
}

static void
read_all(struct ipc *c)
{
	struct frame_got got[FRAME_BATCH];
	unsigned burst = 0;

	while (!c->dead) {
		int n;

		while (c->leaving)
			if (fiber_queue_wait(&c->parked, NEVER) == WAKE_CANCEL)
				return;
		n = frame_recv_batch(c->fd, rooms, got);

		if (n < 0) {
			if (errno == EPROTO)
				log_warn("ipc: bad frame from peer %u", c->peer);
			return;
		}
		if (!take_batch(c, got, n))
			return;
		while (c->requests >= (c->small ? SMALL_REQUESTS : MAX_REQUESTS) && !c->dead)
			if (fiber_queue_wait(&c->crowd, NEVER) == WAKE_CANCEL)
				return;
		if (n == FRAME_BATCH) {
			if (++burst % BURST == 0)
				fiber_yield();
			continue;
		}
		fiber_drained_read(c->fd);
		if (fiber_wait_read(c->fd, NEVER) == WAKE_CANCEL)
			return;
	}
}

static void
reader(void *arg)
{
	struct ipc *c = arg;

	read_all(c);
	c->dead = true;
	finish_calls(c);
	while (c->partials != NULL) {
		frame_close_fds(c->partials->fds, c->partials->nfds);
		free_partial(c, c->partials);
	}
	(void)fiber_queue_wake_all(&c->senders);
	fiber_forget(c->fd);
	(void)close(c->fd);
	c->fd = -1;
	if (c->closed != NULL)
		c->closed(c, c->arg);
	c->reader_ended = true;
	ipc_release(c);
}

static void
bye(void *arg)
{
	struct ipc *c = arg;

	while (c->requests > 0 && !c->dead && deadline_left(c->bye_by) > 0)
		(void)fiber_queue_wait(&c->crowd, deadline_first(c->bye_by, deadline_in(BYE_LOOK_MS)));
	if (!c->dead)
		ipc_put_bye(c, c->bye_by);
	c->held--;
	if (!c->dead)
		ipc_close(c);
	else
		ipc_release(c);
}

void
ipc_bye(struct ipc *c, msec_t deadline)
{
	if (c->dead || c->leaving)
		return;
	c->leaving = true;
	c->bye_by = deadline;
	c->held++;
	(void)fiber_start(bye, c, "bye");
}

void
ipc_close(struct ipc *c)
{
	if (c->dead)
		return;
	ipc_put_last(c);
	c->dead = true;
	finish_calls(c);
	fiber_cancel(c->reader);
}

struct ipc *
ipc_open(int fd, const struct ipc_op *ops, unsigned peer, void (*closed)(struct ipc *, void *),
    void *arg)
{
	static uint64_t numbers;
	struct ipc *c = mem_zero(1, sizeof(*c));

	c->number = ++numbers;
	c->fd = fd;
	c->ops = ops;
	c->peer = peer;
	c->closed = closed;
	c->arg = arg;
	c->reader = fiber_start(reader, c, "ipc");
	return c;
}

void
ipc_small(struct ipc *c)
{
	c->small = true;
}

static uint32_t
next_call(struct ipc *c)
{
	if (++c->last_call == 0)
		c->last_call = 1;
	return c->last_call;
}

enum ipc_result
ipc_call(struct ipc *c, const struct ipc_msg *m, const void *msg, const struct ipc_msg *reply_m,
    void *reply, struct pool *pool, msec_t deadline)
{
	struct waiting w = { .reply_m = reply_m, .reply = reply, .pool = pool };
	enum ipc_result r;

	if (c->dead || c->left)
		return c->left ? IPC_UNREAD : IPC_GONE;
	w.call = next_call(c);
	w.next = c->calls[w.call % IPC_BUCKETS];
	c->calls[w.call % IPC_BUCKETS] = &w;
	c->inflight++;
	c->held++;			/* keeps `c` alive while we wait */
	r = ipc_put(c, FRAME_REQUEST, w.call, m, msg, deadline);
	while (r == IPC_DONE && !w.answered)
		if (fiber_queue_wait(&w.done, deadline) != WAKE_READY && !w.answered)
			r = IPC_TIMEOUT;
	if (w.answered)
		r = w.result;
	else
		(void)take_call(c, w.call);
	c->held--;
	ipc_release(c);
	return r;
}

enum ipc_result
ipc_send(struct ipc *c, const struct ipc_msg *m, const void *msg, msec_t deadline)
{
	enum ipc_result r;

	if (c->dead)
		return IPC_GONE;
	c->held++;
	r = ipc_put(c, FRAME_ONEWAY, next_call(c), m, msg, deadline);
	c->held--;
	ipc_release(c);
	return r;
}

void
ipc_reply(struct ipc_req *r, const void *msg)
{
	ASSERT(r->op->reply != NULL && !r->answered);
	r->answered = true;
	if (!r->c->dead && ipc_put(r->c, FRAME_REPLY, r->call, r->op->reply, msg,
	    NEVER) == IPC_TOOBIG) {
		log_error("ipc: answer to %s breaks its own limits", r->op->request->name);
		ipc_close(r->c);
	}
	r->sent = true;
	if (r->returned)
		end_request(r);
}

void
ipc_keep(struct ipc_req *r)
{
	r->kept = true;
}

struct pool *
ipc_pool(struct ipc_req *r)
{
	return r->pool;
}

struct pool *
ipc_take_pool(struct ipc_req *r)
{
	ASSERT(r->op->reply == NULL);
	r->taken = true;
	return r->pool;
}

struct ipc *
ipc_conn(struct ipc_req *r)
{
	return r->c;
}

unsigned
ipc_peer(const struct ipc *c)
{
	return c->peer;
}

uint64_t
ipc_number(const struct ipc *c)
{
	return c->number;
}

bool
ipc_alive(const struct ipc *c)
{
	return !c->dead;
}

void *
ipc_arg(const struct ipc *c)
{
	return c->arg;
}

void
ipc_set_user(struct ipc *c, void *user)
{
	c->user = user;
}

void *
ipc_user(const struct ipc *c)
{
	return c->user;
}

unsigned
ipc_inflight(const struct ipc *c)
{
	return c->inflight;
}
