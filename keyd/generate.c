/* SPDX-License-Identifier: ISC */
#include "keyd/generate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"

#define VALID_SECONDS	(10L * 365 * 86400)
#define NAMES_MAX	50
#define COMMON_NAME_MAX	64		/* ub-common-name, RFC 5280 A.1 */

static bool
is_address(const char *name)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* Only these may stand in the extension's text form, where a comma would begin another value. */
static bool
name_ok(const char *name)
{
	if (name[0] == '\0' || strlen(name) > 253)
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if (!ch_alnum(*p) && *p != '-' && *p != '.' && *p != '_' && *p != '*' && *p != ':')
			return false;
	return strchr(name, ':') == NULL || is_address(name);
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(cert, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static bool
set_names(X509 *cert, char **names, int n)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	struct buf alt = { 0 };
	bool ok;

	for (int i = 0; i < n; i++)
		buf_addf(&alt, "%s%s:%s", i > 0 ? "," : "", is_address(names[i]) ? "IP" : "DNS",
		    names[i]);
	ok = (strlen(names[0]) > COMMON_NAME_MAX || X509_NAME_add_entry_by_txt(subject, "CN",
	    MBSTRING_ASC, (const unsigned char *)names[0], -1, -1, 0) == 1) &&
	    X509_set_issuer_name(cert, subject) == 1 &&
	    add_extension(cert, NID_subject_alt_name, buf_z(&alt)) &&
	    add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(cert, NID_ext_key_usage, "serverAuth,clientAuth");
	buf_free(&alt);
	return ok;
}

static X509 *
make_cert(EVP_PKEY *key, char **names, int n)
{
	X509 *cert = X509_new();
	uint64_t serial;

	random_bytes(&serial, sizeof(serial));
	serial >>= 1;			/* positive */
	if (X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), VALID_SECONDS) != NULL &&
	    X509_set_pubkey(cert, key) == 1 && set_names(cert, names, n) &&
	    X509_sign(cert, key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

/* A new file that must not exist yet; NULL when it cannot be made. */
static FILE *
new_file(const char *path, unsigned mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0) {
		log_error("%s: %s", path, strerror(errno));
		return NULL;
	}
	(void)fchmod(fd, mode);
	return fdopen(fd, "w");
}

static bool
write_both(const char *key_path, const char *cert_path, EVP_PKEY *key, X509 *cert)
{
	FILE *k, *c;
	bool ok;

	if ((k = new_file(key_path, 0600)) == NULL)
		return false;
	if ((c = new_file(cert_path, 0644)) == NULL) {
		fclose(k);
		(void)unlink(key_path);
		return false;
	}
	ok = PEM_write_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    PEM_write_X509(c, cert) == 1 && fflush(k) == 0 && fflush(c) == 0 &&
	    fsync(fileno(k)) == 0 && fsync(fileno(c)) == 0;
	if (fclose(k) != 0 || fclose(c) != 0)
		ok = false;
	if (!ok) {
		log_error("cannot write %s or %s", key_path, cert_path);
		(void)unlink(key_path);
		(void)unlink(cert_path);
	}
	return ok;
}

int
generate_main(int argc, char **argv)
{
	EVP_PKEY *key;
	X509 *cert;
	bool ok;

	if (argc < 5 || argc > 4 + NAMES_MAX) {
		log_error("usage: keyd --generate KEYFILE CERTFILE NAME...");
		return EX_USAGE;
	}
	for (int i = 4; i < argc; i++)
		if (!name_ok(argv[i])) {
			log_error("not a host name or address: %s", argv[i]);
			return EX_DATAERR;
		}
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if ((key = EVP_EC_gen("P-256")) == NULL ||
	    (cert = make_cert(key, argv + 4, argc - 4)) == NULL) {
		log_error("cannot make a key: %s", ERR_error_string(ERR_get_error(), NULL));
		return EX_SOFTWARE;
	}
	ok = write_both(argv[2], argv[3], key, cert);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok ? EX_OK : EX_CANTCREAT;
}
