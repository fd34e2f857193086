/* SPDX-License-Identifier: ISC */
#include "ask/recent.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/panic.h"

#define KEY_MAX		2048	/* bytes of a packed question … */
#define ANSWER_MAX	4096	/* … and of a packed answer that is kept */

struct entry {
	struct buf key;
	struct buf answer;
	msec_t until;
};

struct recent {
	const struct ipc_msg *question, *answer;
	struct map *known;	/* packed question → entry */
	struct entry *ring;	/* the next to go is at `next` */
	unsigned most, next;
};

struct recent *
recent_new(const struct ipc_msg *question, const struct ipc_msg *answer, unsigned most)
{
	struct recent *r = mem_zero(1, sizeof(*r));

	r->question = question;
	r->answer = answer;
	r->known = map_new();
	r->ring = mem_zero(most, sizeof(*r->ring));
	r->most = most;
	for (unsigned i = 0; i < most; i++) {
		r->ring[i].key.limit = KEY_MAX;
		r->ring[i].answer.limit = ANSWER_MAX;
	}
	return r;
}

void
recent_free(struct recent *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < r->most; i++) {
		buf_free(&r->ring[i].key);
		buf_free(&r->ring[i].answer);
	}
	map_free(r->known);
	free(r->ring);
	free(r);
}

bool
recent_get(const struct recent *r, const void *question, void *answer, struct pool *pool)
{
	struct buf key = { .limit = KEY_MAX };
	const struct entry *e = NULL;
	size_t nfds = 0;

	if (map_count(r->known) > 0 && ipc_pack(&key, r->question, question, NULL, &nfds))
		e = map_get(r->known, buf_str(&key));
	buf_free(&key);
	/* The answer views its bytes: the pool's, since the entry may go at any time. */
	return e != NULL && clock_ms() < e->until &&
	    ipc_unpack(pool_str(pool, buf_str(&e->answer)), r->answer, answer, NULL, 0, pool);
}

/* The entry for this key: the one that has it, or the oldest, renamed. */
static struct entry *
place(struct recent *r, struct str key)
{
	struct entry *e = map_get(r->known, key);

	if (e == NULL) {
		e = &r->ring[r->next];
		r->next = (r->next + 1) % r->most;
		if (e->key.n > 0)
			(void)map_del(r->known, buf_str(&e->key));
		buf_reset(&e->key);
		buf_add(&e->key, key);
		(void)map_put(r->known, key, e);
	}
	return e;
}

void
recent_put(struct recent *r, const void *question, const void *answer, msec_t until)
{
	struct buf key = { .limit = KEY_MAX };
	struct entry *e;
	size_t nfds = 0;

	if (ipc_pack(&key, r->question, question, NULL, &nfds)) {
		e = place(r, buf_str(&key));
		buf_reset(&e->answer);
		e->until = ipc_pack(&e->answer, r->answer, answer, NULL, &nfds) ? until : 0;
	}
	buf_free(&key);
}
