/* SPDX-License-Identifier: ISC */
/*
 * remote - private keys that are elsewhere.
 *
 * A small OpenSSL 3 provider: a key made here has a public half only, and signing with it asks a
 * function that the program gives (in tlsd: keyd, by ipc).  To libssl it looks like any other key.
 */
#ifndef TLSD_REMOTE_H
#define TLSD_REMOTE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "wire/key.h"

/*
 * Have the digest signed; fills `sig` (KEY_SIGN_MAX bytes) and `*n`.  May switch fibers: it is only
 * called inside a handshake.
 */
typedef bool remote_sign_fn(const unsigned char id[KEY_ID], enum key_algorithm algorithm,
    enum key_hash hash, const unsigned char *digest, size_t digest_n, unsigned char *sig, size_t *n);

/* Register the provider with OpenSSL, once.  False when OpenSSL refuses. */
bool remote_init(remote_sign_fn *sign);

/* The key whose public half is `pub` (RSA or EC); give it to EVP_PKEY_free.  NULL when it cannot. */
EVP_PKEY *remote_key(EVP_PKEY *pub);

/* The id by which keyd knows it. */
bool remote_id(EVP_PKEY *pub, unsigned char id[KEY_ID]);

#endif
