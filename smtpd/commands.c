/* SPDX-License-Identifier: ISC */
/*
 * commands - the verbs of SMTP: a handler for each, and the table that says when it may come.
 *
 * A handler reads its arguments from `args`, acts, and gives the answer; code 0: it has said all
 * there is to say itself.  AUTH and DATA, which talk on, have files of their own.
 */
#include <stdio.h>
#include <string.h>

#include "ask/anvil.h"
#include "base/log.h"
#include "daemon/service.h"
#include "smtpd/smtpd.h"

#define DSN_OFF	(SMTP_SIZE | SMTP_8BITMIME)	/* parameters MAIL takes now */

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
	(void)session_start_tls(s);
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

struct reply
command_run(struct smtp_session *s, struct str line)
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
	if (r.code == 0 ? !s->close : r.code < 400)
		s->done[c->counted]++;
	return r;
}
