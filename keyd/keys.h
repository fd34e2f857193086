/* SPDX-License-Identifier: ISC */
/*
 * keys - the private keys of this process, and signing with them.
 *
 * Pure but for the descriptor a key is read from: no loop, no messages, so tests link it alone.
 */
#ifndef KEYD_KEYS_H
#define KEYD_KEYS_H

#include <stdbool.h>

#include "base/pool.h"
#include "wire/key.h"

#define KEYS_MAX	16
#define KEYS_FILE_MAX	(64u << 10)	/* bytes of one key file */
#define KEYS_RSA_MIN	2048		/* bits */
#define KEYS_RSA_MAX	8192

/*
 * Prepare memory for secrets: locked where the limits allow it, never in a core.  Once, before the
 * first key.
 */
void keys_init(void);

/*
 * Read one private key in PEM from `fd` (from its start; the descriptor stays the caller's).  Taken
 * are ECDSA on P-256, P-384, P-521 and RSA.  On failure `*why` is a literal.  A key that is there
 * already is fine.
 */
bool keys_load(int fd, const char **why);

/* How many keys there are; the id of one, KEY_ID bytes. */
size_t keys_count(void);
struct str keys_id(size_t i);

/* Answer one question; the signature lives in `pool`. */
struct key_signed keys_sign(const struct key_sign *q, struct pool *pool);

#endif
