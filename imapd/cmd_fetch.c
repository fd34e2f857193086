/* SPDX-License-Identifier: ISC */
/*
 * cmd_fetch - FETCH (RFC 3501 6.4.5, 7.4.2).
 *
 * What needs only the header reads only the header; a whole text is streamed from the store; the
 * message is taken into memory and apart only for structure and for parts.
 *
 * What the disk refuses is met before a byte of the answer, as far as that can be, so that no client
 * takes half a message for one; later there is no way but to end the session.
 */
#include "base/log.h"
#include "fiber/fiber.h"
#include "imapd/imapd.h"
#include "mail/header.h"
#include "mail/mime.h"

#define HEADER_MAX	(4u << 20)	/* bytes of a header that are looked at */
#define CHUNK		65536
#define YIELD_EVERY	16

/* One message while it is answered. */
struct fetch {
	struct client *c;
	size_t i;
	struct pool *pool;
	struct text *text;
	enum store_result r;	/* STORE_OK until something could not be read */
	struct buf header, whole;
	bool has_header, has_whole;
	uint64_t turn;		/* bytes taken */
	struct mime_part *root;
	const char *gap;
};

static struct text *
text_of(struct fetch *f)
{
	if (f->text == NULL && f->r == STORE_OK)
		f->r = text_open(f->c->box, f->i, &f->text);
	return f->text;
}

static struct str
header_of(struct fetch *f)
{
	if (!f->has_header && text_of(f) != NULL &&
	    !text_header(f->text, HEADER_MAX, &f->header))
		f->r = STORE_FAILED;
	f->has_header = true;
	return buf_str(&f->header);
}

/* Have all of the message in memory, when there is room. */
static void
take_whole(struct fetch *f)
{
	uint64_t size;

	f->r = mailbox_size(f->c->box, f->i, &size);
	if (f->r == STORE_OK && !turn_take(size))
		f->r = STORE_BUSY;
	if (f->r != STORE_OK)
		return;
	f->turn = size;
	f->whole.limit = IMAP_WHOLE_MAX;
	if (!text_read(f->text, 0, IMAP_WHOLE_MAX - 1, &f->whole))
		f->r = STORE_FAILED;
}

static struct mime_part *
root_of(struct fetch *f)
{
	if (!f->has_whole && text_of(f) != NULL)
		take_whole(f);
	if (f->root == NULL)
		f->root = mime_parse(buf_str(&f->whole), f->pool);
	f->has_whole = true;
	return f->root;
}

static uint64_t
size_of(struct fetch *f)
{
	uint64_t size = 0;

	if (text_of(f) != NULL && !text_size(f->text, &size))
		f->r = STORE_FAILED;
	return size;
}

static void
put(struct fetch *f, struct str s)
{
	if (stream_write(f->c->io, s) != IO_OK)
		f->c->over = true;
}

static void
label(struct fetch *f, const char *name)
{
	stream_printf(f->c->io, "%s%s ", f->gap, name);
	f->gap = " ";
}

/* --- sections --- */

/* The message a part number counts in: the part itself, or what a message/rfc822 part holds. */
static const struct mime_part *
container(const struct mime_part *part)
{
	return part->message ? part->child : part;
}

/* Follow the numbers of a section; NULL when there is no such part. */
static const struct mime_part *
walk(const struct mime_part *root, const struct imap_section *s)
{
	const struct mime_part *part = root;

	for (size_t i = 0; i < s->path_n; i++) {
		const struct mime_part *in = i == 0 ? root : container(part);
		uint32_t n = s->path[i];

		if (in == NULL)
			return NULL;
		if (!in->multipart) {
			/* Part 1 of what has no parts is its body; of a part of a multipart, nothing. */
			if (n != 1 || (i > 0 && !part->message))
				return NULL;
			part = in;
			continue;
		}
		for (part = in->child; part != NULL && n > 1; n--)
			part = part->next;
		if (part == NULL)
			return NULL;
	}
	return part;
}

static bool
wanted(const struct imap_section *s, struct str name)
{
	for (size_t i = 0; i < s->fields.n; i++)
		if (str_ieq(s->fields.v[i], name))
			return s->text == IMAP_HEADER_FIELDS;
	return s->text == IMAP_HEADER_NOT;
}

/* The fields of a header that were asked for, and the blank line. */
static struct str
some_fields(struct fetch *f, const struct imap_section *s, struct str header)
{
	struct headers h = headers_of(header);
	struct header field;
	struct buf out = { .limit = HEADER_MAX + 2 };
	struct str got;

	while (header_next(&h, &field)) {
		if (!wanted(s, field.name))
			continue;
		buf_add(&out, field.whole);
		/* The last line of a message that is all header may have no end. */
		if (field.whole.p[field.whole.n - 1] != '\n')
			buf_addz(&out, "\r\n");
	}
	buf_addz(&out, "\r\n");
	got = pool_str(f->pool, buf_str(&out));
	buf_free(&out);
	return got;
}

