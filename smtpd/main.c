/* SPDX-License-Identifier: ISC */
/*
 * smtpd - take mail from the network.
 *
 * Runs as:  posthorn-net (port 25) or posthorn-submit (submission); no files, no outgoing
 *           connections, no exec.
 * Started by: master, ports 25, 465, 587.
 * Talks to: the client; cleanup, router, authd, dnsd, tlsd, anvil.
 * Trusts:   those six.  Never the client, never DNS.
 * If taken over: can forge mail and overhear the sessions of its own process; cannot read the
 *           queue, mailboxes, keys or password files, nor connect anywhere.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ask/anvil.h"
#include "ask/dns.h"
#include "ask/tls.h"
#include "base/event.h"
#include "base/log.h"
#include "base/panic.h"
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "smtpd/smtpd.h"

#define NAME_LOOKUP_MS	3000	/* the greeting does not wait longer for the client's name */
#define DSN_OFF		(SMTP_SIZE | SMTP_8BITMIME)	/* parameters MAIL takes now */

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

static const char *const stage_words[STAGES] = { "CONNECT", "HELO", "MAIL", "RCPT", "DATA",
	"END-OF-MESSAGE" };

static const struct event rejected = { "reject",
	"NOQUEUE: reject: {stage} from {who}: {reply};[ from=<{from}>][ to=<{to}>] proto={proto}"
	"[ helo=<{helo}>]" };

void
log_reject(struct smtp_session *s, enum stage stage, struct str rcpt, const struct reply *no)
{
	struct buf text = { .limit = REPLY_TEXT_MAX };

	reply_add_flat(&text, no);
	EVENT(&rejected, { "stage", str_of(stage_words[stage]) }, { "who", s->who },
	    { "reply", buf_str(&text) }, { "from", s->mail.sender }, { "to", rcpt },
	    { "proto", s->esmtp ? STR("ESMTP") : STR("SMTP") }, { "helo", s->helo });
	buf_free(&text);
}

/* Handlers, in table order. */

static struct reply
greet(struct smtp_session *s, struct scan *args, bool esmtp)
{
	struct str name;

	if (!smtp_scan_helo(args, &name))
		return reply(501, "5.5.4", "Syntax: %s hostname", esmtp ? "EHLO" : "HELO");
	mail_reset(s);
	s->junk += s->helo.n > 0;
	s->esmtp = esmtp;
	/* Not from the pool: a client may greet again and again. */
	memcpy(s->helo_room, name.p, name.n);
	s->helo = str_n(s->helo_room, name.n);
	s->state = READY;
	return reply(250, "", "%s", common.myhostname);
}

/* HELO domain, RFC 5321 4.1.1.1. */
static struct reply
cmd_helo(struct smtp_session *s, struct scan *args)
{
	return greet(s, args, false);
}

static bool
announced(const struct smtp_session *s, unsigned ext)
{
	const char *name = smtp_ext_name(ext);

	(void)s;
	for (size_t i = 0; i < smtpd_conf.discard_ehlo.n; i++)
		if (str_ieq(smtpd_conf.discard_ehlo.v[i], str_of(name)))
			return false;
	return true;
}

static bool
tls_offered(const struct smtp_session *s)
{
	return !s->tls && smtpd_conf.tls_level != SMTPD_TLS_NONE &&
	    smtpd_conf.tls_cert_file[0] != '\0';
}

