/* SPDX-License-Identifier: ISC */
/*
 * session - POP3 after login (RFC 1939 5 and 6).
 *
 * The maildrop is a snapshot: numbers never change while the session lasts, and one session at a
 * time holds it (RFC 1939 4, exclusive-access lock).  DELE only marks; QUIT removes, and says +OK
 * when the removal is on disk.  A connection that ends without QUIT removes nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/panic.h"
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "mail/address.h"
#include "pop3d/pop3d.h"
#include "proto/pop3.h"

#define IDLE_MS		(10 * 60 * 1000)	/* RFC 1939 3: no sooner than 10 minutes */
#define ANSWER_MS	(5 * 60 * 1000)		/* for one command line, and each block of an answer */
#define BLOCK		65536
#define HEADER_MAX	(4u << 20)

enum { MARK_DELETED = 1, MARK_READ = 2 };

struct client {
	struct stream *io;
	struct store *store;
	struct box *box;
	struct str user;
	unsigned char *marks;	/* MARK_ bits by message */
	size_t n;
	unsigned retrieved;
	bool utf8;		/* headers in UTF-8 as they are (RFC 6856) */
	bool over;
};

static void
say(struct client *c, const char *text)
{
	stream_printf(c->io, "%s\r\n", text);
}

static bool
present(struct client *c, size_t i)
{
	return !(c->marks[i] & MARK_DELETED);
}

/* The message a command names, as index; answers -ERR itself when there is none. */
static bool
scan_message(struct client *c, struct scan *args, bool last, size_t *i)
{
	uint32_t n;

	if (!pop3_scan_number(args, last, &n) || n == 0 || n > c->n || !present(c, n - 1)) {
		say(c, "-ERR No such message");
		return false;
	}
	*i = n - 1;
	return true;
}

static void
do_capa(struct client *c, struct scan *args)
{
	(void)args;
	stream_write(c->io, STR(POP3_CAPA POP3_CAPA_LOGIN POP3_CAPA_END));
}

static void
do_stat(struct client *c, struct scan *args)
{
	uint64_t size = 0, one;
	size_t count = 0;

	(void)args;
	for (size_t i = 0; i < c->n; i++) {
		if (!present(c, i))
			continue;
		count++;
		mailbox_size(c->box, i, &one);
		size += one;
	}
	stream_printf(c->io, "+OK %zu %llu\r\n", count, (unsigned long long)size);
}

/* One line of LIST or UIDL. */
static void
list_line(struct client *c, size_t i, bool uidl)
{
	uint64_t size;

	if (uidl) {
		stream_printf(c->io, "%zu %08lx%08lx\r\n", i + 1,
		    (unsigned long)mailbox_msg(c->box, i)->uid,
		    (unsigned long)mailbox_uidvalidity(c->box));
	} else {
		mailbox_size(c->box, i, &size);
		stream_printf(c->io, "%zu %llu\r\n", i + 1, (unsigned long long)size);
	}
}

static void
list_or_uidl(struct client *c, struct scan *args, bool uidl)
{
	size_t i;

	scan_blanks(args);
	if (!scan_done(args)) {
		if (scan_message(c, args, true, &i)) {
			stream_write(c->io, STR("+OK "));
			list_line(c, i, uidl);
		}
		return;
	}
	say(c, "+OK");
	for (i = 0; i < c->n; i++)
		if (present(c, i))
			list_line(c, i, uidl);
	say(c, ".");
}

static void
do_list(struct client *c, struct scan *args)
{
	list_or_uidl(c, args, false);
}

/* Unique and the same in every session: UID and UIDVALIDITY, in Dovecot's default form. */
static void
do_uidl(struct client *c, struct scan *args)
{
	list_or_uidl(c, args, true);
}

