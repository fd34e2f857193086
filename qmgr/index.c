/* SPDX-License-Identifier: ISC */
/*
 * index - every message of the queue in memory: by ID, in the list of new ones, or in a heap by the
 * time it is due.
 */
#include "qmgr/qmgr.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/panic.h"

#define RECENT		8192	/* finished messages remembered */
#define NEW_TURNS	3	/* new messages taken for each old one */
#define KEEP_SIZE	104	/* sender and a recipient, as a rule */

static struct map *by_id, *by_maildrop, *recent;
static struct vec heap = { .size = sizeof(struct message *) };
static struct message *first_new, *last_new;
static struct str ring[RECENT];
static unsigned ring_at, turn;

static void
begin(void)
{
	if (by_id != NULL)
		return;
	by_id = map_new();
	by_maildrop = map_new();
	recent = map_new();
}

struct message *
index_find(struct str id)
{
	begin();
	return map_get(by_id, id);
}

size_t
index_count(void)
{
	begin();
	return map_count(by_id);
}

bool
index_walk(size_t *at, struct message **m)
{
	void *value;

	begin();
	if (!map_next(by_id, at, NULL, &value))
		return false;
	*m = value;
	return true;
}

struct message *
index_add(const struct spool_place *place)
{
	struct message *m = mem_zero(1, sizeof(*m));

	begin();
	m->place = *place;
	m->keep = pool_new_sized(KEEP_SIZE);
	m->env = &no_envelope;
	m->fd = -1;
	ASSERT(map_put(by_id, str_of(m->place.head.id), m) == NULL);
	return m;
}

/* Is another message with this maildrop name in the queue?  The first to come is remembered. */
struct message *
index_twin(struct str maildrop, const struct message *but)
{
	struct message *other;

	if (maildrop.n == 0)
		return NULL;
	other = map_get(by_maildrop, maildrop);
	if (other == NULL)
		(void)map_put(by_maildrop, maildrop, (void *)(uintptr_t)but);
	return other == but ? NULL : other;
}

static void
remember(struct str key)
{
	struct str *slot = &ring[ring_at++ % RECENT];

	if (key.n == 0)
		return;
	if (slot->p != NULL) {
		(void)map_del(recent, *slot);
		free((void *)(uintptr_t)slot->p);
	}
	slot->p = memcpy(mem_alloc(key.n), key.p, key.n);
	slot->n = key.n;
	(void)map_put(recent, *slot, ring);
}

void
index_done(struct str maildrop)
{
	begin();
	if (!index_recent(maildrop))
		remember(maildrop);
}

bool
index_recent(struct str key)
{
	begin();
	return key.n > 0 && map_get(recent, key) != NULL;
}

static struct message **
slot(size_t i)
{
	return vec_at(&heap, i);
}

static void
place_at(size_t i, struct message *m)
{
	*slot(i) = m;
	m->heap_at = i + 1;
}

static void
sift_up(size_t i)
{
	struct message *m = *slot(i);

	while (i > 0 && (*slot((i - 1) / 2))->due > m->due) {
		place_at(i, *slot((i - 1) / 2));
		i = (i - 1) / 2;
	}
	place_at(i, m);
}

static void
sift_down(size_t i)
{
	struct message *m = *slot(i);

	for (;;) {
		size_t kid = 2 * i + 1;

		if (kid >= heap.n)
			break;
		if (kid + 1 < heap.n && (*slot(kid + 1))->due < (*slot(kid))->due)
			kid++;
		if ((*slot(kid))->due >= m->due)
			break;
		place_at(i, *slot(kid));
		i = kid;
	}
	place_at(i, m);
}

static void
heap_remove(struct message *m)
{
	size_t i = m->heap_at;
	struct message *last;

	if (i == 0)
		return;
	m->heap_at = 0;
	last = *(struct message **)vec_pop(&heap);
	if (last == m)
		return;
	place_at(i - 1, last);
	sift_up(i - 1);
	sift_down(last->heap_at - 1);
}

void
index_ready(struct message *m)
{
	heap_remove(m);
	if (m->ready)
		return;
	m->ready = true;
	m->next = NULL;
	if (last_new != NULL)
		last_new->next = m;
	else
		first_new = m;
	last_new = m;
}

void
index_due(struct message *m, msec_t due)
{
	if (m->ready)
		return;
	heap_remove(m);
	m->due = due;
	*(struct message **)vec_push(&heap) = m;
	m->heap_at = heap.n;
	sift_up(heap.n - 1);
}

static void
unready(struct message *m)
{
	struct message **at = &first_new, *before = NULL;

	if (!m->ready)
		return;
	while (*at != m) {
		before = *at;
		at = &(*at)->next;
	}
	*at = m->next;
	if (last_new == m)
		last_new = before;
	m->ready = false;
}

void
index_rest(struct message *m)
{
	heap_remove(m);
	unready(m);
}

struct message *
index_next(bool old_too)
{
	bool old = old_too && heap.n > 0 && (*slot(0))->due <= clock_ms();
	struct message *m = NULL;

	if (first_new != NULL && (!old || turn++ % (NEW_TURNS + 1) < NEW_TURNS)) {
		m = first_new;
		unready(m);
	} else if (old) {
		m = *slot(0);
		heap_remove(m);
	}
	return m;
}

msec_t
index_when(bool old_too)
{
	if (first_new != NULL)
		return clock_ms();
	return old_too && heap.n > 0 ? (*slot(0))->due : NEVER;
}

void
index_remove(struct message *m)
{
	heap_remove(m);
	unready(m);
	(void)map_del(by_id, str_of(m->place.head.id));
	if (m->maildrop.n > 0 && map_get(by_maildrop, m->maildrop) == m)
		(void)map_del(by_maildrop, m->maildrop);
	remember(str_of(m->place.head.id));
	if (!m->twin)
		remember(m->maildrop);
	for (unsigned i = 0; i < m->nrcpts; i++)
		reason_drop(m->rcpts[i].why);
	pool_free(m->keep);
	free(m->rcpts);
	free(m);
}
