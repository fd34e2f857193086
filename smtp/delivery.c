/* SPDX-License-Identifier: ISC */
#include "smtp/delivery.h"

#include "base/log.h"
#include "conf/common.h"
#include "conf/room_smtp.h"
#include "smtp/cache.h"
#include "smtp/session.h"
#include "smtp/transaction.h"

/* One destination of the list while it is tried. */
struct visit {
	struct delivery *d;
	struct str key;			/* the destination as written: where connections are kept */
	struct str domain;		/* its name: what `secure` wants a certificate for */
	bool last_dest;
	struct net_addr tried;		/* address of a kept connection that was used; len 0: none */
	struct fate why;		/* why the last host could not be used; text empty: none */
	unsigned sessions;
};

void
delivery_decide(struct delivery *d, size_t i, const struct fate *f)
{
	struct result_rcpt *r = &d->results[i];

	if (d->decided[i])
		return;
	d->decided[i] = true;
	d->left--;
	r->num = d->rcpts[i].num;
	r->status = f->status;
	r->dsn = f->dsn;
	r->text = f->text;
	r->diag = f->diag;
	r->remote = f->remote;
	r->notifies = f->status == RESULT_SENT && d->session != NULL &&
	    (d->session->caps.ext & SMTP_DSN) != 0;
	if (common.soft_bounce)
		result_soften(r, d->pool);
	d->times.done_us = clock_wall_us();
	deliver_log(d->msg, &d->rcpts[i], r, d->session == NULL ? STR("none") : d->session->relay,
	    d->session == NULL ? 0 : d->session->uses, &d->times);
}

static bool
goes_on(const struct delivery *d, const struct fate *f)
{
	return f->status == RESULT_DEFERRED && !d->final;
}

static void
log_refusal(const struct delivery *d, const struct fate *f)
{
	log_info("%.*s: %.*s", STR_ARG(d->msg->queue_id), STR_ARG(f->text));
}

void
delivery_answer(struct delivery *d, size_t i, const struct fate *f)
{
	if (goes_on(d, f))
		log_refusal(d, f);
	else
		delivery_decide(d, i, f);
}

static void
decide_all(struct delivery *d, const struct fate *f)
{
	for (size_t i = 0; i < d->n; i++)
		delivery_decide(d, i, f);
}

void
delivery_answer_all(struct delivery *d, const struct fate *f)
{
	if (d->left > 0 && goes_on(d, f))
		log_refusal(d, f);
	else
		decide_all(d, f);
}

/* Send on this session; it goes back to the cache or ends.  False: it was a dead one. */
static bool
use(struct visit *v, struct session *c)
{
	struct delivery *d = v->d;
	enum transaction r;

	c->uses++;
	d->times.ready_us = clock_wall_us();
	r = transaction_run(d, c);
	d->session = NULL;
	if (r == TRANSACTION_DONE && !c->broken)
		d->hop = 1;
	cache_put(c, v->key);
	return r == TRANSACTION_DONE;
}

/* Kept connections first, until one is alive. */
static void
try_kept(struct visit *v)
{
	struct delivery *d = v->d;
	struct session *c;

	while (d->left > 0 && (c = cache_take(v->key)) != NULL) {
		v->tried = c->addr;
		d->final = c->last_host && v->last_dest;
		if (use(v, c)) {
			v->sessions++;
			return;
		}
		v->tried.len = 0;
	}
}

static bool
same_addr(const struct net_addr *a, const struct net_addr *b)
{
	return a->len == b->len && a->len > 0 && memcmp(&a->ss, &b->ss, a->len) == 0;
}

/*
 * Open a session with one host.  A failed TLS handshake, where TLS is not required, is followed by
 * a second connection without.
 */
static struct session *
open_session(struct visit *v, const struct host *host)
{
	struct delivery *d = v->d;
	struct host named = *host, *h = &named;
	struct session *c;
	enum session_opened r;
	bool tls = smtp_conf.tls_security_level != SMTP_TLS_NONE;

	h->domain = v->domain;
	r = session_open(h, tls, d->pool, d->limit, &c, &v->why);
	if (r == SESSION_PLAIN)
		r = session_open(h, false, d->pool, d->limit, &c, &v->why);
	return r == SESSION_OPEN ? c : NULL;
}

/* How the log names a host that has no session. */
static struct str
relay_of(struct pool *pool, const struct host *h)
{
	struct str ip = net_ip(pool, &h->addr);

	return pool_printf(pool, "%.*s[%.*s]:%u", STR_ARG(h->name), STR_ARG(ip),
	    net_port(&h->addr));
}

/* One host did not let us in. */
static void
host_failed(struct visit *v, const struct host *h)
{
	struct delivery *d = v->d;
	struct session shown = { .relay = relay_of(d->pool, h) };

	d->times.ready_us = 0;
	if (v->why.remote.n == 0) {	/* no connection: logged already, and no relay to show */
		if (d->final)
			decide_all(d, &v->why);
		return;
	}
	d->session = &shown;
	delivery_answer_all(d, &v->why);
	d->session = NULL;
}

/*
 * One host, by a kept connection or a new one.  `last` says that no address is left behind it; a
 * session may be the last one too, because they are limited.
 */