/* Send the text from `from` on, dots stuffed; at most `lines` lines. */
static bool
send_text(struct client *c, struct text *t, uint64_t from, uint64_t lines, bool *bol)
{
	struct buf block = { 0 }, out = { 0 };
	bool ok = true;

	while (ok && lines > 0) {
		struct str s;
		size_t cut = 0;

		buf_reset(&block);
		buf_reset(&out);
		stream_deadline(c->io, deadline_in(ANSWER_MS));
		ok = text_read(t, from, BLOCK, &block);
		s = buf_str(&block);
		if (s.n == 0)
			break;
		from += s.n;
		while (cut < s.n && lines > 0) {
			const char *nl = memchr(s.p + cut, '\n', s.n - cut);

			cut = nl == NULL ? s.n : (size_t)(nl - s.p) + 1;
			if (nl != NULL && lines != UINT64_MAX)
				lines--;
		}
		pop3_stuff(&out, str_sub(s, 0, cut), bol);
		ok = ok && stream_write(c->io, buf_str(&out)) == IO_OK;
	}
	buf_free(&block);
	buf_free(&out);
	return ok;
}

/* The answer: the header as this client can read it, then `lines` of the body. */
static bool
send_message(struct client *c, struct text *t, struct str header, uint64_t size, uint64_t lines)
{
	struct buf plain = { 0 }, out = { 0 };
	struct str first = header;
	bool bol = true, ok;

	if (!c->utf8 && !ascii_ok(first)) {
		downgrade_header(&plain, first);
		first = buf_str(&plain);
	}
	stream_printf(c->io, "+OK %llu octets\r\n",
	    (unsigned long long)(size - header.n + first.n));
	pop3_stuff(&out, first, &bol);
	ok = stream_write(c->io, buf_str(&out)) == IO_OK && send_text(c, t, header.n, lines, &bol);
	if (ok)
		say(c, bol ? "." : "\r\n.");
	buf_free(&plain);
	buf_free(&out);
	return ok;
}

/* False when none of it was sent. */
static bool
retrieve(struct client *c, size_t i, uint64_t lines)
{
	struct buf header = { .limit = HEADER_MAX + 1 };
	struct text *t;
	uint64_t size;
	bool sent = false;

	if (text_open(c->box, i, &t) != STORE_OK) {
		say(c, "-ERR Message was removed by another session");
		return false;
	}
	if (!text_size(t, &size) || !text_header(t, HEADER_MAX, &header)) {
		log_warn("user=<%.*s>: %s", STR_ARG(c->user), store_why(c->store));
		say(c, "-ERR [SYS/TEMP] Message cannot be read");
	} else {
		sent = true;
		/* Half a message must not look like one. */
		if (!send_message(c, t, buf_str(&header), size, lines))
			c->over = true;
	}
	text_close(t);
	buf_free(&header);
	return sent;
}

static void
do_retr(struct client *c, struct scan *args)
{
	size_t i;

	if (!scan_message(c, args, true, &i))
		return;
	if (!retrieve(c, i, UINT64_MAX))
		return;
	c->marks[i] |= MARK_READ;
	c->retrieved++;
}

static void
do_top(struct client *c, struct scan *args)
{
	uint32_t lines;
	size_t i;

	if (!scan_message(c, args, false, &i))
		return;
	if (!pop3_scan_number(args, true, &lines))
		say(c, "-ERR How many lines?");
	else
		(void)retrieve(c, i, lines);
}

static void
do_dele(struct client *c, struct scan *args)
{
	size_t i;

	if (!scan_message(c, args, true, &i))
		return;
	c->marks[i] |= MARK_DELETED;
	say(c, "+OK Marked to be deleted");
}

static void
do_rset(struct client *c, struct scan *args)
{
	(void)args;
	for (size_t i = 0; i < c->n; i++)
		c->marks[i] &= (unsigned char)~MARK_DELETED;
	say(c, "+OK");
}

static void
do_noop(struct client *c, struct scan *args)
{
	(void)args;
	say(c, "+OK");
}

/* The indexes with this mark. */
static size_t
marked(struct client *c, unsigned mark, unsigned without, size_t *at)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if ((c->marks[i] & mark) && !(c->marks[i] & without))
			at[n++] = i;
	return n;
}

