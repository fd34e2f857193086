/* SPDX-License-Identifier: ISC */
/*
 * fake_cleanup - stands in for cleanup: keeps what is submitted, answers what the test wants.
 */
#ifndef ROOMS_FAKE_CLEANUP_H
#define ROOMS_FAKE_CLEANUP_H

#include "ipc/ipc.h"
#include "unit/unit.h"
#include "wire/limits.h"
#include "wire/peers.h"
#include "wire/submit.h"

static struct fake {
	unsigned count;			/* messages taken */
	uint64_t answer;		/* SUBMIT_ to give */
	struct envelope env;		/* of the last one, in `pool` */
	struct buf content;
	struct pool *pool;
	struct buf stream;		/* of a large one under way */
} fake;

/* A copy that outlives the request. */
static void
fake_keep(const struct envelope *e, struct str content)
{
	struct buf packed = { .p = NULL };
	size_t nfds = 0;

	if (fake.pool == NULL)
		fake.pool = pool_new();
	ck_assert(ipc_pack(&packed, &envelope_msg, e, NULL, &nfds));
	ck_assert(ipc_unpack(pool_str(fake.pool, buf_str(&packed)), &envelope_msg, &fake.env, NULL, 0,
	    fake.pool));
	buf_free(&packed);
	buf_reset(&fake.content);
	buf_add(&fake.content, content);
	if (fake.answer == SUBMIT_OK)
		fake.count++;
}

static void
fake_answer(struct ipc_req *r)
{
	struct submitted done = { fake.answer, STR(""), STR("") };

	if (fake.answer == SUBMIT_OK)
		done.queue_id = STR("4jXfFC3pM4z7W");
	else
		done.text = STR("the test says no");
	ipc_reply(r, &done);
}

static void
fake_submit(struct ipc_req *r, const void *msg)
{
	const struct submit *s = msg;

	fake_keep(&s->envelope, s->content);
	fake_answer(r);
}

static void
fake_open(struct ipc_req *r, const void *msg)
{
	struct submit_opened o = { SUBMIT_OK, 7, STR("4jXfFC3pM4z7W") };

	buf_reset(&fake.stream);
	ipc_reply(r, &o);
}

static void
fake_data(struct ipc_req *r, const void *msg)
{
	const struct submit_data *d = msg;

	buf_add(&fake.stream, d->data);
}

static void
fake_end(struct ipc_req *r, const void *msg)
{
	const struct submit_end *e = msg;

	ck_assert_uint_eq(e->size, fake.stream.n);
	fake_keep(&e->envelope, buf_str(&fake.stream));
	fake_answer(r);
}

static void
fake_abort(struct ipc_req *r, const void *msg)
{
	buf_reset(&fake.stream);
}

static const struct ipc_op fake_ops[] = {
	{ &submit_msg, &submitted_msg, fake_submit, ~0U },
	{ &submit_open_msg, &submit_opened_msg, fake_open, ~0U },
	{ &submit_data_msg, NULL, fake_data, ~0U },
	{ &submit_end_msg, &submitted_msg, fake_end, ~0U },
	{ &submit_abort_msg, NULL, fake_abort, ~0U },
	{ NULL, NULL, NULL, 0 }
};

#endif
