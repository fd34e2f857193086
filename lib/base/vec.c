/* SPDX-License-Identifier: ISC */
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#include "base/panic.h"

struct vec
vec_of(size_t size)
{
	return (struct vec){ .size = size };
}

void *
vec_push(struct vec *v)
{
	char *at;

	ASSERT(v->size > 0);
	if (v->n == v->cap) {
		v->cap = v->cap == 0 ? 8 : size_mul(v->cap, 2);
		v->p = mem_resize(v->p, size_mul(v->cap, v->size));
	}
	at = (char *)v->p + v->n++ * v->size;
	return memset(at, 0, v->size);
}

void *
vec_at(const struct vec *v, size_t i)
{
	ASSERT(i < v->n);
	return (char *)v->p + i * v->size;
}

void *
vec_pop(struct vec *v)
{
	if (v->n == 0)
		return NULL;
	return (char *)v->p + --v->n * v->size;
}

void
vec_remove(struct vec *v, size_t i)
{
	char *at = vec_at(v, i);

	memmove(at, at + v->size, (v->n - i - 1) * v->size);
	v->n--;
}

void
vec_sort(struct vec *v, int (*cmp)(const void *, const void *))
{
	if (v->n > 1)
		qsort(v->p, v->n, v->size, cmp);
}

void
vec_reset(struct vec *v)
{
	v->n = 0;
}

void
vec_free(struct vec *v)
{
	free(v->p);
	*v = vec_of(v->size);
}
