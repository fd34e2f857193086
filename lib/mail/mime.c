/* SPDX-License-Identifier: ISC */
/*
 * mime - take a message apart in one pass.
 *
 * The cursor goes over lines.  A stack holds the parts that are open; a line that is the boundary of
 * one of them ends all parts above it.  Only lines beginning with "--" are compared, so the cost is
 * that of finding line ends, and never grows with depth for honest text.
 */
#include "mail/mime.h"

#include "base/scan.h"
#include "base/vec.h"
#include "mail/header.h"

#define COMMENT_DEPTH	50

/* An open part; `boundary` is empty for what is no multipart or has seen its last delimiter. */
struct frame {
	struct mime_part *part;
	struct mime_part *last;		/* youngest child */
	struct str boundary;
};

struct walk {
	struct pool *p;
	struct str text;
	size_t at;			/* start of the line to look at next */
	struct vec frames;
	unsigned parts;
	bool in_header;			/* of the part on top */
};

/* --- fields --- */

/* Blanks, line ends and comments. */
static void
skip_cfws(struct scan *in)
{
	unsigned depth = 0;
	char c;

	while (!scan_done(in)) {
		c = *in->p;
		if (c == '(' && depth < COMMENT_DEPTH)
			depth++;
		else if (depth > 0 && c == ')')
			depth--;
		else if (depth > 0 && c == '\\' && in->end - in->p > 1)
			in->p++;
		else if (depth == 0 && !ch_space(c))
			return;
		in->p++;
	}
}

static bool
is_token(char c)
{
	return c > ' ' && c != 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* A quoted string: its text without quotes and backslashes. */
static bool
scan_quoted(struct scan *in, struct pool *p, struct str *out)
{
	struct scan s = *in;
	struct str text;
	char *to;
	size_t n = 0;

	if (!scan_char(&s, '"'))
		return false;
	text = scan_rest(&s);
	to = pool_alloc(p, text.n + 1);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"') {
			*out = str_n(to, n);
			in->p = s.p + i + 1;
			return true;
		}
		if (text.p[i] == '\\' && i + 1 < text.n)
			i++;
		if (text.p[i] != '\r' && text.p[i] != '\n')
			to[n++] = text.p[i];
	}
	return false;
}

/* To behind the next ";" outside quotes. */
static bool
next_param(struct scan *in)
{
	bool quoted = false;
	char c;

	while (scan_any(in, &c)) {
		if (c == '\\' && quoted && !scan_done(in))
			in->p++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == ';' && !quoted)
			return true;
	}
	return false;
}

static bool
scan_param(struct scan *in, struct pool *p, struct mime_param *out)
{
	skip_cfws(in);
	if (!scan_while(in, is_token, &out->name))
		return false;
	skip_cfws(in);
	if (!scan_char(in, '='))
		return false;
	skip_cfws(in);
	return scan_quoted(in, p, &out->value) || scan_while(in, is_token, &out->value);
}

bool
mime_field(struct str value, struct pool *p, struct str *word, struct mime_params *params)
{
	struct scan in = scan_of(value);
	struct vec v = vec_of(sizeof(struct mime_param));
	struct str sub;
	bool ok;

	*params = (struct mime_params){ 0 };
	skip_cfws(&in);
	ok = scan_while(&in, is_token, word);
	if (ok && scan_char(&in, '/')) {
		ok = scan_while(&in, is_token, &sub);
		if (ok)
			word->n = (size_t)(sub.p + sub.n - word->p);
	}
	while (ok && v.n < MIME_PARAMS_MAX && next_param(&in)) {
		struct mime_param one;

		if (scan_param(&in, p, &one))
			*(struct mime_param *)vec_push(&v) = one;
	}
	if (v.n > 0) {
		params->v = pool_array(p, v.n, sizeof(struct mime_param));
		memcpy(params->v, v.p, v.n * sizeof(struct mime_param));
		params->n = v.n;
	}
	vec_free(&v);
	return ok;
}

