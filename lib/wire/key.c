/* SPDX-License-Identifier: ISC */
#include "wire/key.h"

static const struct ipc_field sign_rows[] = {
	IPC_STR(struct key_sign, id, KEY_ID),
	IPC_U64(struct key_sign, algorithm, KEY_RSA_PSS),
	IPC_U64(struct key_sign, hash, KEY_SHA512),
	IPC_STR(struct key_sign, digest, KEY_DIGEST_MAX),
	IPC_END
};
const struct ipc_msg key_sign_msg = { "key_sign", 80, sizeof(struct key_sign), sign_rows };

static const struct ipc_field signed_rows[] = {
	IPC_U64(struct key_signed, status, KEY_REFUSED),
	IPC_STR(struct key_signed, signature, KEY_SIGN_MAX),
	IPC_END
};
const struct ipc_msg key_signed_msg = { "key_signed", 81, sizeof(struct key_signed), signed_rows };

size_t
key_hash_size(uint64_t hash)
{
	static const size_t sizes[KEY_HASHES] = { 32, 48, 64 };

	return hash < KEY_HASHES ? sizes[hash] : 0;
}
