/* SPDX-License-Identifier: ISC */
/*
 * str - text we look at.
 *
 * A view: it owns nothing and has no NUL.  Whoever owns the bytes says how long the view lives.
 * Comparisons are bytewise; the case-blind ones know ASCII only, so no locale changes a protocol.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* Several of them, in order. */
struct strs {
	struct str *v;
	size_t n;
};

/* A view of a string literal. */
#define STR(lit)	((struct str){ "" lit, sizeof(lit) - 1 })

/* The same as an initialiser of a static object. */
#define STR_INIT(lit)	{ "" lit, sizeof(lit) - 1 }

/* For printf: `"%.*s", STR_ARG(s)`. */
#define STR_ARG(s)	(int)((s).n > INT32_MAX ? INT32_MAX : (s).n), (s).p

/* A view of a C string; NULL gives the empty view. */
struct str str_of(const char *s);

/* A view of `n` bytes. */
static inline struct str
str_n(const void *p, size_t n)
{
	return (struct str){ p, n };
}

/* Do both hold the same bytes? */
bool str_eq(struct str a, struct str b);

/* The same, ASCII letters compared without case. */
bool str_ieq(struct str a, struct str b);

/* Does `s` begin (end) with `with`?  The i forms compare ASCII letters without case. */
bool str_start(struct str s, struct str with);
bool str_istart(struct str s, struct str with);
bool str_end(struct str s, struct str with);
bool str_iend(struct str s, struct str with);

/* Order of bytes, a shorter one first: <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/* Offset of the first (last) `c` in `s`, or -1. */
ptrdiff_t str_chr(struct str s, char c);
ptrdiff_t str_rchr(struct str s, char c);

/* Offset of the first occurrence of `what`, or -1. */
ptrdiff_t str_find(struct str s, struct str what);

/* The part of `s` from offset `from`, at most `n` bytes; both are cut to what there is. */
struct str str_sub(struct str s, size_t from, size_t n);

/* `s` without blanks, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);

/*
 * Cut `*s` at the first `sep`: gives what stands before it and moves `*s` behind it.  Without a
 * `sep` it gives all of `*s` and leaves it empty.  False only when `*s` was empty already.
 */
bool str_cut(struct str *s, char sep, struct str *head);

/*
 * An unsigned decimal number that is all of `s`, at most `max`.  False for an empty text, a sign, a
 * blank, anything else behind the digits, or a larger number; `*out` is left alone then.
 */
bool str_u64(struct str s, uint64_t max, uint64_t *out);

/* Compare two secrets of `n` bytes in a time that depends on `n` alone. */
bool str_eq_secret(const void *a, const void *b, size_t n);

/* ASCII classes, without a locale. */
static inline bool ch_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool ch_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static inline bool ch_alnum(char c) { return ch_digit(c) || ch_alpha(c); }
static inline char ch_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }
static inline char ch_upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 32) : c; }
static inline bool ch_blank(char c) { return c == ' ' || c == '\t'; }
static inline bool ch_space(char c) { return ch_blank(c) || c == '\r' || c == '\n'; }
/* Printable ASCII, the blank included. */
static inline bool ch_print(char c) { return c >= 32 && c < 127; }

#endif
