/* SPDX-License-Identifier: ISC */
/*
 * scan - a cursor over text for hand-written parsers.
 *
 * Every function that returns true consumed what it matched; one that returns false left the
 * cursor where it was.  Nothing is ever read outside the text.
 */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include "base/str.h"

struct scan {
	const char *p;
	const char *end;
};

/* A cursor at the start of `s`. */
struct scan scan_of(struct str s);

/* Is everything consumed? */
bool scan_done(const struct scan *in);

/* What is left. */
struct str scan_rest(const struct scan *in);

/* The next byte as 0..255, or -1 at the end; consumes nothing. */
int scan_peek(const struct scan *in);

/* Exactly this byte; any byte. */
bool scan_char(struct scan *in, char c);
bool scan_any(struct scan *in, char *out);

/* Exactly this text; the same without ASCII case. */
bool scan_text(struct scan *in, struct str what);
bool scan_itext(struct scan *in, struct str what);

/* One or more bytes for which `is` holds. */
bool scan_while(struct scan *in, bool (*is)(char), struct str *out);

/* One or more bytes other than blank, tab, CR, LF. */
bool scan_word(struct scan *in, struct str *out);

/* Everything up to the first `c`, which is left; false when there is no `c`. */
bool scan_until(struct scan *in, char c, struct str *out);

/* Blanks and tabs, none is fine; true when there was one at least. */
bool scan_blanks(struct scan *in);

/* A decimal number of at most `max`, no sign.  False too when the digits are a larger number. */
bool scan_number(struct scan *in, uint64_t max, uint64_t *out);

#endif
