/* SPDX-License-Identifier: ISC */
#include "mail/header.h"

#include "base/encode.h"
#include "base/scan.h"
#include "mail/address.h"

/* One line: its bytes without the end, and how long it is with it. */
static struct str
line_at(struct str text, size_t *whole)
{
	const char *nl = text.n == 0 ? NULL : memchr(text.p, '\n', text.n);
	size_t n = nl == NULL ? text.n : (size_t)(nl - text.p);

	*whole = nl == NULL ? n : n + 1;
	if (nl != NULL && n > 0 && text.p[n - 1] == '\r')
		n--;
	return str_n(text.p, n);
}

static bool
is_name_char(char c)
{
	return c > 32 && c < 127 && c != ':';
}

bool
header_line(struct str line, struct str *name, struct str *value)
{
	struct scan in = scan_of(line);
	struct str n;

	if (!scan_while(&in, is_name_char, &n) || n.n > HEADER_NAME_MAX)
		return false;
	(void)scan_blanks(&in);
	if (!scan_char(&in, ':'))
		return false;
	*name = n;
	*value = scan_rest(&in);
	return true;
}

struct headers
headers_of(struct str message)
{
	return (struct headers){ .rest = message };
}

bool
header_next(struct headers *h, struct header *out)
{
	struct str line, more = h->rest;
	size_t n, all;

	if (h->rest.n == 0 || h->blank)
		return false;
	line = line_at(h->rest, &all);
	if (line.n == 0) {
		h->blank = true;
		h->rest = str_sub(h->rest, all, h->rest.n);
		return false;
	}
	if (h->count >= HEADER_COUNT_MAX) {
		h->capped = true;
		return false;
	}
	if (!header_line(line, &out->name, &out->value))
		return false;
	for (;;) {
		more = str_sub(h->rest, all, h->rest.n);
		if (more.n == 0 || !ch_blank(more.p[0]))
			break;
		line = line_at(more, &n);
		all += n;
	}
	h->count++;
	out->whole = str_sub(h->rest, 0, all);
	out->value.n = (size_t)(line.p + line.n - out->value.p);
	if (out->whole.n > HEADER_FIELD_MAX)
		out->value = str_sub(out->value, 0, HEADER_FIELD_MAX);
	h->rest = more;
	return true;
}

bool
header_find(struct str message, struct str name, struct header *out)
{
	struct headers h = headers_of(message);

	while (header_next(&h, out))
		if (str_ieq(out->name, name))
			return true;
	return false;
}

size_t
header_length(struct str message)
{
	struct headers h = headers_of(message);
	struct header f;

	while (header_next(&h, &f))
		;
	return message.n - h.rest.n;
}

struct str
header_unfold(struct pool *p, struct str value)
{
	struct str from = str_trim(value);
	char *to = pool_alloc(p, from.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < from.n; i++)
		if (from.p[i] != '\r' && from.p[i] != '\n')
			to[n++] = from.p[i];
	return str_n(to, n);
}

#define WORD_BYTES	42	/* of text in one encoded word of at most 75 bytes */

static void
add_encoded(struct buf *out, struct str s)
{
	while (s.n > 0) {
		size_t n = s.n > WORD_BYTES ? WORD_BYTES : s.n;

		/* Not inside a character. */
		while (n < s.n && n > 1 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
			n--;
		buf_add(out, STR("=?utf-8?B?"));
		base64_add(out, str_sub(s, 0, n));
		buf_add(out, STR("?="));
		s = str_sub(s, n, s.n);
		if (s.n > 0)
			buf_addc(out, ' ');
	}
}

void
header_phrase(struct buf *out, struct str name)
{
	bool plain = true;

	if (!ascii_ok(name)) {
		add_encoded(out, name);
		return;
	}
	for (size_t i = 0; i < name.n; i++)
		plain = plain && (ch_alnum(name.p[i]) || ch_blank(name.p[i]) ||
		    strchr("!#$%&'*+-/=?^_`{|}~", name.p[i]) != NULL);
	if (plain && str_find(name, STR("=?")) < 0) {
		buf_add(out, name);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, name.p[i]);
	}
	buf_addc(out, '"');
}

