/* SPDX-License-Identifier: ISC */
/*
 * cmd_search - SEARCH (RFC 3501 6.4.4).
 *
 * Texts are compared in UTF-8 and without case (fold.c); header words of RFC 2047, and charset and
 * transfer encoding of text parts, are undone first.
 */
#include "fiber/fiber.h"
#include "imapd/imapd.h"
#include "mail/charset.h"
#include "mail/date.h"
#include "mail/decode.h"
#include "mail/header.h"
#include "mail/mime.h"

#define HEADER_MAX	(4u << 20)
#define YIELD_EVERY	64
#define DAY		86400
#define PIECE		32768	/* of a body that is looked at at once */

/* One message while it is looked at. */
struct candidate {
	struct client *c;
	size_t i;
	struct pool *pool;
	struct buf header, whole;
	bool has_header, has_whole;
	struct mime_part *root;
	uint64_t turn;		/* bytes taken */
	bool busy;		/* there was no room for it in time */
};

static struct str
header_of(struct candidate *m)
{
	struct text *t;

	if (!m->has_header && text_open(m->c->box, m->i, &t) == STORE_OK) {
		m->header.limit = HEADER_MAX + 1;
		text_header(t, HEADER_MAX, &m->header);
		text_close(t);
	}
	m->has_header = true;
	return buf_str(&m->header);
}

static struct str
whole_of(struct candidate *m)
{
	struct text *t;
	uint64_t size;

	if (!m->has_whole && mailbox_size(m->c->box, m->i, &size) == STORE_OK) {
		m->busy = !turn_take(size);
		m->turn = m->busy ? 0 : size;
		if (!m->busy && text_open(m->c->box, m->i, &t) == STORE_OK) {
			m->whole.limit = IMAP_WHOLE_MAX;
			text_read(t, 0, IMAP_WHOLE_MAX - 1, &m->whole);
			text_close(t);
		}
	}
	m->has_whole = true;
	return buf_str(&m->whole);
}

/* Taken apart once, however many keys ask. */
static struct mime_part *
root_of(struct candidate *m)
{
	if (m->root == NULL)
		m->root = mime_parse(whole_of(m), m->pool);
	return m->root;
}

/* Does the UTF-8 `text` hold `what`, which is folded? */
static bool
holds(struct str text, struct str what)
{
	struct buf folded = { 0 };
	bool yes;

	fold_add(&folded, text);
	yes = str_find(buf_str(&folded), what) >= 0;
	buf_free(&folded);
	return yes;
}