/* EHLO domain, RFC 5321 4.1.1.1; what we announce is what works. */
static struct reply
cmd_ehlo(struct smtp_session *s, struct scan *args)
{
	struct reply r = greet(s, args, true);
	struct buf text = { .limit = REPLY_TEXT_MAX - 1 };

	if (r.code != 250)
		return r;
	buf_addz(&text, common.myhostname);
	if (announced(s, SMTP_PIPELINING))
		buf_addz(&text, "\nPIPELINING");
	if (announced(s, SMTP_SIZE))
		buf_addf(&text, "\nSIZE %llu", (unsigned long long)common.message_size_limit);
	if (!smtpd_conf.disable_vrfy && announced(s, SMTP_VRFY))
		buf_addz(&text, "\nVRFY");
	if (tls_offered(s) && announced(s, SMTP_STARTTLS))
		buf_addz(&text, "\nSTARTTLS");
	if (auth_offered(s) && announced(s, SMTP_AUTH))
		buf_addz(&text, "\nAUTH PLAIN LOGIN");
	if (announced(s, SMTP_ENHANCED))
		buf_addz(&text, "\nENHANCEDSTATUSCODES");
	if (announced(s, SMTP_8BITMIME))
		buf_addz(&text, "\n8BITMIME");
	if (announced(s, SMTP_LIMITS))
		buf_addf(&text, "\nLIMITS RCPTMAX=%llu",
		    (unsigned long long)smtpd_conf.recipient_limit);
	(void)snprintf(r.text, sizeof(r.text), "%s", buf_z(&text));
	buf_free(&text);
	return r;
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

static bool
start_tls(struct smtp_session *s)
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

/* STARTTLS, RFC 3207 4. */
static struct reply
cmd_starttls(struct smtp_session *s, struct scan *args)
{
	if (!smtp_scan_end(args))
		return reply(501, "5.5.4", "Syntax: STARTTLS");
	if (s->tls)
		return reply(554, "5.5.1", "Error: TLS already active");
	if (!tls_offered(s))
		return reply(502, "5.5.1", "Error: command not implemented");
	(void)stream_write(s->peer, STR("220 2.0.0 Ready to start TLS\r\n"));
	(void)start_tls(s);
	return (struct reply){ 0 };
}

/* MAIL FROM:<reverse-path> [parameters], RFC 5321 4.1.1.2. */
static struct reply
cmd_mail(struct smtp_session *s, struct scan *args)
{
	struct reply no;

	mail_reset(s);
	*args = scan_of(pool_str(s->mail.pool, scan_rest(args)));
	if (!smtp_scan_mail(args, s->mail.pool, s->esmtp ? DSN_OFF | SMTP_AUTH : 0, &s->mail.from,
	    &no))
		return no;
	if (common.message_size_limit > 0 && s->mail.from.has_size &&
	    s->mail.from.size > common.message_size_limit)
		return reply(552, "5.3.4", "Message size exceeds fixed limit");
	s->mail.sender = address_text(s->mail.pool, &s->mail.from.sender);
	if (!policy_check(s, STAGE_MAIL, &no)) {
		log_reject(s, STAGE_MAIL, STR(""), &no);
		return no;
	}
	if (!policy_rate(s, ANVIL_MAIL, smtpd_conf.client_message_rate))
		return reply(450, "4.7.1", "Error: too much mail from %.*s", STR_ARG(s->ip));
	if (service_stopping()) {
		s->close = true;
		return reply(421, "4.3.2", "%s Service shutting down", common.myhostname);
	}
	s->state = SENDER;
	return reply(250, "2.1.0", "Ok");
}

/*
 * RFC 5321 4.5.3.1.10: the client keeps those for another transaction.  A list server that names them
 * all is no offender: only beyond the overshoot limit do they count as errors.
 */
static struct reply
one_too_many(struct smtp_session *s)
{
	s->forgiven = s->mail.excess++ < smtpd_conf.recipient_overshoot;
	return reply(452, "4.5.3", "Error: too many recipients");
}

/* RCPT TO:<forward-path> [parameters], RFC 5321 4.1.1.3. */
static struct reply
cmd_rcpt(struct smtp_session *s, struct scan *args)
{
	struct envelope_rcpt *r;
	struct smtp_rcpt rcpt;
	struct reply no;
	struct str addr, line = pool_str(s->mail.pool, scan_rest(args));

	*args = scan_of(line);
	if (!smtp_scan_rcpt(args, s->mail.pool, s->esmtp ? DSN_OFF : 0, s->mail.from.smtputf8,
	    &rcpt, &no))
		return no;
	if (s->mail.rcpts.n >= smtpd_conf.recipient_limit)
		return one_too_many(s);
	addr = address_text(s->mail.pool, &rcpt.to);
	if (!policy_rcpt(s, &rcpt, addr, &no)) {
		log_reject(s, STAGE_RCPT, addr, &no);
		return no;
	}
	if (!policy_rate(s, ANVIL_RCPT, smtpd_conf.client_recipient_rate))
		return reply(450, "4.7.1", "Error: too many recipients from %.*s", STR_ARG(s->ip));
	r = vec_push(&s->mail.rcpts);
	r->addr = r->orig = addr;
	r->orcpt = rcpt.orcpt;
	r->notify = rcpt.notify;
	s->state = RCPTS;
	return reply(250, "2.1.5", "Ok");
}

/* RSET, RFC 5321 4.1.1.5. */
static struct reply
cmd_rset(struct smtp_session *s, struct scan *args)
{
	if (!smtp_scan_end(args))
		return reply(501, "5.5.4", "Syntax: RSET");
	mail_reset(s);
	s->junk++;
	return reply(250, "2.0.0", "Ok");
}

/* NOOP [string], RFC 5321 4.1.1.9. */
static struct reply
cmd_noop(struct smtp_session *s, struct scan *args)
{
	(void)args;
	s->junk++;
	return reply(250, "2.0.0", "Ok");
}

static struct reply
verify(struct smtp_session *s, struct str what, struct pool *pool)
{
	struct reply no;
	struct address a;
	struct smtp_rcpt rcpt = { .notify = 0 };
	struct str text = pool_str(pool, what);
	struct scan in = scan_of(text);

	if (smtpd_conf.disable_vrfy)
		return reply(502, "5.5.1", "VRFY command is disabled");
	if (str_start(text, STR("<")) ? address_scan_path(&in, pool, 0, &a) != ADDRESS_OK :
	    address_parse(text, pool, ADDRESS_BARE_OK, &a) != ADDRESS_OK)
		return reply(501, "5.1.3", "Syntax: VRFY address");
	rcpt.to = a;
	text = address_text(pool, &a);
	if (!policy_rcpt(s, &rcpt, text, &no)) {
		log_reject(s, STAGE_RCPT, text, &no);
		return no;
	}
	return reply(252, "2.0.0", "%.*s", STR_ARG(text));
}

/* VRFY string, RFC 5321 4.1.1.6: says no more than RCPT would. */
static struct reply
cmd_vrfy(struct smtp_session *s, struct scan *args)
{
	struct pool *pool = pool_new();
	struct reply r = verify(s, str_trim(scan_rest(args)), pool);

	s->junk++;
	pool_free(pool);
	return r;
}

/* What RFC 5321 knows and we do not do, 4.2.4: 502, not 500. */
static struct reply
cmd_absent(struct smtp_session *s, struct scan *args)
{
	(void)args;
	s->junk++;
	return reply(502, "5.5.1", "Error: command not implemented");
}

/* HELP [string], RFC 5321 4.1.1.8. */
static struct reply
cmd_help(struct smtp_session *s, struct scan *args)
{
	(void)args;
	s->junk++;
	return reply(214, "2.0.0", "EHLO HELO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY HELP QUIT");
}

/* QUIT, RFC 5321 4.1.1.10. */
static struct reply
cmd_quit(struct smtp_session *s, struct scan *args)
{
	(void)args;
	s->close = true;
	return reply(221, "2.0.0", "Bye");
}

enum { CLEAR = 1, LAST = 2 };

static const struct command {
	struct str verb;
	struct reply (*run)(struct smtp_session *s, struct scan *args);
	unsigned legal;		/* states in which the verb may appear */
	unsigned flags;		/* CLEAR: allowed before TLS; LAST: nothing may be queued behind it */
	enum verb counted;
	const char *rfc;
} commands[] = {
	{ STR_INIT("EHLO"), cmd_ehlo, ANY, CLEAR | LAST, VERB_EHLO, "RFC 5321 4.1.1.1" },
	{ STR_INIT("HELO"), cmd_helo, ANY, CLEAR | LAST, VERB_HELO, "RFC 5321 4.1.1.1" },
	{ STR_INIT("STARTTLS"), cmd_starttls, START | READY, CLEAR | LAST, VERB_STARTTLS, "RFC 3207 4" },
	{ STR_INIT("AUTH"), cmd_auth, READY, LAST, VERB_AUTH, "RFC 4954 4" },
	{ STR_INIT("MAIL"), cmd_mail, START | READY, 0, VERB_MAIL, "RFC 5321 4.1.1.2" },
	{ STR_INIT("RCPT"), cmd_rcpt, SENDER | RCPTS, 0, VERB_RCPT, "RFC 5321 4.1.1.3" },
	{ STR_INIT("DATA"), cmd_data, RCPTS, LAST, VERB_DATA, "RFC 5321 4.1.1.4" },
	{ STR_INIT("RSET"), cmd_rset, ANY, CLEAR, VERB_RSET, "RFC 5321 4.1.1.5" },
	{ STR_INIT("NOOP"), cmd_noop, ANY, CLEAR, VERB_NOOP, "RFC 5321 4.1.1.9" },
	{ STR_INIT("VRFY"), cmd_vrfy, ANY, LAST, VERB_OTHER, "RFC 5321 4.1.1.6" },
	{ STR_INIT("EXPN"), cmd_absent, ANY, 0, VERB_OTHER, "RFC 5321 4.1.1.7" },
	{ STR_INIT("HELP"), cmd_help, ANY, CLEAR | LAST, VERB_OTHER, "RFC 5321 4.1.1.8" },
	{ STR_INIT("QUIT"), cmd_quit, ANY, CLEAR, VERB_QUIT, "RFC 5321 4.1.1.10" },
};

static const struct command *
find(struct str verb)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (str_ieq(verb, commands[i].verb))
			return &commands[i];
	return NULL;
}

