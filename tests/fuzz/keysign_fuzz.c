/* SPDX-License-Identifier: ISC */
/*
 * keysign_fuzz - a question to keyd, from the packed message on.  Byte 0 says whether the id is made
 * that of a key which is there; nothing but the signature of a digest may come back.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "keyd/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f = tmpfile();
	const char *why;

	keys_init();
	if (f == NULL || key == NULL || PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    fflush(f) != 0 || !keys_load(fileno(f), &why))
		abort();
	fclose(f);
	EVP_PKEY_free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *pool;
	struct key_sign q;
	struct key_signed a;

	if (keys_count() == 0)
		one_key();
	if (size == 0)
		return 0;
	pool = pool_new();
	if (ipc_unpack(str_n(data + 1, size - 1), &key_sign_msg, &q, NULL, 0, pool)) {
		if (data[0] & 1)
			q.id = keys_id(0);
		a = keys_sign(&q, pool);
		if (a.signature.n > KEY_SIGN_MAX || (a.signature.n > 0 && a.status != KEY_OK))
			abort();
		if (a.signature.n > 0 && (q.digest.n != key_hash_size(q.hash) ||
		    q.algorithm != KEY_ECDSA))
			abort();
	}
	pool_free(pool);
	return 0;
}
