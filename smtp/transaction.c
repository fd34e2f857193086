/* SPDX-License-Identifier: ISC */
/*
 * The commands before the content are a row of steps: RSET where it is due, MAIL, one RCPT for each
 * recipient, DATA.  A server with PIPELINING (RFC 2920) gets them ahead of its replies, as a rule
 * all in one write; another one at a time.  The reading side is the same for both.
 */
#include "smtp/transaction.h"

#include <errno.h>

#include "base/buf.h"
#include "base/log.h"
#include "conf/room_smtp.h"
#include "mail/message.h"

/*
 * Commands sent ahead of their replies.  Bounded, so that neither side ever blocks on a full socket
 * while the other one does too: 100 replies of some 100 bytes fit any buffer.
 */
#define WINDOW		100

#define CHUNK		(32u << 10)	/* content handed to the stream at a time */
#define LAST_WORDS_MS	5000		/* for the reply of a server that cut us off in the content */

enum kind { STEP_RSET, STEP_MAIL, STEP_RCPT, STEP_DATA };

static const struct {
	const char *stage;
	const char *command;
} words[] = {
	[STEP_RSET] = { "sending RSET", "RSET command" },
	[STEP_MAIL] = { "sending MAIL FROM", "MAIL FROM command" },
	[STEP_RCPT] = { "sending RCPT TO", "RCPT TO command" },
	[STEP_DATA] = { "sending DATA command", "DATA command" },
};

struct run {
	struct delivery *d;
	struct session *c;
	struct message *content;
	struct smtp_mail mail;
	unsigned ext;		/* what the server offers */
	bool *asked;		/* of each recipient of d: this server has answered for it */
	bool talked;		/* the server has answered something */
	bool stale;		/* it was a kept connection, and dead */

	/* One transaction. */
	size_t *to;		/* recipients in it, as places in d->rcpts */
	size_t n;
	bool *accepted;		/* of each in `to` */
	size_t naccepted;
	struct fate *crowded;	/* of each in `to`: refused as one too many; status unset: not */
	size_t ncrowded;
	bool rset;
	size_t sent, got;	/* steps */
	bool waited;		/* a reply has come since we last sent something */
	bool mail_ok, stop;	/* send no more */
	unsigned data_code;	/* 0: not answered */
};

static enum kind
kind_of(const struct run *t, size_t step)
{
	if (t->rset && step == 0)
		return STEP_RSET;
	step -= t->rset;
	return step == 0 ? STEP_MAIL : step <= t->n ? STEP_RCPT : STEP_DATA;
}

static size_t
steps(const struct run *t)
{
	return t->n + 2 + t->rset;
}

static msec_t
timeout_of(enum kind k)
{
	switch (k) {
	case STEP_RSET:
		return smtp_conf.rset_ms;
	case STEP_MAIL:
		return smtp_conf.mail_ms;
	case STEP_RCPT:
		return smtp_conf.rcpt_ms;
	default:
		return smtp_conf.data_init_ms;
	}
}

/* The connection is of no more use; whoever has no fate shares this one. */
static void
give_up(struct run *t, const struct fate *f)
{
	struct delivery *d = t->d;

	t->c->broken = true;
	t->stop = true;
	t->stale = t->c->uses > 1 && !t->talked;
	if (!t->stale)
		delivery_answer_all(d, f);
}

static void
lost(struct run *t, enum io io, const char *stage)
{
	struct fate f = fate_broken(t->d->pool, io, t->c->host, t->c->peer, stage);

	give_up(t, &f);
}

static void
add_rcpt(struct run *t, struct buf *out, const struct deliver_rcpt *r)
{
	struct smtp_rcpt rcpt = { .notify = (unsigned)r->notify, .orcpt = r->orcpt };

	/* transaction_run has looked at the address. */
	(void)address_parse(r->addr, t->d->pool, ADDRESS_BARE_OK | ADDRESS_UTF8_OK, &rcpt.to);
	smtp_add_rcpt(out, &rcpt, t->ext);
}

