/* SPDX-License-Identifier: ISC */
#include "ask/bounce.h"

#include "ipc/peer.h"
#include "wire/peers.h"
#include "wire/submit.h"

bool
bounce_notify(const struct notify *n, struct notified *done, struct pool *pool, msec_t deadline)
{
	*done = (struct notified){ .result = SUBMIT_LATER, .queue_id = STR("") };
	return peer_call(PEER_BOUNCE, &notify_msg, n, &notified_msg, done, pool, deadline) ==
	    IPC_DONE && done->result == SUBMIT_OK;
}
