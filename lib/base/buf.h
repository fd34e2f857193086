/* SPDX-License-Identifier: ISC */
/*
 * buf - text we own.
 *
 * All zero is a valid empty buf.  It grows up to its limit (BUF_LIMIT where none is set); what
 * would pass the limit is not added at all, the buf remembers it, and buf_ok tells, so callers add
 * freely and ask once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define BUF_LIMIT	((size_t)64 << 20)

struct buf {
	char *p;	/* NUL-terminated once anything was added */
	size_t n;	/* bytes in it, the NUL not counted */
	size_t cap;
	size_t limit;	/* most bytes it may hold; 0 means BUF_LIMIT */
	bool over;	/* something did not fit */
};

/* Append. */
void buf_add(struct buf *b, struct str s);
void buf_addc(struct buf *b, char c);
void buf_addz(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap);

/*
 * Room for `n` more bytes at the end: the place to write them, or NULL (and overflow) when they
 * pass the limit.  buf_grew says how many of them were written.
 */
char *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

/* Remove `n` bytes from the front. */
void buf_drop(struct buf *b, size_t n);

/* What is in it; the view ends with the next call that changes the buf. */
struct str buf_str(const struct buf *b);

/* The same as a C string, "" when empty. */
const char *buf_z(struct buf *b);

/* Did everything fit since the last reset? */
bool buf_ok(const struct buf *b);

/* Empty it; memory and limit stay. */
void buf_reset(struct buf *b);

/* Give the memory back; the buf is empty and usable afterwards, its limit stays. */
void buf_free(struct buf *b);

#endif