static void
try_host(struct visit *v, const struct host *h, bool last)
{
	struct delivery *d = v->d;
	bool last_session = smtp_conf.mx_session_limit > 0 &&
	    v->sessions + 1 >= smtp_conf.mx_session_limit;
	struct session *c;

	/* A connection whose certificate was for another name is none for this one. */
	while (smtp_conf.tls_security_level < SMTP_TLS_VERIFY &&
	    (c = cache_take_addr(&h->addr)) != NULL) {
		d->final = (last || last_session) && v->last_dest;
		c->last_host = last;
		if (use(v, c)) {
			v->sessions++;
			return;
		}
	}
	d->times.ready_us = 0;
	d->final = last && v->last_dest;
	c = open_session(v, h);
	if (c == NULL) {
		if (d->hop == 0)
			d->hop = 2;
		host_failed(v, h);
		return;
	}
	c->last_host = last;
	d->final = (last || last_session) && v->last_dest;
	v->sessions++;
	(void)use(v, c);
}

static void
walk(struct visit *v, const struct hosts *hosts)
{
	struct delivery *d = v->d;
	size_t most = hosts->n;

	if (smtp_conf.mx_address_limit > 0 && smtp_conf.mx_address_limit < most)
		most = smtp_conf.mx_address_limit;
	for (size_t i = 0; i < most && d->left > 0; i++) {
		bool last = i + 1 == most;

		if (smtp_conf.mx_session_limit > 0 && v->sessions >= smtp_conf.mx_session_limit)
			return;
		/* The kept connection has asked this host already. */
		if (same_addr(&v->tried, &hosts->v[i].addr) && !last)
			continue;
		try_host(v, &hosts->v[i], last);
	}
}

/* Why a destination has no hosts; only the last destination's word counts. */
static void
no_hosts(struct visit *v, enum hosts_result r, const struct hosts_why *why)
{
	struct delivery *d = v->d;
	struct fate f = fate_own(d->pool, r == HOSTS_NEVER ? RESULT_BOUNCED : RESULT_DEFERRED,
	    why->dsn, "%.*s", STR_ARG(why->text));

	if (r == HOSTS_LATER && d->hop == 0)
		d->hop = 2;
	if (v->last_dest)
		decide_all(d, &f);
	else
		log_info("%.*s", STR_ARG(f.text));
}

static void
try_dest(struct delivery *d, struct str text, bool last, const struct hosts_rules *rules,
    hosts_lookup *lookup)
{
	struct visit v = { .d = d, .key = text, .last_dest = last };
	struct hosts *hosts;
	struct hosts_why why;
	enum hosts_result r;
	struct dest dest;
	uint16_t port;

	if (!dest_port(str_of(smtp_conf.tcp_port), &port) || !dest_parse(text, port, &dest)) {
		why.dsn = "4.3.5";
		why.text = pool_printf(d->pool, "bad destination: %.*s", STR_ARG(text));
		no_hosts(&v, HOSTS_LATER, &why);
		return;
	}
	v.domain = dest.host;
	try_kept(&v);
	if (d->left == 0)
		return;
	hosts = pool_alloc(d->pool, sizeof(*hosts));
	r = hosts_find(&dest, rules, lookup, d->pool, hosts, &why,
	    deadline_first(d->limit, deadline_in(HOSTS_MS)));
	if (r == HOSTS_OK)
		walk(&v, hosts);
	else
		no_hosts(&v, r, &why);
}

/* A level that is not there yet sends nothing rather than less than was asked for. */
static bool
level_is_there(struct delivery *d)
{
	struct fate f;

	if (smtp_conf.tls_security_level != SMTP_TLS_DANE_ONLY &&
	    smtp_conf.tls_security_level != SMTP_TLS_FINGERPRINT)
		return true;
	f = fate_own(d->pool, RESULT_DEFERRED, "4.7.5", "smtp_tls_security_level = %s is not supported "
	    "yet, and mail is not sent with less", smtp_conf.tls_security_level ==
	    SMTP_TLS_FINGERPRINT ? "fingerprint" : "dane-only");
	decide_all(d, &f);
	return false;
}

/* Try each destination of the list, the fallback relays behind them. */
static void
try_all(struct delivery *d, const struct hosts_rules *rules, hosts_lookup *lookup)
{
	struct str lists[] = { d->msg->nexthop, str_of(smtp_conf.fallback_relay) };
	struct str dests[2 * DEST_MAX], one;
	size_t n = 0;

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < DEST_MAX && dest_next(&lists[i], &one); j++)
			dests[n++] = one;
	for (size_t i = 0; i < n && d->left > 0; i++)
		try_dest(d, dests[i], i + 1 == n, rules, lookup);
}

struct result *
delivery_run(const struct deliver *msg, const struct hosts_rules *rules, hosts_lookup *lookup,
    struct pool *pool)
{
	struct delivery d = { .msg = msg, .rcpts = msg->rcpts.v, .n = msg->rcpts.n, .pool = pool,
		.left = msg->rcpts.n };
	struct result *result = pool_alloc(pool, sizeof(*result));
	struct fate f;

	d.results = pool_array(pool, d.n, sizeof(*d.results));
	d.decided = pool_array(pool, d.n, sizeof(*d.decided));
	d.times.start_us = clock_wall_us();
	d.limit = deadline_in(smtp_conf.delivery_ms);
	if (level_is_there(&d))
		try_all(&d, rules, lookup);
	/* Nobody is ever forgotten. */
	f = fate_own(pool, RESULT_DEFERRED, "4.4.0", "no host could be asked");
	decide_all(&d, &f);
	*result = (struct result){ .serial = msg->serial, .queue_id = msg->queue_id,
		.rcpts = { d.results, d.n }, .hop = d.hop };
	return result;
}
