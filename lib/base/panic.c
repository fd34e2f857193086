/* SPDX-License-Identifier: ISC */
#include "base/panic.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

_Noreturn void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vline(LOG_LEVEL_PANIC, fmt, ap);
	va_end(ap);
	abort();
}

_Noreturn void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vline(LOG_LEVEL_FATAL, fmt, ap);
	va_end(ap);
	exit(1);
}

void *
mem_alloc(size_t n)
{
	void *p = malloc(n == 0 ? 1 : n);

	if (p == NULL)
		fatal("out of memory (%zu bytes)", n);
	return p;
}

void *
mem_zero(size_t n, size_t size)
{
	void *p = calloc(n == 0 ? 1 : n, size == 0 ? 1 : size);

	if (p == NULL)
		fatal("out of memory (%zu times %zu bytes)", n, size);
	return p;
}

void *
mem_resize(void *p, size_t n)
{
	void *q = realloc(p, n == 0 ? 1 : n);

	if (q == NULL)
		fatal("out of memory (%zu bytes)", n);
	return q;
}

char *
mem_str(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(mem_alloc(n), s, n);
}

size_t
size_add(size_t a, size_t b)
{
	if (b > SIZE_MAX - a)
		panic("size %zu + %zu does not fit", a, b);
	return a + b;
}

size_t
size_mul(size_t a, size_t b)
{
	if (a != 0 && b > SIZE_MAX / a)
		panic("size %zu * %zu does not fit", a, b);
	return a * b;
}
