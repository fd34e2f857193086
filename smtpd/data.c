/* SPDX-License-Identifier: ISC */
/*
 * data - from 354 to the answer: the text of a message on its way to cleanup.
 *
 * Bytes go straight from the stream to the submission; only the header is looked at, line by line,
 * for loops and missing fields.  Whatever is wrong with the text, it is read to its end, so that
 * nothing in it is ever taken for a command.
 */
#include <stdlib.h>

#include "ask/anvil.h"
#include "ask/submit.h"
#include "base/event.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/panic.h"
#include "mail/date.h"
#include "mail/header.h"
#include "proto/smtp_data.h"
#include "smtpd/smtpd.h"

#define PIECE		16384
#define HEADER_CARRY	HEADER_FIELD_MAX	/* longest header line that is looked at */

struct transfer {
	struct smtp_session *s;
	struct submission *to;
	struct header_watch watch;
	struct buf carry;		/* a header line that is not complete yet */
	struct smtp_data text;
	bool toobig;
	msec_t began;
};

static const struct event taken = { "client",
	"{id}: client={who}[, sasl_method={method}][, sasl_username={user}]" };

/* Feed the header watcher with what has come in, line by line, until the header is over. */
static void
watch(struct transfer *t, struct str part)
{
	struct str line;

	while (!t->watch.done && part.n > 0) {
		ptrdiff_t nl = str_chr(part, '\n');

		if (nl < 0 || t->carry.n > 0) {
			size_t n = nl < 0 ? part.n : (size_t)nl + 1;

			if (t->carry.n + n > HEADER_CARRY)
				buf_reset(&t->carry);
			buf_add(&t->carry, str_sub(part, 0, n));
			part = str_sub(part, n, part.n);
			if (nl < 0)
				return;
			line = buf_str(&t->carry);
		} else {
			line = str_sub(part, 0, (size_t)nl + 1);
			part = str_sub(part, (size_t)nl + 1, part.n);
		}
		line.n -= str_end(line, STR("\r\n")) ? 2 : 1;
		(void)header_watch(&t->watch, line);
		buf_reset(&t->carry);
	}
}

/* Time enough for the bytes so far at the least allowed rate; slow trickles end. */
static void
data_deadline(struct transfer *t)
{
	uint64_t bytes = submission_size(t->to);
	msec_t earned = (msec_t)(bytes * 1000 / smtpd_conf.min_data_rate);

	stream_deadline(t->s->peer, deadline_first(t->s->until,
	    t->began + smtpd_conf.timeout_ms + earned));
}

static enum io
receive(struct transfer *t)
{
	struct str data;
	char *out = mem_alloc(PIECE + 4);
	enum io r = IO_OK;
	size_t n;

	smtp_data_begin(&t->text);
	while (!t->text.ended) {
		data_deadline(t);
		if ((r = stream_peek(t->s->peer, &data)) != IO_OK)
			break;
		data = str_sub(data, 0, PIECE);
		stream_skip(t->s->peer, smtp_data_take(&t->text, data, out, &n));
		if (t->toobig || t->text.bare || t->text.nul)
			continue;
		if (common.message_size_limit > 0 &&
		    submission_size(t->to) + n > common.message_size_limit) {
			t->toobig = true;
			continue;
		}
		watch(t, str_n(out, n));
		submission_add(t->to, str_n(out, n), deadline_in(ASK_MS));
	}
	free(out);
	return r;
}

/* Fields a message from our own users must have (RFC 6409 8); `id`: its Message-ID from now on. */
static struct strs
missing(struct smtp_session *s, const struct header_watch *w, struct str *id)
{
	struct pool *pool = s->mail.pool;
	struct strs add = { pool_array(pool, 3, sizeof(struct str)), 0 };
	int64_t now = clock_wall();
	char date[DATE_MAX];

	if (!session_authenticated(s))
		return add;
	if (!(w->seen & HEADER_MESSAGE_ID)) {
		*id = pool_printf(pool, "<%llx.%08x@%s>", (unsigned long long)clock_wall_us(),
		    random_below(UINT32_MAX), common.myhostname);
		add.v[add.n++] = pool_printf(pool, "Message-ID: %.*s\r\n", STR_ARG(*id));
	}
	if (!(w->seen & HEADER_DATE))
		add.v[add.n++] = pool_printf(pool, "Date: %.*s\r\n",
		    STR_ARG(date_5322(date, now, date_zone(now))));
	if (!(w->seen & HEADER_FROM))
		add.v[add.n++] = s->mail.sender.n > 0 ?
		    pool_printf(pool, "From: <%.*s>\r\n", STR_ARG(s->mail.sender)) :
		    pool_printf(pool, "From: <MAILER-DAEMON@%s>\r\n", common.myhostname);
	return add;
}

