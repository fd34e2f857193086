/* SPDX-License-Identifier: ISC */
/*
 * fold - text without case, to be compared byte by byte.
 *
 * Upper case first and then lower, so that letters with two small forms (sigma at a word's end, the
 * long s) become one.  The letters are libc's, in the locale that fold_ready loads.
 */
#include <locale.h>
#include <wctype.h>

#include "base/log.h"
#include "imapd/imapd.h"

void
fold_ready(void)
{
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		log_warn("no locale C.UTF-8: searches know the case of ASCII letters only");
}

/* Bytes of the character at `p` (RFC 3629), 0: none; `c` is its number. */
static size_t
character(const char *p, size_t n, unsigned long *c)
{
	unsigned char first = (unsigned char)p[0];
	size_t want = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 :
	    first >= 0xc2 && first < 0xe0 ? 2 : 0;

	if (want == 0 || n < want)
		return 0;
	*c = first & (0x7fU >> want);
	for (size_t i = 1; i < want; i++) {
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | ((unsigned char)p[i] & 0x3f);
	}
	return *c > 0x10ffff ? 0 : want;
}

static void
add_character(struct buf *out, unsigned long c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
		return;
	}
	if (c >= 0x10000) {
		buf_addc(out, (char)(0xf0 | c >> 18));
		buf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
	} else if (c >= 0x800) {
		buf_addc(out, (char)(0xe0 | c >> 12));
	} else {
		buf_addc(out, (char)(0xc0 | c >> 6));
	}
	if (c >= 0x800)
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	buf_addc(out, (char)(0x80 | (c & 0x3f)));
}

void
fold_add(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n;) {
		unsigned long c;
		size_t n;

		if ((unsigned char)text.p[i] < 0x80) {
			buf_addc(out, ch_lower(text.p[i++]));
		} else if ((n = character(text.p + i, text.n - i, &c)) == 0) {
			buf_addc(out, text.p[i++]);
		} else {
			add_character(out, (unsigned long)towlower(towupper((wint_t)c)));
			i += n;
		}
	}
}
