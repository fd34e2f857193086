/* SPDX-License-Identifier: ISC */
/*
 * A session has two fibers: `inward` carries what the TLS peer sends to the plain side, `outward`
 * the opposite.  OpenSSL never waits: it works on a non-blocking socket, and we wait for it.
 *
 * The two static rooms below are shared by all sessions.  A fiber fills one and empties it without
 * a switch in between; what the other side does not take at once is copied aside first.  OpenSSL's
 * error queue is shared in the same way: it is empty at every switch.
 */
#include "tlsd/session.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "conf/common.h"
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "io/net.h"
#include "tlsd/alpn.h"
#include "tlsd/facts.h"
#include "tlsd/setup.h"

#define ROOM		(64u << 10)	/* four full records */
#define FLUSH_MS	30000		/* the peer takes what was written before we closed */
#define LINGER_MS	5000		/* then its own close is waited for */
#define LINGER_BYTES	(256u << 10)	/* and this much more of its data thrown away */
#define STALL_MS	600000		/* a peer that takes nothing for so long is gone */
#define RETRY_MS	10		/* OpenSSL wants the other direction first: rare */

struct session {
	SSL *ssl;
	int tcp;
	int plain;
	char alpn[64];			/* the protocol this connection is for */
	struct fiber *inward;		/* NULL when ended */
	struct fiber *outward;
	struct fiber_queue inward_ended;
	bool broken;			/* no more may be written as TLS */
};

static char in_room[ROOM], out_room[ROOM];
static unsigned sessions, starting;	/* carrying bytes; shaking hands */

static void
session_free(struct session *s)
{
	SSL_free(s->ssl);
	ERR_clear_error();
	if (s->tcp >= 0) {
		fiber_forget(s->tcp);
		(void)close(s->tcp);
	}
	if (s->plain >= 0) {
		fiber_forget(s->plain);
		(void)close(s->plain);
	}
	free(s);
}

/*
 * A client that offers protocols means one of them.  Ours not being there, it was sent to us by a
 * trick (ALPACA): refuse, RFC 7301 3.2.
 */
int
session_choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *in,
    unsigned in_n, void *arg)
{
	const struct session *s = SSL_get_app_data(ssl);
	struct str want = str_of(s->alpn[0] != '\0' ? s->alpn : "smtp"), at;

	(void)arg;
	if (!alpn_find(str_n(in, in_n), want, &at))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = (const unsigned char *)at.p;
	*n = (unsigned char)at.n;
	return SSL_TLSEXT_ERR_OK;
}

/* Wait for what OpenSSL wants after a call returned `r`; false when the session is over. */
static bool
wait_for(struct session *s, int error, msec_t deadline)
{
	switch (error) {
	case SSL_ERROR_WANT_READ:
		fiber_drained_read(s->tcp);
		return fiber_wait_read(s->tcp, deadline) == WAKE_READY;
	case SSL_ERROR_WANT_WRITE:
		fiber_drained_write(s->tcp);
		return fiber_wait_write(s->tcp, deadline) == WAKE_READY;
	default:
		return false;
	}
}

/* Handshake. */

static bool
is_host_name(struct str s)
{
	struct net_addr literal;

	return s.n > 0 && s.p[0] != '.' && !net_parse(s, 0, &literal);
}

/* The certificate must be for this name or, when it is a domain's, for one below it. */
static bool
set_match(struct session *s, struct str name, bool below, struct pool *pool)
{
	return is_host_name(name) && SSL_set1_host(s->ssl, pool_str(pool, name).p) == 1 &&
	    (!below || SSL_add1_host(s->ssl, pool_printf(pool, ".%.*s", STR_ARG(name)).p) == 1);
}

