/* SPDX-License-Identifier: ISC */
#include "smtp/session.h"

#include <errno.h>
#include <unistd.h>

#include "ask/tls.h"
#include "base/log.h"
#include "conf/room_smtp.h"
#include "mail/limits.h"

static const char greeting_stage[] = "receiving the initial server greeting";

/* The end of what may take `ms`, never behind the session's own limit. */
static msec_t
until(const struct session *c, msec_t ms)
{
	return deadline_first(deadline_in(ms), c->limit);
}

/* Read one reply, with the EHLO keywords in it when `caps`. */
static enum io
read_reply(struct session *c, struct reply *r, msec_t ms, struct smtp_caps *caps)
{
	struct reply_reader rd = { 0 };
	enum reply_read more = REPLY_MORE;
	struct str line, rest;
	enum io io = IO_OK;

	stream_deadline(c->s, until(c, ms));
	while (more == REPLY_MORE) {
		io = stream_getline(c->s, &line, SMTP_REPLY_LINE_MAX);
		if (io == IO_ERROR && errno == EMSGSIZE)
			io = IO_TOOLONG;
		if (io != IO_OK)
			break;
		more = reply_line(&rd, line, &rest);
		if (more == REPLY_BAD)
			io = IO_SYNTAX;
		else if (caps != NULL)
			smtp_caps_line(caps, c->pool, rest);
	}
	c->broken = c->broken || io != IO_OK;
	*r = rd.reply;
	return io;
}

enum io
session_reply(struct session *c, struct reply *r, msec_t ms)
{
	return read_reply(c, r, ms, NULL);
}

enum io
session_flush(struct session *c, msec_t ms)
{
	enum io io;

	stream_deadline(c->s, until(c, ms));
	io = stream_flush(c->s);
	c->broken = c->broken || io != IO_OK;
	return io;
}

void
session_close(struct session *c)
{
	if (c == NULL)
		return;
	if (!c->broken) {
		/* Nothing depends on the answer, so nobody waits for it. */
		stream_deadline(c->s, deadline_in(1000));
		(void)stream_write(c->s, STR("QUIT\r\n"));
		(void)stream_flush(c->s);
	}
	stream_close(c->s);
	pool_free(c->pool);
}

static struct session *
new_session(struct stream *s, const struct host *h, msec_t limit)
{
	struct pool *pool = pool_new();
	struct session *c = pool_alloc(pool, sizeof(*c));
	struct str ip = net_ip(pool, &h->addr);

	c->s = s;
	c->pool = pool;
	c->host = pool_str(pool, h->name);
	c->peer = pool_printf(pool, "%.*s[%.*s]", STR_ARG(h->name), STR_ARG(ip));
	c->relay = pool_printf(pool, "%.*s:%u", STR_ARG(c->peer), net_port(&h->addr));
	c->addr = h->addr;
	c->limit = limit;
	c->opened = clock_ms();
	return c;
}

static enum session_opened
broke(struct session *c, enum io io, const char *stage, struct pool *pool, struct fate *why)
{
	*why = fate_broken(pool, io, c->host, c->peer, stage);
	c->broken = true;
	return SESSION_FAILED;
}

/* The server does not want us; a 5xx may still be for now only. */
static enum session_opened
refused(struct session *c, const struct reply *r, bool soft, struct pool *pool, struct fate *why)
{
	*why = fate_silent(pool, r, c->host, c->peer);
	if (soft)
		fate_soften(pool, why);
	c->broken = r->code == 421;
	return SESSION_FAILED;
}

/* Send a command and read its reply. */
static enum io
command(struct session *c, const char *verb, struct str arg, struct reply *r, msec_t ms,
    struct smtp_caps *caps)
{
	enum io io;

	stream_deadline(c->s, until(c, ms));
	io = stream_printf(c->s, "%s%s%.*s\r\n", verb, arg.n > 0 ? " " : "", STR_ARG(arg));
	if (io == IO_OK)
		io = read_reply(c, r, ms, caps);
	c->broken = c->broken || io != IO_OK;
	return io;
}

static void
discard_keywords(struct smtp_caps *caps)
{
	for (unsigned bit = 1; bit <= SMTP_ETRN; bit <<= 1)
		for (size_t i = 0; i < smtp_conf.discard_ehlo_keywords.n; i++)
			if (str_ieq(smtp_conf.discard_ehlo_keywords.v[i],
			    str_of(smtp_ext_name(bit))))
				caps->ext &= ~bit;
}

/* EHLO, and HELO for a server that does not know it (RFC 5321 3.2). */
static enum session_opened
say_hello(struct session *c, bool ehlo, struct pool *pool, struct fate *why)
{
	struct str name = str_of(smtp_conf.helo_name);
	struct reply r;
	enum io io;

	c->caps = (struct smtp_caps){ 0 };
	if (ehlo && !smtp_conf.never_send_ehlo) {
		io = command(c, "EHLO", name, &r, smtp_conf.helo_ms, &c->caps);
		if (io != IO_OK)
			return broke(c, io, "performing the EHLO handshake", pool, why);
		if (reply_is_ok(&r)) {
			discard_keywords(&c->caps);
			return SESSION_OPEN;
		}
		c->caps = (struct smtp_caps){ 0 };
		if (!reply_is_no(&r))
			return refused(c, &r, true, pool, why);
	}
	io = command(c, "HELO", name, &r, smtp_conf.helo_ms, NULL);
	if (io != IO_OK)
		return broke(c, io, "performing the HELO handshake", pool, why);
	if (!reply_is_ok(&r))
		return refused(c, &r, false, pool, why);
	return SESSION_OPEN;
}

