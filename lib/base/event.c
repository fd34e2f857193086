/* SPDX-License-Identifier: ISC */
#include "base/event.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scan.h"

static struct str
value_of(const struct event_field *fields, size_t n, struct str key)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(str_of(fields[i].key), key))
			return fields[i].value;
	return STR("");
}

/* Append up to a closing bracket or the end; false when a field in it was empty. */
static bool
expand(struct buf *out, struct scan *in, const struct event_field *fields, size_t n)
{
	bool whole = true;
	struct str key, value;
	size_t before;
	char c;

	while (scan_any(in, &c)) {
		if ((c == '{' || c == '}' || c == '[' || c == ']') && scan_char(in, c)) {
			buf_addc(out, c);
		} else if (c == ']') {
			return whole;
		} else if (c == '[') {
			before = out->n;
			if (!expand(out, in, fields, n))
				out->n = before;
		} else if (c == '{') {
			if (!scan_until(in, '}', &key) || !scan_char(in, '}'))
				panic("event without a closing brace");
			value = value_of(fields, n, key);
			whole = whole && value.n > 0;
			buf_add(out, value);
		} else {
			buf_addc(out, c);
		}
	}
	return whole;
}

void
event_line(struct buf *out, const struct event *e, const struct event_field *fields, size_t n)
{
	struct scan in = scan_of(str_of(e->line));

	(void)expand(out, &in, fields, n);
}

void
event_log(const struct event *e, const struct event_field *fields, size_t n)
{
	struct buf line = { .limit = LOG_LINE };

	event_line(&line, e, fields, n);
	log_info("%.*s", STR_ARG(buf_str(&line)));
	buf_free(&line);
}
