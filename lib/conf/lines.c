/* SPDX-License-Identifier: ISC */
/* lines - logical lines and their words; see lines.h. */
#include "conf/lines.h"

struct lines
lines_of(struct str text)
{
	return (struct lines){ text, 1 };
}

static bool
counts_for_nothing(struct str line)
{
	line = str_trim(line);
	return line.n == 0 || line.p[0] == '#';
}

bool
lines_next(struct lines *in, struct buf *out, unsigned *line)
{
	buf_reset(out);
	while (in->rest.n > 0) {
		struct str ahead = in->rest, one;

		str_cut(&ahead, '\n', &one);
		if (one.n > 0 && one.p[one.n - 1] == '\r')
			one.n--;
		if (!counts_for_nothing(one)) {
			if (out->n > 0 && !ch_blank(one.p[0]))
				return true;
			if (out->n == 0)
				*line = in->next;
			buf_add(out, one);
		}
		in->rest = ahead;
		in->next++;
	}
	return out->n > 0;
}

/* Length of the { } group at the start of `s`, braces included; all of `s` when it never closes. */
static size_t
group_length(struct str s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '{')
			depth++;
		else if (s.p[i] == '}' && --depth == 0)
			return i + 1;
	}
	return s.n;
}

bool
lines_word(struct str *s, bool commas, struct str *word)
{
	size_t i = 0, start;

	while (i < s->n && (ch_space(s->p[i]) || (commas && s->p[i] == ',')))
		i++;
	if (i == s->n) {
		*s = str_sub(*s, i, 0);
		return false;
	}
	start = i;
	while (i < s->n && !ch_space(s->p[i]) && !(commas && s->p[i] == ','))
		i += s->p[i] == '{' ? group_length(str_sub(*s, i, s->n)) : 1;
	*word = str_sub(*s, start, i - start);
	*s = str_sub(*s, i, s->n);
	return true;
}

bool
lines_group(struct str *s, struct str *inside)
{
	struct str in = str_trim(*s);
	size_t n;

	if (in.n < 2 || in.p[0] != '{')
		return false;
	n = group_length(in);
	if (in.p[n - 1] != '}')
		return false;
	*inside = str_trim(str_sub(in, 1, n - 2));
	*s = str_trim(str_sub(in, n, in.n));
	return true;
}

struct str
lines_unbrace(struct str s)
{
	s = str_trim(s);
	if (s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}')
		return str_trim(str_sub(s, 1, s.n - 2));
	return s;
}