/* What a client wants to see of the server. */
static bool
set_policy(struct session *s, const struct tls_start *ask, struct pool *pool)
{
	bool is_name = is_host_name(ask->name);
	const char *name = pool_str(pool, ask->name).p;
	const struct tls_tlsa *rr = ask->tlsa.v;
	unsigned usable = 0;

	if (is_name && SSL_set_tlsext_host_name(s->ssl, name) != 1)
		return false;
	if (ask->policy == TLS_MAY || ask->policy == TLS_ENCRYPT)
		return true;
	SSL_set_verify(s->ssl, SSL_VERIFY_PEER, NULL);
	SSL_set_hostflags(s->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (ask->policy == TLS_VERIFY)
		return ask->match.n > 0 ? set_match(s, ask->match, true, pool) :
		    set_match(s, ask->name, false, pool);
	if (!is_name)
		return false;
	if (SSL_dane_enable(s->ssl, name) <= 0)
		return false;
	for (size_t i = 0; i < ask->tlsa.n; i++)
		usable += SSL_dane_tlsa_add(s->ssl, (uint8_t)rr[i].usage, (uint8_t)rr[i].selector,
		    (uint8_t)rr[i].mtype, (const unsigned char *)rr[i].data.p, rr[i].data.n) > 0;
	return usable > 0;
}

static bool
set_client_alpn(struct session *s)
{
	size_t n = strlen(s->alpn);
	unsigned char offer[sizeof(s->alpn) + 1];

	if (n == 0)
		return true;
	offer[0] = (unsigned char)n;
	memcpy(offer + 1, s->alpn, n);
	return SSL_set_alpn_protos(s->ssl, offer, (unsigned)n + 1) == 0;	/* 0 is success */
}

static bool
prepare(struct session *s, const struct tls_start *ask, struct pool *pool)
{
	BIO *bio = BIO_new_socket(s->tcp, BIO_NOCLOSE);

	if (bio == NULL)
		return false;
	SSL_set_bio(s->ssl, bio, bio);
	SSL_set_app_data(s->ssl, s);
	if (ask->role == TLS_SERVER) {
		SSL_set_accept_state(s->ssl);
		/* A session of one service never resumes at another. */
		return SSL_set_session_id_context(s->ssl, (const unsigned char *)ask->service.p,
		    (unsigned)ask->service.n) == 1;
	}
	SSL_set_connect_state(s->ssl);
	return set_client_alpn(s) && set_policy(s, ask, pool);
}

static bool
handshake(struct session *s, msec_t deadline, struct tls_facts *f, struct pool *pool)
{
	for (;;) {
		int r, error;

		ERR_clear_error();
		if ((r = SSL_do_handshake(s->ssl)) == 1)
			return true;
		error = SSL_get_error(s->ssl, r);
		if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
			ERR_clear_error();
			if (wait_for(s, error, deadline))
				continue;
			f->reason = STR("timeout");
		} else if (SSL_get_verify_result(s->ssl) != X509_V_OK &&
		    SSL_get_verify_mode(s->ssl) == SSL_VERIFY_PEER) {
			f->status = TLS_UNTRUSTED;
			f->reason = facts_text(pool, str_of(X509_verify_cert_error_string(
			    SSL_get_verify_result(s->ssl))), TLS_REASON_MAX);
			ERR_clear_error();
		} else {
			f->reason = facts_error(pool, "lost connection");
		}
		return false;
	}
}

static void
fill_facts(struct session *s, const struct tls_start *ask, struct tls_facts *f, struct pool *pool)
{
	const char *sni = SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name);
	const unsigned char *alpn;
	unsigned n;

	facts_fill(f, s->ssl, ask->role == TLS_SERVER, ask->exporter, pool);
	f->verified = ask->policy >= TLS_DANE && f->peer_cert &&
	    SSL_get_verify_result(s->ssl) == X509_V_OK;
	f->trusted = f->trusted || f->verified;
	f->sni = facts_text(pool, str_of(sni), TLS_NAME_MAX);
	SSL_get0_alpn_selected(s->ssl, &alpn, &n);
	f->alpn = facts_text(pool, str_n(alpn, n), TLS_NAME_MAX);
	f->status = TLS_OK;
}

static struct session *
fail(struct session *s, struct tls_facts *f, enum tls_status status, const char *reason)
{
	f->status = status;
	if (reason != NULL)
		f->reason = str_of(reason);
	ERR_clear_error();
	session_free(s);
	return NULL;
}