/* Wait for 220 and greet back. */
static enum session_opened
greet(struct session *c, struct pool *pool, struct fate *why)
{
	struct reply r;
	enum io io = session_reply(c, &r, smtp_conf.helo_ms);

	if (io != IO_OK)
		return broke(c, io, greeting_stage, pool, why);
	if (!reply_is_ok(&r))
		return refused(c, &r, smtp_conf.skip_5xx_greeting, pool, why);
	return say_hello(c, smtp_conf.always_send_ehlo ||
	    str_find(str_of(r.text), STR("ESMTP")) >= 0, pool, why);
}

static enum session_opened
no_tls(struct session *c, struct pool *pool, struct fate *why, const char *dsn, struct str text)
{
	*why = fate_own(pool, RESULT_DEFERRED, dsn, "%.*s", STR_ARG(text));
	why->remote = pool_str(pool, c->host);
	return SESSION_FAILED;
}

/* Not without TLS? */
static bool
must_encrypt(void)
{
	return smtp_conf.tls_security_level >= SMTP_TLS_ENCRYPT &&
	    smtp_conf.tls_security_level != SMTP_TLS_DANE;
}

/* The server said 220 to STARTTLS. */
static enum session_opened
handshake(struct session *c, struct str domain, struct pool *pool, struct fate *why)
{
	bool must = must_encrypt();
	struct tls_want want = { .service = STR("smtp"), .peer = c->relay, .name = c->host,
		.policy = must ? TLS_ENCRYPT : TLS_MAY };

	if (smtp_conf.tls_security_level >= SMTP_TLS_VERIFY)
		want.policy = TLS_VERIFY;
	if (smtp_conf.tls_security_level == SMTP_TLS_SECURE)
		want.match = domain;

	if (tls_start_client(c->s, &want, &c->tls, c->pool, until(c, smtp_conf.starttls_ms))) {
		if (smtp_conf.tls_loglevel > 0)
			tls_log(&c->tls, true, c->relay);
		return say_hello(c, true, pool, why);
	}
	c->broken = true;
	/* Bytes behind the 220 in the clear: someone wants them taken for encrypted (F6). */
	if (c->tls.status == TLS_BUFFERED)
		return no_tls(c, pool, why, "4.5.0", pool_printf(pool,
		    "Protocol error: host %.*s sent data behind its reply to STARTTLS",
		    STR_ARG(c->peer)));
	log_info("SSL_connect error to %.*s: %.*s", STR_ARG(c->relay), STR_ARG(c->tls.reason));
	(void)no_tls(c, pool, why, "4.7.5", c->tls.status == TLS_UNTRUSTED ?
	    pool_printf(pool, "Server certificate not verified: %.*s", STR_ARG(c->tls.reason)) :
	    STR("Cannot start TLS: handshake failure"));
	return must ? SESSION_FAILED : SESSION_PLAIN;
}

/* STARTTLS (RFC 3207) when it is offered and wanted. */
static enum session_opened
start_tls(struct session *c, struct str domain, struct pool *pool, struct fate *why)
{
	bool must = must_encrypt();
	struct reply r;
	enum io io;

	if (!(c->caps.ext & SMTP_STARTTLS))
		return !must ? SESSION_OPEN : no_tls(c, pool, why, "4.7.4", pool_printf(pool,
		    "TLS is required, but was not offered by host %.*s", STR_ARG(c->peer)));
	io = command(c, "STARTTLS", STR(""), &r, smtp_conf.starttls_ms, NULL);
	if (io != IO_OK)
		return broke(c, io, "performing the STARTTLS handshake", pool, why);
	if (reply_is_ok(&r))
		return handshake(c, domain, pool, why);
	if (r.code == 421)
		return refused(c, &r, true, pool, why);
	if (must)
		return no_tls(c, pool, why, "4.7.4", pool_printf(pool,
		    "TLS is required, but host %.*s refused to start TLS: %u %s",
		    STR_ARG(c->peer), r.code, r.text));
	return SESSION_OPEN;
}

enum session_opened
session_greet(struct stream *s, const struct host *h, bool tls, struct pool *pool, msec_t limit,
    struct session **out, struct fate *why)
{
	struct session *c = new_session(s, h, limit);
	enum session_opened r = greet(c, pool, why);

	*out = NULL;
	if (r == SESSION_OPEN && tls)
		r = start_tls(c, h->domain, pool, why);
	if (r == SESSION_OPEN) {
		*out = c;
		return r;
	}
	session_close(c);
	return r;
}

enum session_opened
session_open(const struct host *h, bool tls, struct pool *pool, msec_t limit,
    struct session **out, struct fate *why)
{
	const char *bind_to = h->addr.ss.ss_family == AF_INET6 ? smtp_conf.bind_address6 :
	    smtp_conf.bind_address;
	struct net_addr from = { .len = 0 };
	struct str ip = net_ip(pool, &h->addr);
	int fd;

	*out = NULL;
	if (bind_to[0] != '\0' && !net_parse(str_of(bind_to), 0, &from))
		log_warn("bad address to bind to: %s", bind_to);
	fd = net_connect(&h->addr, from.len > 0 ? &from : NULL,
	    deadline_first(deadline_in(smtp_conf.connect_ms), limit));
	if (fd < 0) {
		*why = fate_own(pool, RESULT_DEFERRED, "4.4.1", "connect to %.*s[%.*s]:%u: %s",
		    STR_ARG(h->name), STR_ARG(ip), net_port(&h->addr), strerror(errno));
		log_info("%.*s", STR_ARG(why->text));
		return SESSION_FAILED;
	}
	return session_greet(stream_open(fd), h, tls, pool, limit, out, why);
}
