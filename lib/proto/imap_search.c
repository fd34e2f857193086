/* SPDX-License-Identifier: ISC */
/*
 * imap_search - the keys of a SEARCH (RFC 3501 6.4.4).
 *
 * A key is a row: its word, what it becomes, and what follows it.  Nesting and number are capped.
 */
#include "mail/address.h"
#include "proto/imap.h"

enum args { NONE, STRING, FIELD, DATE, SIZE, KEYWORD, FIXED, NAMED, UIDS };

static const struct {
	const char *word;
	enum imap_key_kind kind;
	enum args args;
	bool on;
	const char *text;	/* FIXED: the flag; NAMED: the header field */
} keys[] = {
	{ "ALL", IMAP_KEY_ALL, NONE, true, NULL },
	{ "ANSWERED", IMAP_KEY_FLAG, FIXED, true, "\\Answered" },
	{ "BCC", IMAP_KEY_HEADER, NAMED, true, "Bcc" },
	{ "BEFORE", IMAP_KEY_BEFORE, DATE, true, NULL },
	{ "BODY", IMAP_KEY_BODY, STRING, true, NULL },
	{ "CC", IMAP_KEY_HEADER, NAMED, true, "Cc" },
	{ "DELETED", IMAP_KEY_FLAG, FIXED, true, "\\Deleted" },
	{ "DRAFT", IMAP_KEY_FLAG, FIXED, true, "\\Draft" },
	{ "FLAGGED", IMAP_KEY_FLAG, FIXED, true, "\\Flagged" },
	{ "FROM", IMAP_KEY_HEADER, NAMED, true, "From" },
	{ "HEADER", IMAP_KEY_HEADER, FIELD, true, NULL },
	{ "KEYWORD", IMAP_KEY_FLAG, KEYWORD, true, NULL },
	{ "LARGER", IMAP_KEY_LARGER, SIZE, true, NULL },
	{ "OLD", IMAP_KEY_RECENT, NONE, false, NULL },
	{ "ON", IMAP_KEY_ON, DATE, true, NULL },
	{ "RECENT", IMAP_KEY_RECENT, NONE, true, NULL },
	{ "SEEN", IMAP_KEY_FLAG, FIXED, true, "\\Seen" },
	{ "SENTBEFORE", IMAP_KEY_SENTBEFORE, DATE, true, NULL },
	{ "SENTON", IMAP_KEY_SENTON, DATE, true, NULL },
	{ "SENTSINCE", IMAP_KEY_SENTSINCE, DATE, true, NULL },
	{ "SINCE", IMAP_KEY_SINCE, DATE, true, NULL },
	{ "SMALLER", IMAP_KEY_SMALLER, SIZE, true, NULL },
	{ "SUBJECT", IMAP_KEY_HEADER, NAMED, true, "Subject" },
	{ "TEXT", IMAP_KEY_TEXT, STRING, true, NULL },
	{ "TO", IMAP_KEY_HEADER, NAMED, true, "To" },
	{ "UID", IMAP_KEY_UID, UIDS, true, NULL },
	{ "UNANSWERED", IMAP_KEY_FLAG, FIXED, false, "\\Answered" },
	{ "UNDELETED", IMAP_KEY_FLAG, FIXED, false, "\\Deleted" },
	{ "UNDRAFT", IMAP_KEY_FLAG, FIXED, false, "\\Draft" },
	{ "UNFLAGGED", IMAP_KEY_FLAG, FIXED, false, "\\Flagged" },
	{ "UNKEYWORD", IMAP_KEY_FLAG, KEYWORD, false, NULL },
	{ "UNSEEN", IMAP_KEY_FLAG, FIXED, false, "\\Seen" },
};

struct search {
	struct scan in;
	struct pool *p;
	unsigned depth, count;
};

static bool scan_key(struct search *s, struct imap_key **out);

static struct imap_key *
key_new(struct search *s, enum imap_key_kind kind, size_t kids)
{
	struct imap_key *k = pool_alloc(s->p, sizeof(*k));

	k->kind = kind;
	k->on = true;
	k->kids = pool_array(s->p, kids + 1, sizeof(*k->kids));
	k->kids_n = kids;
	return k;
}

