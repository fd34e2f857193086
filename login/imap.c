/* SPDX-License-Identifier: ISC */
/*
 * imap - IMAP before login (RFC 3501 6.1, 6.2).
 */
#include <errno.h>
#include <stdarg.h>

#include "conf/room_login.h"
#include "daemon/service.h"
#include "login/login.h"
#include "proto/imap.h"

#define LINE_MAX_LOGIN	8192

/* The command under way. */
struct turn {
	struct client *c;
	struct buf text;	/* literals included */
	struct str tag;
	struct scan args;
};

static void
answer(struct turn *t, const char *what, const char *text)
{
	stream_printf(t->c->io, "%.*s %s %s\r\n", STR_ARG(t->tag), what, text);
}

/* What is announced: only what works at this moment. */
static struct str
capabilities(struct client *c)
{
	return pool_printf(c->work, "IMAP4rev1 LITERAL- SASL-IR ID ENABLE IDLE%s%s",
	    client_may_tls(c) ? " STARTTLS" : "",
	    client_may_auth(c) ? " AUTH=PLAIN AUTH=LOGIN" : " LOGINDISABLED");
}

static void
bad_syntax(struct turn *t)
{
	client_error(t->c);
	answer(t, "BAD", "Syntax error in arguments");
}

static void
do_capability(struct turn *t)
{
	stream_printf(t->c->io, "* CAPABILITY %.*s\r\n", STR_ARG(capabilities(t->c)));
	answer(t, "OK", "Capability completed");
}

static void
do_noop(struct turn *t)
{
	answer(t, "OK", "Completed");
}

static void
do_logout(struct turn *t)
{
	stream_write(t->c->io, STR("* BYE Logging out\r\n"));
	answer(t, "OK", "Logout completed");
	t->c->over = true;
}

/* id-params-list = "(" *(string SP nstring) ")" / nil; at most 30 pairs (RFC 2971 3.3). */
static bool
scan_id(struct scan *in, struct pool *p)
{
	struct str text;

	if (!imap_scan_sp(in))
		return false;
	if (!scan_char(in, '('))
		return imap_scan_nstring(in, p, &text) && text.p == NULL && scan_done(in);
	for (int i = 0; i < 60 && scan_peek(in) != ')'; i++)
		if ((i > 0 && !imap_scan_sp(in)) || !imap_scan_nstring(in, p, &text))
			return false;
	return scan_char(in, ')') && scan_done(in);
}

static void
do_id(struct turn *t)
{
	if (!scan_id(&t->args, t->c->work)) {
		bad_syntax(t);
		return;
	}
	stream_write(t->c->io, STR("* ID (\"name\" \"Posthorn\")\r\n"));
	answer(t, "OK", "ID completed");
}

static void
do_starttls(struct turn *t)
{
	if (!client_may_tls(t->c)) {
		client_error(t->c);
		answer(t, "BAD", "TLS is not available");
		return;
	}
	answer(t, "OK", "Begin TLS negotiation now");
	client_tls(t->c);
}

/* How an attempt ended; nothing is said when a worker has the connection. */
static void
result(struct turn *t, enum auth_status r)
{
	static const char *const texts[] = {
		[AUTH_FAIL] = "[AUTHENTICATIONFAILED] Authentication failed",
		[AUTH_TEMP] = "[UNAVAILABLE] Temporary authentication failure",
		[AUTH_UNAVAILABLE] = "[UNAVAILABLE] Mailbox cannot be opened now",
	};

	if (r == AUTH_OK)
		return;
	answer(t, "NO", texts[r]);
	if (t->c->over)
		stream_printf(t->c->io, "* BYE %s\r\n", r == AUTH_FAIL ? "Too many failed logins" :
		    "Try again later");
}

static bool
allowed(struct turn *t)
{
	if (client_may_auth(t->c))
		return true;
	client_error(t->c);
	answer(t, "NO", "[PRIVACYREQUIRED] Plaintext authentication needs TLS");
	return false;
}

static void
do_login(struct turn *t)
{
	struct str user, password;

	if (!imap_scan_sp(&t->args) || !imap_scan_astring(&t->args, t->c->work, &user) ||
	    !imap_scan_sp(&t->args) || !imap_scan_astring(&t->args, t->c->work, &password) ||
	    !scan_done(&t->args))
		bad_syntax(t);
	else if (allowed(t))
		result(t, client_login(t->c, "PLAIN", user, password, t->tag));
}

static void
do_authenticate(struct turn *t)
{
	struct str mechanism, initial = { NULL, 0 };
	struct sasl_answer got;

	if (!imap_scan_sp(&t->args) || !imap_scan_atom(&t->args, &mechanism)) {
		bad_syntax(t);
		return;
	}
	if (imap_scan_sp(&t->args)) {
		initial = scan_rest(&t->args);
		if (initial.n == 0) {
			bad_syntax(t);
			return;
		}
	} else if (!scan_done(&t->args)) {
		bad_syntax(t);
		return;
	}
	if (!allowed(t))
		return;
	switch (sasl_run(t->c, mechanism, initial, &got)) {
	case SASL_GOT:
		result(t, client_login(t->c, got.method, got.user, got.password, t->tag));
		break;
	case SASL_UNKNOWN:
		client_error(t->c);
		answer(t, "NO", "[CANNOT] Unknown mechanism");
		break;
	case SASL_CANCELLED:
		answer(t, "BAD", "Cancelled");
		break;
	case SASL_BAD:
		client_error(t->c);
		answer(t, "BAD", "Cannot read that response");
		break;
	case SASL_GONE:
		break;
	}
}