/* A part of the message in memory; false when there is no such thing. */
static bool
part_text(struct fetch *f, const struct imap_section *s, struct str *out)
{
	const struct mime_part *part = walk(root_of(f), s);

	if (part == NULL)
		return false;
	if (s->text == IMAP_ALL) {
		*out = part->body;
		return true;
	}
	if (s->text == IMAP_MIME) {
		*out = part->header;
		return true;
	}
	if (s->path_n > 0) {
		if (!part->message || part->child == NULL)
			return false;
		part = part->child;
	}
	*out = s->text == IMAP_TEXT ? part->body : part->header;
	if (s->text == IMAP_HEADER_FIELDS || s->text == IMAP_HEADER_NOT)
		*out = some_fields(f, s, part->header);
	return true;
}

/* Announce a literal of what the partial leaves of `size`; gives where it begins and its length. */
static void
announce(struct fetch *f, const struct imap_section *s, uint64_t size, uint64_t *from, uint64_t *n)
{
	*from = 0;
	*n = size;
	stream_printf(f->c->io, "%s%.*s", f->gap, STR_ARG(s->label));
	f->gap = " ";
	if (s->partial) {
		stream_printf(f->c->io, "<%lu>", (unsigned long)s->offset);
		*from = s->offset < size ? s->offset : size;
		*n = s->count < size - *from ? s->count : size - *from;
	}
	stream_printf(f->c->io, " {%llu}\r\n", (unsigned long long)*n);
}

/* The whole message or its body, without taking it into memory. */
static void
stream_text(struct fetch *f, const struct imap_section *s)
{
	uint64_t skip = s->text == IMAP_TEXT ? header_of(f).n : 0, size = size_of(f), from, n;
	struct buf block = { 0 };

	announce(f, s, size > skip ? size - skip : 0, &from, &n);
	for (uint64_t at = skip + from; n > 0 && !f->c->over;) {
		buf_reset(&block);
		stream_deadline(f->c->io, deadline_in(IMAP_COMMAND_MS));
		if (!text_read(f->text, at, n > CHUNK ? CHUNK : (size_t)n, &block) || block.n == 0) {
			/* It failed or shrank under us: what was announced cannot be kept. */
			log_warn("user=<%.*s>: message %zu ended before its end: session is ended",
			    STR_ARG(f->c->user), f->i + 1);
			f->c->over = true;
			break;
		}
		put(f, buf_str(&block));
		at += block.n;
		n -= block.n;
	}
	buf_free(&block);
}

static void
one_section(struct fetch *f, const struct imap_section *s)
{
	struct str got = STR("");
	uint64_t from, n;

	if (s->path_n == 0 && (s->text == IMAP_ALL || s->text == IMAP_TEXT)) {
		stream_text(f, s);
		return;
	}
	if (s->path_n == 0) {
		got = s->text == IMAP_HEADER ? header_of(f) : some_fields(f, s, header_of(f));
	} else if (!part_text(f, s, &got)) {
		stream_printf(f->c->io, "%s%.*s NIL", f->gap, STR_ARG(s->label));
		f->gap = " ";
		return;
	}
	announce(f, s, got.n, &from, &n);
	put(f, str_sub(got, (size_t)from, (size_t)n));
}

/* --- items --- */

static void
simple_items(struct fetch *f, unsigned items)
{
	struct box *box = f->c->box;
	const struct store_msg *m = mailbox_msg(box, f->i);
	struct buf out = { 0 };

	if (items & IMAP_UID) {
		label(f, "UID");
		stream_printf(f->c->io, "%lu", (unsigned long)m->uid);
	}
	if (items & IMAP_FLAGS) {
		label(f, "FLAGS");
		add_flags(&out, box, m->flags, m->recent);
	}
	put(f, buf_str(&out));
	buf_reset(&out);
	if (items & IMAP_INTERNALDATE) {
		label(f, "INTERNALDATE");
		imap_add_datetime(&out, mailbox_date(box, f->i));
	}
	put(f, buf_str(&out));
	if (items & IMAP_RFC822_SIZE) {
		uint64_t size;

		label(f, "RFC822.SIZE");
		mailbox_size(box, f->i, &size);
		stream_printf(f->c->io, "%llu", (unsigned long long)size);
	}
	buf_free(&out);
}

static void
built_items(struct fetch *f, unsigned items)
{
	static const struct { unsigned item; const char *name; bool extended; } rows[] = {
		{ IMAP_BODY, "BODY", false }, { IMAP_BODYSTRUCTURE, "BODYSTRUCTURE", true },
	};
	struct buf out = { .limit = IMAP_WHOLE_MAX };

	if (items & IMAP_ENVELOPE) {
		label(f, "ENVELOPE");
		add_envelope(&out, header_of(f), f->pool);
		put(f, buf_str(&out));
	}
	for (size_t i = 0; i < 2; i++) {
		if (!(items & rows[i].item))
			continue;
		buf_reset(&out);
		label(f, rows[i].name);
		add_structure(&out, root_of(f), rows[i].extended, f->pool);
		put(f, buf_str(&out));
	}
	buf_free(&out);
}

