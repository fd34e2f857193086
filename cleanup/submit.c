/* SPDX-License-Identifier: ISC */
/*
 * submit - take messages from smtpd, pickup and bounce.
 *
 * A small message is one request.  A large one is a handle: opened, fed in pieces that are written
 * as they come (without a fiber switch, so they stay in order), ended.  The answer is sent when the
 * message is on stable storage, before qmgr hears of it.
 */
#include "cleanup/cleanup.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/event.h"
#include "base/panic.h"
#include "base/vec.h"
#include "conf/common.h"
#include "conf/room_queue.h"
#include "wire/arrive.h"
#include "wire/limits.h"
#include "wire/peers.h"
#include "wire/submit.h"

#define FREE_FRESH_MS	1000	/* how long an answer about free space is believed */

struct incoming {
	struct ipc *c;
	uint64_t handle;
	char id[LIMIT_QUEUE_ID + 1];
	struct spool_stream *stream;
	bool toobig;
};

static struct vec incoming = { .size = sizeof(struct incoming) };
static uint32_t last_handle;
static unsigned busy;

static const struct event message_id = { "message-id", "{id}: message-id={value}" };

unsigned
submit_busy(void)
{
	return busy;
}

/* Is there room for `want` more bytes? */
static bool
disk_has(uint64_t want)
{
	static uint64_t space;
	static msec_t until;
	struct statvfs v;

	if (clock_ms() >= until) {
		if (fstatvfs(spool.dir, &v) != 0)
			return true;
		space = v.f_bavail > UINT64_MAX / v.f_frsize ? UINT64_MAX : v.f_bavail * v.f_frsize;
		until = deadline_in(FREE_FRESH_MS);
	}
	return space >= queue_conf.queue_minfree && space - queue_conf.queue_minfree >= want;
}

/* NULL, or what is wrong with the envelope. */
static const char *
envelope_fault(const struct envelope *env)
{
	const struct envelope_rcpt *rcpts = env->rcpts.v;

	if (env->rcpts.n == 0)
		return "no recipients";
	for (size_t i = 0; i < env->rcpts.n; i++)
		if (rcpts[i].addr.n == 0)
			return "an empty recipient address";
	if (env->received_id_at > env->received.n)
		return "a bad Received field";
	return NULL;
}

static void
refuse(struct ipc_req *r, uint64_t result, const char *why)
{
	struct submitted answer = { .result = result, .text = str_of(why) };

	log_debug("message from %s refused: %s", peer_name(ipc_peer(ipc_conn(r))), why);
	ipc_reply(r, &answer);
}

static void
refuse_put(struct ipc_req *r, enum spool_put p)
{
	switch (p) {
	case SPOOL_PUT_FULL:
		refuse(r, SUBMIT_FULL, "the queue's disk is full");
		break;
	case SPOOL_PUT_LIMITS:
		refuse(r, SUBMIT_BAD, "the envelope breaks its limits");
		break;
	default:
		refuse(r, SUBMIT_LATER, "queue file write error");
		break;
	}
}

/* It is safe: log, answer, hand on. */
static void
accepted(struct ipc_req *r, const struct spool_head *h, uint64_t size, const struct envelope *env,
    struct str content)
{
	struct submitted answer = { .result = SUBMIT_OK, .queue_id = str_of(h->id) };
	struct str mid = env->message_id;

	if (mid.n == 0 || mid.p[0] != '<')
		mid = pool_printf(ipc_pool(r), "<%.*s>", STR_ARG(mid));
	EVENT(&message_id, { "id", str_of(h->id) }, { "value", mid });
	ipc_reply(r, &answer);
	handover(h, size, env, content);
}

static void
fill_in(struct envelope *env)
{
	if (env->arrival_us == 0)
		env->arrival_us = (uint64_t)clock_wall_us();
	if (env->origin.n == 0)
		env->origin = STR("unknown");
}

static void
on_submit(struct ipc_req *r, const void *msg)
{
	const struct submit *m = msg;
	struct envelope env = m->envelope;
	const char *fault = envelope_fault(&env);
	char id[LIMIT_QUEUE_ID + 1];
	struct spool_head head;
	enum spool_put p;

	if (fault != NULL) {
		refuse(r, SUBMIT_BAD, fault);
		return;
	}
	if (common.message_size_limit != 0 && m->content.n > common.message_size_limit) {
		refuse(r, SUBMIT_TOOBIG, "message size exceeds the limit");
		return;
	}
	if (!disk_has(m->content.n)) {
		refuse(r, SUBMIT_FULL, "not enough free space in the queue");
		return;
	}
	fill_in(&env);
	busy++;
	p = intake_id(intake, id) ? spool_put(intake, id, m->content, &env, &head) : SPOOL_PUT_LATER;
	if (p == SPOOL_PUT_OK)
		accepted(r, &head, m->content.n, &env, m->content);
	else
		refuse_put(r, p);
	busy--;
}