static const struct command {
	const char *verb;
	void (*run)(struct turn *t);
	bool args;		/* without it, nothing may stand behind the verb */
	const char *rfc;
} commands[] = {
	{ "CAPABILITY",   do_capability,   false, "RFC 3501 6.1.1" },
	{ "NOOP",         do_noop,         false, "RFC 3501 6.1.2" },
	{ "LOGOUT",       do_logout,       false, "RFC 3501 6.1.3" },
	{ "ID",           do_id,           true,  "RFC 2971 3.1" },
	{ "STARTTLS",     do_starttls,     false, "RFC 3501 6.2.1" },
	{ "AUTHENTICATE", do_authenticate, true,  "RFC 3501 6.2.2, RFC 4959" },
	{ "LOGIN",        do_login,        true,  "RFC 3501 6.2.3" },
};

/*
 * A literal: small ones only (RFC 7888, LITERAL-).  One that is refused and on its way already ends
 * the connection: nothing before login is worth reading over it.
 */
static bool
take_literal(struct turn *t, const struct imap_literal *l)
{
	struct scan in = scan_of(buf_str(&t->text));
	char *to;

	if (l->size > IMAP_LITERAL_AUTHLESS || t->text.n + l->size > IMAP_LITERAL_AUTHLESS * 2) {
		if (!imap_scan_tag(&in, &t->tag))
			t->tag = STR("*");
		client_error(t->c);
		if (l->sync) {
			answer(t, "BAD", "[TOOBIG] Literal is too large");
		} else {
			stream_write(t->c->io, STR("* BYE Literal is too large\r\n"));
			t->c->over = true;
		}
		return false;
	}
	buf_addz(&t->text, "\r\n");
	if (l->sync)
		stream_write(t->c->io, STR("+ OK\r\n"));
	to = buf_room(&t->text, (size_t)l->size);
	if (to == NULL || stream_readn(t->c->io, to, (size_t)l->size) != IO_OK) {
		t->c->over = true;
		return false;
	}
	buf_grew(&t->text, (size_t)l->size);
	return true;
}

/* A line that cannot be read.  One whose literal is on its way behind it ends the connection, as above. */
static void
refuse_line(struct turn *t, enum io r, struct str line)
{
	struct imap_literal l;

	if (imap_line_literal(line, &l) && !l.sync) {
		stream_write(t->c->io, STR("* BYE Cannot read that line\r\n"));
		t->c->over = true;
	} else {
		stream_write(t->c->io, r == IO_OK ? STR("* BAD Command is too long\r\n") :
		    STR("* BAD Cannot read that line\r\n"));
	}
}

/* A whole command; false when there is none to run. */
static bool
read_command(struct turn *t)
{
	struct imap_literal l;
	struct str line;
	enum io r;

	for (;;) {
		bool literal;

		r = service_getline(t->c->io, &line, LINE_MAX_LOGIN, false);
		if (r != IO_OK) {
			client_line(t->c, r);
			if (r == IO_SYNTAX || r == IO_TOOLONG)
				refuse_line(t, r, line);
			else if (r == IO_ERROR && errno == EMSGSIZE)
				stream_write(t->c->io, STR("* BYE Command line is too long\r\n"));
			else if (service_stopping())
				stream_write(t->c->io, STR("* BYE Server is shutting down\r\n"));
			else if (r == IO_TIMEOUT)
				stream_write(t->c->io, STR("* BYE Disconnected for inactivity\r\n"));
			return false;
		}
		literal = imap_line_literal(line, &l);
		buf_add(&t->text, line);
		if (!buf_ok(&t->text)) {
			client_error(t->c);
			refuse_line(t, IO_OK, line);
			return false;
		}
		if (!literal)
			return true;
		if (!take_literal(t, &l))
			return false;
	}
}

static void
dispatch(struct turn *t)
{
	struct str verb;

	t->args = scan_of(buf_str(&t->text));
	if (!imap_scan_tag(&t->args, &t->tag)) {
		client_error(t->c);
		stream_write(t->c->io, STR("* BAD Tag is missing\r\n"));
		return;
	}
	if (imap_scan_sp(&t->args) && imap_scan_atom(&t->args, &verb))
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			if (str_ieq(verb, str_of(commands[i].verb))) {
				if (commands[i].args || scan_done(&t->args))
					commands[i].run(t);
				else
					bad_syntax(t);
				return;
			}
	client_error(t->c);
	answer(t, "BAD", "Unknown command, or not before login");
}

void
imap_login(struct client *c)
{
	stream_printf(c->io, "* OK [CAPABILITY %.*s] Posthorn ready\r\n", STR_ARG(capabilities(c)));
	while (!c->over && !service_stopping()) {
		struct turn t = { .c = c, .text = { .limit = LINE_MAX_LOGIN * 4 } };

		client_turn(c);
		if (read_command(&t))
			dispatch(&t);
		if (c->over && c->errors >= login_conf.errors && !c->passed)
			stream_write(c->io, STR("* BYE Too many bad commands\r\n"));
		buf_free(&t.text);
	}
}
