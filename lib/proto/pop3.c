/* SPDX-License-Identifier: ISC */
/*
 * pop3 - the grammar of POP3.
 */
#include "proto/pop3.h"

bool
pop3_scan_verb(struct scan *in, struct str *verb)
{
	struct scan s = *in;

	if (!scan_while(&s, ch_alnum, verb) || verb->n > 8)
		return false;
	if (!scan_done(&s) && !scan_char(&s, ' '))
		return false;
	*in = s;
	return true;
}

bool
pop3_scan_number(struct scan *in, bool last, uint32_t *out)
{
	struct scan s = *in;
	uint64_t n;

	scan_blanks(&s);
	if (!scan_number(&s, UINT32_MAX, &n))
		return false;
	if (last) {
		scan_blanks(&s);
		if (!scan_done(&s))
			return false;
	} else if (!scan_done(&s) && !ch_blank(*s.p)) {
		return false;
	}
	*in = s;
	*out = (uint32_t)n;
	return true;
}

void
pop3_stuff(struct buf *out, struct str text, bool *bol)
{
	size_t at = 0;

	while (at < text.n) {
		ptrdiff_t nl = str_chr(str_sub(text, at, text.n), '\n');
		size_t n = nl < 0 ? text.n - at : (size_t)nl + 1;

		if (*bol && text.p[at] == '.')
			buf_addc(out, '.');
		buf_add(out, str_sub(text, at, n));
		*bol = nl >= 0;
		at += n;
	}
}