void
header_fold(struct buf *out, struct str name, struct str value, struct str eol)
{
	size_t column = name.n + 1;
	struct scan in = scan_of(value);
	struct str word;

	buf_add(out, name);
	buf_addc(out, ':');
	for (;;) {
		while (in.p < in.end && ch_space(*in.p))
			in.p++;
		if (!scan_word(&in, &word))
			break;
		if (column + 1 + word.n > HEADER_LINE && column > name.n + 1) {
			buf_add(out, eol);
			column = 0;
		}
		buf_addc(out, ' ');
		buf_add(out, word);
		column += 1 + word.n;
	}
	buf_add(out, eol);
}

unsigned
header_bits(struct str name)
{
	static const struct { struct str name; unsigned bits; } known[] = {
		{ STR_INIT("from"), HEADER_FROM },
		{ STR_INIT("date"), HEADER_DATE },
		{ STR_INIT("message-id"), HEADER_MESSAGE_ID },
		{ STR_INIT("to"), HEADER_TO },
		{ STR_INIT("cc"), HEADER_TO },
		{ STR_INIT("bcc"), HEADER_BCC | HEADER_DROP },
		{ STR_INIT("sender"), HEADER_SENDER },
		{ STR_INIT("received"), HEADER_RECEIVED },
		{ STR_INIT("delivered-to"), HEADER_DELIVERED },
		{ STR_INIT("mime-version"), HEADER_MIME },
		{ STR_INIT("return-path"), HEADER_DROP },
		{ STR_INIT("content-length"), HEADER_DROP },
		{ STR_INIT("resent-from"), HEADER_RESENT | HEADER_RESENT_FROM },
		{ STR_INIT("resent-sender"), HEADER_RESENT },
		{ STR_INIT("resent-date"), HEADER_RESENT | HEADER_RESENT_DATE },
		{ STR_INIT("resent-message-id"), HEADER_RESENT | HEADER_RESENT_ID },
		{ STR_INIT("resent-to"), HEADER_RESENT | HEADER_RESENT_TO },
		{ STR_INIT("resent-cc"), HEADER_RESENT | HEADER_RESENT_TO },
		{ STR_INIT("resent-bcc"), HEADER_RESENT | HEADER_RESENT_BCC | HEADER_DROP },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_ieq(name, known[i].name))
			return known[i].bits;
	return 0;
}

/* The value of the first Message-ID, a piece a line. */
static void
keep_id(struct header_watch *w, struct str part)
{
	part = str_trim(part);
	for (size_t i = 0; i < part.n && w->id_n < sizeof(w->id); i++)
		w->id[w->id_n++] = part.p[i];
}

bool
header_watch(struct header_watch *w, struct str line)
{
	struct str name, value;
	unsigned bits;
	bool first;

	if (w->done)
		return false;
	if (line.n > 0 && ch_blank(line.p[0]) && w->count > 0) {
		if (w->now & HEADER_MESSAGE_ID)
			keep_id(w, line);
		return true;
	}
	if (line.n == 0 || w->count >= HEADER_COUNT_MAX || !header_line(line, &name, &value)) {
		w->done = true;
		w->blank = line.n == 0;
		return false;
	}
	w->count++;
	bits = header_bits(name);
	first = !(w->seen & HEADER_MESSAGE_ID);
	w->seen |= bits;
	w->now = bits;
	if (bits & HEADER_RECEIVED)
		w->hops++;
	if (bits & HEADER_MESSAGE_ID) {
		if (first)
			keep_id(w, value);
		else
			w->now &= ~(unsigned)HEADER_MESSAGE_ID;
	}
	return true;
}

struct str
header_watch_id(const struct header_watch *w)
{
	return str_n(w->id, w->id_n);
}