/* Where a piece of UTF-8 may end: not inside a character. */
static size_t
piece_of(struct str text)
{
	size_t n = PIECE;

	if (text.n <= PIECE)
		return text.n;
	while (n > PIECE - 4 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* The same for a body in some charset, piece by piece; the end of one stays for the next. */
static bool
body_holds(struct str text, struct str charset, struct str what)
{
	struct buf utf8 = { 0 }, window = { 0 };
	bool yes = what.n == 0;

	for (size_t at = 0; !yes && at < text.n;) {
		struct str piece = str_sub(text, at, text.n);
		size_t keep;

		piece.n = piece_of(piece);
		at += piece.n;
		buf_reset(&utf8);
		if (!charset_add(&utf8, charset, piece))
			buf_add(&utf8, piece);
		fold_add(&window, buf_str(&utf8));
		yes = str_find(buf_str(&window), what) >= 0;
		keep = window.n < what.n ? window.n : what.n - 1;
		memmove(window.p, window.p + window.n - keep, keep);
		window.n = keep;
	}
	buf_free(&utf8);
	buf_free(&window);
	return yes;
}

static bool
header_holds(struct candidate *m, struct str header, struct str name, struct str what)
{
	struct headers h = headers_of(header);
	struct header f;

	while (header_next(&h, &f)) {
		struct buf text = { 0 };
		bool yes;

		if (name.n > 0 && !str_ieq(f.name, name))
			continue;
		if (name.n == 0) {
			buf_add(&text, f.name);
			buf_addz(&text, ": ");
		}
		decode_words(&text, header_unfold(m->pool, f.value));
		yes = holds(buf_str(&text), what);
		buf_free(&text);
		if (yes)
			return true;
	}
	return false;
}

/* The text parts, decoded, and the headers of messages inside. */
static bool
part_holds(struct candidate *m, const struct mime_part *part, struct str what)
{
	struct buf text = { .limit = IMAP_WHOLE_MAX };
	struct str charset = mime_param(&part->params, STR("charset"));
	bool yes;

	if (part->multipart || part->message) {
		for (const struct mime_part *kid = part->child; kid != NULL; kid = kid->next)
			if ((part->message && header_holds(m, kid->header, STR(""), what)) ||
			    part_holds(m, kid, what))
				return true;
		return false;
	}
	if (!str_ieq(part->type, STR("text")))
		return false;
	if (!decode_needed(part->encoding))
		return body_holds(part->body, charset, what);
	decode_body(&text, part->encoding, part->body);
	yes = body_holds(buf_str(&text), charset, what);
	buf_free(&text);
	return yes;
}

/* Day of the Date field as written (RFC 3501: "disregarding time and timezone"). */
static bool
sent_day(struct candidate *m, int64_t *day)
{
	struct header h;
	int64_t wall;
	int east;

	if (!header_find(header_of(m), STR("Date"), &h) ||
	    !date_parse(header_unfold(m->pool, h.value), &wall, &east))
		return false;
	wall += (int64_t)east * 60;
	*day = wall >= 0 ? wall / DAY : -1;
	return true;
}

static bool
date_matches(struct candidate *m, const struct imap_key *k)
{
	int64_t day = mailbox_date(m->c->box, m->i) / DAY;

	if ((k->kind == IMAP_KEY_SENTBEFORE || k->kind == IMAP_KEY_SENTON ||
	    k->kind == IMAP_KEY_SENTSINCE) && !sent_day(m, &day))
		return false;
	switch (k->kind) {
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_SENTBEFORE:
		return day < k->day;
	case IMAP_KEY_ON:
	case IMAP_KEY_SENTON:
		return day == k->day;
	default:
		return day >= k->day;
	}
}

static bool
flag_matches(struct candidate *m, const struct imap_key *k)
{
	uint32_t bit = system_flag(k->text);

	if (bit == 0)
		bit = mailbox_keyword(m->c->box, k->text, false);
	return ((mailbox_msg(m->c->box, m->i)->flags & bit) != 0) == k->on;
}

static bool
size_matches(struct candidate *m, const struct imap_key *k)
{
	uint64_t size;

	if (mailbox_size(m->c->box, m->i, &size) != STORE_OK)
		return false;
	return k->kind == IMAP_KEY_LARGER ? size > k->number : size < k->number;
}

static bool matches(struct candidate *m, const struct imap_key *k);

static bool
group_matches(struct candidate *m, const struct imap_key *k)
{
	if (k->kind == IMAP_KEY_NOT)
		return !matches(m, k->kids[0]);
	for (size_t i = 0; i < k->kids_n; i++)
		if (matches(m, k->kids[i]) == (k->kind == IMAP_KEY_OR))
			return k->kind == IMAP_KEY_OR;
	return k->kind == IMAP_KEY_AND;
}

static bool
matches(struct candidate *m, const struct imap_key *k)
{
	const struct store_msg *msg = mailbox_msg(m->c->box, m->i);

	switch (k->kind) {
	case IMAP_KEY_ALL:
		return true;
	case IMAP_KEY_AND:
	case IMAP_KEY_OR:
	case IMAP_KEY_NOT:
		return group_matches(m, k);
	case IMAP_KEY_FLAG:
		return flag_matches(m, k);
	case IMAP_KEY_RECENT:
		return msg->recent == k->on;
	case IMAP_KEY_SET:
		return imap_set_has(&k->set, (uint32_t)(m->i + 1));
	case IMAP_KEY_UID:
		return imap_set_has(&k->set, msg->uid);
	case IMAP_KEY_LARGER:
	case IMAP_KEY_SMALLER:
		return size_matches(m, k);
	case IMAP_KEY_HEADER:
		return header_holds(m, header_of(m), k->name, k->text);
	case IMAP_KEY_BODY:
		return part_holds(m, root_of(m), k->text);
	case IMAP_KEY_TEXT:
		return header_holds(m, header_of(m), STR(""), k->text) ||
		    part_holds(m, root_of(m), k->text);
	default:
		return date_matches(m, k);
	}
}

/* Put real numbers where "*" stands, and take the case from texts. */
static void
resolve(struct client *c, struct imap_key *k)
{
	size_t n = mailbox_count(c->box);

	if (k->kind == IMAP_KEY_SET)
		imap_set_resolve(&k->set, (uint32_t)n);
	if (k->kind == IMAP_KEY_UID)
		imap_set_resolve(&k->set, n == 0 ? 0 : mailbox_msg(c->box, n - 1)->uid);
	if (k->kind == IMAP_KEY_HEADER || k->kind == IMAP_KEY_BODY || k->kind == IMAP_KEY_TEXT) {
		struct buf folded = { 0 };

		fold_add(&folded, k->text);
		k->text = pool_str(c->pool, buf_str(&folded));
		buf_free(&folded);
	}
	for (size_t i = 0; i < k->kids_n; i++)
		resolve(c, k->kids[i]);
}

/* False: some message was not looked at. */
static bool
search_all(struct client *c, const struct imap_key *key)
{
	size_t n = c->told;
	bool all = true;

	stream_write(c->io, STR("* SEARCH"));
	for (size_t i = 0; i < n && all; i++) {
		struct candidate m = { .c = c, .i = i, .pool = pool_new() };
		const struct store_msg *msg = mailbox_msg(c->box, i);

		if (!msg->gone && matches(&m, key)) {
			/* Looking at a text may move the view's messages in memory. */
			msg = mailbox_msg(c->box, i);
			stream_printf(c->io, " %lu", c->uid ? (unsigned long)msg->uid :
			    (unsigned long)i + 1);
		}
		buf_free(&m.header);
		buf_free(&m.whole);
		pool_free(m.pool);
		turn_give(m.turn);
		all = all && !m.busy;
		if ((i + 1) % YIELD_EVERY == 0) {
			stream_deadline(c->io, deadline_in(IMAP_COMMAND_MS));
			fiber_yield();
		}
	}
	stream_write(c->io, STR("\r\n"));
	return all;
}

struct verdict
cmd_search(struct client *c, struct scan *args)
{
	struct imap_key *key;

	if (!imap_scan_sp(args))
		return bad_syntax(c);
	switch (imap_scan_search(args, c->pool, &key)) {
	case IMAP_SEARCH_CHARSET:
		return verdict(c, S_NO, "[BADCHARSET (US-ASCII UTF-8)] Unknown charset");
	case IMAP_SEARCH_SYNTAX:
		return bad_syntax(c);
	default:
		break;
	}
	if (!scan_done(args))
		return bad_syntax(c);
	resolve(c, key);
	if (!search_all(c, key))
		return verdict(c, S_NO, "[INUSE] Other sessions have too many messages in memory");
	return verdict(c, S_OK, "Search completed");
}