static void
add_step(struct run *t, struct buf *out, size_t step)
{
	switch (kind_of(t, step)) {
	case STEP_RSET:
		buf_add(out, STR("RSET\r\n"));
		break;
	case STEP_MAIL:
		smtp_add_mail(out, &t->mail, t->ext);
		break;
	case STEP_RCPT:
		add_rcpt(t, out, &t->d->rcpts[t->to[step - t->rset - 1]]);
		break;
	case STEP_DATA:
		buf_add(out, STR("DATA\r\n"));
		break;
	}
}

/* May the next step be sent, or is it known to be in vain? */
static bool
may_send(const struct run *t)
{
	if (t->stop || t->sent == steps(t))
		return false;
	if (kind_of(t, t->sent) == STEP_DATA && t->got == t->sent && t->naccepted == 0)
		return false;
	return true;
}

/* Send what may go ahead; false when the connection failed. */
static bool
send_steps(struct run *t)
{
	size_t window = (t->ext & SMTP_PIPELINING) ? WINDOW : 1;
	struct buf out = { 0 };
	enum io io = IO_OK;
	enum kind last = STEP_MAIL;

	if (t->sent - t->got > window / 2)
		return true;
	while (may_send(t) && t->sent - t->got < window) {
		last = kind_of(t, t->sent);
		add_step(t, &out, t->sent++);
	}
	if (out.n > 0) {
		t->waited = false;
		stream_deadline(t->c->s, deadline_first(deadline_in(timeout_of(last)),
		    t->c->limit));
		io = stream_write(t->c->s, buf_str(&out));
		if (io == IO_OK)
			io = session_flush(t->c, timeout_of(last));
	}
	buf_free(&out);
	if (io == IO_OK)
		return true;
	lost(t, io, words[last].stage);
	return false;
}

static struct fate
refusal(struct run *t, const struct reply *r, const char *command)
{
	return fate_refused(t->d->pool, r, t->c->host, t->c->peer, command);
}

/*
 * Too many for one transaction?  552 to RCPT means 452 (RFC 5321 4.5.3.1.10), unless its enhanced code
 * speaks of a full mailbox (RFC 3463 3.3) or a large message.
 */
static bool
says_too_many(const struct reply *r)
{
	struct str dsn = str_of(r->dsn);

	return r->code == 452 || (r->code == 552 && !str_start(dsn, STR("5.2.")) &&
	    !str_eq(dsn, STR("5.3.4")));
}

static void
got_rcpt(struct run *t, size_t at, const struct reply *r)
{
	struct fate f;

	if (!t->mail_ok)		/* 503, or whatever it says without a MAIL */
		return;
	if (reply_is_ok(r)) {
		t->accepted[at] = true;
		t->naccepted++;
		return;
	}
	f = refusal(t, r, words[STEP_RCPT].command);
	if (says_too_many(r))
		fate_soften(t->d->pool, &f);
	if (says_too_many(r) && t->naccepted > 0) {
		t->crowded[at] = f;
		t->ncrowded++;
		return;
	}
	delivery_answer(t->d, t->to[at], &f);
}

static void
got_mail(struct run *t, const struct reply *r)
{
	struct fate f;

	t->mail_ok = reply_is_ok(r);
	if (t->mail_ok)
		return;
	t->stop = true;
	f = refusal(t, r, words[STEP_MAIL].command);
	delivery_answer_all(t->d, &f);
}

/* Read and judge the reply to the oldest step without one; false when the connection is over. */
static bool
take_reply(struct run *t)
{
	enum kind k = kind_of(t, t->got);
	struct reply r;
	struct fate f;
	enum io io;

	if (t->waited && stream_pending(t->c->s) == 0)
		net_ack_now(stream_fd(t->c->s));
	io = session_reply(t->c, &r, timeout_of(k));
	t->waited = true;
	if (io != IO_OK) {
		lost(t, io, words[k].stage);
		return false;
	}
	if (r.code == 421) {		/* wherever it comes, the server is closing */
		f = refusal(t, &r, words[k].command);
		give_up(t, &f);
		return false;
	}
	t->talked = true;
	if (k == STEP_RSET && !reply_is_ok(&r)) {
		f = refusal(t, &r, words[k].command);
		fate_soften(t->d->pool, &f);
		give_up(t, &f);
		return false;
	}
	if (k == STEP_MAIL)
		got_mail(t, &r);
	else if (k == STEP_RCPT)
		got_rcpt(t, t->got - t->rset - 1, &r);
	else if (k == STEP_DATA)
		t->data_code = r.code;
	t->got++;
	if (k == STEP_DATA && t->naccepted > 0 && r.code != 354) {
		f = refusal(t, &r, words[k].command);
		for (size_t i = 0; i < t->n; i++)
			if (t->accepted[i])
				delivery_answer(t->d, t->to[i], &f);
		t->naccepted = 0;
	}
	return true;
}

