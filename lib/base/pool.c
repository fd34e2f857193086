/* SPDX-License-Identifier: ISC */
#include "base/pool.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/panic.h"

#define FIRST_BLOCK	1008	/* with malloc's own word a KB */
#define MAX_BLOCK	32752

struct block {
	struct block *next;
	size_t cap;
	_Alignas(max_align_t) char data[];
};

struct pool {
	size_t first;		/* size of the first block */
	struct block *blocks;	/* newest first; only the newest has room */
	size_t used;		/* bytes taken in the newest */
	size_t total;
};

struct pool *
pool_new(void)
{
	return pool_new_sized(FIRST_BLOCK);
}

struct pool *
pool_new_sized(size_t first)
{
	struct pool *p = mem_zero(1, sizeof(*p));

	p->first = first;
	return p;
}

static void
add_block(struct pool *p, size_t n)
{
	size_t cap = p->blocks == NULL ? p->first : p->blocks->cap * 2;
	struct block *b;

	if (cap > MAX_BLOCK)
		cap = MAX_BLOCK;
	if (cap < n)
		cap = n;
	b = mem_alloc(size_add(sizeof(*b), cap));
	b->cap = cap;
	b->next = p->blocks;
	p->blocks = b;
	p->used = 0;
}

static void *
take(struct pool *p, size_t n)
{
	size_t align = _Alignof(max_align_t);
	char *at;

	n = size_add(n, align - 1) & ~(align - 1);
	if (p->blocks == NULL || p->blocks->cap - p->used < n)
		add_block(p, n);
	at = p->blocks->data + p->used;
	p->used += n;
	p->total += n;
	return at;
}

void *
pool_alloc(struct pool *p, size_t n)
{
	return memset(take(p, n), 0, n);
}

void *
pool_array(struct pool *p, size_t n, size_t size)
{
	return pool_alloc(p, size_mul(n, size));
}

struct str
pool_str(struct pool *p, struct str s)
{
	char *at;

	if (s.n == 0)
		return STR("");
	at = take(p, size_add(s.n, 1));
	memcpy(at, s.p, s.n);
	at[s.n] = '\0';
	return (struct str){ at, s.n };
}

struct str
pool_vprintf(struct pool *p, const char *fmt, va_list ap)
{
	va_list again;
	char *at;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	ASSERT(n >= 0);
	at = take(p, (size_t)n + 1);
	(void)vsnprintf(at, (size_t)n + 1, fmt, ap);
	return (struct str){ at, (size_t)n };
}

struct str
pool_printf(struct pool *p, const char *fmt, ...)
{
	struct str s;
	va_list ap;

	va_start(ap, fmt);
	s = pool_vprintf(p, fmt, ap);
	va_end(ap);
	return s;
}

size_t
pool_used(const struct pool *p)
{
	return p->total;
}

void
pool_reset(struct pool *p)
{
	struct block *b, *next, *keep = NULL;

	for (b = p->blocks; b != NULL; b = next) {
		next = b->next;
		if (b->cap == p->first && keep == NULL)
			keep = b;
		else
			free(b);
	}
	if (keep != NULL)
		keep->next = NULL;
	p->blocks = keep;
	p->used = p->total = 0;
}

void
pool_free(struct pool *p)
{
	struct block *b, *next;

	if (p == NULL)
		return;
	for (b = p->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(p);
}