/* search-key *(SP search-key), all of which must hold. */
static bool
scan_all(struct search *s, struct imap_key **out)
{
	struct vec v = vec_of(sizeof(struct imap_key *));
	struct imap_key *k;
	bool ok;

	do {
		ok = scan_key(s, &k);
		if (ok)
			*(struct imap_key **)vec_push(&v) = k;
	} while (ok && imap_scan_sp(&s->in));
	if (ok) {
		*out = key_new(s, IMAP_KEY_AND, v.n);
		memcpy((*out)->kids, v.p, v.n * sizeof(struct imap_key *));
	}
	vec_free(&v);
	return ok;
}

/* What follows the word of a key. */
static bool
scan_args(struct search *s, enum args args, struct imap_key *k)
{
	uint32_t n;

	if (args == NONE || args == FIXED)
		return true;
	if (!imap_scan_sp(&s->in))
		return false;
	switch (args) {
	case FIELD:
		return imap_scan_astring(&s->in, s->p, &k->name) && imap_scan_sp(&s->in) &&
		    imap_scan_astring(&s->in, s->p, &k->text);
	case STRING:
	case NAMED:
		return imap_scan_astring(&s->in, s->p, &k->text);
	case KEYWORD:
		return imap_scan_flag(&s->in, &k->text) && k->text.p[0] != '\\';
	case DATE:
		return imap_scan_date(&s->in, &k->day);
	case SIZE:
		n = 0;
		if (!imap_scan_number(&s->in, &n))
			return false;
		k->number = n;
		return true;
	case UIDS:
		return imap_scan_set(&s->in, s->p, &k->set);
	default:
		return false;
	}
}

static bool
known_word(struct search *s, struct str word, struct imap_key **out)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct imap_key *k;

		if (!str_ieq(word, str_of(keys[i].word)))
			continue;
		k = *out = key_new(s, keys[i].kind, 0);
		k->on = keys[i].on;
		if (keys[i].args == FIXED)
			k->text = str_of(keys[i].text);
		if (keys[i].args == NAMED)
			k->name = str_of(keys[i].text);
		return scan_args(s, keys[i].args, k);
	}
	return false;
}

static bool
scan_one(struct search *s, struct imap_key **out)
{
	struct str word;
	int c = scan_peek(&s->in);

	if (c == '*' || (c >= '0' && c <= '9')) {
		*out = key_new(s, IMAP_KEY_SET, 0);
		return imap_scan_set(&s->in, s->p, &(*out)->set);
	}
	if (scan_char(&s->in, '('))
		return scan_all(s, out) && scan_char(&s->in, ')');
	if (!imap_scan_atom(&s->in, &word))
		return false;
	if (str_ieq(word, STR("NOT"))) {
		*out = key_new(s, IMAP_KEY_NOT, 1);
		return imap_scan_sp(&s->in) && scan_key(s, &(*out)->kids[0]);
	}
	if (str_ieq(word, STR("OR"))) {
		*out = key_new(s, IMAP_KEY_OR, 2);
		return imap_scan_sp(&s->in) && scan_key(s, &(*out)->kids[0]) &&
		    imap_scan_sp(&s->in) && scan_key(s, &(*out)->kids[1]);
	}
	/* NEW is RECENT UNSEEN. */
	if (str_ieq(word, STR("NEW"))) {
		*out = key_new(s, IMAP_KEY_AND, 2);
		return known_word(s, STR("RECENT"), &(*out)->kids[0]) &&
		    known_word(s, STR("UNSEEN"), &(*out)->kids[1]);
	}
	return known_word(s, word, out);
}

static bool
scan_key(struct search *s, struct imap_key **out)
{
	bool ok;

	if (s->depth >= IMAP_DEPTH_MAX || ++s->count > IMAP_KEYS_MAX)
		return false;
	s->depth++;
	ok = scan_one(s, out);
	s->depth--;
	return ok;
}

enum imap_search_fault
imap_scan_search(struct scan *in, struct pool *p, struct imap_key **out)
{
	struct search s = { *in, p, 0, 0 };
	struct str charset;

	if (scan_itext(&s.in, STR("CHARSET "))) {
		if (!imap_scan_astring(&s.in, p, &charset) || !imap_scan_sp(&s.in))
			return IMAP_SEARCH_SYNTAX;
		if (!str_ieq(charset, STR("US-ASCII")) && !str_ieq(charset, STR("UTF-8")))
			return IMAP_SEARCH_CHARSET;
	}
	if (!scan_all(&s, out))
		return IMAP_SEARCH_SYNTAX;
	*in = s.in;
	return IMAP_SEARCH_OK;
}
