/* SPDX-License-Identifier: ISC */
/*
 * cmd_append - APPEND (RFC 3501 6.3.11, RFC 4315 APPENDUID): the text goes to disk as it comes.
 *
 * The command arrives here with its literal unread, so a text that is too large or has nowhere to
 * go is refused before "+".
 */
#include "conf/common.h"
#include "imapd/imapd.h"

#define CHUNK		65536
#define DRAIN_MAX	(1u << 30)

struct append {
	struct str mailbox;
	struct vec flags;	/* struct str */
	int64_t date;		/* -1: now */
};

/* SP mailbox [SP flag-list] [SP date-time] SP, up to the literal. */
static bool
scan_append(struct scan *in, struct pool *p, struct append *a)
{
	if (!imap_scan_sp(in) || !imap_scan_mailbox(in, p, &a->mailbox) || !imap_scan_sp(in))
		return false;
	if (scan_peek(in) == '(' && (!imap_scan_flags(in, &a->flags) || !imap_scan_sp(in)))
		return false;
	if (scan_peek(in) == '"' && (!imap_scan_datetime(in, &a->date) || !imap_scan_sp(in)))
		return false;
	return scan_peek(in) == '{';
}

/* Nothing but the literal is left. */
static bool
at_literal(const struct scan *in)
{
	struct str rest = scan_rest(in);

	return rest.n > 2 && rest.p[0] == '{' && str_chr(rest, '}') == (ptrdiff_t)rest.n - 1;
}

bool
append_text_next(struct str command)
{
	struct append a = { .flags = vec_of(sizeof(struct str)), .date = -1 };
	struct scan in = scan_of(command);
	struct pool *p;
	struct str tag;
	bool yes;

	if (!imap_scan_tag(&in, &tag) || !scan_itext(&in, STR(" APPEND")))
		return false;
	p = pool_new();
	yes = scan_append(&in, p, &a) && at_literal(&in);
	vec_free(&a.flags);
	pool_free(p);
	return yes;
}

/* The text is on its way although nobody wants it: read over it and the end of the command. */
static bool
skip_text(struct client *c)
{
	struct str data;

	if (c->text.sync)
		return true;
	for (uint64_t n = c->text.size > DRAIN_MAX ? 0 : c->text.size; n > 0; n -= data.n)
		if (stream_read(c->io, &data, n > CHUNK ? CHUNK : (size_t)n) != IO_OK)
			return false;
	return c->text.size <= DRAIN_MAX && command_line(c, &data, false) == IO_OK &&
	    skip_literals(c, data);
}

static struct verdict
refuse(struct client *c, struct verdict v)
{
	if (c->has_text && !skip_text(c)) {
		tell(c, "BYE Cannot go on");
		c->over = true;
	}
	return v;
}

/* The literal and the line end behind it. */
static bool
take_text(struct client *c, struct appender *a)
{
	struct str data;

	if (c->text.sync && stream_write(c->io, STR("+ OK\r\n")) != IO_OK)
		return false;
	for (uint64_t n = c->text.size; n > 0; n -= data.n) {
		stream_deadline(c->io, deadline_in(IMAP_COMMAND_MS));
		if (stream_read(c->io, &data, n > CHUNK ? CHUNK : (size_t)n) != IO_OK)
			return false;
		/* A full disk shows at the end; until then the client must be read. */
		append_write(a, data);
	}
	return true;
}

static struct verdict
receive(struct client *c, struct append *args, struct appender *a)
{
	struct vec keywords = vec_of(sizeof(struct str));
	enum store_result r;
	uint32_t flags = 0, validity, uid;
	struct str rest;
	enum io end;
	bool nul;

	for (size_t i = 0; i < args->flags.n; i++) {
		struct str word = *(struct str *)vec_at(&args->flags, i);

		flags |= system_flag(word);
		if (system_flag(word) == 0 && word.p[0] != '\\')
			*(struct str *)vec_push(&keywords) = word;
	}
	end = take_text(c, a) ? command_line(c, &rest, false) : IO_EOF;
	if (end != IO_OK && end != IO_SYNTAX && end != IO_TOOLONG) {
		append_abort(a);
		vec_free(&keywords);
		c->over = true;
		return (struct verdict){ .status = S_NONE };
	}
	if (end != IO_OK || rest.n > 0) {
		append_abort(a);
		vec_free(&keywords);
		c->over = !skip_literals(c, rest);
		return bad_syntax(c);
	}
	nul = append_had_nul(a);
	r = append_end(a, flags, (struct strs){ keywords.p, keywords.n }, args->date, &validity, &uid);
	vec_free(&keywords);
	if (nul)
		return verdict(c, S_NO, "Message holds a NUL byte");
	if (r != STORE_OK)
		return verdict_store(c, r);
	return verdict(c, S_OK, "[APPENDUID %lu %lu] Append completed", (unsigned long)validity,
	    (unsigned long)uid);
}

struct verdict
cmd_append(struct client *c, struct scan *in)
{
	struct append args = { .flags = vec_of(sizeof(struct str)), .date = -1 };
	struct appender *a = NULL;
	enum store_result r;
	struct verdict v;

	if (!c->has_text || !scan_append(in, c->pool, &args)) {
		v = refuse(c, bad_syntax(c));
	} else if (c->text.size == 0) {
		v = refuse(c, verdict(c, S_NO, "Empty message"));
	} else if (c->text.size > common.message_size_limit && common.message_size_limit > 0) {
		v = refuse(c, verdict(c, S_NO, "[TOOBIG] Message is larger than %llu bytes",
		    (unsigned long long)common.message_size_limit));
	} else if ((r = append_begin(c->store, args.mailbox, &a)) == STORE_ABSENT) {
		v = refuse(c, verdict(c, S_NO, "[TRYCREATE] No such mailbox"));
	} else if (r != STORE_OK) {
		v = refuse(c, verdict_store(c, r));
	} else {
		v = receive(c, &args, a);
	}
	vec_free(&args.flags);
	return v;
}
