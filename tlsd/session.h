/* SPDX-License-Identifier: ISC */
/*
 * session - one TLS connection: the handshake, then bytes both ways until it ends.
 */
#ifndef TLSD_SESSION_H
#define TLSD_SESSION_H

#include <openssl/ssl.h>

#include "base/pool.h"
#include "wire/tls.h"

/*
 * Do the handshake that `ask` describes, in the calling fiber.  ask->fd is taken over in any case.
 *
 * On success out->fd is the plain side for the asker (the caller closes its copy after the answer
 * went out) and session_run must follow; NULL with out->facts.status and reason set otherwise.
 * Texts live in `pool`.
 */
struct session *session_start(const struct tls_start *ask, struct tls_started *out,
    struct pool *pool);

/* Start carrying bytes, in fibers of its own; the session frees itself when both sides ended. */
void session_run(struct session *s);

/* OpenSSL's question which protocol to speak (RFC 7301): only ours, or none at all. */
int session_choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
    const unsigned char *in, unsigned in_n, void *arg);

#endif
