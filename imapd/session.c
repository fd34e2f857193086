/* SPDX-License-Identifier: ISC */
/*
 * session - one IMAP connection: read a command, run its row, tell what changed, answer.
 *
 * RFC 3501 7.4.1: no EXPUNGE while FETCH, STORE or SEARCH by numbers is under way.  The loop keeps
 * that rule: rows say NUMBERS, handlers never sweep the view.
 */
#include <errno.h>
#include <stdarg.h>

#include "base/log.h"
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "imapd/imapd.h"

#define DRAIN_MAX	(1u << 30)	/* a literal larger than this is not read to be refused */
#define SKIP_MAX	(1u << 20)	/* … and so many bytes of an overlong line */

const char imap_capabilities[] = "IMAP4rev1 LITERAL+ IDLE NAMESPACE UIDPLUS MOVE UNSELECT ID ENABLE "
    "CHILDREN SPECIAL-USE";

static const struct command commands[] = {
	/* verb         run              legal     flags           defined in */
	{ "CAPABILITY", cmd_capability,  ANY,      0,              "RFC 3501 6.1.1" },
	{ "NOOP",       cmd_noop,        ANY,      0,              "RFC 3501 6.1.2" },
	{ "LOGOUT",     cmd_logout,      ANY,      QUIET,          "RFC 3501 6.1.3" },
	{ "ID",         cmd_id,          ANY,      0,              "RFC 2971 3.1" },
	{ "ENABLE",     cmd_enable,      ANY,      0,              "RFC 5161 3.1" },
	{ "SELECT",     cmd_select,      ANY,      QUIET,          "RFC 3501 6.3.1" },
	{ "EXAMINE",    cmd_examine,     ANY,      QUIET,          "RFC 3501 6.3.2" },
	{ "CREATE",     cmd_create,      ANY,      0,              "RFC 3501 6.3.3" },
	{ "DELETE",     cmd_delete,      ANY,      0,              "RFC 3501 6.3.4" },
	{ "RENAME",     cmd_rename,      ANY,      0,              "RFC 3501 6.3.5" },
	{ "SUBSCRIBE",  cmd_subscribe,   ANY,      0,              "RFC 3501 6.3.6" },
	{ "UNSUBSCRIBE", cmd_unsubscribe, ANY,     0,              "RFC 3501 6.3.7" },
	{ "LIST",       cmd_list,        ANY,      0,              "RFC 3501 6.3.8" },
	{ "LSUB",       cmd_lsub,        ANY,      0,              "RFC 3501 6.3.9" },
	{ "STATUS",     cmd_status,      ANY,      0,              "RFC 3501 6.3.10" },
	{ "APPEND",     cmd_append,      ANY,      0,              "RFC 3501 6.3.11" },
	{ "NAMESPACE",  cmd_namespace,   ANY,      0,              "RFC 2342 5" },
	{ "IDLE",       cmd_idle,        ANY,      0,              "RFC 2177 3" },
	{ "CHECK",      cmd_noop,        SELECTED, 0,              "RFC 3501 6.4.1" },
	{ "CLOSE",      cmd_close,       SELECTED, QUIET,          "RFC 3501 6.4.2" },
	{ "UNSELECT",   cmd_unselect,    SELECTED, QUIET,          "RFC 3691 2" },
	{ "EXPUNGE",    cmd_expunge,     SELECTED, UIDS,           "RFC 3501 6.4.3, RFC 4315 2.1" },
	{ "SEARCH",     cmd_search,      SELECTED, NUMBERS | UIDS, "RFC 3501 6.4.4" },
	{ "FETCH",      cmd_fetch,       SELECTED, NUMBERS | UIDS, "RFC 3501 6.4.5" },
	{ "STORE",      cmd_store,       SELECTED, NUMBERS | UIDS, "RFC 3501 6.4.6" },
	{ "COPY",       cmd_copy,        SELECTED, UIDS,           "RFC 3501 6.4.7" },
	{ "MOVE",       cmd_move,        SELECTED, UIDS,           "RFC 6851 3" },
};

struct verdict
verdict(struct client *c, enum status status, const char *fmt, ...)
{
	struct verdict v = { status, { NULL, 0 } };
	va_list ap;

	va_start(ap, fmt);
	v.text = pool_vprintf(c->pool, fmt, ap);
	va_end(ap);
	return v;
}

struct verdict
bad_syntax(struct client *c)
{
	return verdict(c, S_BAD, "Syntax error in arguments");
}

