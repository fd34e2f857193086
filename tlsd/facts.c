/* SPDX-License-Identifier: ISC */
#include "tlsd/facts.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "tlsd/setup.h"

struct str
facts_text(struct pool *pool, struct str s, size_t max)
{
	struct str copy = pool_str(pool, str_sub(s, 0, max));
	char *p = pool_alloc(pool, copy.n + 1);

	for (size_t i = 0; i < copy.n; i++)
		p[i] = ch_print(copy.p[i]) ? copy.p[i] : '?';
	return str_n(p, copy.n);
}

struct str
facts_error(struct pool *pool, const char *otherwise)
{
	unsigned long e = ERR_get_error();
	const char *reason = e != 0 ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	return facts_text(pool, str_of(reason != NULL ? reason : otherwise), TLS_REASON_MAX);
}

/* The common name for the log.  One with a NUL inside is a forgery: left out (CVE-2009-4565). */
static struct str
common_name(struct pool *pool, const X509_NAME *name)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	struct str s = { 0 };
	int n;

	if (at < 0)
		return s;
	n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (n > 0 && str_chr(str_n(utf8, (size_t)n), '\0') < 0)
		s = facts_text(pool, str_n(utf8, (size_t)n), TLS_NAME_MAX);
	OPENSSL_free(utf8);
	return s;
}

static void
fill_peer(struct tls_facts *f, SSL *ssl, struct pool *pool)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;

	if (cert == NULL)
		return;
	f->peer_cert = true;
	f->trusted = SSL_get_verify_result(ssl) == X509_V_OK &&
	    (setup_has_roots() || SSL_get0_dane_authority(ssl, NULL, NULL) >= 0);
	f->subject = common_name(pool, X509_get_subject_name(cert));
	f->issuer = common_name(pool, X509_get_issuer_name(cert));
	if (X509_digest(cert, EVP_sha256(), digest, &n) == 1)
		f->fingerprint = pool_str(pool, str_n(digest, n));
}

static void
fill_group(struct tls_facts *f, SSL *ssl, struct pool *pool)
{
	EVP_PKEY *key = NULL;
	char name[64];
	size_t n;

	/* The server's own share is asked for on either side: its kind is the kind agreed on. */
	if (SSL_get_peer_tmp_key(ssl, &key) != 1 || key == NULL)
		return;
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, name, sizeof(name), &n) == 1)
		f->group = pool_printf(pool, "ECDHE (%s)", name);
	else if (EVP_PKEY_is_a(key, "DH"))
		f->group = pool_printf(pool, "DHE (%d bits)", EVP_PKEY_get_bits(key));
	else
		f->group = facts_text(pool, str_of(EVP_PKEY_get0_type_name(key)), TLS_NAME_MAX);
	EVP_PKEY_free(key);
}

static void
fill_signature(struct tls_facts *f, SSL *ssl, bool is_server, struct pool *pool)
{
	X509 *cert = is_server ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
	EVP_PKEY *key = cert != NULL ? X509_get0_pubkey(cert) : NULL;
	int type, hash;
	char name[64];
	size_t n;

	if (key == NULL || (is_server ? SSL_get_signature_type_nid(ssl, &type) :
	    SSL_get_peer_signature_type_nid(ssl, &type)) != 1)
		return;
	if (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS)
		f->signature = pool_printf(pool, "%s (%d bits)", type == EVP_PKEY_RSA ? "RSA" :
		    "RSA-PSS", EVP_PKEY_get_bits(key));
	else if (type == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, name, sizeof(name), &n) == 1)
		f->signature = pool_printf(pool, "ECDSA (%s)", name);
	else
		f->signature = facts_text(pool, str_of(OBJ_nid2ln(type)), TLS_NAME_MAX);
	if ((is_server ? SSL_get_signature_nid(ssl, &hash) :
	    SSL_get_peer_signature_nid(ssl, &hash)) == 1 && hash != NID_undef)
		f->digest = facts_text(pool, str_of(OBJ_nid2sn(hash)), TLS_NAME_MAX);
}

/* tls-exporter, RFC 9266 2; at TLS 1.2 only with the extended master secret (RFC 7627). */
static void
fill_exporter(struct tls_facts *f, SSL *ssl, struct pool *pool)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	unsigned char *out = pool_alloc(pool, TLS_EXPORTER);

	if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return;
	if (SSL_export_keying_material(ssl, out, TLS_EXPORTER, label, sizeof(label) - 1, NULL, 0,
	    0) == 1)
		f->exporter = str_n(out, TLS_EXPORTER);
}

void
facts_fill(struct tls_facts *f, SSL *ssl, bool is_server, bool want_exporter, struct pool *pool)
{
	const SSL_CIPHER *c = SSL_get_current_cipher(ssl);
	int alg_bits = 0;

	f->active = true;
	f->version = facts_text(pool, str_of(SSL_get_version(ssl)), 16);
	f->cipher = facts_text(pool, str_of(SSL_CIPHER_get_name(c)), TLS_NAME_MAX);
	f->bits = (uint64_t)SSL_CIPHER_get_bits(c, &alg_bits);
	f->alg_bits = (uint64_t)alg_bits;
	f->resumed = SSL_session_reused(ssl) == 1;
	fill_group(f, ssl, pool);
	fill_signature(f, ssl, is_server, pool);
	fill_peer(f, ssl, pool);
	if (want_exporter)
		fill_exporter(f, ssl, pool);
	ERR_clear_error();
}
