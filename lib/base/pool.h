/* SPDX-License-Identifier: ISC */
/*
 * pool - memory that ends together.
 *
 * The unit of work is the unit of memory: a session has a pool, a mail transaction has a pool.
 * Nothing in a pool is freed alone.  Allocation never returns NULL.  An empty pool costs some 50
 * bytes; the first allocation takes a block.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"

struct pool;

/* A new, empty pool; give it to pool_free. */
struct pool *pool_new(void);

/*
 * The same with a first block of `first` bytes instead of about a KB; blocks double from there.  For
 * what there are very many of.
 */
struct pool *pool_new_sized(size_t first);

/* `n` zeroed bytes, aligned for any type, alive until pool_reset or pool_free. */
void *pool_alloc(struct pool *p, size_t n) __attribute__((returns_nonnull));

/* `n` times `size` zeroed bytes; the product is checked. */
void *pool_array(struct pool *p, size_t n, size_t size) __attribute__((returns_nonnull));

/*
 * A copy of `s`; a NUL follows it, so `.p` is a C string when `s` holds no NUL of its own.  An empty
 * one takes no memory.
 */
struct str pool_str(struct pool *p, struct str s);

/* Formatted text as a view; a NUL follows it. */
struct str pool_printf(struct pool *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str pool_vprintf(struct pool *p, const char *fmt, va_list ap);

/* Bytes handed out since the last reset. */
size_t pool_used(const struct pool *p);

/* Forget everything in it; the pool stays and keeps one small block at most. */
void pool_reset(struct pool *p);

/* End of the pool and all that is in it.  NULL is fine. */
void pool_free(struct pool *p);

#endif
