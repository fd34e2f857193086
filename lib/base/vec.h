/* SPDX-License-Identifier: ISC */
/*
 * vec - a growing array of things of one size.
 *
 *	struct vec v = vec_of(sizeof(struct host));
 *	struct host *h = vec_push(&v);
 *
 * Elements move when the vec grows: keep indexes, not pointers, across a vec_push.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stddef.h>

struct vec {
	void *p;	/* the elements; may be used as an array of `n` */
	size_t n;
	size_t cap;
	size_t size;	/* of one element */
};

/* An empty vec of elements of `size` bytes; holds no memory yet. */
struct vec vec_of(size_t size);

/* A new zeroed element at the end. */
void *vec_push(struct vec *v);

/* Element `i`, which must exist. */
void *vec_at(const struct vec *v, size_t i);

/* Take the last element away; its bytes stay readable until the next vec_push.  NULL when empty. */
void *vec_pop(struct vec *v);

/* Remove element `i`; those behind it move up. */
void vec_remove(struct vec *v, size_t i);

/* Sort with qsort's contract. */
void vec_sort(struct vec *v, int (*cmp)(const void *, const void *));

/* Empty it; the memory stays.  Give the memory back; the vec is empty and usable. */
void vec_reset(struct vec *v);
void vec_free(struct vec *v);

#endif
