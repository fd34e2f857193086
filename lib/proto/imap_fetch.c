/* SPDX-License-Identifier: ISC */
/*
 * imap_fetch - what a FETCH or STATUS asks for.
 */
#include "proto/imap.h"

static const struct {
	const char *word;
	unsigned items;
} words[] = {
	{ "ALL", IMAP_FLAGS | IMAP_INTERNALDATE | IMAP_RFC822_SIZE | IMAP_ENVELOPE },
	{ "FULL", IMAP_FLAGS | IMAP_INTERNALDATE | IMAP_RFC822_SIZE | IMAP_ENVELOPE | IMAP_BODY },
	{ "FAST", IMAP_FLAGS | IMAP_INTERNALDATE | IMAP_RFC822_SIZE },
	{ "FLAGS", IMAP_FLAGS }, { "UID", IMAP_UID }, { "INTERNALDATE", IMAP_INTERNALDATE },
	{ "RFC822.SIZE", IMAP_RFC822_SIZE }, { "ENVELOPE", IMAP_ENVELOPE }, { "BODY", IMAP_BODY },
	{ "BODYSTRUCTURE", IMAP_BODYSTRUCTURE },
};

#define MACROS	3	/* the first rows stand alone, never in brackets */

static const struct {
	const char *word;
	enum imap_text text;
	bool peek;
} whole[] = {
	{ "RFC822", IMAP_ALL, false }, { "RFC822.HEADER", IMAP_HEADER, true },
	{ "RFC822.TEXT", IMAP_TEXT, false },
};

/* Upper-case letters, digits and dots: the name of an item. */
static bool
is_item(char c)
{
	return ch_alnum(c) || c == '.';
}

/* header-list = "(" header-fld-name *(SP header-fld-name) ")" */
static bool
scan_fields(struct scan *in, struct pool *p, struct strs *out)
{
	struct vec v = vec_of(sizeof(struct str));
	struct str name;
	bool ok = scan_char(in, '(');

	do {
		ok = ok && v.n < IMAP_ITEMS_MAX && imap_scan_astring(in, p, &name);
		if (ok)
			*(struct str *)vec_push(&v) = name;
	} while (ok && imap_scan_sp(in));
	ok = ok && scan_char(in, ')');
	if (ok) {
		out->v = pool_array(p, v.n, sizeof(struct str));
		memcpy(out->v, v.p, v.n * sizeof(struct str));
		out->n = v.n;
	}
	vec_free(&v);
	return ok;
}

/* section-msgtext / "MIME" */
static bool
scan_section_text(struct scan *in, struct pool *p, struct imap_section *s)
{
	if (scan_itext(in, STR("HEADER.FIELDS.NOT ")))
		s->text = IMAP_HEADER_NOT;
	else if (scan_itext(in, STR("HEADER.FIELDS ")))
		s->text = IMAP_HEADER_FIELDS;
	else if (scan_itext(in, STR("HEADER")))
		s->text = IMAP_HEADER;
	else if (scan_itext(in, STR("TEXT")))
		s->text = IMAP_TEXT;
	else if (s->path_n > 0 && scan_itext(in, STR("MIME")))
		s->text = IMAP_MIME;
	else
		return false;
	return (s->text != IMAP_HEADER_FIELDS && s->text != IMAP_HEADER_NOT) ||
	    scan_fields(in, p, &s->fields);
}

