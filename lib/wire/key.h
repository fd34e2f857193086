/* SPDX-License-Identifier: ISC */
/*
 * key - signatures by private keys that only keyd holds.
 *
 * A key is named by the SHA-256 of its public half (SubjectPublicKeyInfo in DER), which any holder
 * of the certificate can compute, so no numbering has to agree between programs.  Every field of
 * the question has a fixed size or a small fixed maximum.
 */
#ifndef WIRE_KEY_H
#define WIRE_KEY_H

#include "ipc/message.h"

#define KEY_ID		32	/* SHA-256 of the SubjectPublicKeyInfo */
#define KEY_DIGEST_MAX	64	/* SHA-512 */
#define KEY_SIGN_MAX	1024	/* RSA with 8192 bits */

/* What kind of signature.  RSA-PSS uses a salt as long as the digest and MGF1 with the same hash. */
enum key_algorithm { KEY_ECDSA, KEY_RSA_PKCS1, KEY_RSA_PSS };

/* Which hash made the digest; RSA writes its name into the signature. */
enum key_hash { KEY_SHA256, KEY_SHA384, KEY_SHA512, KEY_HASHES };

enum key_status { KEY_OK, KEY_UNKNOWN, KEY_REFUSED };

/* tlsd -> keyd: sign this digest.  An empty digest asks only whether the key is there. */
struct key_sign {
	struct str id;		/* KEY_ID bytes */
	uint64_t algorithm;	/* enum key_algorithm */
	uint64_t hash;		/* enum key_hash */
	struct str digest;
};

/* keyd -> tlsd. */
struct key_signed {
	uint64_t status;	/* enum key_status */
	struct str signature;	/* ECDSA: DER; RSA: as long as the modulus */
};

extern const struct ipc_msg key_sign_msg;
extern const struct ipc_msg key_signed_msg;

/* Bytes of a digest by that hash; 0 for an unknown one. */
size_t key_hash_size(uint64_t hash);

#endif
