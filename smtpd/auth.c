/* SPDX-License-Identifier: ISC */
/*
 * auth - AUTH PLAIN and LOGIN (RFC 4954): the dialogue here, the answer from authd.
 */
#include <stdlib.h>

#include "ask/anvil.h"
#include "ask/auth.h"
#include "base/encode.h"
#include "base/log.h"
#include "proto/sasl.h"
#include "smtpd/smtpd.h"

bool
auth_offered(const struct smtp_session *s)
{
	if (!smtpd_conf.sasl_enable)
		return false;
	return s->tls || !smtpd_conf.tls_auth_only ||
	    (smtpd_conf.plaintext_from_loopback && net_is_loopback(&s->client));
}

/* One more line from the client, decoded into `out`; false with the answer in `no`. */
static bool
challenge(struct smtp_session *s, const char *text, struct buf *out, struct reply *no)
{
	struct str line;
	enum io r;

	(void)stream_printf(s->peer, "334 %s\r\n", text);
	session_deadline(s, smtpd_conf.timeout_ms);
	r = stream_getline(s->peer, &line, SASL_RESPONSE_MAX + 2);
	if (r == IO_SYNTAX || r == IO_TOOLONG) {
		*no = reply(500, "5.5.6", "Authentication exchange line is too long or malformed");
		return false;
	}
	if (r != IO_OK) {
		session_lost(s, r);
		*no = (struct reply){ 0 };
		return false;
	}
	if (str_eq(line, STR("*"))) {
		*no = reply(501, "5.7.0", "Authentication aborted");
		return false;
	}
	if (!sasl_decode(out, line)) {
		*no = reply(501, "5.5.2", "Invalid base64 in response");
		return false;
	}
	return true;
}

struct credentials {
	struct buf first, second;	/* PLAIN message, or user and password */
	struct str user, password;
};

static bool
plain(struct smtp_session *s, struct credentials *c, bool initial, struct reply *no)
{
	struct sasl_plain p;

	if (!initial && !challenge(s, "", &c->first, no))
		return false;
	if (!sasl_plain_parse(buf_str(&c->first), &p) ||
	    (p.authzid.n > 0 && !str_eq(p.authzid, p.user))) {
		*no = reply(535, "5.7.8", "Error: authentication failed");
		return false;
	}
	c->user = p.user;
	c->password = p.password;
	return true;
}

static bool
login(struct smtp_session *s, struct credentials *c, bool initial, struct reply *no)
{
	if (!initial && !challenge(s, SASL_LOGIN_USER, &c->first, no))
		return false;
	if (!challenge(s, SASL_LOGIN_PASSWORD, &c->second, no))
		return false;
	c->user = buf_str(&c->first);
	c->password = buf_str(&c->second);
	if (sasl_login_user_ok(c->user) && sasl_login_password_ok(c->password))
		return true;
	*no = reply(535, "5.7.8", "Error: authentication failed");
	return false;
}

static const struct mechanism {
	struct str name;
	bool (*run)(struct smtp_session *s, struct credentials *c, bool initial, struct reply *no);
} mechanisms[] = {
	{ STR_INIT("PLAIN"), plain },
	{ STR_INIT("LOGIN"), login },
};

static struct reply
verify(struct smtp_session *s, struct str method, const struct credentials *c)
{
	struct auth_checked got;

	switch (auth_plain(STR("smtp"), method, c->user, c->password, s->ip, s->tls, s->pool, &got,
	    deadline_in(ASK_MS))) {
	case AUTH_OK:
		s->sasl_method = method;
		s->sasl_user = got.user;
		return reply(235, "2.7.0", "Authentication successful");
	case AUTH_FAIL:
		log_warn("%.*s: SASL %.*s authentication failed: %.*s, sasl_username=%.*s",
		    STR_ARG(s->who), STR_ARG(method), STR_ARG(got.reason), STR_ARG(c->user));
		return reply(535, "5.7.8", "Error: authentication failed: %.*s",
		    STR_ARG(got.reason));
	default:
		log_warn("%.*s: SASL %.*s authentication failed: Connection lost to authentication "
		    "server", STR_ARG(s->who), STR_ARG(method));
		return reply(454, "4.7.0", "Temporary authentication failure");
	}
}

static void
wipe(struct credentials *c)
{
	if (c->first.p != NULL)
		explicit_bzero(c->first.p, c->first.cap);
	if (c->second.p != NULL)
		explicit_bzero(c->second.p, c->second.cap);
	buf_free(&c->first);
	buf_free(&c->second);
}

/* AUTH mechanism [initial-response], RFC 4954 4. */
struct reply
cmd_auth(struct smtp_session *s, struct scan *args)
{
	struct credentials c = { .first.limit = SASL_RESPONSE_MAX, .second.limit = SASL_RESPONSE_MAX };
	const struct mechanism *m = NULL;
	struct str name, initial;
	bool has_initial;
	struct reply r;

	if (!smtpd_conf.sasl_enable)
		return reply(503, "5.5.1", "Error: authentication not enabled");
	if (!auth_offered(s))
		return reply(538, "5.7.11", "Encryption required for requested authentication mechanism");
	if (s->sasl_user.n > 0)
		return reply(503, "5.5.1", "Error: already authenticated");
	if (!smtp_scan_auth(args, &name, &initial, &has_initial))
		return reply(501, "5.5.4", "Syntax: AUTH mechanism");
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (str_ieq(name, mechanisms[i].name))
			m = &mechanisms[i];
	if (m == NULL) {
		log_warn("%.*s: SASL %.*s authentication failed: Invalid authentication mechanism",
		    STR_ARG(s->who), STR_ARG(name));
		return reply(504, "5.5.4", "Unrecognized authentication type");
	}
	if (!policy_rate(s, ANVIL_AUTH, smtpd_conf.client_auth_rate))
		return reply(450, "4.7.1", "Error: too many AUTH commands from %.*s", STR_ARG(s->ip));
	if (has_initial && !sasl_decode(&c.first, initial))
		r = reply(501, "5.5.2", "Invalid base64 in initial response");
	else if (m->run(s, &c, has_initial, &r))
		r = verify(s, m->name, &c);
	wipe(&c);
	return r;
}