struct verdict
verdict_store(struct client *c, enum store_result r)
{
	static const char *const codes[] = {
		[STORE_OK] = "", [STORE_ABSENT] = "[NONEXISTENT] ", [STORE_EXISTS] = "[ALREADYEXISTS] ",
		[STORE_NAME] = "[CANNOT] ", [STORE_DENIED] = "[NOPERM] ", [STORE_FULL] = "[OVERQUOTA] ",
		[STORE_LIMIT] = "[LIMIT] ", [STORE_BUSY] = "[INUSE] ", [STORE_FAILED] = "[SERVERBUG] ",
	};

	if (r != STORE_ABSENT && r != STORE_EXISTS && r != STORE_NAME)
		log_warn("user=<%.*s>: %s", STR_ARG(c->user), store_why(c->store));
	return verdict(c, S_NO, "%s%c%s", codes[r], ch_upper(store_word(r)[0]), store_word(r) + 1);
}

void
tell(struct client *c, const char *fmt, ...)
{
	va_list ap;

	stream_write(c->io, STR("* "));
	va_start(ap, fmt);
	stream_vprintf(c->io, fmt, ap);
	va_end(ap);
	stream_write(c->io, STR("\r\n"));
}

static void
tell_expunged(struct client *c)
{
	struct vec gone = vec_of(sizeof(uint32_t));

	mailbox_sweep(c->box, &gone);
	for (size_t i = 0; i < gone.n; i++)
		tell(c, "%lu EXPUNGE", (unsigned long)((uint32_t *)gone.p)[i] + 1);
	c->told = mailbox_count(c->box);
	vec_free(&gone);
}

static void
tell_recent(struct client *c)
{
	if (mailbox_recent(c->box) == c->told_recent)
		return;
	c->told_recent = mailbox_recent(c->box);
	tell(c, "%zu RECENT", c->told_recent);
}

void
tell_changes(struct client *c, bool expunge)
{
	size_t n, i;

	if (c->box == NULL)
		return;
	if (mailbox_poll(c->box) == STORE_ABSENT) {
		/* RFC 2180 3.3: the mailbox was deleted under us. */
		tell(c, "BYE Mailbox was deleted");
		c->over = true;
		return;
	}
	if (mailbox_keywords(c->box).n > c->told_keywords)
		tell_flag_words(c);
	n = mailbox_count(c->box);
	if (n != c->told) {
		tell(c, "%zu EXISTS", n);
		c->told = n;
	}
	tell_recent(c);
	if (expunge) {
		tell_expunged(c);
		tell_recent(c);
	}
	while (mailbox_next_changed(c->box, &i))
		if (!mailbox_msg(c->box, i)->gone)
			tell_flags(c, i, c->uid);
}

void
unselect(struct client *c)
{
	mailbox_close(c->box);
	c->box = NULL;
	c->told = c->told_recent = c->told_keywords = 0;
}

/* --- reading --- */

enum got { GOT_COMMAND, GOT_REFUSED, GOT_END };

/* Remember the end of what was read over. */
static void
keep_tail(struct client *c, struct str data)
{
	size_t n = data.n < sizeof(c->tail) ? data.n : sizeof(c->tail), keep = sizeof(c->tail) - n;

	if (keep > c->tail_n)
		keep = c->tail_n;
	memmove(c->tail, c->tail + c->tail_n - keep, keep);
	memcpy(c->tail + keep, data.p + data.n - n, n);
	c->tail_n = keep + n;
}

/*
 * The stream gave up on a line that does not end: read over the rest of it, so that the session can
 * go on, but not for ever.
 */
static enum io
skip_rest(struct client *c, struct str *line)
{
	struct str data;
	char last = '\0';
	enum io r;

	c->tail_n = 0;
	stream_deadline(c->io, deadline_in(IMAP_COMMAND_MS));
	for (size_t n = 0; n < SKIP_MAX; n += data.n) {
		if ((r = stream_peek(c->io, &data)) != IO_OK)
			return r;
		for (size_t i = 0; i < data.n; last = data.p[i++]) {
			if (data.p[i] != '\n' || last != '\r')
				continue;
			keep_tail(c, str_sub(data, 0, i + 1));
			*line = str_n(c->tail, c->tail_n - 2);
			stream_skip(c->io, i + 1);
			return IO_TOOLONG;
		}
		keep_tail(c, data);
		stream_skip(c->io, data.n);
	}
	tell(c, "BYE Command line is too long");
	return IO_ERROR;
}

