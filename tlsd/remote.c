/* SPDX-License-Identifier: ISC */
/*
 * Everything about the public half (sizes, names, comparison) is left to the default provider by
 * holding an ordinary public EVP_PKEY inside our key.  What is ours is the signature: digest the
 * data here, ask for the signature of the digest.
 */
#include "tlsd/remote.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#define PROPS		"provider=posthorn"
#define NAME_EC		"EC:id-ecPublicKey:1.2.840.10045.2.1"
#define NAME_RSA	"RSA:rsaEncryption:1.2.840.113549.1.1.1"
/* Names of their own: libcrypto must never take the default provider's signer for our keys. */
#define SIGN_EC		"POSTHORN-ECDSA"
#define SIGN_RSA	"POSTHORN-RSA"

struct key {
	EVP_PKEY *pub;		/* of the default provider */
	bool rsa;
};

struct signer {
	const struct key *key;
	EVP_MD_CTX *md;
	enum key_hash hash;
	bool pss;
};

static remote_sign_fn *ask;
static OSSL_PROVIDER *provider;

bool
remote_id(EVP_PKEY *pub, unsigned char id[KEY_ID])
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(pub, &der);
	bool ok = n > 0 && EVP_Digest(der, (size_t)n, id, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return ok;
}

/* Keys. */

static void *
key_new_ec(void *prov)
{
	(void)prov;
	return OPENSSL_zalloc(sizeof(struct key));
}

static void *
key_new_rsa(void *prov)
{
	struct key *k = key_new_ec(prov);

	if (k != NULL)
		k->rsa = true;
	return k;
}

static void
key_free(void *key)
{
	struct key *k = key;

	if (k != NULL)
		EVP_PKEY_free(k->pub);
	OPENSSL_free(k);
}

static int
key_has(const void *key, int selection)
{
	const struct key *k = key;

	(void)selection;	/* the private half is there, at the other end of a socket */
	return k->pub != NULL;
}

static int
key_match(const void *a, const void *b, int selection)
{
	(void)selection;
	return EVP_PKEY_eq(((const struct key *)a)->pub, ((const struct key *)b)->pub) == 1;
}

static int
key_import(void *key, int selection, const OSSL_PARAM params[])
{
	struct key *k = key;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, k->rsa ? "RSA" : "EC",
	    "provider=default");
	EVP_PKEY *pub = NULL;
	int ok;

	(void)selection;
	ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) > 0 &&
	    EVP_PKEY_fromdata(ctx, &pub, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params) > 0;
	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		return 0;
	EVP_PKEY_free(k->pub);
	k->pub = pub;
	return 1;
}

/* What is exported is the public half; a request for the private one fails. */
static int
key_export(void *key, int selection, OSSL_CALLBACK *give, void *arg)
{
	struct key *k = key;
	OSSL_PARAM *params = NULL;
	int ok;

	if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
		return 0;
	if (EVP_PKEY_todata(k->pub, EVP_PKEY_PUBLIC_KEY, &params) <= 0)
		return 0;
	ok = give(params, arg);
	OSSL_PARAM_free(params);
	return ok;
}

static const OSSL_PARAM ec_types[] = {
	OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	OSSL_PARAM_END
};
static const OSSL_PARAM rsa_types[] = {
	OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
	OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
	OSSL_PARAM_END
};

static const OSSL_PARAM *
types_ec(int selection)
{
	return selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY ? ec_types : NULL;
}

static const OSSL_PARAM *
types_rsa(int selection)
{
	return selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY ? rsa_types : NULL;
}

static int
key_get_params(void *key, OSSL_PARAM params[])
{
	return EVP_PKEY_get_params(((struct key *)key)->pub, params) > 0;
}

static const OSSL_PARAM key_gettable[] = {
	OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
	OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
	OSSL_PARAM_END
};

static const OSSL_PARAM *
key_gettable_params(void *prov)
{
	(void)prov;
	return key_gettable;
}

static const char *
key_operation(int op)
{
	return op == OSSL_OP_SIGNATURE ? SIGN_EC : NULL;
}

static const char *
key_operation_rsa(int op)
{
	return op == OSSL_OP_SIGNATURE ? SIGN_RSA : NULL;
}

