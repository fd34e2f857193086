/* SPDX-License-Identifier: ISC */
/*
 * The address lists of message headers, RFC 5322 3.4 and 4.4, read the way people and programs
 * write them.  Every byte is looked at once or twice; nothing recurses.
 */
#include "mail/address.h"

#include "base/buf.h"

struct reader {
	struct scan in;
	struct pool *pool;
	const char *start;	/* of the field */
	const char *word_end;	/* where the last word read ends */
	bool capped;		/* comments too deep: the rest is not believed */
};

/* "(" … ")" with comments inside; an open one ends with the text. */
static void
skip_comment(struct reader *r)
{
	unsigned depth = 0;

	do {
		char c = *r->in.p++;

		if (c == '(' && ++depth > HEADER_DEPTH_MAX)
			r->capped = true;
		if (c == ')')
			depth--;
		if (c == '\\' && r->in.p < r->in.end)
			r->in.p++;
	} while (depth > 0 && r->in.p < r->in.end && !r->capped);
}

static void
skip_cfws(struct reader *r)
{
	while (r->in.p < r->in.end && !r->capped && (ch_space(*r->in.p) || *r->in.p == '(')) {
		if (*r->in.p == '(')
			skip_comment(r);
		else
			r->in.p++;
	}
}

static bool
is_word_char(char c)
{
	return !ch_space(c) && c != '\0' && (c == '.' || strchr("()<>[]:;@\\,\"", c) == NULL);
}

/* The inside of a quoted string, unquoted; an open one ends with the text. */
static void
add_quoted(struct reader *r, struct buf *out)
{
	r->in.p++;
	while (r->in.p < r->in.end && *r->in.p != '"') {
		if (*r->in.p == '\\' && r->in.end - r->in.p > 1)
			r->in.p++;
		if (*r->in.p != '\r' && *r->in.p != '\n' && *r->in.p != '\0')
			buf_addc(out, *r->in.p);
		r->in.p++;
	}
	(void)scan_char(&r->in, '"');
}

/*
 * phrase = 1*( word / "." ), obsolete forms included; blanks between words become one.  `glued`
 * tells whether the words touched or had dots between them only, as in a local part.
 */
static bool
read_words(struct reader *r, struct buf *out, bool *glued)
{
	bool any = false, gap = false;
	struct str word;

	*glued = true;
	for (;;) {
		const char *before;

		if (scan_peek(&r->in) == '"') {
			if (gap)
				buf_addc(out, ' ');
			add_quoted(r, out);
		} else if (scan_while(&r->in, is_word_char, &word)) {
			if (gap)
				buf_addc(out, ' ');
			buf_add(out, word);
		} else {
			return any;
		}
		if (gap)
			*glued = false;
		any = true;
		before = r->word_end = r->in.p;
		skip_cfws(r);
		gap = r->in.p > before;
	}
}

/* domain = words with dots (one at the end goes), blanks between them dropped, or a literal in brackets */
static bool
read_domain(struct reader *r, struct buf *out)
{
	struct str part;

	skip_cfws(r);
	if (scan_peek(&r->in) == '[') {
		struct scan at = r->in;

		if (!scan_until(&at, ']', &part) || !scan_char(&at, ']'))
			return false;
		buf_add(out, part);
		buf_addc(out, ']');
		r->in = at;
		return true;
	}
	if (!scan_while(&r->in, is_word_char, &part))
		return false;
	do {
		buf_add(out, part);
		skip_cfws(r);
	} while (out->n > 0 && (out->p[out->n - 1] == '.' || scan_peek(&r->in) == '.') &&
	    scan_while(&r->in, is_word_char, &part));
	/* People who know DNS write "x.org.": the same domain. */
	if (out->n > 1 && out->p[out->n - 1] == '.' && out->p[out->n - 2] != '.')
		out->n--;
	return true;
}

static struct str
keep(struct reader *r, struct buf *b)
{
	struct str s = pool_str(r->pool, str_trim(buf_str(b)));

	buf_reset(b);
	return s;
}

/* Whatever was read must also be an address by the stricter rules of the envelope. */
static bool
sound(const struct address *a)
{
	if (a->local.n == 0 || a->local.n > LOCAL_PART_MAX || a->domain.n > DOMAIN_MAX ||
	    memchr(a->local.p, '\0', a->local.n) != NULL)
		return false;
	for (size_t i = 0; i < a->local.n; i++)
		if ((unsigned char)a->local.p[i] < 32 && a->local.p[i] != '\t')
			return false;
	return a->domain.n == 0 || domain_ok(a->domain, true) || domain_literal_ok(a->domain, NULL);
}

/* "@a,@b:" before the address in angle brackets: kept as text, never used. */
static void
read_route(struct reader *r, struct mailbox *m)
{
	struct scan at = r->in;
	struct str route;

	if (scan_peek(&at) == '@' && scan_until(&at, ':', &route) && str_chr(route, '>') < 0) {
		m->route = pool_str(r->pool, route);
		r->in = at;
		r->in.p++;
	}
}

