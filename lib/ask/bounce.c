/* SPDX-License-Identifier: ISC */
#include "ask/bounce.h"

#include "ipc/peer.h"
#include "wire/limits.h"
#include "wire/peers.h"
#include "wire/submit.h"

/* The same, with at most `most` bytes of each reply. */
static struct notify
clipped(const struct notify *from, size_t most, struct pool *pool)
{
	struct notify to = *from;
	struct notify_rcpt *v = pool_array(pool, from->rcpts.n, sizeof(*v));

	for (size_t i = 0; i < from->rcpts.n; i++) {
		v[i] = ((const struct notify_rcpt *)from->rcpts.v)[i];
		v[i].text = str_sub(v[i].text, 0, most);
		v[i].diag = str_sub(v[i].diag, 0, most);
	}
	to.rcpts.v = v;
	return to;
}

bool
bounce_notify(const struct notify *n, struct notified *done, struct pool *pool, msec_t deadline)
{
	enum ipc_result r;

	*done = (struct notified){ .result = SUBMIT_LATER, .queue_id = STR("") };
	r = peer_call(PEER_BOUNCE, &notify_msg, n, &notified_msg, done, pool, deadline);
	/* Else thousands of long replies would keep the sender from ever hearing of it. */
	for (size_t most = LIMIT_REPLY / 2; r == IPC_TOOBIG && most > 0; most /= 2) {
		struct notify less = clipped(n, most, pool);

		r = peer_call(PEER_BOUNCE, &notify_msg, &less, &notified_msg, done, pool, deadline);
	}
	return r == IPC_DONE && done->result == SUBMIT_OK;
}