#define FN(f)	((void (*)(void))(f))
#define KEY_ROWS								\
	{ OSSL_FUNC_KEYMGMT_FREE, FN(key_free) },				\
	{ OSSL_FUNC_KEYMGMT_HAS, FN(key_has) },					\
	{ OSSL_FUNC_KEYMGMT_MATCH, FN(key_match) },				\
	{ OSSL_FUNC_KEYMGMT_IMPORT, FN(key_import) },				\
	{ OSSL_FUNC_KEYMGMT_EXPORT, FN(key_export) },				\
	{ OSSL_FUNC_KEYMGMT_GET_PARAMS, FN(key_get_params) },			\
	{ OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, FN(key_gettable_params) }

static const OSSL_DISPATCH ec_rows[] = {
	{ OSSL_FUNC_KEYMGMT_NEW, FN(key_new_ec) },
	KEY_ROWS,
	{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, FN(types_ec) },
	{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, FN(types_ec) },
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, FN(key_operation) },
	{ 0, NULL }
};
static const OSSL_DISPATCH rsa_rows[] = {
	{ OSSL_FUNC_KEYMGMT_NEW, FN(key_new_rsa) },
	KEY_ROWS,
	{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, FN(types_rsa) },
	{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, FN(types_rsa) },
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, FN(key_operation_rsa) },
	{ 0, NULL }
};

/* Signatures. */

static void *
sign_new(void *prov, const char *props)
{
	struct signer *s = OPENSSL_zalloc(sizeof(*s));

	(void)prov, (void)props;
	if (s != NULL && (s->md = EVP_MD_CTX_new()) == NULL) {
		OPENSSL_free(s);
		return NULL;
	}
	return s;
}

static void
sign_free(void *ctx)
{
	struct signer *s = ctx;

	if (s != NULL)
		EVP_MD_CTX_free(s->md);
	OPENSSL_free(s);
}

static void *
sign_dup(void *ctx)
{
	struct signer *from = ctx, *s = sign_new(NULL, NULL);

	if (s == NULL)
		return NULL;
	s->key = from->key;
	s->hash = from->hash;
	s->pss = from->pss;
	if (EVP_MD_CTX_get0_md(from->md) != NULL && EVP_MD_CTX_copy_ex(s->md, from->md) != 1) {
		sign_free(s);
		return NULL;
	}
	return s;
}

static bool
hash_by_name(const char *name, enum key_hash *hash)
{
	static const struct { const char *name; enum key_hash hash; } rows[] = {
		{ "SHA256", KEY_SHA256 }, { "SHA2-256", KEY_SHA256 }, { "SHA-256", KEY_SHA256 },
		{ "SHA384", KEY_SHA384 }, { "SHA2-384", KEY_SHA384 }, { "SHA-384", KEY_SHA384 },
		{ "SHA512", KEY_SHA512 }, { "SHA2-512", KEY_SHA512 }, { "SHA-512", KEY_SHA512 },
	};

	for (size_t i = 0; name != NULL && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_ieq(str_of(name), str_of(rows[i].name))) {
			*hash = rows[i].hash;
			return true;
		}
	return false;
}

/* libssl sets PKCS#1 or PSS with a salt as long as the digest; nothing else is taken. */
static int
sign_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct signer *s = ctx;
	const OSSL_PARAM *p;
	int mode;

	if (params == NULL || (p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) ==
	    NULL)
		return 1;
	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		s->pss = strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
		return s->pss || strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0;
	}
	if (!OSSL_PARAM_get_int(p, &mode))
		return 0;
	s->pss = mode == RSA_PKCS1_PSS_PADDING;
	return s->pss || mode == RSA_PKCS1_PADDING;
}

static const OSSL_PARAM sign_settable[] = {
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
	OSSL_PARAM_END
};

static const OSSL_PARAM *
sign_settable_params(void *ctx, void *prov)
{
	(void)ctx, (void)prov;
	return sign_settable;
}

