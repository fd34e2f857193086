/* SPDX-License-Identifier: ISC */
#include "base/str.h"

struct str
str_of(const char *s)
{
	return s == NULL ? (struct str){ "", 0 } : (struct str){ s, strlen(s) };
}

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
str_ieq(struct str a, struct str b)
{
	return a.n == b.n && str_istart(a, b);
}

bool
str_start(struct str s, struct str with)
{
	return s.n >= with.n && (with.n == 0 || memcmp(s.p, with.p, with.n) == 0);
}

bool
str_istart(struct str s, struct str with)
{
	if (s.n < with.n)
		return false;
	for (size_t i = 0; i < with.n; i++)
		if (ch_lower(s.p[i]) != ch_lower(with.p[i]))
			return false;
	return true;
}

bool
str_end(struct str s, struct str with)
{
	return s.n >= with.n && str_eq(str_sub(s, s.n - with.n, with.n), with);
}

bool
str_iend(struct str s, struct str with)
{
	return s.n >= with.n && str_ieq(str_sub(s, s.n - with.n, with.n), with);
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

ptrdiff_t
str_chr(struct str s, char c)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return at == NULL ? -1 : at - s.p;
}

ptrdiff_t
str_rchr(struct str s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return (ptrdiff_t)i - 1;
	return -1;
}

ptrdiff_t
str_find(struct str s, struct str what)
{
	const char *at;

	if (what.n == 0)
		return 0;
	if (s.n < what.n)
		return -1;
	at = memmem(s.p, s.n, what.p, what.n);
	return at == NULL ? -1 : at - s.p;
}

struct str
str_sub(struct str s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (struct str){ s.n == 0 ? s.p : s.p + from, n };
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && ch_space(s.p[0]))
		s.p++, s.n--;
	while (s.n > 0 && ch_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
str_cut(struct str *s, char sep, struct str *head)
{
	ptrdiff_t at = str_chr(*s, sep);

	if (s->n == 0)
		return false;
	*head = at < 0 ? *s : str_sub(*s, 0, (size_t)at);
	*s = at < 0 ? str_sub(*s, s->n, 0) : str_sub(*s, (size_t)at + 1, s->n);
	return true;
}

bool
str_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

bool
str_eq_secret(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)(x[i] ^ y[i]);
	return diff == 0;
}
