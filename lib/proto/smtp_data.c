/* SPDX-License-Identifier: ISC */
#include "proto/smtp_data.h"

enum {
	LINE,		/* at the start of a line */
	TEXT,		/* inside one */
	CR,		/* a CR in a line; held back */
	DOT,		/* a dot at the start of a line; held back */
	DOT_CR,		/* dot and CR; both held back */
};

void
smtp_data_begin(struct smtp_data *d)
{
	*d = (struct smtp_data){ .state = LINE };
}

/* As much plain text as there is, in one copy; the next byte is CR, LF, NUL or the end. */
static size_t
plain(struct str in, size_t at, char *to)
{
	size_t n = 0;

	while (at + n < in.n) {
		char c = in.p[at + n];

		if (c == '\r' || c == '\n' || c == '\0')
			break;
		n++;
	}
	memcpy(to, in.p + at, n);
	return n;
}

/* One byte that begins a line or stands in it; gives the next state. */
static unsigned
in_line(struct smtp_data *d, char c, char **to)
{
	if (c == '\r')
		return CR;
	if (c == '\n')
		d->bare = true;
	if (c == '\0')
		d->nul = true;
	*(*to)++ = c;
	return TEXT;
}

static unsigned
step(struct smtp_data *d, char c, char **to)
{
	switch (d->state) {
	case LINE:
		if (c == '.')
			return DOT;
		return in_line(d, c, to);
	case CR:
		*(*to)++ = '\r';
		if (c == '\n') {
			*(*to)++ = '\n';
			return LINE;
		}
		d->bare = true;
		return in_line(d, c, to);
	case DOT:			/* the dot itself is transparency and goes away */
		if (c == '\r')
			return DOT_CR;
		return in_line(d, c, to);
	case DOT_CR:
		if (c == '\n') {
			d->ended = true;
			return LINE;
		}
		d->bare = true;
		*(*to)++ = '\r';
		return in_line(d, c, to);
	default:
		return in_line(d, c, to);
	}
}

size_t
smtp_data_take(struct smtp_data *d, struct str in, char *out, size_t *n)
{
	char *to = out;
	size_t at = 0, run;

	while (at < in.n && !d->ended) {
		if (d->state == TEXT && (run = plain(in, at, to)) > 0) {
			to += run;
			at += run;
			continue;
		}
		d->state = step(d, in.p[at++], &to);
	}
	*n = (size_t)(to - out);
	return at;
}