/* Read what the answer is made of; the parts keep it, the size of a whole text is known then. */
static enum store_result
read_ahead(struct fetch *f, const struct imap_fetch *what)
{
	uint64_t size;

	if (mailbox_msg(f->c->box, f->i)->gone)
		f->r = STORE_ABSENT;
	/* One that cannot be read has size 0 in a list; only its text is refused. */
	if (f->r == STORE_OK && (what->items & IMAP_RFC822_SIZE) &&
	    mailbox_size(f->c->box, f->i, &size) == STORE_ABSENT)
		f->r = STORE_ABSENT;
	if (what->items & IMAP_ENVELOPE)
		header_of(f);
	if (what->items & (IMAP_BODY | IMAP_BODYSTRUCTURE))
		root_of(f);
	for (size_t i = 0; i < what->sections_n; i++) {
		const struct imap_section *s = &what->sections[i];

		if (s->path_n > 0)
			root_of(f);
		else if (s->text != IMAP_ALL)
			header_of(f);
		if (s->path_n == 0 && (s->text == IMAP_ALL || s->text == IMAP_TEXT))
			size_of(f);
	}
	return f->r;
}

/* STORE_ABSENT: it is no longer there; nothing was said then, as with any other failure. */
static enum store_result
one_message(struct client *c, size_t i, const struct imap_fetch *what, unsigned items)
{
	struct fetch f = { .c = c, .i = i, .pool = pool_new(), .gap = "" };
	enum store_result r;

	f.header.limit = HEADER_MAX + 1;
	if ((r = read_ahead(&f, what)) == STORE_OK) {
		stream_deadline(c->io, deadline_in(IMAP_COMMAND_MS));
		stream_printf(c->io, "* %zu FETCH (", i + 1);
		simple_items(&f, items);
		built_items(&f, items);
		for (size_t k = 0; k < what->sections_n && !c->over; k++)
			one_section(&f, &what->sections[k]);
		if (!c->over)
			put(&f, STR(")\r\n"));
	}
	text_close(f.text);
	buf_free(&f.header);
	buf_free(&f.whole);
	pool_free(f.pool);
	turn_give(f.turn);
	return r;
}

/*
 * BODY[…] without PEEK reads the message; gives which messages' flags change by that.  Where they
 * cannot be kept (a full disk, a folder nobody may write) the messages can be read all the same.
 */
static void
mark_seen(struct client *c, const struct vec *at, const struct imap_fetch *what, struct vec *fresh)
{
	bool reads = false;

	for (size_t i = 0; i < what->sections_n; i++)
		reads |= !what->sections[i].peek;
	if (!reads || mailbox_readonly(c->box))
		return;
	for (size_t i = 0; i < at->n; i++)
		if (!(mailbox_msg(c->box, *(size_t *)vec_at(at, i))->flags & STORE_SEEN))
			*(size_t *)vec_push(fresh) = *(size_t *)vec_at(at, i);
	if (fresh->n > 0 &&
	    mailbox_set_flags(c->box, fresh->p, fresh->n, STORE_ADD, STORE_SEEN) != STORE_OK)
		log_warn("user=<%.*s>: messages are read and not marked so: %s", STR_ARG(c->user),
		    store_why(c->store));
}

static struct verdict
fetch_all(struct client *c, const struct vec *at, const struct imap_fetch *what)
{
	struct vec fresh = vec_of(sizeof(size_t));
	enum store_result r, failed = STORE_OK;
	bool gone = false;
	size_t k = 0;

	mark_seen(c, at, what, &fresh);
	for (size_t i = 0; i < at->n && !c->over; i++) {
		size_t n = *(size_t *)vec_at(at, i);
		unsigned items = what->items | (c->uid ? (unsigned)IMAP_UID : 0);
		bool marked = k < fresh.n && *(size_t *)vec_at(&fresh, k) == n;

		if (marked) {
			items |= IMAP_FLAGS;
			k++;
		}
		if ((r = one_message(c, n, what, items)) == STORE_ABSENT)
			gone = true;
		else if (r != STORE_OK)
			failed = r;
		if (marked && r != STORE_OK && r != STORE_ABSENT)
			tell_flags(c, n, c->uid);
		/* Others hold what it takes, and will for a while. */
		if (r == STORE_BUSY)
			break;
		if ((i + 1) % YIELD_EVERY == 0)
			fiber_yield();
	}
	vec_free(&fresh);
	/* Nothing may stand where the rest of a message was announced. */
	if (c->over)
		return (struct verdict){ .status = S_NONE };
	if (failed != STORE_OK)
		return verdict_store(c, failed);
	return gone ? verdict(c, S_NO, "[EXPUNGEISSUED] Some messages are no longer there") :
	    verdict(c, S_OK, "Fetch completed");
}

struct verdict
cmd_fetch(struct client *c, struct scan *args)
{
	struct vec at = vec_of(sizeof(size_t));
	struct imap_fetch what;
	struct verdict v;

	if (scan_messages(c, args, &at, &v)) {
		if (!imap_scan_sp(args) || !imap_scan_fetch(args, c->pool, &what) || !scan_done(args))
			v = bad_syntax(c);
		else
			v = fetch_all(c, &at, &what);
	}
	vec_free(&at);
	return v;
}
