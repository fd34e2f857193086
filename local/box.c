/* SPDX-License-Identifier: ISC */
/*
 * box - see box.h.
 */
#include "local/box.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/panic.h"
#include "fiber/fiber.h"

#define SHARE_MS	1000

struct box {
	char *path;
	struct store *store;
	enum store_result result;
	bool ready;			/* opened, or failed to */
	bool listed;			/* found by box_get */
	unsigned users;
	msec_t until;
	struct fiber_queue waiting;	/* for `ready` */
};

static struct map *boxes;

static void
unlist(struct box *b)
{
	if (b->listed)
		(void)map_del(boxes, str_of(b->path));
	b->listed = false;
}

static struct box *
box_open(int root, struct str path)
{
	struct box *b = mem_zero(1, sizeof(*b));

	b->path = mem_alloc(path.n + 1);
	memcpy(b->path, path.p, path.n);
	b->path[path.n] = '\0';
	b->until = deadline_in(SHARE_MS);
	b->users = 1;
	b->listed = true;
	(void)map_put(boxes, path, b);
	b->result = store_open(root, path, true, &b->store);
	b->ready = true;
	if (b->result != STORE_OK)
		unlist(b);
	(void)fiber_queue_wake_all(&b->waiting);
	return b;
}

enum store_result
box_get(int root, struct str path, struct box **out)
{
	struct box *b;

	if (boxes == NULL)
		boxes = map_new();
	b = map_get(boxes, path);
	if (b != NULL && deadline_left(b->until) == 0) {
		unlist(b);
		b = NULL;
	}
	if (b == NULL) {
		b = box_open(root, path);
	} else {
		b->users++;
		while (!b->ready)
			if (fiber_queue_wait(&b->waiting, NEVER) == WAKE_CANCEL)
				fiber_yield();
	}
	*out = b;
	return b->result;
}

struct store *
box_store(struct box *b)
{
	return b->store;
}

void
box_put(struct box *b)
{
	if (--b->users > 0)
		return;
	unlist(b);
	store_close(b->store);
	free(b->path);
	free(b);
}