static int
sign_init(void *ctx, const char *mdname, void *key, const OSSL_PARAM params[])
{
	struct signer *s = ctx;
	EVP_MD *md;
	int ok;

	if (key != NULL)
		s->key = key;
	if (s->key == NULL || !hash_by_name(mdname, &s->hash))
		return 0;
	md = EVP_MD_fetch(NULL, mdname, "provider=default");
	ok = md != NULL && EVP_DigestInit_ex2(s->md, md, NULL) == 1;
	EVP_MD_free(md);
	return ok && sign_set_params(ctx, params);
}

static int
sign_update(void *ctx, const unsigned char *data, size_t n)
{
	return EVP_DigestUpdate(((struct signer *)ctx)->md, data, n);
}

static int
sign_final(void *ctx, unsigned char *sig, size_t *n, size_t room)
{
	struct signer *s = ctx;
	unsigned char digest[EVP_MAX_MD_SIZE], id[KEY_ID], got[KEY_SIGN_MAX];
	unsigned digest_n;
	size_t got_n = 0;
	enum key_algorithm how = KEY_ECDSA;

	if (sig == NULL) {
		*n = (size_t)EVP_PKEY_get_size(s->key->pub);
		return 1;
	}
	if (s->key->rsa)
		how = s->pss ? KEY_RSA_PSS : KEY_RSA_PKCS1;
	if (EVP_DigestFinal_ex(s->md, digest, &digest_n) != 1 || !remote_id(s->key->pub, id) ||
	    !ask(id, how, s->hash, digest, digest_n, got, &got_n) || got_n > room)
		return 0;
	memcpy(sig, got, got_n);
	*n = got_n;
	return 1;
}

static const OSSL_DISPATCH sign_rows[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, FN(sign_new) },
	{ OSSL_FUNC_SIGNATURE_FREECTX, FN(sign_free) },
	{ OSSL_FUNC_SIGNATURE_DUPCTX, FN(sign_dup) },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, FN(sign_init) },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, FN(sign_update) },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, FN(sign_final) },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, FN(sign_set_params) },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, FN(sign_settable_params) },
	{ 0, NULL }
};

/* The provider. */

static const OSSL_ALGORITHM keymgmt[] = {
	{ NAME_EC, PROPS, ec_rows, "EC key held by keyd" },
	{ NAME_RSA, PROPS, rsa_rows, "RSA key held by keyd" },
	{ NULL, NULL, NULL, NULL }
};
static const OSSL_ALGORITHM signatures[] = {
	{ SIGN_EC, PROPS, sign_rows, "ECDSA by keyd" },
	{ SIGN_RSA, PROPS, sign_rows, "RSA by keyd" },
	{ NULL, NULL, NULL, NULL }
};

static const OSSL_ALGORITHM *
query(void *prov, int operation, int *no_cache)
{
	(void)prov;
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:	return keymgmt;
	case OSSL_OP_SIGNATURE:	return signatures;
	default:		return NULL;
	}
}

static const OSSL_DISPATCH provider_rows[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, FN(query) },
	{ 0, NULL }
};

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
    void **ctx)
{
	(void)in;
	*out = provider_rows;
	*ctx = (void *)(uintptr_t)handle;
	return 1;
}

bool
remote_init(remote_sign_fn *sign)
{
	ask = sign;
	if (provider != NULL)
		return true;
	/* Ordinary keys (ephemeral ones, those in certificates) stay with the default provider. */
	if (OSSL_PROVIDER_load(NULL, "default") == NULL ||
	    EVP_set_default_properties(NULL, "?provider=default") != 1 ||
	    OSSL_PROVIDER_add_builtin(NULL, "posthorn", provider_init) != 1)
		return false;
	provider = OSSL_PROVIDER_load(NULL, "posthorn");
	return provider != NULL;
}

EVP_PKEY *
remote_key(EVP_PKEY *pub)
{
	EVP_PKEY_CTX *ctx;
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	const char *type = EVP_PKEY_is_a(pub, "RSA") ? "RSA" : "EC";

	if (!EVP_PKEY_is_a(pub, type) || EVP_PKEY_todata(pub, EVP_PKEY_PUBLIC_KEY, &params) <= 0)
		return NULL;
	ctx = EVP_PKEY_CTX_new_from_name(NULL, type, PROPS);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}
