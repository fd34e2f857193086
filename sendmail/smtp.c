/* SPDX-License-Identifier: ISC */
/*
 * sendmail -bs: SMTP on standard input and output.
 *
 * The caller is a local program that trusts us and is trusted with no more than `sendmail ADDRESS`
 * is.  Commands and data may end in CRLF or LF (LSB, sendmail's own habit); 250 after DATA means
 * that postdrop has the message on disk.
 */
#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "proto/smtp.h"
#include "sendmail/submit.h"
#include "wire/limits.h"

#define INPUT	65536
#define EXTENSIONS (SMTP_SIZE | SMTP_8BITMIME | SMTP_DSN | SMTP_SMTPUTF8 | SMTP_BARE)

struct session {
	const struct options *options;
	struct pool *pool;		/* of the transaction */
	struct smtp_mail mail;
	struct vec rcpts;		/* struct envelope_rcpt */
	unsigned state;
	bool quit;
	char host[DOMAIN_MAX + 1];
	char input[INPUT];
	size_t from, to;		/* bytes of `input` not read yet */
};

enum { READY = 1, SENDER = 2, RCPTS = 4, ANY = 7 };

struct command {
	const char *verb;
	struct reply (*run)(struct session *, struct scan *args);
	unsigned legal;
};

static bool
fill(struct session *s)
{
	ssize_t got;

	if (s->from < s->to)
		return true;
	got = input_read(s->input, sizeof(s->input));
	s->from = 0;
	s->to = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static bool
answer(const struct reply *r)
{
	struct buf b = { .p = NULL };
	size_t at = 0;

	reply_add(&b, r);
	while (at < b.n) {
		ssize_t n = write(STDOUT_FILENO, b.p + at, b.n - at);

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			at += (size_t)n;
	}
	buf_free(&b);
	return at > 0;
}

/* One command line, CRLF or LF; false at the end of the input. */
static bool
get_line(struct session *s, struct buf *line)
{
	buf_reset(line);
	line->limit = SMTP_LINE_MAX;
	for (;;) {
		const char *nl;
		size_t n;

		if (!fill(s))
			return false;
		nl = memchr(s->input + s->from, '\n', s->to - s->from);
		n = nl == NULL ? s->to - s->from : (size_t)(nl - (s->input + s->from));
		buf_add(line, str_n(s->input + s->from, n));
		s->from += n + (nl != NULL);
		if (nl == NULL)
			continue;
		if (line->n > 0 && line->p[line->n - 1] == '\r')
			line->n--;
		return true;
	}
}

/* The one place that forgets a transaction. */
static void
reset(struct session *s)
{
	pool_reset(s->pool);
	vec_reset(&s->rcpts);
	s->mail = (struct smtp_mail){ .size = 0 };
	s->state = READY;
}

static struct reply
cmd_helo(struct session *s, struct scan *args)
{
	(void)args;
	reset(s);
	return reply(250, NULL, "%s", s->host);
}

static struct reply
cmd_ehlo(struct session *s, struct scan *args)
{
	(void)args;
	reset(s);
	return reply(250, NULL, "%s\nPIPELINING\nSIZE\nENHANCEDSTATUSCODES\n8BITMIME\nDSN\nSMTPUTF8",
	    s->host);
}

static struct reply
cmd_mail(struct session *s, struct scan *args)
{
	struct reply no;

	/* The line goes away; what is parsed from it must not. */
	*args = scan_of(pool_str(s->pool, scan_rest(args)));
	if (!smtp_scan_mail(args, s->pool, EXTENSIONS, &s->mail, &no))
		return no;
	s->state = SENDER;
	return reply(250, "2.1.0", "Ok");
}

static struct reply
cmd_rcpt(struct session *s, struct scan *args)
{
	struct smtp_rcpt got;
	struct envelope_rcpt *r;
	struct reply no;

	*args = scan_of(pool_str(s->pool, scan_rest(args)));
	if (!smtp_scan_rcpt(args, s->pool, EXTENSIONS, s->mail.smtputf8, &got, &no))
		return no;
	if (address_is_dash(&got.to) || got.to.local.n == 0)
		return reply(553, "5.1.3", "Bad recipient address");
	if (s->rcpts.n == LIMIT_RCPTS)
		return reply(452, "4.5.3", "Too many recipients");
	r = vec_push(&s->rcpts);
	*r = (struct envelope_rcpt){ .addr = address_text(s->pool, &got.to), .orig = STR(""),
		.orcpt = STR(""), .notify = got.notify };
	s->state = RCPTS;
	return reply(250, "2.1.5", "Ok");
}

/* Read the data to its dot; false when the caller went away before it. */
static bool
read_data(struct session *s, struct intake *in, struct dropper *d, const struct drop *env)
{
	while (!in->ended) {
		if (!fill(s))
			return false;
		s->from += intake_feed(in, str_n(s->input + s->from, s->to - s->from));
		if (in->ended && !in->in_body)
			intake_eof(in);
		if (!in->in_body || !intake_ok(in))
			continue;
		if (d->pid == 0 && !d->broken) {
			struct buf header = { .p = NULL };

			if (!dropper_open(d, s->options->config, env))
				d->broken = true;
			intake_public_header(in, &header);
			if (d->pid != 0)
				dropper_add(d, buf_str(&header));
			buf_free(&header);
		}
		if (d->pid != 0)
			dropper_add(d, buf_str(&in->out));
		buf_reset(&in->out);
	}
	return true;
}

static struct reply
data_reply(int status)
{
	switch (status) {
	case EX_OK:
		return reply(250, "2.0.0", "Ok: queued");
	case EX_DATAERR:
		return reply(554, "5.6.0", "Message not taken");
	case EX_NOPERM:
		return reply(550, "5.7.1", "Not allowed");
	default:
		return reply(451, "4.3.0", "Message could not be queued, try again later");
	}
}

static struct reply
cmd_data(struct session *s, struct scan *args)
{
	struct intake in = { .dot_ends = true, .unstuff = true };
	struct dropper d = { .pid = 0 };
	struct reply r = reply(354, NULL, "End data with <CR><LF>.<CR><LF>");
	struct drop env;
	bool whole;

	if (!smtp_scan_end(args))
		return reply(501, "5.5.4", "Syntax: DATA");
	if (!envelope_start(&env, s->options, s->pool))
		return reply(553, "5.1.7", "Bad sender address");
	(void)answer(&r);
	env.sender = address_text(s->pool, &s->mail.sender);
	env.envid = s->mail.envid;
	env.ret = s->mail.ret;
	if (s->mail.body == SMTP_BODY_8BITMIME)
		env.flags |= ENV_8BITMIME;
	if (s->mail.smtputf8)
		env.flags |= ENV_SMTPUTF8;
	envelope_rcpts(&env, &s->rcpts);
	whole = read_data(s, &in, &d, &env);
	if (!whole || !intake_ok(&in)) {
		dropper_abort(&d);
		s->quit = !whole;
		r = whole ? reply(554, "5.6.0", "Message header is too large") :
		    reply(451, "4.3.0", "The message has no end, it is dropped");
	} else {
		r = data_reply(d.pid != 0 ? dropper_commit(&d) : EX_OSERR);
	}
	intake_free(&in);
	reset(s);
	return r;
}

static struct reply
cmd_rset(struct session *s, struct scan *args)
{
	(void)args;
	reset(s);
	return reply(250, "2.0.0", "Ok");
}

static struct reply
cmd_noop(struct session *s, struct scan *args)
{
	(void)s;
	(void)args;
	return reply(250, "2.0.0", "Ok");
}

static struct reply
cmd_vrfy(struct session *s, struct scan *args)
{
	(void)s;
	(void)args;
	return reply(252, "2.0.0", "Send some mail, I'll try my best");
}

static struct reply
cmd_quit(struct session *s, struct scan *args)
{
	(void)args;
	s->quit = true;
	return reply(221, "2.0.0", "Bye");
}

static const struct command commands[] = {
	{ "HELO", cmd_helo, ANY },
	{ "EHLO", cmd_ehlo, ANY },
	{ "MAIL", cmd_mail, READY },
	{ "RCPT", cmd_rcpt, SENDER | RCPTS },
	{ "DATA", cmd_data, RCPTS },
	{ "RSET", cmd_rset, ANY },
	{ "NOOP", cmd_noop, ANY },
	{ "VRFY", cmd_vrfy, ANY },
	{ "QUIT", cmd_quit, ANY },
};

static struct reply
dispatch(struct session *s, const struct buf *line)
{
	struct scan in = scan_of(buf_str(line));
	struct str verb;

	if (!buf_ok(line))
		return reply(500, "5.5.2", "Line too long");
	if (!smtp_scan_verb(&in, &verb))
		return reply(500, "5.5.2", "Command not recognized");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (!str_ieq(verb, str_of(c->verb)))
			continue;
		if (!(c->legal & s->state))
			return reply(503, "5.5.1", "Bad sequence of commands");
		return c->run(s, &in);
	}
	return reply(500, "5.5.2", "Command not recognized");
}

int
run_smtp(const struct options *o, struct pool *p)
{
	static struct session s;
	struct buf line = { .p = NULL };
	struct reply r;

	(void)p;
	s.options = o;
	s.pool = pool_new();
	s.rcpts = vec_of(sizeof(struct envelope_rcpt));
	s.state = READY;
	if (gethostname(s.host, sizeof(s.host) - 1) != 0)
		memcpy(s.host, "localhost", sizeof("localhost"));
	r = reply(220, NULL, "%s ESMTP Posthorn", s.host);
	while (answer(&r) && !s.quit && get_line(&s, &line))
		r = dispatch(&s, &line);
	buf_free(&line);
	vec_free(&s.rcpts);
	pool_free(s.pool);
	return EX_OK;
}
