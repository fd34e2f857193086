/* SPDX-License-Identifier: ISC */
#include "ask/anvil.h"

#include "ipc/peer.h"
#include "wire/peers.h"

#define ANVIL_NOTE_MS	1000	/* how long a note may wait for room in the socket */

bool
anvil_count(enum anvil_what what, struct str service, struct str client,
    struct anvil_counted *out, msec_t deadline)
{
	struct anvil_count q = { .what = what, .service = service, .client = client };
	struct pool *pool = pool_new();
	enum ipc_result r;

	r = peer_call(PEER_ANVIL, &anvil_count_msg, &q, &anvil_counted_msg, out, pool, deadline);
	pool_free(pool);
	if (r != IPC_DONE)
		*out = (struct anvil_counted){ 0 };
	return r == IPC_DONE;
}

void
anvil_note(enum anvil_what what, struct str service, struct str client)
{
	struct anvil_count q = { .what = what, .service = service, .client = client };

	(void)peer_send(PEER_ANVIL, &anvil_tell_msg, &q, deadline_in(ANVIL_NOTE_MS));
}

void
anvil_gone(struct str service, struct str client)
{
	anvil_note(ANVIL_DISCONNECT, service, client);
}