/*
 * Wait for a command, and note its tag: of a line that cannot be read nothing else remains, and a
 * client that counts on its answer waits for the tag.  Who sends byte by byte gets "*".
 */
static enum io
await_command(struct client *c)
{
	struct idle wait;
	struct str data, tag;
	struct scan in;
	enum io r;

	if (!service_idle(&wait, false))
		return IO_CANCEL;
	r = stream_peek(c->io, &data);
	service_busy(&wait);
	c->early_n = 0;
	in = scan_of(data);
	if (r != IO_OK || !imap_scan_tag(&in, &tag) || scan_peek(&in) != ' ')
		return r;
	memcpy(c->early, tag.p, tag.n);
	c->early_n = tag.n;
	return r;
}

enum io
command_line(struct client *c, struct str *line, bool first)
{
	enum io r = first ? await_command(c) : IO_OK;

	if (r == IO_OK)
		r = first ? service_getline(c->io, line, IMAP_LINE_MAX, false) :
		    stream_getline(c->io, line, IMAP_LINE_MAX);
	return r == IO_ERROR && errno == EMSGSIZE ? skip_rest(c, line) : r;
}

/* Read and drop what a client sends without waiting, to refuse it in order. */
static bool
drain(struct client *c, uint64_t n)
{
	struct str data;

	for (; n > 0; n -= data.n)
		if (stream_read(c->io, &data, n > 65536 ? 65536 : (size_t)n) != IO_OK)
			return false;
	return true;
}

/* Tag of what was read so far, "*" when it has none. */
static struct str
tag_of(struct client *c)
{
	struct scan in = scan_of(buf_str(&c->command));
	struct str tag;

	return imap_scan_tag(&in, &tag) ? tag : STR("*");
}

/* Was a line there, though perhaps not a good one? */
static bool
was_line(enum io r)
{
	return r == IO_OK || r == IO_SYNTAX || r == IO_TOOLONG;
}

bool
skip_literals(struct client *c, struct str line)
{
	struct imap_literal l;

	while (imap_line_literal(line, &l) && !l.sync)
		if (l.size > DRAIN_MAX || !drain(c, l.size) ||
		    !was_line(command_line(c, &line, false)))
			return false;
	return true;
}

/* The rest of a refused command, from behind a literal of it. */
static enum got
skip_command(struct client *c)
{
	struct str line;

	return was_line(command_line(c, &line, false)) && skip_literals(c, line) ? GOT_REFUSED :
	    GOT_END;
}

/* A literal inside a command: take it in, or refuse it before a byte is kept. */
static enum got
read_literal(struct client *c, const struct imap_literal *l)
{
	char *to;

	if (l->size > IMAP_LITERAL_MAX || c->command.n + l->size > IMAP_COMMAND_MAX) {
		struct str tag = tag_of(c);

		stream_printf(c->io, "%.*s BAD [TOOBIG] Literal is too large\r\n", STR_ARG(tag));
		/* Without "+" the client's next line is another command. */
		if (l->sync)
			return GOT_REFUSED;
		/* It is on its way already, and a command may follow. */
		if (l->size > DRAIN_MAX || !drain(c, l->size))
			return GOT_END;
		return skip_command(c);
	}
	if (l->sync && stream_write(c->io, STR("+ OK\r\n")) != IO_OK)
		return GOT_END;
	to = buf_room(&c->command, (size_t)l->size);
	if (to == NULL || stream_readn(c->io, to, (size_t)l->size) != IO_OK)
		return GOT_END;
	buf_grew(&c->command, (size_t)l->size);
	if (memchr(c->command.p + c->command.n - l->size, '\0', (size_t)l->size) == NULL)
		return GOT_COMMAND;
	stream_printf(c->io, "%.*s BAD NUL in literal\r\n", STR_ARG(tag_of(c)));
	return skip_command(c);
}

static enum got
bad_line(struct client *c, enum io r, struct str line)
{
	if (was_line(r)) {
		struct str tag = c->command.n > 0 ? tag_of(c) :
		    c->early_n > 0 ? str_n(c->early, c->early_n) : STR("*");

		stream_printf(c->io, "%.*s BAD %s\r\n", STR_ARG(tag), r == IO_SYNTAX ?
		    "Bare CR, LF or NUL in command" : "Command line is too long");
		return skip_literals(c, line) ? GOT_REFUSED : GOT_END;
	}
	if (r == IO_TIMEOUT)
		tell(c, "BYE Autologout; idle for too long");
	return GOT_END;
}

