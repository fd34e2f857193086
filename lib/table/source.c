/* SPDX-License-Identifier: ISC */
#include "table/source.h"

#include "base/buf.h"
#include "conf/lines.h"
#include "table/table.h"

static void
warn(const struct source_reader *r, unsigned line, const char *text)
{
	if (r->warn != NULL)
		r->warn(r->arg, line, text);
}

/* Bytes up to the first blank (or `mark`) outside double quotes; quotes and backslashes stay. */
static size_t
key_length(struct str s, char mark)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (ch_space(s.p[i]) || s.p[i] == mark))
			break;
	}
	return i;
}

/* key whitespace value */
static bool
split_map(struct str line, struct str *key, struct str *value)
{
	size_t n = key_length(line, ' ');

	*key = str_sub(line, 0, n);
	*value = str_trim(str_sub(line, n, line.n));
	return key->n > 0 && value->n > 0;
}

/* name : value */
static bool
split_alias(struct str line, struct str *key, struct str *value)
{
	size_t n = key_length(line, ':');
	struct str rest = str_trim(str_sub(line, n, line.n));

	*key = str_sub(line, 0, n);
	if (key->n == 0 || rest.n < 2 || rest.p[0] != ':')
		return false;
	*value = str_trim(str_sub(rest, 1, rest.n));
	return value->n > 0;
}

/* The key without quoting, folded; into `out`. */
static void
plain_key(const struct source_reader *r, struct str key, struct buf *out)
{
	bool unquote = r->kind == SOURCE_ALIASES && key.n > 0 && str_chr(key, '"') >= 0;

	buf_reset(out);
	for (size_t i = 0; i < key.n; i++) {
		char c = key.p[i];

		if (unquote && c == '"')
			continue;
		if (unquote && c == '\\' && i + 1 < key.n)
			c = key.p[++i];
		buf_addc(out, r->fold ? ch_lower(c) : c);
	}
}

static void
one_line(const struct source_reader *r, struct str line, unsigned at, struct buf *key_buf)
{
	struct str key, value;
	bool ok;

	if (ch_blank(line.p[0]))
		warn(r, at, "begins with a blank, but there is no line before it to continue");
	line = str_trim(line);
	if (str_chr(line, '\0') >= 0) {
		warn(r, at, "a NUL byte in the line; skipped");
		return;
	}
	if (r->kind == SOURCE_ALIASES)
		ok = split_alias(line, &key, &value) || (r->warn == NULL &&
		    split_map(line, &key, &value));
	else
		ok = split_map(line, &key, &value);
	if (!ok) {
		warn(r, at, r->kind == SOURCE_ALIASES ? "want `name: value`; skipped" :
		    "want `key value`; skipped");
		return;
	}
	if (r->kind == SOURCE_MAP && key.p[key.n - 1] == ':')
		warn(r, at, "looks like `key: value`; is this an alias file?");
	plain_key(r, key, key_buf);
	if (key_buf->n > TABLE_KEY_MAX)
		warn(r, at, "the key is too long; skipped");
	else
		r->pair(r->arg, buf_str(key_buf), value, at);
}

void
source_read(struct str text, const struct source_reader *r)
{
	struct lines in = lines_of(text);
	struct buf line = { .limit = TABLE_VALUE_MAX }, key = { 0 };
	unsigned at = 0;

	while (lines_next(&in, &line, &at)) {
		if (buf_ok(&line))
			one_line(r, buf_str(&line), at, &key);
		else
			warn(r, at, "the line is too long; skipped");
	}
	buf_free(&line);
	buf_free(&key);
}
