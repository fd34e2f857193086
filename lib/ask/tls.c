/* SPDX-License-Identifier: ISC */
#include "ask/tls.h"

#include <unistd.h>

#include "base/log.h"
#include "fiber/fiber.h"
#include "ipc/peer.h"
#include "wire/peers.h"

/* tlsd gets this much more time than the handshake itself, so its own timeout is what we see. */
#define TLS_ANSWER_GRACE_MS	2000

static bool
refuse(struct tls_facts *facts, enum tls_status status, struct str reason)
{
	*facts = (struct tls_facts){ .status = status, .reason = reason };
	return false;
}

static bool
start(struct stream *s, enum tls_role role, const struct tls_want *want, struct tls_facts *facts,
    struct pool *pool, msec_t deadline)
{
	msec_t left = deadline_left(deadline);
	struct tls_start ask = {
		.role = role, .policy = want->policy, .fd = stream_fd(s), .service = want->service,
		.peer = want->peer, .name = want->name, .match = want->match, .alpn = want->alpn,
		.exporter = want->exporter,
		.tlsa = { (void *)(uintptr_t)want->tlsa, want->tlsa_n },
		.timeout_ms = left > TLS_TIMEOUT_MAX ? TLS_TIMEOUT_MAX : (uint64_t)left,
	};
	struct tls_started got = { .fd = -1 };
	enum ipc_result r;

	if (stream_pending(s) > 0)
		return refuse(facts, TLS_BUFFERED, STR("plaintext data behind STARTTLS"));
	if (stream_flush(s) != IO_OK)
		return refuse(facts, TLS_FAILED, STR("lost connection"));
	/* From here the bytes on the socket are tlsd's alone. */
	fiber_forget(stream_fd(s));
	if (deadline != NEVER)
		deadline += TLS_ANSWER_GRACE_MS;
	r = peer_call(PEER_TLSD, &tls_start_msg, &ask, &tls_started_msg, &got, pool, deadline);
	if (r != IPC_DONE)
		return refuse(facts, TLS_UNAVAILABLE, r == IPC_TIMEOUT ?
		    STR("timeout talking to tlsd") : STR("no answer from tlsd"));
	*facts = got.facts;
	if (facts->status == TLS_OK && got.fd < 0)
		facts->status = TLS_UNAVAILABLE;
	if (facts->status != TLS_OK) {
		if (got.fd >= 0)
			close(got.fd);
		facts->active = false;
		return false;
	}
	stream_switch(s, got.fd);
	return true;
}

bool
tls_start_server(struct stream *s, const struct tls_want *want, struct tls_facts *facts,
    struct pool *pool, msec_t deadline)
{
	return start(s, TLS_SERVER, want, facts, pool, deadline);
}

bool
tls_start_client(struct stream *s, const struct tls_want *want, struct tls_facts *facts,
    struct pool *pool, msec_t deadline)
{
	return start(s, TLS_CLIENT, want, facts, pool, deadline);
}

void
tls_describe(struct buf *out, const struct tls_facts *f)
{
	buf_addf(out, "%.*s with cipher %.*s (%u/%u bits)", STR_ARG(f->version), STR_ARG(f->cipher),
	    (unsigned)f->bits, (unsigned)f->alg_bits);
	if (f->group.n > 0)
		buf_addf(out, " key-exchange %.*s", STR_ARG(f->group));
	if (f->signature.n > 0)
		buf_addf(out, " server-signature %.*s", STR_ARG(f->signature));
	if (f->digest.n > 0)
		buf_addf(out, " server-digest %.*s", STR_ARG(f->digest));
}

const char *
tls_trust_word(const struct tls_facts *f)
{
	if (f->verified)
		return "Verified";
	if (f->trusted)
		return "Trusted";
	return f->peer_cert ? "Untrusted" : "Anonymous";
}

void
tls_log(const struct tls_facts *facts, bool client, struct str peer)
{
	struct buf b = { .limit = 1000 };

	tls_describe(&b, facts);
	log_info("%s TLS connection established %s %.*s: %s", tls_trust_word(facts),
	    client ? "to" : "from", STR_ARG(peer), buf_z(&b));
	buf_free(&b);
}
