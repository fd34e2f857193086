/* SPDX-License-Identifier: ISC */
/*
 * ask/tls - encrypt a connection: a question to tlsd.
 *
 * One function switches to TLS, for STARTTLS, STLS and connections that begin with TLS alike.  It
 * checks that nothing is buffered in the clear (RFC 3207 4.2), hands the TCP connection to tlsd,
 * and lets the stream go on with the plain side that comes back.
 */
#ifndef ASK_TLS_H
#define ASK_TLS_H

#include "base/pool.h"
#include "io/stream.h"
#include "wire/tls.h"

/* What the asker wants.  All zero but `service` is fine. */
struct tls_want {
	struct str service;	/* "smtpd", "submission", "imap", "pop3", "smtp" */
	struct str peer;	/* the peer for tlsd's log: "NAME[IP]" */
	struct str alpn;	/* the protocol spoken here: "imap", "pop3"; SMTP has none */
	bool exporter;		/* the channel binding value is wanted */

	/* Clients only. */
	enum tls_policy policy;
	struct str name;	/* the host: sent as SNI, and what a certificate must name */
	struct str match;	/* TLS_VERIFY: the name it must be for, or one below it; empty: `name` */
	const struct tls_tlsa *tlsa;	/* DANE: the usable TLSA records */
	size_t tlsa_n;
};

/*
 * Start TLS as the server (as the client) on the connection of `s`, waiting until `deadline`.
 * Waiting output is flushed first: send "220 Ready to start TLS" and call this.
 *
 * True: `s` reads and writes plain bytes of the encrypted connection; `facts` says what was agreed
 * on, with texts in `pool`.  False: facts->status and facts->reason say why; nothing more may be
 * sent or read on this connection: close `s`.  If any byte had arrived behind the STARTTLS line
 * (or behind its answer, for a client) that is TLS_BUFFERED, and tlsd was never asked.
 *
 * Addresses must have been asked of the socket before: the stream's new descriptor is no TCP one.
 */
bool tls_start_server(struct stream *s, const struct tls_want *want, struct tls_facts *facts,
    struct pool *pool, msec_t deadline);
bool tls_start_client(struct stream *s, const struct tls_want *want, struct tls_facts *facts,
    struct pool *pool, msec_t deadline);

/*
 * Append what Postfix logs and writes into Received: "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384
 * (256/256 bits) key-exchange X25519 server-signature ECDSA (prime256v1) server-digest SHA256".
 */
void tls_describe(struct buf *out, const struct tls_facts *facts);

/* "Anonymous", "Untrusted", "Trusted", "Verified": the first word of that log line. */
const char *tls_trust_word(const struct tls_facts *facts);

/*
 * Log Postfix's line: "Anonymous TLS connection established from PEER: …" (server) or "Untrusted
 * TLS connection established to PEER: …" (client); `peer` is "NAME[IP]" or "NAME[IP]:PORT".
 */
void tls_log(const struct tls_facts *facts, bool client, struct str peer);

#endif