struct str
mime_param(const struct mime_params *params, struct str name)
{
	for (size_t i = 0; i < params->n; i++)
		if (str_ieq(params->v[i].name, name))
			return params->v[i].value;
	return STR("");
}

static void
take_type(struct mime_part *part, struct pool *p, struct str value)
{
	struct str word;
	ptrdiff_t slash;

	if (!mime_field(value, p, &word, &part->params) || (slash = str_chr(word, '/')) <= 0 ||
	    (size_t)slash + 1 == word.n) {
		/* RFC 2045 5.2 */
		part->params = (struct mime_params){ 0 };
		return;
	}
	part->type = str_sub(word, 0, (size_t)slash);
	part->subtype = str_sub(word, (size_t)slash + 1, word.n);
}

/* The fields of a part that is complete as to its header. */
static void
take_fields(struct mime_part *part, struct pool *p)
{
	struct headers h = headers_of(part->header);
	struct header f;
	unsigned seen = 0;
	static const struct { const char *name; size_t offset; } plain[] = {
		{ "Content-ID", offsetof(struct mime_part, id) },
		{ "Content-Description", offsetof(struct mime_part, description) },
		{ "Content-MD5", offsetof(struct mime_part, md5) },
		{ "Content-Language", offsetof(struct mime_part, language) },
		{ "Content-Location", offsetof(struct mime_part, location) },
	};

	while (header_next(&h, &f)) {
		struct str word;
		struct mime_params none;

		if (!str_istart(f.name, STR("Content-")))
			continue;
		if (str_ieq(f.name, STR("Content-Type")) && !(seen & 1)) {
			seen |= 1;
			take_type(part, p, f.value);
		} else if (str_ieq(f.name, STR("Content-Transfer-Encoding")) && !(seen & 2)) {
			seen |= 2;
			if (mime_field(f.value, p, &word, &none))
				part->encoding = word;
		} else if (str_ieq(f.name, STR("Content-Disposition")) && !(seen & 4)) {
			seen |= 4;
			if (mime_field(f.value, p, &word, &part->disposition_params))
				part->disposition = word;
		}
		for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
			struct str *to = (struct str *)(void *)((char *)part + plain[i].offset);

			if (to->n == 0 && str_ieq(f.name, str_of(plain[i].name)))
				*to = header_unfold(p, f.value);
		}
	}
}

/* --- the walk --- */

static struct frame *
top(struct walk *w)
{
	return vec_at(&w->frames, w->frames.n - 1);
}

static void
begin_part(struct walk *w)
{
	struct mime_part *part = pool_alloc(w->p, sizeof(*part));
	struct frame *up = w->frames.n > 0 ? top(w) : NULL, *f;

	part->header = str_sub(w->text, w->at, 0);
	part->body = part->header;
	part->encoding = STR("7BIT");
	part->type = STR("TEXT");
	part->subtype = STR("PLAIN");
	if (up != NULL) {
		part->parent = up->part;
		if (up->last == NULL)
			up->part->child = part;
		else
			up->last->next = part;
		up->last = part;
		if (up->part->multipart && str_ieq(up->part->subtype, STR("digest"))) {
			part->type = STR("MESSAGE");
			part->subtype = STR("RFC822");
		}
	}
	f = vec_push(&w->frames);
	f->part = part;
	w->parts++;
	w->in_header = true;
}

static void
as_leaf(struct mime_part *part, const char *type, const char *subtype)
{
	part->type = str_of(type);
	part->subtype = str_of(subtype);
	part->params = (struct mime_params){ 0 };
}

