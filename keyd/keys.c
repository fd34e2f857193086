/* SPDX-License-Identifier: ISC */
#include "keyd/keys.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

#define SECURE_HEAP	(256u << 10)	/* room for KEYS_MAX keys and the numbers of one signature */
#define SECURE_SMALLEST	32

static struct key {
	EVP_PKEY *pkey;
	unsigned char id[KEY_ID];
} keys[KEYS_MAX];
static size_t count;

void
keys_init(void)
{
	struct rlimit locked;

	/* No openssl.cnf: it could name modules to load. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if (CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_SMALLEST) != 1)
		log_info("keys are not in locked memory (see ulimit -l)");
	/*
	 * Beyond the heap above: the copies that arithmetic leaves on stack and heap.  Only where no
	 * limit stands in the way, or later memory would be refused.
	 */
	if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur == RLIM_INFINITY &&
	    mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		log_debug("mlockall: not allowed");
}

/* All of the file, into locked memory; NULL when it is empty, too long or unreadable. */
static char *
read_file(int fd, size_t *n)
{
	char *p = OPENSSL_secure_zalloc(KEYS_FILE_MAX);
	ssize_t got;

	for (*n = 0; p != NULL && *n < KEYS_FILE_MAX; *n += (size_t)got) {
		got = pread(fd, p + *n, KEYS_FILE_MAX - *n, (off_t)*n);
		if (got > 0)
			continue;
		if (got == 0 && *n > 0)
			return p;
		break;
	}
	OPENSSL_secure_clear_free(p, KEYS_FILE_MAX);
	return NULL;
}

/* Nobody is there to type one. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static bool
usable(EVP_PKEY *pkey)
{
	int bits = EVP_PKEY_get_bits(pkey);

	if (EVP_PKEY_is_a(pkey, "RSA"))
		return bits >= KEYS_RSA_MIN && bits <= KEYS_RSA_MAX;
	return EVP_PKEY_is_a(pkey, "EC") && (bits == 256 || bits == 384 || bits == 521);
}

static bool
make_id(EVP_PKEY *pkey, unsigned char id[KEY_ID])
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(pkey, &der);
	bool ok = n > 0 && EVP_Digest(der, (size_t)n, id, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return ok;
}

static struct key *
find(struct str id)
{
	for (size_t i = 0; i < count; i++)
		if (id.n == KEY_ID && memcmp(keys[i].id, id.p, KEY_ID) == 0)
			return &keys[i];
	return NULL;
}

bool
keys_load(int fd, const char **why)
{
	struct key k = { 0 };
	char *text;
	size_t n;
	BIO *bio;

	*why = "too many keys";
	if (count == KEYS_MAX)
		return false;
	*why = "cannot be read";
	if ((text = read_file(fd, &n)) == NULL)
		return false;
	bio = BIO_new_mem_buf(text, (int)n);
	k.pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	OPENSSL_secure_clear_free(text, KEYS_FILE_MAX);
	ERR_clear_error();
	*why = "holds no private key in PEM without a passphrase";
	if (k.pkey == NULL)
		return false;
	*why = "holds a key of another kind than RSA (2048 to 8192 bits) or ECDSA (P-256, P-384, P-521)";
	if (!usable(k.pkey) || !make_id(k.pkey, k.id)) {
		EVP_PKEY_free(k.pkey);
		return false;
	}
	*why = NULL;
	if (find(str_n(k.id, KEY_ID)) != NULL)
		EVP_PKEY_free(k.pkey);
	else
		keys[count++] = k;
	return true;
}

size_t
keys_count(void)
{
	return count;
}

struct str
keys_id(size_t i)
{
	return str_n(keys[i].id, KEY_ID);
}

static const EVP_MD *
hash_of(uint64_t hash)
{
	switch (hash) {
	case KEY_SHA256:	return EVP_sha256();
	case KEY_SHA384:	return EVP_sha384();
	case KEY_SHA512:	return EVP_sha512();
	default:		return NULL;
	}
}

static bool
set_padding(EVP_PKEY_CTX *ctx, uint64_t algorithm, const EVP_MD *md)
{
	if (EVP_PKEY_CTX_set_signature_md(ctx, md) <= 0)
		return false;
	switch (algorithm) {
	case KEY_ECDSA:
		return true;
	case KEY_RSA_PKCS1:
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
	case KEY_RSA_PSS:
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0 &&
		    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0;
	default:
		return false;
	}
}

struct key_signed
keys_sign(const struct key_sign *q, struct pool *pool)
{
	const struct key *k = find(q->id);
	struct key_signed no = { .status = KEY_REFUSED }, yes = { .status = KEY_OK };
	const EVP_MD *md = hash_of(q->hash);
	unsigned char *out;
	EVP_PKEY_CTX *ctx;
	size_t n = KEY_SIGN_MAX;
	bool ok;

	if (k == NULL)
		return (struct key_signed){ .status = KEY_UNKNOWN };
	if (q->digest.n == 0)
		return yes;
	/* The kind of signature must fit the key, the digest its hash: no raw operation exists. */
	if (md == NULL || q->digest.n != key_hash_size(q->hash) ||
	    EVP_PKEY_is_a(k->pkey, "EC") != (q->algorithm == KEY_ECDSA))
		return no;
	out = pool_alloc(pool, n);
	ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	ok = ctx != NULL && EVP_PKEY_sign_init(ctx) > 0 && set_padding(ctx, q->algorithm, md) &&
	    EVP_PKEY_sign(ctx, out, &n, (const unsigned char *)q->digest.p, q->digest.n) > 0;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	if (!ok)
		return no;
	yes.signature = str_n(out, n);
	return yes;
}
