/* SPDX-License-Identifier: ISC */
/*
 * reason - why recipients wait, each text once.
 *
 * A next hop that is down gives thousands of messages the same reason, and a message that is tried
 * for days gets a hundred others; what nobody holds any more is forgotten.
 */
#include "qmgr/qmgr.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/panic.h"

#define FIRST_SIZE	256

struct shared {
	struct reason reason;		/* first: a reason is its entry */
	struct shared *next;
	uint64_t hash;
	size_t users;
	char text[];
};

static struct shared **table;
static size_t size, count;
static uint64_t seed[2];

static uint64_t
hash_of(const struct reason *r)
{
	const struct str *v[] = { &r->dsn, &r->text, &r->diag, &r->remote };
	uint64_t h = 0;

	for (unsigned i = 0; i < 4; i++)
		h = h * 31 + hash_sip(seed, *v[i]);
	return h;
}

bool
reason_same(const struct reason *a, const struct reason *b)
{
	return str_eq(a->dsn, b->dsn) && str_eq(a->text, b->text) && str_eq(a->diag, b->diag) &&
	    str_eq(a->remote, b->remote);
}

static void
grow(void)
{
	size_t more = size == 0 ? FIRST_SIZE : size * 2;
	struct shared **bigger = mem_zero(more, sizeof(struct shared *));

	if (size == 0)
		hash_seed(seed);
	for (size_t i = 0; i < size; i++)
		for (struct shared *s = table[i], *next; s != NULL; s = next) {
			next = s->next;
			s->next = bigger[s->hash & (more - 1)];
			bigger[s->hash & (more - 1)] = s;
		}
	free(table);
	table = bigger;
	size = more;
}

static struct str
put(char **at, struct str s)
{
	char *to = *at;

	if (s.n == 0)
		return STR("");
	memcpy(to, s.p, s.n);
	*at += s.n;
	return str_n(to, s.n);
}

const struct reason *
reason_hold(const struct reason *r)
{
	struct shared *s;
	uint64_t hash;
	char *at;

	if (count >= size)
		grow();
	hash = hash_of(r);
	for (s = table[hash & (size - 1)]; s != NULL; s = s->next)
		if (s->hash == hash && reason_same(&s->reason, r)) {
			s->users++;
			return &s->reason;
		}
	s = mem_zero(1, sizeof(*s) + r->dsn.n + r->text.n + r->diag.n + r->remote.n);
	at = s->text;
	s->reason = (struct reason){ put(&at, r->dsn), put(&at, r->text), put(&at, r->diag),
		put(&at, r->remote) };
	s->hash = hash;
	s->users = 1;
	s->next = table[hash & (size - 1)];
	table[hash & (size - 1)] = s;
	count++;
	return &s->reason;
}

void
reason_drop(const struct reason *r)
{
	struct shared *s = (struct shared *)(uintptr_t)r, **at;

	if (r == NULL || --s->users > 0)
		return;
	for (at = &table[s->hash & (size - 1)]; *at != s; at = &(*at)->next)
		ASSERT(*at != NULL);
	*at = s->next;
	count--;
	free(s);
}

size_t
reason_count(void)
{
	return count;
}
