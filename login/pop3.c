/* SPDX-License-Identifier: ISC */
/*
 * pop3 - POP3 before login (RFC 1939 4, RFC 2449, RFC 2595, RFC 5034).
 */
#include <errno.h>

#include "daemon/service.h"
#include "login/login.h"
#include "proto/pop3.h"

#define LINE_MAX_LOGIN	2048	/* a SASL initial response may stand in it */

static void
say(struct client *c, const char *text)
{
	stream_printf(c->io, "%s\r\n", text);
}

static void
refuse(struct client *c, const char *text)
{
	client_error(c);
	stream_printf(c->io, "-ERR %s\r\n", text);
}

static bool
allowed(struct client *c)
{
	if (client_may_auth(c))
		return true;
	refuse(c, "Plaintext authentication needs TLS");
	return false;
}

/* How an attempt ended; nothing is said when a worker has the connection. */
static void
result(struct client *c, enum auth_status r)
{
	static const char *const texts[] = {
		[AUTH_FAIL] = "-ERR [AUTH] Authentication failed",
		[AUTH_TEMP] = "-ERR [SYS/TEMP] Temporary authentication failure",
		[AUTH_UNAVAILABLE] = "-ERR [SYS/TEMP] Mailbox cannot be opened now",
	};

	if (r != AUTH_OK)
		say(c, texts[r]);
}

/* What pop3d is told in place of a tag. */
static struct str
mode(const struct client *c)
{
	return c->utf8 ? STR(SESSION_TAG_UTF8) : STR("");
}

static void
do_capa(struct client *c, struct str args)
{
	(void)args;
	stream_printf(c->io, POP3_CAPA "%s%s" POP3_CAPA_END, client_may_tls(c) ? "STLS\r\n" : "",
	    client_may_auth(c) ? POP3_CAPA_LOGIN : "");
}

static void
do_stls(struct client *c, struct str args)
{
	if (args.n > 0) {
		refuse(c, "STLS takes no argument");
		return;
	}
	if (!client_may_tls(c) || c->utf8) {
		refuse(c, c->utf8 ? "STLS comes before UTF8" : "TLS is not available");
		return;
	}
	/* What was said before it does not count after it (RFC 2595 4). */
	c->user_said = STR("");
	say(c, "+OK Begin TLS negotiation");
	client_tls(c);
}

static void
do_user(struct client *c, struct str args)
{
	if (!allowed(c))
		return;
	if (args.n == 0 || args.n > SESSION_USER_MAX) {
		refuse(c, "Bad user name");
		return;
	}
	/* Not from the pool: a client may say it again and again. */
	memcpy(c->user_room, args.p, args.n);
	c->user_said = str_n(c->user_room, args.n);
	say(c, "+OK");
}

static void
do_pass(struct client *c, struct str args)
{
	struct str user = c->user_said;

	if (user.n == 0) {
		refuse(c, "USER comes first");
		return;
	}
	c->user_said = STR("");
	result(c, client_login(c, "PLAIN", user, pool_str(c->work, args), mode(c)));
}

/* AUTH mechanism [initial-response] */
static void
do_auth(struct client *c, struct str args)
{
	struct str mechanism, initial = { NULL, 0 }, rest = pool_str(c->work, args);
	struct sasl_answer got;

	if (!allowed(c))
		return;
	if (!str_cut(&rest, ' ', &mechanism)) {
		refuse(c, "Mechanism is missing");
		return;
	}
	if (rest.n > 0)
		initial = rest;
	switch (sasl_run(c, mechanism, initial, &got)) {
	case SASL_GOT:
		result(c, client_login(c, got.method, got.user, got.password, mode(c)));
		break;
	case SASL_UNKNOWN:
		refuse(c, "Unknown mechanism");
		break;
	case SASL_CANCELLED:
		refuse(c, "Cancelled");
		break;
	case SASL_BAD:
		refuse(c, "Cannot read that response");
		break;
	case SASL_GONE:
		break;
	}
}

/* For the session after login, which is told; only before it, and no TLS begins behind it. */
static void
do_utf8(struct client *c, struct str args)
{
	if (args.n > 0) {
		refuse(c, "UTF8 takes no argument");
		return;
	}
	c->utf8 = true;
	say(c, "+OK UTF8 enabled");
}

static void
do_quit(struct client *c, struct str args)
{
	(void)args;
	say(c, "+OK Logging out");
	c->over = true;
}

static const struct command {
	const char *verb;
	void (*run)(struct client *c, struct str args);
	const char *rfc;
} commands[] = {
	{ "CAPA", do_capa, "RFC 2449 5" },
	{ "STLS", do_stls, "RFC 2595 4" },
	{ "USER", do_user, "RFC 1939 7" },
	{ "PASS", do_pass, "RFC 1939 7" },
	{ "AUTH", do_auth, "RFC 5034 4" },
	{ "UTF8", do_utf8, "RFC 6856 2.1" },
	{ "QUIT", do_quit, "RFC 1939 4" },
};

static void
dispatch(struct client *c, struct str line)
{
	struct scan in = scan_of(line);
	struct str verb;

	if (pop3_scan_verb(&in, &verb))
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			if (str_ieq(verb, str_of(commands[i].verb))) {
				commands[i].run(c, scan_rest(&in));
				return;
			}
	refuse(c, "Unknown command, or not before login");
}

void
pop3_login(struct client *c)
{
	say(c, "+OK Posthorn ready");
	while (!c->over && !service_stopping()) {
		struct str line;
		enum io r;

		client_turn(c);
		r = service_getline(c->io, &line, LINE_MAX_LOGIN, false);
		if (r == IO_OK)
			dispatch(c, line);
		else if (client_line(c, r) || r == IO_SYNTAX || r == IO_TOOLONG)
			say(c, "-ERR Cannot read that line");
		else if (r == IO_ERROR && errno == EMSGSIZE)
			say(c, "-ERR Command line is too long");
		else if (r == IO_TIMEOUT)
			say(c, "-ERR Disconnected for inactivity");
	}
}