struct session *
session_start(const struct tls_start *ask, struct tls_started *out, struct pool *pool)
{
	SSL_CTX *ctx = ask->role == TLS_SERVER ? setup_server() : setup_client();
	struct session *s = mem_zero(1, sizeof(*s));
	struct tls_facts *f = &out->facts;
	int pair[2];
	bool ok;

	*out = (struct tls_started){ .fd = -1, .facts = { .status = TLS_FAILED } };
	s->tcp = ask->fd;
	s->plain = -1;
	if (ask->alpn.n < sizeof(s->alpn))
		memcpy(s->alpn, ask->alpn.p, ask->alpn.n);
	if (s->tcp < 0)
		return fail(s, f, TLS_UNAVAILABLE, "no connection given");
	if (starting + sessions >= common.client_limit)
		return fail(s, f, TLS_UNAVAILABLE, "too many sessions");
	if (ctx == NULL)
		return fail(s, f, TLS_UNAVAILABLE, "no certificate (smtpd_tls_cert_file)");
	if ((s->ssl = SSL_new(ctx)) == NULL || !prepare(s, ask, pool))
		return fail(s, f, TLS_UNAVAILABLE, ask->policy == TLS_DANE ? "no usable TLSA record" :
		    ask->policy == TLS_VERIFY ? "there is no name to verify" :
		    "cannot start a session");
	starting++;
	ok = handshake(s, deadline_in((msec_t)ask->timeout_ms), f, pool);
	starting--;
	if (!ok)
		return fail(s, f, (enum tls_status)f->status, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return fail(s, f, TLS_UNAVAILABLE, "out of descriptors");
	s->plain = pair[0];
	out->fd = pair[1];
	fill_facts(s, ask, f, pool);
	return s;
}

/* Carrying bytes. */

static bool
plain_write(struct session *s, const char *p, size_t n)
{
	char *aside = NULL;
	bool ok = true;

	while (n > 0) {
		ssize_t sent = send(s->plain, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent > 0) {
			p += sent;
			n -= (size_t)sent;
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent == 0 || errno != EAGAIN) {
			ok = false;
			break;
		}
		if (aside == NULL) {
			aside = mem_alloc(n);
			memcpy(aside, p, n);
			p = aside;
		}
		fiber_drained_write(s->plain);
		if (fiber_wait_write(s->plain, NEVER) != WAKE_READY) {
			ok = false;
			break;
		}
	}
	free(aside);
	return ok;
}

/* As much as is there and fits; `*error` says why no more came (SSL_ERROR_NONE: the room is full). */
static size_t
tls_read(struct session *s, int *error)
{
	size_t n = 0;

	*error = SSL_ERROR_NONE;
	while (n < ROOM) {
		int r;

		ERR_clear_error();
		r = SSL_read(s->ssl, in_room + n, (int)(ROOM - n));
		if (r <= 0) {
			*error = SSL_get_error(s->ssl, r);
			break;
		}
		n += (size_t)r;
	}
	ERR_clear_error();
	/* Said now: what comes while the caller passes `n` bytes on is an edge of its own. */
	if (*error == SSL_ERROR_WANT_READ)
		fiber_drained_read(s->tcp);
	return n;
}

/* From the peer to the plain side, until the peer says or shows that it has ended. */
static void
carry_inward(struct session *s)
{
	for (;;) {
		int error;
		size_t n = tls_read(s, &error);

		/* Nothing that follows an error or the end is forwarded; what came before it is. */
		if (n > 0 && !plain_write(s, in_room, n))
			return;
		switch (error) {
		case SSL_ERROR_NONE:
			fiber_yield();
			break;
		case SSL_ERROR_WANT_READ:
			if (fiber_wait_read(s->tcp, NEVER) != WAKE_READY)
				return;
			break;
		case SSL_ERROR_WANT_WRITE:
			/* The other fiber may be waiting for just that. */
			if (fiber_sleep(deadline_in(RETRY_MS)) == WAKE_CANCEL)
				return;
			break;
		case SSL_ERROR_ZERO_RETURN:
			return;
		default:
			s->broken = true;
			return;
		}
	}
}

static void
end_half(struct session *s)
{
	if (s->inward != NULL || s->outward != NULL)
		return;
	session_free(s);
	sessions--;
	service_session_end();
}

static void
run_inward(void *arg)
{
	struct session *s = arg;

	carry_inward(s);
	/* The asker sees the end of the stream; it may still answer unless the session is broken. */
	(void)shutdown(s->plain, s->broken ? SHUT_RDWR : SHUT_WR);
	s->inward = NULL;
	(void)fiber_queue_wake_all(&s->inward_ended);
	end_half(s);
}

static bool
tls_write(struct session *s, const char *p, size_t n)
{
	msec_t deadline = deadline_in(STALL_MS);
	char *aside = NULL;
	bool ok = true;

	while (n > 0 && ok && !s->broken) {
		int r, error;

		ERR_clear_error();
		r = SSL_write(s->ssl, p, (int)n);
		if (r > 0) {
			p += r;
			n -= (size_t)r;
			deadline = deadline_in(STALL_MS);
			continue;
		}
		error = SSL_get_error(s->ssl, r);
		ERR_clear_error();
		if (aside == NULL) {
			aside = mem_alloc(n);
			memcpy(aside, p, n);
			p = aside;
		}
		if (error == SSL_ERROR_WANT_READ)
			ok = fiber_sleep(deadline_in(RETRY_MS)) != WAKE_CANCEL &&
			    deadline_left(deadline) > 0;
		else
			ok = wait_for(s, error, deadline);
	}
	free(aside);
	return ok && n == 0;
}

static void
carry_outward(struct session *s)
{
	for (;;) {
		ssize_t n = read(s->plain, out_room, ROOM);

		if (n > 0) {
			if (!tls_write(s, out_room, (size_t)n)) {
				s->broken = true;
				return;
			}
			if (n == ROOM)
				fiber_yield();
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return;
		fiber_drained_read(s->plain);
		if (fiber_wait_read(s->plain, NEVER) != WAKE_READY)
			return;
	}
}

/* close_notify, after everything that was written before it. */
static void
say_goodbye(struct session *s)
{
	msec_t deadline = deadline_in(FLUSH_MS);
	int r, error;

	while (!s->broken) {
		ERR_clear_error();
		r = SSL_shutdown(s->ssl);
		error = r < 0 ? SSL_get_error(s->ssl, r) : SSL_ERROR_NONE;
		ERR_clear_error();
		/* Reading is the other fiber's. */
		if (r >= 0 || error != SSL_ERROR_WANT_WRITE || !wait_for(s, error, deadline))
			return;
	}
}

/*
 * Closing a socket that has unread bytes makes the kernel send a reset, and a reset may destroy our
 * last bytes on their way.  So the peer gets a moment to close first.
 */
static void
linger(struct session *s)
{
	msec_t deadline = deadline_in(LINGER_MS);
	size_t left = LINGER_BYTES;

	if (shutdown(s->tcp, SHUT_WR) != 0)
		return;
	while (left > 0) {
		ssize_t n = read(s->tcp, in_room, ROOM);

		if (n > 0) {
			left -= (size_t)n < left ? (size_t)n : left;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return;
		fiber_drained_read(s->tcp);
		if (fiber_wait_read(s->tcp, deadline) != WAKE_READY)
			return;
	}
}

static void
run_outward(void *arg)
{
	struct session *s = arg;

	carry_outward(s);
	say_goodbye(s);
	if (s->inward != NULL)
		fiber_cancel(s->inward);
	while (s->inward != NULL && fiber_queue_wait(&s->inward_ended, NEVER) != WAKE_CANCEL)
		;
	if (!s->broken)
		linger(s);
	s->outward = NULL;
	end_half(s);
}

void
session_run(struct session *s)
{
	sessions++;
	service_session_begin();
	s->inward = fiber_start(run_inward, s, "tls in");
	s->outward = fiber_start(run_outward, s, "tls out");
}