/* A server that refuses content half way may say why before it closes. */
static void
cut_off(struct run *t, enum io io)
{
	struct reply r;
	struct fate f;

	if (io == IO_ERROR && session_reply(t->c, &r, LAST_WORDS_MS) == IO_OK &&
	    (reply_is_later(&r) || reply_is_no(&r))) {
		f = refusal(t, &r, "DATA command");
		give_up(t, &f);
		return;
	}
	lost(t, io, "sending message body");
}

/* Content, dots doubled, and the final dot. */
static bool
send_content(struct run *t)
{
	char *chunk = pool_alloc(t->d->pool, CHUNK);
	struct fate f;
	enum io io;
	ssize_t got;

	for (;;) {
		got = message_read(t->content, chunk, CHUNK);
		if (got <= 0)
			break;
		/* Each part gets the time anew; the delivery as a whole has its limit. */
		stream_deadline(t->c->s, deadline_first(deadline_in(smtp_conf.data_xfer_ms),
		    t->c->limit));
		io = stream_write(t->c->s, str_n(chunk, (size_t)got));
		if (io != IO_OK) {
			cut_off(t, io);
			return false;
		}
	}
	if (got < 0) {
		/* Without its end this is no message: the server must throw it away. */
		log_error("%.*s: cannot read the message: %s", STR_ARG(t->d->msg->queue_id),
		    strerror(errno));
		f = fate_own(t->d->pool, RESULT_DEFERRED, "4.3.0", "queue file read error");
		t->d->final = true;
		give_up(t, &f);
		return false;
	}
	io = session_flush(t->c, smtp_conf.data_xfer_ms);
	if (io != IO_OK)
		cut_off(t, io);
	return io == IO_OK;
}

/* Everyone accepted shares the reply to the final dot. */
static void
finish(struct run *t)
{
	static const char stage[] = "sending end of data -- message may be sent more than once";
	struct reply r;
	struct fate f;
	enum io io = session_reply(t->c, &r, smtp_conf.data_done_ms);

	if (io != IO_OK) {
		/* The server may have taken it: another host now would make a second copy. */
		t->d->final = true;
		lost(t, io, stage);
		return;
	}
	f = reply_is_ok(&r) ? fate_sent(t->d->pool, &r, t->c->host) :
	    refusal(t, &r, "end of DATA command");
	for (size_t i = 0; i < t->n; i++)
		if (t->accepted[i])
			delivery_answer(t->d, t->to[i], &f);
	t->c->dirty = !reply_is_ok(&r);
	if (r.code == 421)
		give_up(t, &f);
}

/* DATA was sent ahead, nobody was accepted, and the server says 354: an empty message. */
static void
take_back(struct run *t)
{
	struct reply r;

	t->c->dirty = true;
	stream_deadline(t->c->s, deadline_first(deadline_in(smtp_conf.data_xfer_ms), t->c->limit));
	if (stream_write(t->c->s, STR(".\r\n")) != IO_OK ||
	    session_reply(t->c, &r, smtp_conf.data_done_ms) != IO_OK)
		t->c->broken = true;
}

/* One transaction with the recipients in t->to. */
static void
transact(struct run *t)
{
	t->rset = t->c->dirty;
	t->c->dirty = true;		/* until it ended well */
	while (send_steps(t) && t->got < t->sent)
		if (!take_reply(t))
			return;
	if (t->c->broken)
		return;
	if (t->naccepted == 0) {
		if (t->data_code == 354)
			take_back(t);
		return;
	}
	message_rewind(t->content);
	if (send_content(t))
		finish(t);
}