/* The UPDATE state (RFC 1939 6). */
static void
do_quit(struct client *c, struct scan *args)
{
	size_t *at = mem_zero(c->n + 1, sizeof(*at)), n;
	enum store_result r = STORE_OK;

	(void)args;
	n = marked(c, MARK_READ, MARK_DELETED, at);
	if (n > 0)
		mailbox_set_flags(c->box, at, n, STORE_ADD, STORE_SEEN);
	n = marked(c, MARK_DELETED, 0, at);
	if (n > 0)
		r = mailbox_expunge(c->box, at, n, 0);
	if (r != STORE_OK) {
		log_warn("user=<%.*s>: %s", STR_ARG(c->user), store_why(c->store));
		say(c, "-ERR [SYS/TEMP] Some deleted messages were not removed");
	} else {
		stream_printf(c->io, "+OK Logging out, %zu messages deleted\r\n", n);
	}
	log_info("pop3(%.*s): Disconnected: Logged out top=0/0, retr=%u/%zu, del=%zu/%zu",
	    STR_ARG(c->user), c->retrieved, stream_count_out(c->io), r == STORE_OK ? n : 0, c->n);
	free(at);
	c->over = true;
}

static const struct command {
	const char *verb;
	void (*run)(struct client *c, struct scan *args);
	const char *rfc;
} commands[] = {
	{ "STAT", do_stat, "RFC 1939 5" },
	{ "LIST", do_list, "RFC 1939 5" },
	{ "RETR", do_retr, "RFC 1939 5" },
	{ "DELE", do_dele, "RFC 1939 5" },
	{ "NOOP", do_noop, "RFC 1939 5" },
	{ "RSET", do_rset, "RFC 1939 5" },
	{ "QUIT", do_quit, "RFC 1939 6" },
	{ "TOP",  do_top,  "RFC 1939 7" },
	{ "UIDL", do_uidl, "RFC 1939 7" },
	{ "CAPA", do_capa, "RFC 2449 5" },
};

static void
dispatch(struct client *c, struct str line)
{
	struct scan in = scan_of(line);
	struct str verb;

	if (pop3_scan_verb(&in, &verb))
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			if (str_ieq(verb, str_of(commands[i].verb))) {
				commands[i].run(c, &in);
				return;
			}
	say(c, "-ERR Unknown command");
}

/* What went and came while this session waited for its lock is not in, and in, its maildrop. */
static enum store_result
look_again(struct client *c)
{
	struct vec gone = vec_of(sizeof(uint32_t));
	enum store_result r = mailbox_poll(c->box);

	mailbox_sweep(c->box, &gone);
	vec_free(&gone);
	return r;
}

/* Open the maildrop for this session alone. */
static bool
open_drop(struct client *c)
{
	enum store_result r = mailbox_open(c->store, STR("INBOX"), false, &c->box);

	if (r == STORE_OK && !mailbox_exclusive(c->box)) {
		say(c, "-ERR [IN-USE] Another session has the mailbox");
		return false;
	}
	if (r == STORE_OK)
		r = look_again(c);
	if (r != STORE_OK) {
		log_warn("user=<%.*s>: %s", STR_ARG(c->user), store_why(c->store));
		say(c, "-ERR [SYS/TEMP] Mailbox cannot be opened now");
		return false;
	}
	c->n = mailbox_count(c->box);
	c->marks = mem_zero(c->n + 1, 1);
	return true;
}

void
pop3_session(struct stream *io, struct store *store, const struct session *hello)
{
	struct client c = { .io = io, .store = store };

	c.user = hello != NULL ? hello->user : STR("test");
	c.utf8 = hello != NULL && str_eq(hello->tag, STR(SESSION_TAG_UTF8));
	stream_deadline(io, deadline_in(ANSWER_MS));
	if (open_drop(&c))
		say(&c, "+OK Logged in");
	else
		c.over = true;
	/* All of a session is one transaction: what was deleted in it goes at its QUIT (RFC 1939 6). */
	while (!c.over && !stream_broken(io) && !service_hurried()) {
		struct str line;
		enum io r;

		stream_deadline(io, deadline_in(IDLE_MS));
		r = service_getline(io, &line, POP3_LINE_MAX, true);
		stream_deadline(io, deadline_in(ANSWER_MS));
		if (r == IO_OK)
			dispatch(&c, line);
		else if (r == IO_SYNTAX || r == IO_TOOLONG)
			say(&c, "-ERR Cannot read that line");
		else
			c.over = true;
		if (r == IO_ERROR && errno == EMSGSIZE)
			say(&c, "-ERR Command line is too long");
	}
	stream_deadline(io, deadline_in(10000));
	stream_flush(io);
	mailbox_close(c.box);
	free(c.marks);
}
