/* SPDX-License-Identifier: ISC */
/*
 * session - one client from greeting to close: who it is, whether it may come in, its lines one by
 * one, and when it has tried our patience for too long.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "ask/anvil.h"
#include "ask/dns.h"
#include "ask/tls.h"
#include "base/event.h"
#include "base/log.h"
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "smtpd/smtpd.h"

#define NAME_LOOKUP_MS	3000	/* the greeting does not wait longer for the client's name */

void
session_deadline(struct smtp_session *s, msec_t ms)
{
	stream_deadline(s->peer, deadline_first(s->until, deadline_in(ms)));
}

bool
session_authenticated(const struct smtp_session *s)
{
	return s->trusted || s->sasl_user.n > 0;
}

/* The one place that resets a transaction. */
void
mail_reset(struct smtp_session *s)
{
	struct pool *pool = s->mail.pool;

	vec_free(&s->mail.rcpts);
	s->mail = (struct mail){ .pool = pool, .rcpts = vec_of(sizeof(struct envelope_rcpt)) };
	pool_reset(pool);
	if (s->state & (SENDER | RCPTS))
		s->state = READY;
}

/* soft_bounce: nothing is refused for good. */
static void
soften(struct reply *r)
{
	if (!common.soft_bounce || !reply_is_no(r))
		return;
	r->code -= 100;
	if (r->dsn[0] == '5')
		r->dsn[0] = '4';
}

static const char *const stage_words[STAGES] = { "CONNECT", "HELO", "MAIL", "RCPT", "DATA",
	"END-OF-MESSAGE" };

static const struct event rejected = { "reject",
	"NOQUEUE: reject: {stage} from {who}: {reply};[ from=<{from}>][ to=<{to}>] proto={proto}"
	"[ helo=<{helo}>]" };

void
log_reject(struct smtp_session *s, enum stage stage, struct str rcpt, const struct reply *no)
{
	struct buf text = { .limit = REPLY_TEXT_MAX };
	struct reply said = *no;

	soften(&said);
	reply_add_flat(&text, &said);
	EVENT(&rejected, { "stage", str_of(stage_words[stage]) }, { "who", s->who },
	    { "reply", buf_str(&text) }, { "from", s->mail.sender }, { "to", rcpt },
	    { "proto", s->esmtp ? STR("ESMTP") : STR("SMTP") }, { "helo", s->helo });
	buf_free(&text);
}

static void
after_tls(struct smtp_session *s)
{
	/* RFC 3207 4.2: nothing said before counts any more. */
	mail_reset(s);
	s->state = START;
	s->helo = STR("");
	s->esmtp = false;
	s->sasl_user = s->sasl_method = STR("");
	s->tls = true;
}

bool
session_start_tls(struct smtp_session *s)
{
	struct tls_want want = { .service = STR("smtpd"), .peer = s->who };

	if (!tls_start_server(s->peer, &want, &s->tls_facts, s->pool,
	    deadline_first(s->until, deadline_in(smtpd_conf.timeout_ms)))) {
		log_info("SSL_accept error from %.*s: %.*s", STR_ARG(s->who),
		    STR_ARG(s->tls_facts.reason));
		s->close = true;
		return false;
	}
	if (smtpd_conf.tls_loglevel > 0)
		tls_log(&s->tls_facts, false, s->who);
	after_tls(s);
	return true;
}

/* The end of a session that did not say QUIT. */
static void
log_break(struct smtp_session *s, enum io why)
{
	if (why == IO_TIMEOUT)
		log_info("timeout after %s from %.*s", s->after, STR_ARG(s->who));
	else if (why == IO_EOF || (why == IO_ERROR && errno != EMSGSIZE))
		log_info("lost connection after %s from %.*s", s->after, STR_ARG(s->who));
	else
		log_info("session ended after %s from %.*s: %s", s->after, STR_ARG(s->who),
		    io_word(why));
}

void
session_lost(struct smtp_session *s, enum io why)
{
	const char *text = NULL;

	if (why == IO_TIMEOUT)
		text = "421 4.4.2 %s Error: timeout exceeded\r\n";
	else if (why == IO_CANCEL)
		text = "421 4.3.2 %s Service shutting down\r\n";
	else if (why == IO_ERROR && errno == EMSGSIZE)
		text = "421 4.5.2 %s Error: line too long\r\n";
	log_break(s, why);
	if (text != NULL)
		(void)stream_printf(s->peer, text, common.myhostname);
	s->close = true;
}

static bool
limits_ok(struct smtp_session *s)
{
	if (s->errors >= smtpd_conf.hard_error_limit || s->junk > smtpd_conf.junk_command_limit) {
		log_info("too many errors after %s from %.*s", s->after, STR_ARG(s->who));
		(void)stream_printf(s->peer, "421 4.7.0 %s Error: too many errors\r\n",
		    common.myhostname);
		return false;
	}
	if (s->errors > smtpd_conf.soft_error_limit && smtpd_conf.error_sleep_ms > 0)
		(void)fiber_sleep(deadline_in(smtpd_conf.error_sleep_ms));
	return true;
}

static void
answer(struct smtp_session *s, struct reply *r)
{
	struct buf out = { .limit = 8192 };

	if (r->code == 0)
		return;
	soften(r);
	reply_add(&out, r);
	(void)stream_write(s->peer, buf_str(&out));
	buf_free(&out);
	if (r->code >= 400 && !s->forgiven)
		s->errors++;
	s->forgiven = false;
}

