/* SPDX-License-Identifier: ISC */
/*
 * sasl - AUTHENTICATE and AUTH: PLAIN (RFC 4616) and LOGIN.
 */
#include "login/login.h"

#include "proto/imap.h"
#include "proto/sasl.h"

#define LINE_MAX_SASL	(SASL_RESPONSE_MAX + 2)

/* A response that is none; what it announces behind itself (IMAP) must not be taken for commands. */
static enum sasl_end
bad_response(struct client *c, struct str line)
{
	struct imap_literal l;

	if (c->protocol != SESSION_IMAP || !imap_line_literal(line, &l) || l.sync)
		return SASL_BAD;
	c->over = true;
	return SASL_GONE;
}

/* Send a challenge and read its response, decoded; "*" cancels. */
static enum sasl_end
exchange(struct client *c, const char *challenge, struct str *out)
{
	struct buf got = { .limit = SASL_RESPONSE_MAX };
	enum sasl_end end = SASL_GOT;
	struct str line;
	enum io r;

	stream_printf(c->io, "+ %s\r\n", challenge);
	r = stream_getline(c->io, &line, LINE_MAX_SASL);
	if (r == IO_SYNTAX || r == IO_TOOLONG)
		return bad_response(c, line);
	if (r != IO_OK)
		return client_line(c, r) ? SASL_BAD : SASL_GONE;
	if (str_eq(line, STR("*")))
		return SASL_CANCELLED;
	if (!sasl_decode(&got, line))
		end = bad_response(c, line);
	else
		*out = pool_str(c->work, buf_str(&got));
	buf_free(&got);
	return end;
}

static bool
decode_initial(struct client *c, struct str initial, struct str *out)
{
	struct buf got = { .limit = SASL_RESPONSE_MAX };
	bool ok = sasl_decode(&got, initial);

	if (ok)
		*out = pool_str(c->work, buf_str(&got));
	buf_free(&got);
	return ok;
}

static enum sasl_end
run_plain(struct client *c, struct str initial, struct sasl_answer *out)
{
	struct sasl_plain plain;
	struct str message;
	enum sasl_end end = SASL_GOT;

	if (initial.p == NULL)
		end = exchange(c, "", &message);
	else if (!decode_initial(c, initial, &message))
		end = SASL_BAD;
	if (end != SASL_GOT)
		return end;
	/* Acting as someone else is not for mail clients. */
	if (!sasl_plain_parse(message, &plain) ||
	    (plain.authzid.n > 0 && !str_eq(plain.authzid, plain.user)))
		return SASL_BAD;
	out->user = plain.user;
	out->password = plain.password;
	return SASL_GOT;
}

static enum sasl_end
run_login(struct client *c, struct str initial, struct sasl_answer *out)
{
	enum sasl_end end = SASL_GOT;

	if (initial.p == NULL)
		end = exchange(c, SASL_LOGIN_USER, &out->user);
	else if (!decode_initial(c, initial, &out->user))
		end = SASL_BAD;
	if (end == SASL_GOT)
		end = exchange(c, SASL_LOGIN_PASSWORD, &out->password);
	if (end == SASL_GOT &&
	    (!sasl_login_user_ok(out->user) || !sasl_login_password_ok(out->password)))
		end = SASL_BAD;
	return end;
}

enum sasl_end
sasl_run(struct client *c, struct str mechanism, struct str initial, struct sasl_answer *out)
{
	static const struct {
		const char *name;
		enum sasl_end (*run)(struct client *, struct str, struct sasl_answer *);
	} mechanisms[] = {
		{ "PLAIN", run_plain }, { "LOGIN", run_login },
	};

	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
		if (!str_ieq(mechanism, str_of(mechanisms[i].name)))
			continue;
		out->method = mechanisms[i].name;
		return mechanisms[i].run(c, initial, out);
	}
	return SASL_UNKNOWN;
}
