/* SPDX-License-Identifier: ISC */
/*
 * panic - the two ways a program ends on its own.
 *
 * A bug calls panic: the line is logged, and the process aborts.  A process that cannot go on (no
 * memory, no configuration) calls fatal: the line is logged, the process exits 1, and master
 * restarts it later.  Whatever a peer, a message or the network can cause is neither: it is a
 * returned value.  Outside the programs and lib/daemon only memory exhaustion may call fatal.
 */
#ifndef BASE_PANIC_H
#define BASE_PANIC_H

#include <stddef.h>

/* A bug in our own code.  Logs "panic: …" and aborts. */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* This process cannot go on.  Logs "fatal: …" and exits 1. */
_Noreturn void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Like assert, but always compiled in: a failed one is a bug. */
#define ASSERT(c) \
	((c) ? (void)0 : panic("%s:%d: %s: not true: %s", __FILE__, __LINE__, __func__, #c))

/* malloc, calloc, realloc that cannot fail: no memory is fatal.  calloc's product is checked. */
void *mem_alloc(size_t n) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *mem_zero(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *mem_resize(void *p, size_t n) __attribute__((alloc_size(2), returns_nonnull));

/* A copy of a C string; free it. */
char *mem_str(const char *s);

/* a + b and a * b, or a panic when the result does not fit: for sizes our own code made. */
size_t size_add(size_t a, size_t b);
size_t size_mul(size_t a, size_t b);

#endif
