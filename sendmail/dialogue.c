/* SPDX-License-Identifier: ISC */
#include "sendmail/dialogue.h"

#include <string.h>
#include <sysexits.h>

#include "mail/address.h"
#include "mail/limits.h"
#include "mail/reply.h"
#include "wire/limits.h"

/* As smtpd: what is announced and taken is what works all the way. */
#define EXTENSIONS (SMTP_SIZE | SMTP_8BITMIME | SMTP_BARE)

/* ENDED: the message is over and its transaction about to be forgotten; no command sees it. */
enum { READY = 1, SENDER = 2, RCPTS = 4, ANY = 7, ENDED = 8 };

struct command {
	const char *verb;
	struct reply (*run)(struct dialogue *, struct scan *args);
	unsigned legal;
};

/* The one place that forgets a transaction. */
static void
reset(struct dialogue *d)
{
	pool_reset(d->pool);
	vec_reset(&d->rcpts);
	vec_reset(&d->why);
	d->mail = (struct smtp_mail){ .size = 0 };
	d->state = READY;
}

static struct reply
cmd_helo(struct dialogue *d, struct scan *args)
{
	(void)args;
	reset(d);
	return reply(250, NULL, "%s", d->host);
}

static struct reply
cmd_ehlo(struct dialogue *d, struct scan *args)
{
	(void)args;
	reset(d);
	return reply(250, NULL, "%s\nPIPELINING\nSIZE %llu\nENHANCEDSTATUSCODES\n8BITMIME", d->host,
	    (unsigned long long)d->size_limit);
}

static struct reply
cmd_mail(struct dialogue *d, struct scan *args)
{
	struct reply no;

	/* The line goes away; what is parsed from it must not. */
	*args = scan_of(pool_str(d->pool, scan_rest(args)));
	if (!smtp_scan_mail(args, d->pool, EXTENSIONS, &d->mail, &no))
		return no;
	if (d->size_limit > 0 && d->mail.has_size && d->mail.size > d->size_limit)
		return reply(552, "5.3.4", "Message size exceeds fixed limit");
	d->state = SENDER;
	return reply(250, "2.1.0", "Ok");
}

static struct reply
cmd_rcpt(struct dialogue *d, struct scan *args)
{
	struct smtp_rcpt got;
	struct envelope_rcpt *r;
	struct reply no;

	*args = scan_of(pool_str(d->pool, scan_rest(args)));
	if (!smtp_scan_rcpt(args, d->pool, EXTENSIONS, false, &got, &no))
		return no;
	if (address_is_dash(&got.to) || got.to.local.n == 0)
		return reply(553, "5.1.3", "Bad recipient address");
	if (d->rcpts.n == LIMIT_RCPTS)
		return reply(452, "4.5.3", "Too many recipients");
	r = vec_push(&d->rcpts);
	*r = (struct envelope_rcpt){ .addr = address_text(d->pool, &got.to), .orig = STR(""),
		.orcpt = STR(""), .notify = d->options->notify };
	d->state = RCPTS;
	return reply(250, "2.1.5", "Ok");
}

static struct reply
cmd_data(struct dialogue *d, struct scan *args)
{
	struct letter *l = &d->letter;

	if (!smtp_scan_end(args))
		return reply(501, "5.5.4", "Syntax: DATA");
	*l = (struct letter){ .in = { .dot_ends = true, .unstuff = true }, .rcpts = &d->rcpts,
		.to = d->to, .pool = d->pool, .why = &d->why };
	if (!envelope_start(&l->env, d->options, d->caller, d->pool, &d->why))
		return reply(553, "5.1.7", "Bad sender address");
	l->env.sender = address_text(d->pool, &d->mail.sender);
	if (d->mail.body == SMTP_BODY_8BITMIME)
		l->env.flags |= ENV_8BITMIME;
	d->in_data = true;
	return reply(354, NULL, "End data with <CR><LF>.<CR><LF>");
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

/* The message has ended, with its dot (`whole`) or because its writer went away. */
static struct reply
end_data(struct dialogue *d, bool whole)
{
	bool fits = intake_ok(&d->letter.in);
	int status = letter_end(&d->letter, whole);

	d->in_data = false;
	d->state = ENDED;
	if (!whole)
		return reply(451, "4.3.0", "The message has no end, it is dropped");
	return fits ? data_reply(status) : reply(554, "5.6.0", "Message header is too large");
}

static struct reply
cmd_rset(struct dialogue *d, struct scan *args)
{
	(void)args;
	reset(d);
	return reply(250, "2.0.0", "Ok");
}

static struct reply
cmd_noop(struct dialogue *d, struct scan *args)
{
	(void)d;
	(void)args;
	return reply(250, "2.0.0", "Ok");
}

static struct reply
cmd_vrfy(struct dialogue *d, struct scan *args)
{
	(void)d;
	(void)args;
	return reply(252, "2.0.0", "Send some mail, I'll try my best");
}

static struct reply
cmd_quit(struct dialogue *d, struct scan *args)
{
	(void)args;
	d->over = true;
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
dispatch(struct dialogue *d)
{
	struct scan in = scan_of(buf_str(&d->line));
	struct str verb;

	if (!buf_ok(&d->line))
		return reply(500, "5.5.2", "Line too long");
	if (!smtp_scan_verb(&in, &verb))
		return reply(500, "5.5.2", "Command not recognized");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (!str_ieq(verb, str_of(c->verb)))
			continue;
		if (!(c->legal & d->state))
			return reply(503, "5.5.1", "Bad sequence of commands");
		return c->run(d, &in);
	}
	return reply(500, "5.5.2", "Command not recognized");
}

static void
answer(struct buf *out, struct reply r)
{
	reply_add(out, &r);
}

/* A command line, CRLF or LF, of which this is all or a part. */
static void
take_line(struct dialogue *d, struct str *bytes, struct buf *out)
{
	ptrdiff_t nl = str_chr(*bytes, '\n');
	size_t n = nl < 0 ? bytes->n : (size_t)nl;

	buf_add(&d->line, str_sub(*bytes, 0, n));
	*bytes = str_sub(*bytes, n + (nl >= 0), bytes->n);
	if (nl < 0)
		return;
	if (d->line.n > 0 && d->line.p[d->line.n - 1] == '\r')
		d->line.n--;
	answer(out, dispatch(d));
	buf_reset(&d->line);
}

void
dialogue_begin(struct dialogue *d, struct buf *out)
{
	d->pool = pool_new();
	d->rcpts = vec_of(sizeof(struct envelope_rcpt));
	d->why = vec_of(sizeof(struct str));
	d->line.limit = SMTP_LINE_MAX;
	d->state = READY;
	answer(out, reply(220, NULL, "%s ESMTP Posthorn", d->host));
}

void
dialogue_take(struct dialogue *d, struct str *bytes, struct buf *out)
{
	if (d->state == ENDED)
		reset(d);
	if (!d->in_data) {
		take_line(d, bytes, out);
		return;
	}
	*bytes = str_sub(*bytes, letter_feed(&d->letter, *bytes), bytes->n);
	if (d->letter.in.ended)
		answer(out, end_data(d, true));
}

void
dialogue_eof(struct dialogue *d, struct buf *out)
{
	d->over = true;
	if (d->in_data)
		answer(out, end_data(d, false));
}

void
dialogue_free(struct dialogue *d)
{
	if (d->in_data)
		(void)letter_end(&d->letter, false);
	buf_free(&d->line);
	vec_free(&d->rcpts);
	vec_free(&d->why);
	pool_free(d->pool);
}
