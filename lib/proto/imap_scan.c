/* SPDX-License-Identifier: ISC */
/*
 * imap_scan - words, dates, flags and sequence sets of IMAP.
 */
#include <stdlib.h>

#include "mail/date.h"
#include "proto/imap.h"
#include "proto/mutf7.h"

/* atom-specials: "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials */
static bool
is_atom(char c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

/* ASTRING-CHAR = ATOM-CHAR / resp-specials; bytes above 127 are taken as clients send them. */
static bool
is_astring(char c)
{
	return is_atom(c) || c == ']' || (unsigned char)c > 0x7f;
}

/* tag = 1*<any ASTRING-CHAR except "+"> */
static bool
is_tag(char c)
{
	return (is_atom(c) || c == ']') && c != '+';
}

/* list-char = ATOM-CHAR / list-wildcards / resp-specials */
static bool
is_pattern(char c)
{
	return is_astring(c) || c == '%' || c == '*';
}

bool
imap_scan_sp(struct scan *in)
{
	return scan_char(in, ' ');
}

bool
imap_scan_tag(struct scan *in, struct str *tag)
{
	struct scan s = *in;

	if (!scan_while(&s, is_tag, tag) || tag->n > IMAP_TAG_MAX)
		return false;
	*in = s;
	return true;
}

bool
imap_scan_atom(struct scan *in, struct str *out)
{
	return scan_while(in, is_atom, out);
}

bool
imap_scan_number(struct scan *in, uint32_t *out)
{
	uint64_t n;

	if (!scan_number(in, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

bool
imap_scan_nz_number(struct scan *in, uint32_t *out)
{
	struct scan s = *in;

	if (scan_peek(&s) == '0' || !imap_scan_number(&s, out))
		return false;
	*in = s;
	return true;
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE */
static bool
scan_quoted(struct scan *in, struct pool *p, struct str *out)
{
	const char *at = in->p, *from;
	size_t n = 0;
	char *to;

	if (at == in->end || *at++ != '"')
		return false;
	for (from = at; at < in->end && *at != '"'; at++, n++) {
		if (*at == '\\' && (++at == in->end || (*at != '\\' && *at != '"')))
			return false;
		if (*at == '\0' || *at == '\r' || *at == '\n')
			return false;
	}
	if (at == in->end)
		return false;
	in->p = at + 1;
	if (n == (size_t)(at - from)) {
		*out = str_n(from, n);
		return true;
	}
	to = pool_alloc(p, n + 1);
	*out = str_n(to, n);
	for (; from < at; from++) {
		if (*from == '\\')
			from++;
		*to++ = *from;
	}
	return true;
}

/* literal = "{" number ["+"] "}" CRLF *CHAR8 */
static bool
scan_literal(struct scan *in, struct str *out)
{
	struct scan s = *in;
	uint64_t n;

	if (!scan_char(&s, '{') || !scan_number(&s, IMAP_COMMAND_MAX, &n))
		return false;
	scan_char(&s, '+');
	if (!scan_text(&s, STR("}\r\n")) || n > (size_t)(s.end - s.p) ||
	    memchr(s.p, '\0', n) != NULL)
		return false;
	*out = str_n(s.p, n);
	s.p += n;
	*in = s;
	return true;
}

bool
imap_scan_string(struct scan *in, struct pool *p, struct str *out)
{
	return scan_quoted(in, p, out) || scan_literal(in, out);
}

bool
imap_scan_astring(struct scan *in, struct pool *p, struct str *out)
{
	return imap_scan_string(in, p, out) || scan_while(in, is_astring, out);
}

bool
imap_scan_nstring(struct scan *in, struct pool *p, struct str *out)
{
	struct scan s = *in;
	struct str word;

	if (scan_while(&s, is_astring, &word) && str_ieq(word, STR("NIL"))) {
		*in = s;
		*out = (struct str){ NULL, 0 };
		return true;
	}
	return imap_scan_string(in, p, out);
}

bool
imap_scan_mailbox(struct scan *in, struct pool *p, struct str *out)
{
	struct scan s = *in;
	struct buf name = { 0 };
	struct str wire;
	bool ok;

	if (!imap_scan_astring(&s, p, &wire))
		return false;
	ok = mutf7_decode(&name, wire);
	if (ok) {
		*out = str_ieq(wire, STR("INBOX")) ? STR("INBOX") : pool_str(p, buf_str(&name));
		*in = s;
	}
	buf_free(&name);
	return ok;
}

bool
imap_scan_pattern(struct scan *in, struct pool *p, struct str *out)
{
	return imap_scan_string(in, p, out) || scan_while(in, is_pattern, out);
}

/* flag = "\" atom / atom */
bool
imap_scan_flag(struct scan *in, struct str *out)
{
	struct scan s = *in;
	struct str word;

	scan_char(&s, '\\');
	if (!imap_scan_atom(&s, &word))
		return false;
	*out = str_n(in->p, (size_t)(s.p - in->p));
	*in = s;
	return true;
}

bool
imap_scan_flags(struct scan *in, struct vec *out)
{
	struct scan s = *in;
	struct str flag;
	size_t had = out->n;

	if (!scan_char(&s, '('))
		return false;
	while (!scan_char(&s, ')')) {
		if ((out->n > had && !imap_scan_sp(&s)) || !imap_scan_flag(&s, &flag) ||
		    out->n - had >= IMAP_FLAGS_MAX)
			return false;
		*(struct str *)vec_push(out) = flag;
	}
	*in = s;
	return true;
}

/* Exactly `n` digits; the first may be a blank when `pad`. */
static bool
digits(struct scan *in, unsigned n, bool pad, unsigned *out)
{
	unsigned v = 0;
	char c;

	for (unsigned i = 0; i < n; i++) {
		if (!scan_any(in, &c))
			return false;
		if (pad && i == 0 && c == ' ')
			c = '0';
		if (!ch_digit(c))
			return false;
		v = v * 10 + (unsigned)(c - '0');
	}
	*out = v;
	return true;
}

/* month "-" year, and is the day one of that month? */
static bool
month_year(struct scan *in, struct date *d)
{
	unsigned year;

	if (!scan_char(in, '-') || in->end - in->p < 3 ||
	    (d->month = date_month_of(str_n(in->p, 3))) == 0)
		return false;
	in->p += 3;
	if (!scan_char(in, '-') || !digits(in, 4, false, &year) || d->day < 1 || d->day > 31)
		return false;
	d->year = (int)year;
	return year >= 1;
}

bool
imap_scan_date(struct scan *in, int64_t *day)
{
	struct scan s = *in;
	struct date d = { 0 };
	bool quoted = scan_char(&s, '"');
	uint64_t n;

	if (!scan_number(&s, 31, &n))
		return false;
	d.day = (unsigned)n;
	if (!month_year(&s, &d) || (quoted && !scan_char(&s, '"')))
		return false;
	*day = date_wall(&d, 0) / 86400;
	*in = s;
	return true;
}

bool
imap_scan_datetime(struct scan *in, int64_t *wall)
{
	struct scan s = *in;
	struct date d = { 0 };
	unsigned hours, minutes;
	int east;
	char sign;

	if (!scan_char(&s, '"') || !digits(&s, 2, true, &d.day) || !month_year(&s, &d) ||
	    !scan_char(&s, ' ') || !digits(&s, 2, false, &d.hour) || !scan_char(&s, ':') ||
	    !digits(&s, 2, false, &d.minute) || !scan_char(&s, ':') ||
	    !digits(&s, 2, false, &d.second) || !scan_char(&s, ' ') || !scan_any(&s, &sign) ||
	    (sign != '+' && sign != '-') || !digits(&s, 2, false, &hours) ||
	    !digits(&s, 2, false, &minutes) || !scan_char(&s, '"'))
		return false;
	if (d.hour > 23 || d.minute > 59 || d.second > 60 || hours > 23 || minutes > 59)
		return false;
	east = (int)(hours * 60 + minutes);
	*wall = date_wall(&d, sign == '-' ? -east : east);
	/* Dates are kept from 1970 on; a message with an older one is no reason to refuse it. */
	if (*wall < 0)
		*wall = 0;
	*in = s;
	return true;
}

/* --- sequence sets --- */

static bool
scan_seq(struct scan *in, uint32_t *out)
{
	if (scan_char(in, '*')) {
		*out = IMAP_STAR;
		return true;
	}
	return imap_scan_nz_number(in, out);
}

bool
imap_scan_set(struct scan *in, struct pool *p, struct imap_set *out)
{
	struct scan s = *in;
	struct vec v = vec_of(sizeof(struct imap_range));
	bool ok;

	do {
		struct imap_range r;

		ok = v.n < IMAP_RANGES_MAX && scan_seq(&s, &r.lo);
		r.hi = r.lo;
		if (ok && scan_char(&s, ':'))
			ok = scan_seq(&s, &r.hi);
		if (ok)
			*(struct imap_range *)vec_push(&v) = r;
	} while (ok && scan_char(&s, ','));
	if (ok) {
		out->v = pool_array(p, v.n, sizeof(struct imap_range));
		memcpy(out->v, v.p, v.n * sizeof(struct imap_range));
		out->n = v.n;
		*in = s;
	}
	vec_free(&v);
	return ok;
}

static int
by_lo(const void *a, const void *b)
{
	const struct imap_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

void
imap_set_resolve(struct imap_set *set, uint32_t most)
{
	size_t keep = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct imap_range *r = &set->v[i];

		/* "*:5" with 3 messages is 3:5: the ends may change places. */
		if (r->hi == IMAP_STAR)
			r->hi = most;
		if (r->lo == IMAP_STAR)
			r->lo = most;
		if (r->lo > r->hi)
			*r = (struct imap_range){ r->hi, r->lo };
	}
	qsort(set->v, set->n, sizeof(*set->v), by_lo);
	for (size_t i = 1; i < set->n; i++) {
		struct imap_range *last = &set->v[keep], *r = &set->v[i];

		if (r->lo <= last->hi || r->lo == last->hi + 1)
			last->hi = r->hi > last->hi ? r->hi : last->hi;
		else
			set->v[++keep] = *r;
	}
	set->n = set->n == 0 ? 0 : keep + 1;
}

bool
imap_set_has(const struct imap_set *set, uint32_t n)
{
	size_t lo = 0, hi = set->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (set->v[mid].hi < n)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < set->n && set->v[lo].lo <= n;
}

bool
imap_line_literal(struct str line, struct imap_literal *out)
{
	ptrdiff_t at;
	struct str num;

	if (line.n < 3 || line.p[line.n - 1] != '}' || (at = str_rchr(line, '{')) < 0)
		return false;
	num = str_sub(line, (size_t)at + 1, line.n - (size_t)at - 2);
	out->sync = true;
	if (num.n > 0 && num.p[num.n - 1] == '+') {
		out->sync = false;
		num.n--;
	}
	if (num.n == 0)
		return false;
	for (size_t i = 0; i < num.n; i++)
		if (!ch_digit(num.p[i]))
			return false;
	if (!str_u64(num, UINT64_MAX, &out->size))
		out->size = UINT64_MAX;
	return true;
}
