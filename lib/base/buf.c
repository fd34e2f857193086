/* SPDX-License-Identifier: ISC */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/panic.h"

char *
buf_room(struct buf *b, size_t n)
{
	size_t limit = b->limit == 0 ? BUF_LIMIT : b->limit;
	size_t need, cap;

	if (n > limit || b->n > limit - n) {
		b->over = true;
		return NULL;
	}
	need = b->n + n + 1;
	if (need > b->cap) {
		cap = b->cap < 64 ? 64 : b->cap;
		while (cap < need)
			cap *= 2;
		b->p = mem_resize(b->p, cap);
		b->cap = cap;
	}
	return b->p + b->n;
}

void
buf_grew(struct buf *b, size_t n)
{
	ASSERT(b->n + n < b->cap);
	b->n += n;
	b->p[b->n] = '\0';
}

void
buf_add(struct buf *b, struct str s)
{
	char *at = buf_room(b, s.n);

	if (at == NULL)
		return;
	if (s.n > 0)
		memcpy(at, s.p, s.n);
	buf_grew(b, s.n);
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, (struct str){ &c, 1 });
}

void
buf_addz(struct buf *b, const char *s)
{
	buf_add(b, str_of(s));
}

void
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *at;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	ASSERT(n >= 0);
	if ((at = buf_room(b, (size_t)n)) == NULL)
		return;
	(void)vsnprintf(at, (size_t)n + 1, fmt, ap);
	buf_grew(b, (size_t)n);
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n > b->n)
		n = b->n;
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	b->p[b->n] = '\0';
}

struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p == NULL ? "" : b->p, b->n };
}

const char *
buf_z(struct buf *b)
{
	return b->p == NULL ? "" : b->p;
}

bool
buf_ok(const struct buf *b)
{
	return !b->over;
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->over = false;
	if (b->p != NULL)
		b->p[0] = '\0';
}

void
buf_free(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
	b->over = false;
}