/* The header of the part on top ends at `w->at`: what is it?  `more`: text may follow. */
static void
end_header(struct walk *w, bool more)
{
	struct frame *f = top(w);
	struct mime_part *part = f->part;
	bool room = more && w->frames.n < MIME_DEPTH_MAX && w->parts < MIME_PARTS_MAX;
	struct str boundary;

	part->header.n = (size_t)(w->text.p + w->at - part->header.p);
	part->body = str_n(w->text.p + w->at, 0);
	w->in_header = false;
	take_fields(part, w->p);
	if (str_ieq(part->type, STR("multipart"))) {
		boundary = mime_param(&part->params, STR("boundary"));
		while (boundary.n > 0 && ch_space(boundary.p[boundary.n - 1]))
			boundary.n--;
		part->multipart = room && boundary.n > 0;
		if (part->multipart)
			f->boundary = boundary;
		else
			as_leaf(part, "APPLICATION", "OCTET-STREAM");
	} else if (str_ieq(part->type, STR("message")) && str_ieq(part->subtype, STR("rfc822"))) {
		part->message = room;
		if (room)
			begin_part(w);
		else
			as_leaf(part, "APPLICATION", "OCTET-STREAM");
	}
}

/* The part on top ends before offset `end`. */
static void
end_part(struct walk *w, size_t end)
{
	struct mime_part *part = top(w)->part;
	size_t from;

	if (w->in_header) {
		w->at = end;
		end_header(w, false);
	}
	from = (size_t)(part->body.p - w->text.p);
	part->body.n = end > from ? end - from : 0;
	/* A multipart needs a part; what has none is shown as text. */
	if (part->multipart && part->child == NULL) {
		part->multipart = false;
		as_leaf(part, "TEXT", "PLAIN");
	}
	vec_pop(&w->frames);
}

/* Is this line the boundary of an open part?  Its place in the stack, or -1; *last: "--b--". */
static ptrdiff_t
find_boundary(const struct walk *w, struct str line, bool *last)
{
	while (line.n > 0 && ch_blank(line.p[line.n - 1]))
		line.n--;
	line = str_sub(line, 2, line.n);
	for (size_t i = w->frames.n; i-- > 0;) {
		struct str b = ((struct frame *)vec_at(&w->frames, i))->boundary;

		if (b.n == 0 || !str_start(line, b))
			continue;
		*last = line.n == b.n + 2 && str_end(line, STR("--"));
		if (line.n == b.n || *last)
			return (ptrdiff_t)i;
	}
	return -1;
}

/* A delimiter line from `start` on; `next` is the line behind it. */
static void
delimiter(struct walk *w, size_t which, bool last, size_t start, size_t next)
{
	size_t end = start;

	/* The line end before a delimiter belongs to it (RFC 2046 5.1.1). */
	if (end > 0 && w->text.p[end - 1] == '\n')
		end -= end > 1 && w->text.p[end - 2] == '\r' ? 2 : 1;
	while (w->frames.n > which + 1)
		end_part(w, w->in_header ? start : end);
	w->in_header = false;
	w->at = next;
	if (last)
		top(w)->boundary = STR("");
	else if (w->parts < MIME_PARTS_MAX)
		begin_part(w);
}

struct mime_part *
mime_parse(struct str message, struct pool *p)
{
	struct walk w = { .p = p, .text = message, .frames = vec_of(sizeof(struct frame)) };
	struct mime_part *root;

	if (w.text.p == NULL)
		w.text = STR("");
	begin_part(&w);
	root = top(&w)->part;
	while (w.at < w.text.n) {
		struct str rest = str_sub(w.text, w.at, w.text.n), line;
		ptrdiff_t nl = str_chr(rest, '\n'), which;
		size_t start = w.at;
		size_t next = nl < 0 ? w.text.n : start + (size_t)nl + 1;
		bool last = false;

		line = str_sub(rest, 0, nl < 0 ? rest.n : (size_t)nl);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (str_start(line, STR("--")) && (which = find_boundary(&w, line, &last)) >= 0) {
			delimiter(&w, (size_t)which, last, start, next);
			continue;
		}
		w.at = next;
		if (w.in_header && line.n == 0 && nl >= 0)
			end_header(&w, true);
	}
	while (w.frames.n > 0)
		end_part(&w, w.text.n);
	vec_free(&w.frames);
	return root;
}

uint64_t
mime_lines(struct str text)
{
	uint64_t n = 0;
	const char *p = text.p, *end = text.p + text.n;

	if (text.n == 0)
		return 0;
	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		n++;
		p++;
		if (p == end)
			return n;
	}
	return n + 1;
}