static bool
forbidden(struct smtp_session *s, struct str line)
{
	struct scan in = scan_of(line);
	struct str word;

	if (!scan_word(&in, &word))
		return false;
	for (size_t i = 0; i < smtpd_conf.forbidden_commands.n; i++)
		if (str_ieq(word, smtpd_conf.forbidden_commands.v[i])) {
			log_warn("non-SMTP command from %.*s: %.*s", STR_ARG(s->who), STR_ARG(line));
			return true;
		}
	return false;
}

/* Something came behind a command that ends its group: the two sides do not agree where they are. */
static struct reply
out_of_step(struct smtp_session *s, const struct command *c)
{
	log_info("improper command pipelining after %.*s from %.*s: %.*s", STR_ARG(c->verb),
	    STR_ARG(s->who), STR_ARG(str_sub(stream_buffered(s->peer), 0, 100)));
	s->close = true;
	return reply(554, "5.5.0", "Error: %.*s must end its group", STR_ARG(c->verb));
}

static struct reply
dispatch(struct smtp_session *s, struct str line)
{
	struct scan in = scan_of(line);
	const struct command *c;
	struct str verb;
	struct reply r;

	if (!smtp_scan_verb(&in, &verb) || (c = find(verb)) == NULL) {
		s->tried[VERB_OTHER]++;
		s->after = "UNKNOWN";
		if (forbidden(s, line)) {
			s->close = true;
			return reply(421, "4.7.0", "%s Error: this is a mail server",
			    common.myhostname);
		}
		return reply(500, "5.5.2", "Error: command not recognized");
	}
	s->after = c->verb.p;
	s->tried[c->counted]++;
	if (smtpd_conf.tls_level >= SMTPD_TLS_ENCRYPT && !s->tls && !(c->flags & CLEAR))
		return reply(530, "5.7.0", "Must issue a STARTTLS command first");
	if (!(c->legal & s->state))
		return reply(503, "5.5.1", s->state & (SENDER | RCPTS) && c->run == cmd_mail ?
		    "Error: nested MAIL command" : c->run == cmd_rcpt ?
		    "Error: need MAIL command" : c->run == cmd_data ?
		    "Error: need RCPT command" : "Error: bad sequence of commands");
	if ((c->flags & LAST) && stream_pending(s->peer) > 0)
		return out_of_step(s, c);
	r = c->run(s, &in);
	if (r.code == 0 || r.code < 400)
		s->done[c->counted]++;
	return r;
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
answer(struct smtp_session *s, const struct reply *r)
{
	struct buf out = { .limit = 8192 };

	if (r->code == 0)
		return;
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
			r = dispatch(s, line);
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
	s->counted = anvil_count(ANVIL_CONNECT, policy_counted_as(), s->ip, &got,
	    deadline_in(ASK_MS));
	if (!s->counted)
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
session(struct smtp_session *s)
{
	int waiting = 0;

	who_is_it(s);
	log_info("connect from %.*s", STR_ARG(s->who));
	session_deadline(s, smtpd_conf.timeout_ms);
	if (!admitted(s)) {
		(void)stream_flush(s->peer);
		return;
	}
	if (smtpd_conf.tls_wrappermode && !start_tls(s))
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

/* One client from greeting to close, in its own fiber. */
static void
serve(int fd)
{
	struct smtp_session s = {
		.pool = pool_new(),
		.client = net_peer(fd),
		.server = net_local(fd),
		.state = START,
		.after = "CONNECT",
		.until = deadline_in(smtpd_conf.session_ms),
	};

	s.mail.pool = pool_new();
	s.mail.rcpts = vec_of(sizeof(struct envelope_rcpt));
	s.peer = stream_open(fd);
	session(&s);
	if (s.counted)
		anvil_gone(policy_counted_as(), s.ip);
	stream_close(s.peer);
	log_counts(&s);
	mail_reset(&s);
	pool_free(s.mail.pool);
	pool_free(s.pool);
}

int
main(int argc, char **argv)
{
	static const unsigned char peers[] = { PEER_CLEANUP, PEER_ROUTER, PEER_AUTHD, PEER_DNSD,
		PEER_TLSD, PEER_ANVIL, PEER_NONE };
	static const struct service smtpd = {
		.name = "smtpd",
		.peer = PEER_SMTPD,
		.params = smtpd_params,
		.needs = { .calls = JAIL_ACCEPT },	/* no files, no connections, no exec */
		.peers = peers,
		.serve = serve,
	};

	return service_main(&smtpd, argc, argv);
}