static void
loop(struct smtp_session *s)
{
	struct str line;
	struct reply r;

	while (!s->close && limits_ok(s)) {
		enum io io;

		session_deadline(s, smtpd_conf.timeout_ms);
		io = service_getline(s->peer, &line, SMTP_LINE_MAX,
		    (s->state & (SENDER | RCPTS)) != 0);
		if (io == IO_OK) {
			r = command_run(s, line);
		} else if (io == IO_SYNTAX) {
			r = reply(500, "5.5.2", "Error: bare <CR>, <LF> or NUL received");
		} else if (io == IO_TOOLONG) {
			r = reply(500, "5.5.2", "Error: line too long");
		} else {
			session_lost(s, io);
			break;
		}
		answer(s, &r);
	}
	stream_deadline(s->peer, deadline_in(10000));
	(void)stream_flush(s->peer);
}

static void
log_counts(struct smtp_session *s)
{
	static const char *const names[VERBS] = { "helo", "ehlo", "starttls", "auth", "mail", "rcpt",
		"bdat", "data", "rset", "noop", "quit", "unknown" };
	struct buf line = { .limit = 1000 };
	unsigned done = 0, tried = 0;

	for (unsigned i = 0; i < VERBS; i++) {
		done += s->done[i];
		tried += s->tried[i];
		if (s->tried[i] == 0)
			continue;
		buf_addf(&line, " %s=%u", names[i], s->done[i]);
		if (s->done[i] != s->tried[i])
			buf_addf(&line, "/%u", s->tried[i]);
	}
	buf_addf(&line, " commands=%u", done);
	if (done != tried)
		buf_addf(&line, "/%u", tried);
	log_info("disconnect from %.*s%s", STR_ARG(s->who), buf_z(&line));
	buf_free(&line);
}

static bool
listed(const struct net_addr *a, const struct strs *patterns)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (net_in(a, patterns->v[i]))
			return true;
	return false;
}

static void
who_is_it(struct smtp_session *s)
{
	s->ip = s->client.len == 0 ? STR("unknown") : net_ip(s->pool, &s->client);
	s->name = STR("unknown");
	s->trusted = s->client.len != 0 && listed(&s->client, &common.mynetworks);
	s->exempt = s->client.len != 0 && listed(&s->client, &smtpd_conf.client_exceptions);
	if (s->client.len != 0 && net_is_loopback(&s->client))
		s->name = STR("localhost");
	else if (s->client.len != 0 && smtpd_conf.peername_lookup)
		(void)dns_reverse(&s->client, s->pool, &s->name, NULL, deadline_in(NAME_LOOKUP_MS));
	s->who = pool_printf(s->pool, "%.*s[%.*s]", STR_ARG(s->name), STR_ARG(s->ip));
}

/* Too many at once, or too often?  Also counts this connection. */
static bool
admitted(struct smtp_session *s)
{
	struct anvil_counted got;

	if (s->client.len == 0 || s->exempt)
		return true;
	/* Whatever we hear: the question may have arrived. */
	s->counted = true;
	if (!anvil_count(ANVIL_CONNECT, policy_counted_as(), s->ip, &got, deadline_in(ANVIL_MS)))
		return true;
	if (smtpd_conf.client_connections > 0 && got.connections > smtpd_conf.client_connections) {
		log_warn("Connection concurrency limit exceeded: %llu from %.*s for service %.*s",
		    (unsigned long long)got.connections, STR_ARG(s->who),
		    STR_ARG(policy_counted_as()));
		(void)stream_printf(s->peer, "421 4.7.0 %s Error: too many connections from %.*s\r\n",
		    common.myhostname, STR_ARG(s->ip));
		return false;
	}
	if (smtpd_conf.client_connection_rate > 0 && got.rate > smtpd_conf.client_connection_rate) {
		log_warn("Connection rate limit exceeded: %llu from %.*s for service %.*s",
		    (unsigned long long)got.rate, STR_ARG(s->who), STR_ARG(policy_counted_as()));
		(void)stream_printf(s->peer, "421 4.7.0 %s Error: too many connections from %.*s\r\n",
		    common.myhostname, STR_ARG(s->ip));
		return false;
	}
	return true;
}

static void
converse(struct smtp_session *s)
{
	int waiting = 0;

	who_is_it(s);
	log_info("connect from %.*s", STR_ARG(s->who));
	session_deadline(s, smtpd_conf.timeout_ms);
	if (!admitted(s)) {
		(void)stream_flush(s->peer);
		return;
	}
	if (smtpd_conf.tls_wrappermode && !session_start_tls(s))
		return;
	/* A client that talks before it was greeted is no mail client (RFC 5321 4.3.1). */
	if (!s->tls && ioctl(stream_fd(s->peer), FIONREAD, &waiting) == 0 && waiting > 0) {
		log_info("improper command pipelining after CONNECT from %.*s", STR_ARG(s->who));
		(void)stream_write(s->peer, STR("554 5.5.0 Error: SMTP protocol synchronization\r\n"));
		(void)stream_flush(s->peer);
		return;
	}
	(void)stream_printf(s->peer, "220 %s\r\n", smtpd_conf.banner);
	loop(s);
}

void
session(struct stream *peer, const struct net_addr *client, const struct net_addr *server)
{
	struct smtp_session s = {
		.peer = peer,
		.pool = pool_new(),
		.client = *client,
		.server = *server,
		.state = START,
		.after = "CONNECT",
		.until = deadline_in(smtpd_conf.session_ms),
	};

	s.mail.pool = pool_new();
	s.mail.rcpts = vec_of(sizeof(struct envelope_rcpt));
	converse(&s);
	if (s.counted)
		anvil_gone(policy_counted_as(), s.ip);
	log_counts(&s);
	mail_reset(&s);
	pool_free(s.mail.pool);
	pool_free(s.pool);
}