/* Who has no answer yet, as many as the server takes at a time (RFC 9422). */
static void
choose(struct run *t)
{
	const struct delivery *d = t->d;

	t->n = t->naccepted = t->ncrowded = t->sent = t->got = 0;
	t->mail_ok = t->stop = false;
	t->data_code = 0;
	for (size_t i = 0; i < d->n; i++) {
		if (d->decided[i] || t->asked[i])
			continue;
		if (t->c->caps.rcptmax > 0 && t->n >= t->c->caps.rcptmax)
			return;
		t->asked[i] = true;
		t->accepted[t->n] = false;
		t->crowded[t->n] = (struct fate){ .text = STR("") };
		t->to[t->n++] = i;
	}
}

/* Who was refused as one too many goes into the next transaction, while each gets some through. */
static void
sort_crowd(struct run *t, bool progress)
{
	for (size_t i = 0; i < t->n && t->ncrowded > 0; i++) {
		if (t->crowded[i].text.n == 0 || t->d->decided[t->to[i]])
			continue;
		if (progress)
			t->asked[t->to[i]] = false;
		else
			delivery_answer(t->d, t->to[i], &t->crowded[i]);
	}
}

/* Transactions until everyone was asked. */
static enum transaction
transactions(struct run *t)
{
	size_t before;

	for (;;) {
		choose(t);
		if (t->n == 0)
			return TRANSACTION_DONE;
		before = t->d->left;
		transact(t);
		if (t->stale)
			return TRANSACTION_STALE;
		if (t->c->broken)
			return TRANSACTION_DONE;
		sort_crowd(t, t->d->left < before);
		if (!t->mail_ok)
			return TRANSACTION_DONE;
	}
}

static bool
has_8bit(struct str s)
{
	return !ascii_ok(s);
}

static bool
utf8_needed(const struct delivery *d)
{
	const struct deliver *m = d->msg;
	ptrdiff_t end;

	if (has_8bit(m->sender))
		return true;
	for (size_t i = 0; i < d->n; i++)
		if (!d->decided[i] && has_8bit(d->rcpts[i].addr))
			return true;
	if (!(m->flags & ENV_SMTPUTF8))
		return false;
	if (m->fd >= 0)
		return true;		/* its header would have to be read: believe the sender */
	end = str_find(m->content, STR("\r\n\r\n"));
	return has_8bit(end < 0 ? m->content : str_sub(m->content, 0, (size_t)end));
}

/* What this message needs and this server does not offer is final; false then. */
static bool
server_fits(struct run *t)
{
	struct delivery *d = t->d;
	const struct smtp_caps *caps = &t->c->caps;
	struct fate f;

	if ((caps->ext & SMTP_SIZE) && caps->size > 0 && t->mail.size > caps->size)
		f = fate_own(d->pool, RESULT_BOUNCED, "5.3.4",
		    "message size %llu exceeds size limit %llu of server %.*s",
		    (unsigned long long)t->mail.size, (unsigned long long)caps->size,
		    STR_ARG(t->c->peer));
	else if (utf8_needed(d) && !(caps->ext & SMTP_SMTPUTF8))
		f = fate_own(d->pool, RESULT_BOUNCED, "5.6.7",
		    "SMTPUTF8 is required, but was not offered by host %.*s",
		    STR_ARG(t->c->peer));
	else if ((d->msg->flags & ENV_REQUIRETLS) &&
	    !(t->c->tls.verified && (caps->ext & SMTP_REQUIRETLS)))
		f = fate_own(d->pool, RESULT_BOUNCED, "5.7.30",
		    "REQUIRETLS is required, but cannot be had from host %.*s",
		    STR_ARG(t->c->peer));
	else
		return true;
	f.remote = pool_str(d->pool, t->c->host);
	delivery_answer_all(d, &f);
	return false;
}

