/* SPDX-License-Identifier: ISC */
/*
 * lines - logical lines, as all of Postfix's files have them.
 *
 * A line that begins with a blank goes on the one before it; lines that are empty, or whose first
 * visible character is #, count for nothing, also between a line and its continuation.
 */
#ifndef CONF_LINES_H
#define CONF_LINES_H

#include "base/buf.h"
#include "base/str.h"

struct lines {
	struct str rest;
	unsigned next;		/* number of the physical line at `rest` */
};

/* At the start of `text`, which must outlive it. */
struct lines lines_of(struct str text);

/*
 * The next logical line into `out` (emptied first), its parts joined, the blanks that begin a
 * continuation kept; CR before LF is dropped.  `line` is the number of its first physical line.
 * False at the end.  A first line that begins with a blank starts a logical line of its own.
 */
bool lines_next(struct lines *in, struct buf *out, unsigned *line);

/*
 * The next word of `s`, at blanks (and at commas when `commas`); a { } group stays whole, braces
 * included, also inside a word (inline:{a=b, c=d}).  False at the end.  An unclosed group gives all that is left.
 */
bool lines_word(struct str *s, bool commas, struct str *word);

/* The { } group that `s` begins with: what is inside it; moves behind it.  False when there is none. */
bool lines_group(struct str *s, struct str *inside);

/* `{ text }` without braces and the blanks inside them; anything else as it is. */
struct str lines_unbrace(struct str s);

#endif
