/* SPDX-License-Identifier: ISC */
#include "ask/submit.h"

#include <stdlib.h>

#include "base/panic.h"
#include "ipc/peer.h"
#include "wire/limits.h"
#include "wire/peers.h"

#define REPLY_MS	540000	/* the disk may be slow; a client waits 10 minutes (RFC 5321 4.5.3.2.6) */

struct submission {
	struct pool *pool;
	struct buf held;	/* content not sent yet; all of it while the message is small */
	uint64_t announced;
	uint64_t size;
	struct ipc *c;		/* where the stream goes; NULL: none yet */
	uint64_t number;	/* of that connection */
	uint64_t handle;
	uint64_t failed;	/* SUBMIT_…, sticks */
};

struct submission *
submission_begin(struct pool *pool, uint64_t size)
{
	struct submission *s = mem_zero(1, sizeof(*s));

	s->pool = pool;
	s->announced = size;
	s->held.limit = (size_t)LIMIT_SMALL + LIMIT_CHUNK;
	return s;
}

/* The stream's connection, if it is there still; a submission outlives many waits. */
static bool
connected(struct submission *s)
{
	if (s->c != NULL && peer_find(PEER_CLEANUP, s->number) == NULL) {
		s->c = NULL;
		if (s->failed == SUBMIT_OK)
			s->failed = SUBMIT_LATER;
	}
	return s->c != NULL;
}

/* Send what is held, in pieces. */
static void
stream_held(struct submission *s, msec_t deadline)
{
	struct str rest = buf_str(&s->held);

	while (rest.n > 0 && connected(s) && s->failed == SUBMIT_OK) {
		struct submit_data d = { s->handle, str_sub(rest, 0, LIMIT_CHUNK) };

		if (ipc_send(s->c, &submit_data_msg, &d, deadline) != IPC_DONE)
			s->failed = SUBMIT_LATER;
		rest = str_sub(rest, d.data.n, rest.n);
	}
	buf_reset(&s->held);
}

static void
open_stream(struct submission *s, msec_t deadline)
{
	struct submit_open ask = { s->announced };
	struct submit_opened got = { SUBMIT_LATER, 0, STR("") };
	struct pool *pool = pool_new();

	if ((s->c = peer_get(PEER_CLEANUP, deadline)) != NULL)
		s->number = ipc_number(s->c);
	if (s->c == NULL || ipc_call(s->c, &submit_open_msg, &ask, &submit_opened_msg, &got, pool,
	    deadline) != IPC_DONE)
		got.result = SUBMIT_LATER;
	s->failed = got.result;
	s->handle = got.handle;
	if (s->failed != SUBMIT_OK)
		s->c = NULL;
	pool_free(pool);
}

void
submission_add(struct submission *s, struct str data, msec_t deadline)
{
	s->size += data.n;
	while (data.n > 0 && s->failed == SUBMIT_OK) {
		struct str part = str_sub(data, 0, LIMIT_CHUNK);

		if (s->held.n + part.n > LIMIT_SMALL) {
			if (s->c == NULL)
				open_stream(s, deadline);
			if (s->failed == SUBMIT_OK)
				stream_held(s, deadline);
		}
		buf_add(&s->held, part);
		data = str_sub(data, part.n, data.n);
	}
	if (s->failed != SUBMIT_OK)
		buf_free(&s->held);
}

uint64_t
submission_size(const struct submission *s)
{
	return s->size;
}

static enum ipc_result
end_stream(struct submission *s, const struct envelope *env, struct submitted *done, msec_t deadline)
{
	struct submit_end end = { s->handle, s->size, *env };

	stream_held(s, deadline);
	if (!connected(s) || s->failed != SUBMIT_OK)
		return IPC_GONE;
	return ipc_call(s->c, &submit_end_msg, &end, &submitted_msg, done, s->pool, deadline);
}

void
submission_end(struct submission *s, const struct envelope *env, struct submitted *done,
    msec_t deadline)
{
	struct submit whole = { *env, buf_str(&s->held) };
	enum ipc_result r = IPC_GONE;

	*done = (struct submitted){ .result = SUBMIT_LATER };
	deadline = deadline_first(deadline, deadline_in(REPLY_MS));
	if (s->failed == SUBMIT_OK && s->c != NULL)
		r = end_stream(s, env, done, deadline);
	else if (s->failed == SUBMIT_OK)
		r = peer_call(PEER_CLEANUP, &submit_msg, &whole, &submitted_msg, done, s->pool,
		    deadline);
	if (s->failed != SUBMIT_OK || r != IPC_DONE) {
		done->result = s->failed != SUBMIT_OK ? s->failed :
		    r == IPC_TOOBIG ? SUBMIT_BAD : SUBMIT_LATER;
		done->queue_id = STR("");
		done->text = r == IPC_TOOBIG ? STR("the envelope is too large") :
		    STR("cleanup does not answer");
	}
	if (r == IPC_DONE)
		s->c = NULL;
	submission_abort(s);
}

void
submission_abort(struct submission *s)
{
	if (s == NULL)
		return;
	if (connected(s)) {
		struct submit_abort a = { s->handle };

		(void)ipc_send(s->c, &submit_abort_msg, &a, deadline_in(1000));
	}
	buf_free(&s->held);
	free(s);
}
