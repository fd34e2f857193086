/* SPDX-License-Identifier: ISC */
/*
 * facts - what there is to know about an established TLS session, in the words of Postfix's log.
 */
#ifndef TLSD_FACTS_H
#define TLSD_FACTS_H

#include <openssl/ssl.h>

#include "base/pool.h"
#include "wire/tls.h"

/* Fill all but status, alpn and sni; texts live in `pool`. */
void facts_fill(struct tls_facts *f, SSL *ssl, bool is_server, bool want_exporter,
    struct pool *pool);

/* A copy in `pool` in which every byte is printable ASCII, at most `max` of them. */
struct str facts_text(struct pool *pool, struct str s, size_t max);

/* The oldest error in OpenSSL's queue as text in `pool`; the queue is empty afterwards. */
struct str facts_error(struct pool *pool, const char *otherwise);

#endif