static struct incoming *
find(const struct ipc *c, uint64_t handle)
{
	for (size_t i = 0; i < incoming.n; i++) {
		struct incoming *in = vec_at(&incoming, i);

		if (in->c == c && in->handle == handle)
			return in;
	}
	return NULL;
}

/* Take it off the list; the stream is the caller's. */
static struct incoming
take(struct incoming *in)
{
	struct incoming was = *in;

	vec_remove(&incoming, (size_t)(in - (struct incoming *)incoming.p));
	return was;
}

static void
on_open(struct ipc_req *r, const void *msg)
{
	const struct submit_open *m = msg;
	struct submit_opened answer = { .result = SUBMIT_LATER };
	struct incoming in = { .c = ipc_conn(r), .handle = ++last_handle };
	enum spool_put p = SPOOL_PUT_LATER;

	if (common.message_size_limit != 0 && m->expect > common.message_size_limit) {
		answer.result = SUBMIT_TOOBIG;
	} else if (!disk_has(m->expect)) {
		answer.result = SUBMIT_FULL;
	} else if (incoming.n < queue_conf.cleanup_handles && intake_id(intake, in.id)) {
		in.stream = spool_stream_begin(intake, in.id, &p);
		answer.result = in.stream != NULL ? SUBMIT_OK :
		    p == SPOOL_PUT_FULL ? SUBMIT_FULL : SUBMIT_LATER;
	}
	/* The giver may have gone meanwhile, and submit_left with it. */
	if (in.stream != NULL && !ipc_alive(in.c)) {
		spool_stream_abort(in.stream);
		in.stream = NULL;
		answer.result = SUBMIT_LATER;
	}
	if (in.stream != NULL) {
		*(struct incoming *)vec_push(&incoming) = in;
		answer.handle = in.handle;
		answer.queue_id = str_of(in.id);
	}
	ipc_reply(r, &answer);
}

static void
on_data(struct ipc_req *r, const void *msg)
{
	const struct submit_data *m = msg;
	struct incoming *in = find(ipc_conn(r), m->handle);

	if (in == NULL || in->toobig)
		return;
	if (common.message_size_limit != 0 &&
	    spool_stream_size(in->stream) + m->data.n > common.message_size_limit)
		in->toobig = true;
	else
		spool_stream_add(in->stream, m->data);
}

static void
on_end(struct ipc_req *r, const void *msg)
{
	const struct submit_end *m = msg;
	struct incoming *found = find(ipc_conn(r), m->handle), in;
	const char *fault = envelope_fault(&m->envelope);
	struct envelope env = m->envelope;
	struct spool_head head = { .state = SPOOL_LIVE };
	enum spool_put p;

	if (found == NULL) {
		refuse(r, SUBMIT_LATER, "no such message");
		return;
	}
	in = take(found);
	if (fault != NULL || in.toobig || spool_stream_size(in.stream) != m->size) {
		bool lost = fault == NULL && !in.toobig;

		spool_stream_abort(in.stream);
		refuse(r, fault != NULL ? SUBMIT_BAD : in.toobig ? SUBMIT_TOOBIG : SUBMIT_LATER,
		    fault != NULL ? fault : lost ? "a piece was lost" :
		    "message size exceeds the limit");
		return;
	}
	fill_in(&env);
	busy++;
	p = spool_stream_end(in.stream, &env);
	memcpy(head.id, in.id, sizeof(head.id));
	if (p == SPOOL_PUT_OK)
		accepted(r, &head, m->size, &env, STR(""));
	else
		refuse_put(r, p);
	busy--;
}

static void
on_abort(struct ipc_req *r, const void *msg)
{
	const struct submit_abort *m = msg;
	struct incoming *in = find(ipc_conn(r), m->handle);

	if (in != NULL)
		spool_stream_abort(take(in).stream);
}

void
submit_left(struct ipc *c)
{
	for (size_t i = 0; i < incoming.n;) {
		struct incoming *in = vec_at(&incoming, i);

		if (in->c == c)
			spool_stream_abort(take(in).stream);
		else
			i++;
	}
}

#define GIVERS	(PEER_BIT(PEER_SMTPD) | PEER_BIT(PEER_PICKUP) | PEER_BIT(PEER_BOUNCE))

const struct ipc_op submit_ops[] = {
	{ &submit_msg,		&submitted_msg,		on_submit,	GIVERS },
	{ &submit_open_msg,	&submit_opened_msg,	on_open,	GIVERS },
	{ &submit_data_msg,	NULL,			on_data,	GIVERS },
	{ &submit_end_msg,	&submitted_msg,		on_end,		GIVERS },
	{ &submit_abort_msg,	NULL,			on_abort,	GIVERS },
	{ NULL, NULL, NULL, 0 }
};