/* One command with its literals into c->command, without the last CRLF. */
static enum got
read_command(struct client *c)
{
	struct imap_literal l;
	struct str line;
	enum got got;
	enum io r;

	buf_reset(&c->command);
	c->has_text = false;
	stream_deadline(c->io, deadline_in(IMAP_IDLE_MS));
	for (;;) {
		bool literal;

		r = command_line(c, &line, c->command.n == 0);
		if (r != IO_OK)
			return bad_line(c, r, line);
		stream_deadline(c->io, deadline_in(IMAP_COMMAND_MS));
		literal = imap_line_literal(line, &l);
		buf_add(&c->command, line);
		if (!buf_ok(&c->command)) {
			tell(c, "BYE Command is too long");
			return GOT_END;
		}
		if (!literal)
			return GOT_COMMAND;
		if (append_text_next(buf_str(&c->command))) {
			c->text = l;
			c->has_text = true;
			return GOT_COMMAND;
		}
		buf_addz(&c->command, "\r\n");
		got = read_literal(c, &l);
		if (got != GOT_COMMAND)
			return got;
	}
}

/* --- dispatch --- */

static const struct command *
find(struct str verb)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (str_ieq(verb, str_of(commands[i].verb)))
			return &commands[i];
	return NULL;
}

static struct verdict
run(struct client *c, struct scan *in)
{
	const struct command *cmd;
	struct verdict v;
	struct str verb;

	c->uid = false;
	if (!imap_scan_sp(in) || !imap_scan_atom(in, &verb))
		return verdict(c, S_BAD, "Command is missing");
	if (str_ieq(verb, STR("UID"))) {
		c->uid = true;
		if (!imap_scan_sp(in) || !imap_scan_atom(in, &verb))
			return verdict(c, S_BAD, "Command is missing");
	}
	cmd = find(verb);
	if (cmd == NULL || (c->uid && !(cmd->flags & UIDS)))
		return verdict(c, S_BAD, "Unknown command");
	if ((cmd->legal & SELECTED) && c->box == NULL)
		return verdict(c, S_BAD, "No mailbox selected");
	v = cmd->run(c, in);
	if (!(cmd->flags & QUIET) && !c->over)
		tell_changes(c, !(cmd->flags & NUMBERS) || c->uid);
	return v;
}

static void
answer(struct client *c, struct verdict v)
{
	static const char *const words[] = { "OK", "NO", "BAD" };

	if (v.status == S_NONE)
		return;
	stream_printf(c->io, "%.*s %s %.*s\r\n", STR_ARG(c->tag), words[v.status], STR_ARG(v.text));
}

static bool
one_command(struct client *c)
{
	struct scan in;
	struct verdict v;
	enum got got = read_command(c);

	if (got != GOT_COMMAND)
		return got == GOT_REFUSED;
	in = scan_of(buf_str(&c->command));
	if (!imap_scan_tag(&in, &c->tag)) {
		c->tag = STR("*");
		v = verdict(c, S_BAD, "Tag is missing");
	} else {
		v = run(c, &in);
	}
	answer(c, v);
	pool_reset(c->pool);
	return true;
}

void
imap_session(struct stream *io, struct store *store, const struct session *hello)
{
	struct client c = { .io = io, .store = store, .pool = pool_new() };
	struct pool *keep = pool_new();

	c.command.limit = IMAP_COMMAND_MAX + IMAP_LINE_MAX;
	c.user = hello != NULL ? pool_str(keep, hello->user) : STR("test");
	stream_deadline(io, deadline_in(IMAP_COMMAND_MS));
	if (hello != NULL)
		stream_printf(io, "%.*s OK [CAPABILITY %s] Logged in\r\n", STR_ARG(hello->tag),
		    imap_capabilities);
	else
		tell(&c, "PREAUTH [CAPABILITY %s] Posthorn ready", imap_capabilities);
	while (!c.over && !stream_broken(io) && !service_stopping() && one_command(&c))
		;
	if (!c.over && service_stopping())
		tell(&c, "BYE Server is shutting down");
	stream_deadline(io, deadline_in(10000));
	stream_flush(io);
	log_info("imap(%.*s): Disconnected: Logged out in=%zu out=%zu", STR_ARG(c.user),
	    stream_count_in(io), stream_count_out(io));
	unselect(&c);
	buf_free(&c.command);
	pool_free(c.pool);
	pool_free(keep);
}
