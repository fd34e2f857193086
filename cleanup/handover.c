/* SPDX-License-Identifier: ISC */
#include "cleanup/cleanup.h"

#include <errno.h>

#include "base/log.h"
#include "base/vec.h"
#include "fiber/fiber.h"
#include "ipc/peer.h"
#include "wire/arrive.h"
#include "wire/peers.h"

#define SEND_MS		5000	/* qmgr may be busy this long */
#define AGAIN_MS	2000	/* between looks at what it was not told */
#define WAITING_MAX	200	/* messages waiting in memory for qmgr to take them */

static struct vec later = { .size = sizeof(struct spool_name) };
static struct fiber_queue door;
static unsigned waiting;

static bool
tell(const struct spool_head *h, uint64_t size, const struct envelope *env, struct str content)
{
	struct arrive a = { str_of(h->id), size, h->envelope_len, h->sum, h->key[0], h->key[1], *env,
		content };

	return peer_has_any(PEER_QMGR) &&
	    peer_send(PEER_QMGR, &arrive_msg, &a, deadline_in(SEND_MS)) == IPC_DONE;
}

void
handover_later(const char *id)
{
	struct spool_name *n = vec_push(&later);

	memcpy(n->name, id, strlen(id) + 1);
}

void
handover(const struct spool_head *h, uint64_t size, const struct envelope *env, struct str content)
{
	bool told = false;

	if (waiting < WAITING_MAX) {
		waiting++;
		told = tell(h, size, env, content);
		waiting--;
	}
	if (!told)
		handover_later(h->id);
}

void
handover_wake(void)
{
	(void)fiber_queue_wake_all(&door);
}

/* True when qmgr knows of it now, or there is nothing to know. */
static bool
tell_from_file(const char *id)
{
	struct pool *pool = pool_new();
	struct spool_file f;
	enum spool_verdict v;
	bool done = true;

	v = spool_read(&spool, SPOOL_INCOMING, id, SPOOL_READ_VERIFY, pool, &f, NULL);
	/* Without head and content: qmgr reads the file, and with it what its log may say. */
	f.head.envelope_len = 0;
	if (v == SPOOL_GOOD)
		done = tell(&f.head, f.head.content_len, &f.env, STR(""));
	else if (v == SPOOL_ERROR)
		log_error("%s: read queue file: %s", id, strerror(errno));
	pool_free(pool);
	return done;
}

void
handover_run(void *arg)
{
	(void)arg;
	for (;;) {
		struct spool_name n;
		const struct spool_name *last;

		if (fiber_queue_wait(&door, deadline_in(AGAIN_MS)) == WAKE_CANCEL)
			return;
		while (peer_has_any(PEER_QMGR) && (last = vec_pop(&later)) != NULL) {
			n = *last;
			if (!tell_from_file(n.name)) {
				handover_later(n.name);
				break;
			}
			fiber_yield();
		}
	}
}