static void
fill_envelope(struct transfer *t, struct envelope *e)
{
	struct smtp_session *s = t->s;
	struct pool *pool = s->mail.pool;

	*e = (struct envelope){
		.sender = s->mail.sender,
		.rcpts = { s->mail.rcpts.p, s->mail.rcpts.n },
		.envid = s->mail.from.envid,
		.ret = s->mail.from.ret,
		.origin = STR("smtpd"),
		.client_name = s->name,
		.client_addr = s->ip,
		.client_port = net_port(&s->client),
		.helo = s->helo,
		.proto = received_proto(s),
		.sasl_method = s->sasl_method,
		.sasl_user = s->sasl_user,
		.uid = UINT32_MAX,
		.arrival_us = (uint64_t)clock_wall_us(),
		.message_id = pool_str(pool, header_watch_id(&t->watch)),
	};
	e->prepend = missing(s, &t->watch, &e->message_id);
	if (s->mail.from.body == SMTP_BODY_8BITMIME)
		e->flags |= ENV_8BITMIME;
	if (s->mail.from.smtputf8)
		e->flags |= ENV_SMTPUTF8;
	e->received = received_header(s, pool, &e->received_id_at);
	if (t->watch.seen & HEADER_DROP) {
		static const char *const names[] = { "Bcc", "Resent-Bcc", "Return-Path" };
		struct envelope_edit *edit = pool_array(pool, 3, sizeof(*edit));

		for (size_t i = 0; i < 3; i++)
			edit[i] = (struct envelope_edit){ EDIT_DROP, str_of(names[i]) };
		e->edits = (struct ipc_list){ edit, 3 };
	}
}

static struct reply
refusal(struct transfer *t)
{
	if (t->toobig)
		return reply(552, "5.3.4", "Message size exceeds fixed limit");
	if (t->text.bare)
		return reply(550, "5.5.2", "Error: bare <CR> or <LF> received; only <CR><LF> ends a line");
	if (t->text.nul)
		return reply(550, "5.6.0", "Error: NUL byte in message");
	if (t->watch.hops > common.hopcount_limit)
		return reply(554, "5.4.6", "Error: too many hops");
	return (struct reply){ 0 };
}

static struct reply
hand_over(struct transfer *t)
{
	struct smtp_session *s = t->s;
	struct submitted done;
	struct envelope e;

	fill_envelope(t, &e);
	submission_end(t->to, &e, &done, deadline_in(SUBMIT_MS));
	t->to = NULL;
	switch (done.result) {
	case SUBMIT_OK:
		EVENT(&taken, { "id", done.queue_id }, { "who", s->who },
		    { "method", s->sasl_method }, { "user", s->sasl_user });
		s->errors = s->junk = 0;
		return reply(250, "2.0.0", "Ok: queued as %.*s", STR_ARG(done.queue_id));
	case SUBMIT_FULL:
		log_warn("%.*s: not taken: %.*s", STR_ARG(s->who), STR_ARG(done.text));
		return reply(452, "4.3.1", "Insufficient system storage");
	case SUBMIT_TOOBIG:
		return reply(552, "5.3.4", "Message size exceeds fixed limit");
	case SUBMIT_BAD:
		log_warn("%.*s: not taken: %.*s", STR_ARG(s->who), STR_ARG(done.text));
		return reply(554, "5.6.0", "Message refused");
	default:
		log_warn("%.*s: not taken: %.*s", STR_ARG(s->who), STR_ARG(done.text));
		return reply(451, "4.3.0", "Error: queue file write error");
	}
}

/* DATA, RFC 5321 4.1.1.4. */
struct reply
cmd_data(struct smtp_session *s, struct scan *args)
{
	struct transfer t = { .s = s, .began = clock_ms() };
	struct reply r;
	enum io io;

	if (!smtp_scan_end(args))
		return reply(501, "5.5.4", "Syntax: DATA");
	if (!policy_check(s, STAGE_DATA, &r)) {
		log_reject(s, STAGE_DATA, STR(""), &r);
		return r;
	}
	(void)stream_write(s->peer, STR("354 End data with <CR><LF>.<CR><LF>\r\n"));
	t.to = submission_begin(s->mail.pool, s->mail.from.size);
	t.carry.limit = HEADER_CARRY + PIECE;
	io = receive(&t);
	session_deadline(s, smtpd_conf.timeout_ms);
	if (io != IO_OK) {
		submission_abort(t.to);
		buf_free(&t.carry);
		session_lost(s, io);
		return (struct reply){ 0 };
	}
	if (t.carry.n > 0 && !t.watch.done)
		(void)header_watch(&t.watch, buf_str(&t.carry));
	buf_free(&t.carry);
	r = refusal(&t);
	if (r.code == 0 && !policy_check(s, STAGE_END, &r))
		log_reject(s, STAGE_END, STR(""), &r);
	else if (r.code == 0)
		r = hand_over(&t);
	else
		log_reject(s, STAGE_END, STR(""), &r);
	submission_abort(t.to);
	mail_reset(s);
	return r;
}
