/* SPDX-License-Identifier: ISC */
/*
 * alias - the right side of an alias, and the lines of an :include: file.
 *
 *	list    = [item] *("," [item])
 *	item    = "|" command / "/" file / ":include:" file / "\" user / address
 *
 * Each may stand in double quotes as a whole; a quoted string inside an address (a local part) stays
 * what it is.  "Name <address>" gives the address, comments in ( ) are skipped.
 */
#include "router/router.h"

/* Bytes up to the next comma outside quotes, comments and < >. */
static size_t
item_length(struct str s)
{
	unsigned depth = 0, angle = 0;
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == '<')
			angle = 1;
		else if (c == '>')
			angle = 0;
		else if (c == ',' && depth == 0 && angle == 0)
			break;
	}
	return i < s.n ? i : s.n;
}

/* "…" that is all of the item: what is inside; else as it is. */
static struct str
unquote(struct str s, struct pool *pool, bool *was)
{
	char *out;
	size_t n = 0;

	*was = false;
	if (s.n < 2 || s.p[0] != '"')
		return s;
	out = pool_alloc(pool, s.n + 1);
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			out[n++] = s.p[++i];
		else if (s.p[i] != '"')
			out[n++] = s.p[i];
		else if (i + 1 < s.n)
			return s;	/* "a b"@domain */
		else
			*was = true;
	}
	return *was ? str_n(out, n) : s;
}

/* The item without its comments (…). */
static struct str
without_comments(struct str s, struct pool *pool)
{
	char *out;
	size_t n = 0;
	unsigned depth = 0;
	bool quoted = false;

	if (str_chr(s, '(') < 0)
		return s;
	out = pool_alloc(pool, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '"' && depth == 0)
			quoted = !quoted;
		if (!quoted && c == '(')
			depth++;
		else if (!quoted && c == ')' && depth > 0)
			depth--;
		else if (depth == 0)
			out[n++] = c;
	}
	return str_trim(str_n(out, n));
}

/* What kind of entry it is, by its first character. */
static void
classify(struct str s, bool quoted, struct pool *pool, struct alias_item *out)
{
	ptrdiff_t open;

	out->kind = ALIAS_ADDRESS;
	out->text = s;
	if (s.n > 1 && s.p[0] == '|') {
		bool inner;

		out->kind = ALIAS_COMMAND;
		out->text = unquote(str_trim(str_sub(s, 1, s.n)), pool, &inner);
	} else if (str_istart(s, STR(":include:"))) {
		out->kind = ALIAS_INCLUDE;
		out->text = str_trim(str_sub(s, 9, s.n));
	} else if (s.n > 1 && s.p[0] == '/' && str_chr(s, '@') < 0) {
		out->kind = ALIAS_FILE;
	} else if (s.n > 1 && s.p[0] == '\\') {
		out->kind = ALIAS_FINAL;
		out->text = str_sub(s, 1, s.n);
	} else if (!quoted) {
		out->text = s = without_comments(s, pool);
		open = str_rchr(s, '<');
		if (open >= 0 && s.p[s.n - 1] == '>')
			out->text = str_trim(str_sub(s, (size_t)open + 1, s.n - (size_t)open - 2));
	}
}

bool
alias_next(struct str *text, struct pool *pool, struct alias_item *out)
{
	while (text->n > 0) {
		size_t n = item_length(*text);
		struct str item = str_trim(str_sub(*text, 0, n));
		bool quoted;

		*text = str_sub(*text, n + 1, text->n);
		if (item.n == 0)
			continue;
		item = unquote(item, pool, &quoted);
		classify(item, quoted, pool, out);
		return true;
	}
	return false;
}
