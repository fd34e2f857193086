/* SPDX-License-Identifier: ISC */
#include "base/scan.h"

struct scan
scan_of(struct str s)
{
	if (s.p == NULL)
		s = STR("");
	return (struct scan){ s.p, s.p + s.n };
}

bool
scan_done(const struct scan *in)
{
	return in->p == in->end;
}

struct str
scan_rest(const struct scan *in)
{
	return (struct str){ in->p, (size_t)(in->end - in->p) };
}

int
scan_peek(const struct scan *in)
{
	return in->p == in->end ? -1 : (unsigned char)*in->p;
}

bool
scan_char(struct scan *in, char c)
{
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

bool
scan_any(struct scan *in, char *out)
{
	if (in->p == in->end)
		return false;
	*out = *in->p++;
	return true;
}

bool
scan_text(struct scan *in, struct str what)
{
	if (!str_start(scan_rest(in), what))
		return false;
	in->p += what.n;
	return true;
}

bool
scan_itext(struct scan *in, struct str what)
{
	if (!str_istart(scan_rest(in), what))
		return false;
	in->p += what.n;
	return true;
}

bool
scan_while(struct scan *in, bool (*is)(char), struct str *out)
{
	const char *from = in->p;

	while (in->p < in->end && is(*in->p))
		in->p++;
	if (in->p == from)
		return false;
	*out = (struct str){ from, (size_t)(in->p - from) };
	return true;
}

static bool
wordy(char c)
{
	return !ch_space(c);
}

bool
scan_word(struct scan *in, struct str *out)
{
	return scan_while(in, wordy, out);
}

bool
scan_until(struct scan *in, char c, struct str *out)
{
	ptrdiff_t at = str_chr(scan_rest(in), c);

	if (at < 0)
		return false;
	*out = (struct str){ in->p, (size_t)at };
	in->p += at;
	return true;
}

bool
scan_blanks(struct scan *in)
{
	struct str skipped;

	return scan_while(in, ch_blank, &skipped);
}

bool
scan_number(struct scan *in, uint64_t max, uint64_t *out)
{
	struct scan at = *in;
	struct str digits;

	if (!scan_while(&at, ch_digit, &digits) || !str_u64(digits, max, out))
		return false;
	*in = at;
	return true;
}