/* addr-spec behind "<", up to ">" */
static bool
read_angle(struct reader *r, struct mailbox *m, struct buf *b)
{
	bool glued;

	skip_cfws(r);
	read_route(r, m);
	skip_cfws(r);
	if (scan_char(&r->in, '>')) {
		m->address = (struct address){ STR(""), STR("") };
		return true;
	}
	if (!read_words(r, b, &glued) || !glued)
		return false;
	m->address.local = keep(r, b);
	m->address.domain = STR("");
	if (scan_char(&r->in, '@')) {
		if (!read_domain(r, b))
			return false;
		m->address.domain = keep(r, b);
	} else {
		m->bare_end = (size_t)(r->word_end - r->start);
	}
	skip_cfws(r);
	return scan_char(&r->in, '>') && sound(&m->address);
}

/* Move to the next "," or ";" outside quotes and comments, so one bad entry costs only itself. */
static void
resync(struct reader *r)
{
	struct buf none = { .limit = 1 };

	while (r->in.p < r->in.end && *r->in.p != ',' && *r->in.p != ';' && !r->capped) {
		if (*r->in.p == '"')
			add_quoted(r, &none);
		else if (*r->in.p == '(')
			skip_comment(r);
		else
			r->in.p++;
	}
	buf_free(&none);
}

/*
 * One entry: mailbox = [ phrase ] "<" … ">" / addr-spec, or the head "phrase :" of a group.  The
 * cursor is at its first byte.
 */
static bool
read_entry(struct reader *r, struct mailbox *m, struct buf *b)
{
	bool glued = true;

	if (read_words(r, b, &glued))
		m->name = keep(r, b);
	switch (scan_peek(&r->in)) {
	case '<':
		r->in.p++;
		return read_angle(r, m, b);
	case ':':
		r->in.p++;
		m->kind = MAILBOX_GROUP;
		return true;
	case '@':
		r->in.p++;
		m->address.local = m->name;
		m->name = STR("");
		if (!glued || !read_domain(r, b))
			return false;
		m->address.domain = keep(r, b);
		return sound(&m->address);
	default:
		m->address = (struct address){ m->name, STR("") };
		m->name = STR("");
		if (m->address.local.n > 0)
			m->bare_end = (size_t)(r->word_end - r->start);
		return glued && sound(&m->address);
	}
}

/* Add one entry; false when there are too many. */
static bool
add_entry(struct reader *r, struct vec *out, struct buf *b)
{
	const char *from = r->in.p;
	struct mailbox m = { .name = STR(""), .route = STR("") }, *to;
	bool sound_entry;

	m.address = (struct address){ STR(""), STR("") };
	buf_reset(b);
	if (out->n >= HEADER_LIST_MAX)
		return false;
	sound_entry = read_entry(r, &m, b);
	if (sound_entry && m.kind != MAILBOX_GROUP) {
		skip_cfws(r);
		if (r->in.p < r->in.end && *r->in.p != ',' && *r->in.p != ';') {
			/* "a@b@c" is not "a@b"; behind "<a@b>" anything may stand. */
			sound_entry = r->in.p > from && memchr(from, '<', (size_t)(r->in.p - from)) != NULL;
			resync(r);
		}
	}
	if (!sound_entry) {
		resync(r);
		m = (struct mailbox){ .broken = true, .route = STR(""),
			.name = str_trim(str_n(from, (size_t)(r->in.p - from))) };
		m.address = (struct address){ STR(""), STR("") };
	}
	to = vec_push(out);
	*to = m;
	return !r->capped;
}

/* address-list = address *("," address), empty entries taken (RFC 5322 4.4) */
bool
mailbox_list(struct str field, struct pool *p, struct vec *out)
{
	struct reader r = { .in = scan_of(field), .pool = p, .start = field.p };
	struct buf b = { .p = NULL };
	bool ok = true, in_group = false;

	for (;;) {
		skip_cfws(&r);
		if (r.capped)
			ok = false;
		if (!ok || scan_done(&r.in))
			break;
		if (scan_char(&r.in, ','))
			continue;
		if (scan_char(&r.in, ';')) {
			if (in_group)
				((struct mailbox *)vec_push(out))->kind = MAILBOX_GROUP_END;
			in_group = false;
			continue;
		}
		ok = add_entry(&r, out, &b);
		if (out->n > 0 && ((struct mailbox *)vec_at(out, out->n - 1))->kind == MAILBOX_GROUP)
			in_group = true;
	}
	if (in_group && ok)
		((struct mailbox *)vec_push(out))->kind = MAILBOX_GROUP_END;
	buf_free(&b);
	return ok;
}

bool
mailbox_complete(struct buf *out, struct str field, struct str origin, struct pool *p)
{
	struct vec list = vec_of(sizeof(struct mailbox));
	bool some = false, ok = mailbox_list(field, p, &list);
	size_t done = 0;

	for (size_t i = 0; ok && i < list.n; i++) {
		const struct mailbox *m = vec_at(&list, i);

		if (m->kind != MAILBOX_ADDRESS || m->broken || m->bare_end <= done)
			continue;
		buf_add(out, str_sub(field, done, m->bare_end - done));
		buf_addc(out, '@');
		buf_add(out, origin);
		done = m->bare_end;
		some = true;
	}
	if (some)
		buf_add(out, str_sub(field, done, field.n));
	vec_free(&list);
	return some;
}