static void
fill_mail(struct run *t)
{
	const struct deliver *m = t->d->msg;

	t->mail.has_size = true;
	t->mail.size = message_wire_size(t->content);
	/*
	 * RFC 6152 would have 8-bit content converted for a server without 8BITMIME.  No such
	 * server has been met in years that did harm to it: it is sent as it is, as Exim does and
	 * Postfix with disable_mime_output_conversion.
	 */
	if ((m->flags & ENV_8BITMIME) || (m->fd < 0 && has_8bit(m->content)))
		t->mail.body = SMTP_BODY_8BITMIME;
	t->mail.ret = (unsigned)m->ret;
	t->mail.envid = m->envid;
	t->mail.smtputf8 = utf8_needed(t->d);
	t->mail.requiretls = (m->flags & ENV_REQUIRETLS) != 0;
}

static struct strs
dropped_names(struct pool *pool, const struct deliver *m)
{
	const struct envelope_edit *e = m->edits.v;
	struct strs names = { pool_array(pool, m->edits.n, sizeof(struct str)), 0 };

	for (size_t i = 0; i < m->edits.n; i++)
		if (e[i].kind == EDIT_DROP)
			names.v[names.n++] = e[i].name;
	return names;
}

/* The message as it goes out; `from` must live as long. */
static struct message *
open_content(struct delivery *d, struct message_fd *from)
{
	const struct deliver *m = d->msg;
	struct message_plan *plan = pool_alloc(d->pool, sizeof(*plan));

	plan->received = m->received;
	plan->received_id_at = m->received_id_at;
	plan->queue_id = m->queue_id;
	plan->prepend = m->prepend;
	plan->drop = dropped_names(d->pool, m);
	if (m->fd < 0) {
		plan->memory = m->content;
	} else {
		*from = (struct message_fd){ m->fd, m->offset };
		plan->read = message_pread;
		plan->arg = from;
		plan->size = m->size;
	}
	return message_open(d->pool, plan, MESSAGE_DATA);
}

/* Addresses that no server could be told. */
static bool
check_addresses(struct run *t)
{
	struct delivery *d = t->d;
	struct address a;
	struct fate f;

	if (address_parse(d->msg->sender, d->pool, ADDRESS_NULL_OK | ADDRESS_BARE_OK |
	    ADDRESS_UTF8_OK, &t->mail.sender) != ADDRESS_OK) {
		f = fate_own(d->pool, RESULT_BOUNCED, "5.1.7", "bad sender address syntax");
		delivery_answer_all(d, &f);
		return false;
	}
	for (size_t i = 0; i < d->n; i++)
		if (!d->decided[i] && address_parse(d->rcpts[i].addr, d->pool, ADDRESS_BARE_OK |
		    ADDRESS_UTF8_OK, &a) != ADDRESS_OK) {
			f = fate_own(d->pool, RESULT_BOUNCED, "5.1.3",
			    "bad recipient address syntax");
			delivery_decide(d, i, &f);
		}
	return d->left > 0;
}

enum transaction
transaction_run(struct delivery *d, struct session *c)
{
	struct run t = { .d = d, .c = c, .ext = c->caps.ext };
	enum transaction result = TRANSACTION_DONE;
	struct message_fd from;
	struct fate f;

	d->session = c;
	c->limit = d->limit;
	if (!check_addresses(&t))
		return result;
	t.content = open_content(d, &from);
	if (t.content == NULL) {
		log_error("%.*s: cannot read the message: %s", STR_ARG(d->msg->queue_id),
		    strerror(errno));
		f = fate_own(d->pool, RESULT_DEFERRED, "4.3.0", "queue file read error");
		d->final = true;
		delivery_answer_all(d, &f);
		return result;
	}
	fill_mail(&t);
	t.to = pool_array(d->pool, d->n, sizeof(*t.to));
	t.asked = pool_array(d->pool, d->n, sizeof(*t.asked));
	t.accepted = pool_array(d->pool, d->n, sizeof(*t.accepted));
	t.crowded = pool_array(d->pool, d->n, sizeof(*t.crowded));
	if (server_fits(&t))
		result = transactions(&t);
	message_close(t.content);
	return result;
}
