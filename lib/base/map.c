/* SPDX-License-Identifier: ISC */
/*
 * Open addressing with linear probing over a power of two, at most three quarters full.  A deleted
 * slot becomes a gravestone; growing (or cleaning up) sweeps them out.
 */
#include "base/map.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/panic.h"

struct slot {
	char *key;		/* NULL: never used; &gone: was used */
	size_t n;
	void *value;
	uint64_t hash;
};

struct map {
	struct slot *slots;
	size_t size;		/* power of two, or 0 */
	size_t live;
	size_t dirty;		/* live and gravestones */
	uint64_t seed[2];
};

static char gone;

struct map *
map_new(void)
{
	static uint64_t seed[2];	/* one secret a process is enough */
	struct map *m = mem_zero(1, sizeof(*m));

	if (seed[0] == 0)
		hash_seed(seed);
	memcpy(m->seed, seed, sizeof(seed));
	return m;
}

static struct slot *
look(const struct map *m, struct str key, uint64_t hash)
{
	size_t mask = m->size - 1;

	if (m->size == 0)
		return NULL;
	for (size_t i = hash & mask; m->slots[i].key != NULL; i = (i + 1) & mask) {
		struct slot *s = &m->slots[i];

		if (s->key != &gone && s->hash == hash && str_eq(str_n(s->key, s->n), key))
			return s;
	}
	return NULL;
}

static void
rebuild(struct map *m)
{
	struct slot *old = m->slots;
	size_t old_size = m->size, i, j;

	m->size = m->live * 2 < 8 ? 16 : m->size;
	while (m->live * 2 >= m->size)
		m->size *= 2;
	m->slots = mem_zero(m->size, sizeof(*m->slots));
	m->dirty = m->live;
	for (i = 0; i < old_size; i++) {
		if (old[i].key == NULL || old[i].key == &gone)
			continue;
		for (j = old[i].hash & (m->size - 1); m->slots[j].key != NULL;
		    j = (j + 1) & (m->size - 1))
			;
		m->slots[j] = old[i];
	}
	free(old);
}

void *
map_get(const struct map *m, struct str key)
{
	struct slot *s = look(m, key, hash_sip(m->seed, key));

	return s == NULL ? NULL : s->value;
}

void *
map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = hash_sip(m->seed, key);
	struct slot *s = look(m, key, hash);
	size_t i;

	ASSERT(value != NULL);
	if (s != NULL) {
		void *old = s->value;

		s->value = value;
		return old;
	}
	if ((m->dirty + 1) * 4 > m->size * 3)
		rebuild(m);
	for (i = hash & (m->size - 1); m->slots[i].key != NULL && m->slots[i].key != &gone;
	    i = (i + 1) & (m->size - 1))
		;
	s = &m->slots[i];
	if (s->key == NULL)
		m->dirty++;
	s->key = mem_alloc(key.n);
	if (key.n > 0)
		memcpy(s->key, key.p, key.n);
	s->n = key.n;
	s->value = value;
	s->hash = hash;
	m->live++;
	return NULL;
}

void *
map_del(struct map *m, struct str key)
{
	struct slot *s = look(m, key, hash_sip(m->seed, key));
	void *value;

	if (s == NULL)
		return NULL;
	value = s->value;
	free(s->key);
	s->key = &gone;
	s->value = NULL;
	m->live--;
	return value;
}

size_t
map_count(const struct map *m)
{
	return m->live;
}

bool
map_next(const struct map *m, size_t *at, struct str *key, void **value)
{
	for (; *at < m->size; (*at)++) {
		struct slot *s = &m->slots[*at];

		if (s->key == NULL || s->key == &gone)
			continue;
		if (key != NULL)
			*key = str_n(s->key, s->n);
		if (value != NULL)
			*value = s->value;
		(*at)++;
		return true;
	}
	return false;
}

void
map_free(struct map *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->size; i++)
		if (m->slots[i].key != &gone)
			free(m->slots[i].key);
	free(m->slots);
	free(m);
}
