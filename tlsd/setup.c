/* SPDX-License-Identifier: ISC */
#include "tlsd/setup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "tlsd/session.h"

/* TLS 1.2 on our side: forward secrecy always, so keyd never has to decrypt. */
#define SERVER_CIPHERS	"ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL:!eNULL:!SHA1:!CCM8"
/* On the other side of an opportunistic connection anything decent is better than none. */
#define CLIENT_CIPHERS	"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:DHE+AES:AES:!aNULL:!eNULL:!MD5:!PSK:!SRP"
#define GROUPS		"X25519:P-256:P-384"
/* One read takes a whole record with its header. */
#define READ_BUFFER	(16384 + 512)

static SSL_CTX *server, *client;
static unsigned char ids[SETUP_CERTS_MAX][KEY_ID];
static size_t chains;
static bool roots;

static SSL_CTX *
new_context(const SSL_METHOD *method, const char *ciphers)
{
	SSL_CTX *c = SSL_CTX_new(method);

	if (c == NULL || SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(c, ciphers) != 1 || SSL_CTX_set1_groups_list(c, GROUPS) != 1) {
		SSL_CTX_free(c);
		return NULL;
	}
	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
	    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(c, 1);
	SSL_CTX_set_default_read_buffer_len(c, READ_BUFFER);
	return c;
}

static bool
load_roots(const char *ca_file)
{
	if (ca_file[0] == '\0')
		return true;
	if (SSL_CTX_load_verify_file(client, ca_file) != 1) {
		log_error("smtp_tls_CAfile: %s: cannot be read", ca_file);
		ERR_clear_error();
		return false;
	}
	roots = true;
	return true;
}

/* HHHHHHHH.N, N from 0: a certificate by the hash of its subject, as openssl rehash links it. */
static bool
is_hashed(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && name[9] != '\0' &&
	    strspn(name + 9, "0123456789") == strlen(name + 9);
}

static bool
add_root(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	X509 *cert = f == NULL ? NULL : PEM_read_X509(f, NULL, NULL, NULL);
	bool ok = cert != NULL && X509_STORE_add_cert(SSL_CTX_get_cert_store(client), cert) == 1;

	X509_free(cert);
	if (f != NULL)
		(void)fclose(f);
	else if (fd >= 0)
		(void)close(fd);
	ERR_clear_error();
	return ok;
}

/*
 * OpenSSL would open these files when a handshake asks for one of them, which the jail forbids: so all
 * of them, now.
 */
static bool
load_folder(const char *ca_path)
{
	DIR *d;
	struct dirent *e;
	unsigned bad = 0, good = 0;

	if (ca_path[0] == '\0')
		return true;
	if ((d = opendir(ca_path)) == NULL) {
		log_error("smtp_tls_CApath: %s: %s", ca_path, strerror(errno));
		return false;
	}
	while ((e = readdir(d)) != NULL)
		if (is_hashed(e->d_name) && add_root(dirfd(d), e->d_name))
			good++;
		else if (is_hashed(e->d_name))
			bad++;
	(void)closedir(d);
	if (bad > 0)
		log_warn("smtp_tls_CApath: %s: %u files are no certificate that can be read", ca_path,
		    bad);
	if (good == 0)
		log_warn("smtp_tls_CApath: %s: no certificate; openssl rehash makes the names that are "
		    "looked for", ca_path);
	roots = roots || good > 0;
	return true;
}

bool
setup_init(remote_sign_fn *sign, const char *ca_file, const char *ca_path)
{
	/* No openssl.cnf: it could name modules to load or undo what is set here. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 || !remote_init(sign) ||
	    (server = new_context(TLS_server_method(), SERVER_CIPHERS)) == NULL ||
	    (client = new_context(TLS_client_method(), CLIENT_CIPHERS)) == NULL) {
		log_error("OpenSSL does not start: %s", ERR_error_string(ERR_get_error(), NULL));
		return false;
	}
	SSL_CTX_set_num_tickets(server, 0);
	SSL_CTX_set_alpn_select_cb(server, session_choose_alpn, NULL);
	if (SSL_CTX_dane_enable(client) <= 0)
		log_warn("OpenSSL offers no DANE");
	return load_roots(ca_file) && load_folder(ca_path);
}

static char *
read_file(int fd, size_t *n)
{
	char *p = mem_alloc(SETUP_CERT_FILE_MAX);
	ssize_t got;

	for (*n = 0; *n < SETUP_CERT_FILE_MAX; *n += (size_t)got) {
		got = pread(fd, p + *n, SETUP_CERT_FILE_MAX - *n, (off_t)*n);
		if (got == 0)
			return p;
		if (got < 0)
			break;
	}
	OPENSSL_cleanse(p, SETUP_CERT_FILE_MAX);
	free(p);
	return NULL;
}

/* All certificates of the text; the first one apart. */
static X509 *
parse_chain(const char *text, size_t n, STACK_OF(X509) **chain)
{
	BIO *bio = BIO_new_mem_buf(text, (int)n);
	X509 *first = PEM_read_bio_X509(bio, NULL, NULL, NULL), *more;

	*chain = sk_X509_new_null();
	while (first != NULL && sk_X509_num(*chain) < SETUP_CHAIN_MAX &&
	    (more = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(*chain, more);
	ERR_clear_error();		/* "no start line" ends every file */
	BIO_free(bio);
	return first;
}

static bool
use_chain(X509 *cert, STACK_OF(X509) *chain)
{
	EVP_PKEY *pub = X509_get0_pubkey(cert), *key;
	bool ok;

	if (pub == NULL || !remote_id(pub, ids[chains]) || (key = remote_key(pub)) == NULL)
		return false;
	ok = SSL_CTX_use_cert_and_key(server, cert, key, chain, 1) == 1;
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}

bool
setup_add_chain(int fd, const char **why)
{
	STACK_OF(X509) *chain;
	X509 *cert;
	char *text;
	size_t n;
	bool ok;

	*why = "too many certificates";
	if (chains == SETUP_CERTS_MAX)
		return false;
	*why = "cannot be read";
	if ((text = read_file(fd, &n)) == NULL)
		return false;
	if (str_find(str_n(text, n), STR("PRIVATE KEY-----")) >= 0) {
		OPENSSL_cleanse(text, n);
		free(text);
		*why = "holds a private key too: put that into a file of its own (smtpd_tls_key_file)";
		return false;
	}
	*why = "holds no certificate in PEM";
	cert = parse_chain(text, n, &chain);
	free(text);
	if (cert != NULL)
		*why = "cannot be used: its key is neither RSA nor ECDSA, or too weak";
	ok = cert != NULL && use_chain(cert, chain);
	chains += ok;
	X509_free(cert);
	sk_X509_pop_free(chain, X509_free);
	return ok;
}

size_t
setup_chains(void)
{
	return chains;
}

const unsigned char *
setup_key_id(size_t i)
{
	return ids[i];
}

SSL_CTX *
setup_server(void)
{
	return chains > 0 ? server : NULL;
}

SSL_CTX *
setup_client(void)
{
	return client;
}

bool
setup_has_roots(void)
{
	return roots;
}