/* section = "[" [section-part ["." section-text]] "]" ["<" number "." nz-number ">"] */
static bool
scan_section(struct scan *in, struct pool *p, struct imap_section *s)
{
	uint32_t path[IMAP_PATH_MAX];
	const char *from = in->p;
	bool more = false;

	if (!scan_char(in, '['))
		return false;
	while (s->path_n < IMAP_PATH_MAX && imap_scan_nz_number(in, &path[s->path_n])) {
		s->path_n++;
		more = scan_char(in, '.');
		if (!more)
			break;
	}
	s->path = pool_array(p, s->path_n + 1, sizeof(*s->path));
	memcpy(s->path, path, s->path_n * sizeof(*path));
	if ((more || s->path_n == 0) && scan_peek(in) != ']' && !scan_section_text(in, p, s))
		return false;
	if (more && s->text == IMAP_ALL)
		return false;
	if (!scan_char(in, ']'))
		return false;
	s->label = pool_printf(p, "BODY%.*s", STR_ARG(str_n(from, (size_t)(in->p - from))));
	if (scan_char(in, '<')) {
		s->partial = true;
		if (!imap_scan_number(in, &s->offset) || !scan_char(in, '.') ||
		    !imap_scan_nz_number(in, &s->count) || !scan_char(in, '>'))
			return false;
	}
	return true;
}

static bool
scan_item(struct scan *in, struct pool *p, struct imap_fetch *f, struct vec *sections, bool alone)
{
	struct imap_section s = { 0 };
	struct str word;

	if (!scan_while(in, is_item, &word))
		return false;
	if (scan_peek(in) == '[') {
		s.peek = str_ieq(word, STR("BODY.PEEK"));
		if ((!s.peek && !str_ieq(word, STR("BODY"))) || !scan_section(in, p, &s) ||
		    sections->n >= IMAP_ITEMS_MAX)
			return false;
		*(struct imap_section *)vec_push(sections) = s;
		return true;
	}
	for (size_t i = alone ? 0 : MACROS; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_ieq(word, str_of(words[i].word))) {
			f->items |= words[i].items;
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		if (!str_ieq(word, str_of(whole[i].word)) || sections->n >= IMAP_ITEMS_MAX)
			continue;
		s.label = str_of(whole[i].word);
		s.text = whole[i].text;
		s.peek = whole[i].peek;
		*(struct imap_section *)vec_push(sections) = s;
		return true;
	}
	return false;
}

bool
imap_scan_fetch(struct scan *in, struct pool *p, struct imap_fetch *out)
{
	struct scan s = *in;
	struct vec sections = vec_of(sizeof(struct imap_section));
	bool list = scan_char(&s, '('), ok;

	*out = (struct imap_fetch){ 0 };
	do {
		ok = scan_item(&s, p, out, &sections, !list);
	} while (ok && list && imap_scan_sp(&s));
	ok = ok && (!list || scan_char(&s, ')'));
	if (ok) {
		out->sections = pool_array(p, sections.n + 1, sizeof(struct imap_section));
		if (sections.n > 0)
			memcpy(out->sections, sections.p, sections.n * sizeof(struct imap_section));
		out->sections_n = sections.n;
		*in = s;
	}
	vec_free(&sections);
	return ok;
}

bool
imap_scan_status(struct scan *in, unsigned *items)
{
	static const struct { const char *word; unsigned item; } names[] = {
		{ "MESSAGES", IMAP_STATUS_MESSAGES }, { "RECENT", IMAP_STATUS_RECENT },
		{ "UIDNEXT", IMAP_STATUS_UIDNEXT }, { "UIDVALIDITY", IMAP_STATUS_UIDVALIDITY },
		{ "UNSEEN", IMAP_STATUS_UNSEEN },
	};
	struct scan s = *in;
	struct str word;

	*items = 0;
	if (!scan_char(&s, '('))
		return false;
	do {
		unsigned had = *items;

		if (!imap_scan_atom(&s, &word))
			return false;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (str_ieq(word, str_of(names[i].word)))
				*items |= names[i].item;
		/* An unknown word; the same twice is harmless. */
		if (*items == had) {
			bool known = false;

			for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
				known |= str_ieq(word, str_of(names[i].word));
			if (!known)
				return false;
		}
	} while (imap_scan_sp(&s));
	if (!scan_char(&s, ')'))
		return false;
	*in = s;
	return true;
}
