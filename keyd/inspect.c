/* SPDX-License-Identifier: ISC */
#include "keyd/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "base/str.h"
#include "keyd/keys.h"

#define CERT_FILE_MAX	(256u << 10)	/* as tlsd takes */

static int
open_it(const char *path, const char *what)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		printf("%s %s\n", what, strerror(errno));
	return fd;
}

static bool
read_key(const char *path)
{
	const char *why;
	int fd = open_it(path, "key");
	bool ok = fd >= 0 && keys_load(fd, &why);

	if (fd >= 0 && !ok)
		printf("key %s\n", why);
	if (fd >= 0)
		(void)close(fd);
	return ok;
}

/* The first certificate of the file: our own. */
static X509 *
read_cert(const char *path)
{
	char *text = mem_alloc(CERT_FILE_MAX);
	int fd = open_it(path, "cert");
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	size_t n = f == NULL ? 0 : fread(text, 1, CERT_FILE_MAX, f);
	BIO *bio = BIO_new_mem_buf(text, (int)n);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	ERR_clear_error();
	if (f != NULL && str_find(str_n(text, n), STR("PRIVATE KEY-----")) >= 0)
		printf("cert holds a private key too: put that into a file of its own "
		    "(smtpd_tls_key_file)\n");
	else if (f != NULL && cert == NULL)
		printf("cert holds no certificate in PEM\n");
	if (f != NULL)
		(void)fclose(f);
	BIO_free(bio);
	explicit_bzero(text, CERT_FILE_MAX);
	free(text);
	return cert;
}

/* Does the key that was read belong to it? */
static bool
fits(X509 *cert)
{
	unsigned char *der = NULL, id[KEY_ID];
	int n = i2d_PUBKEY(X509_get0_pubkey(cert), &der);
	bool ok = n > 0 && EVP_Digest(der, (size_t)n, id, NULL, EVP_sha256(), NULL) == 1 &&
	    memcmp(id, keys_id(0).p, KEY_ID) == 0;

	OPENSSL_free(der);
	return ok;
}

static void
say_when(const char *what, const ASN1_TIME *at)
{
	char text[40] = "";
	struct tm tm;

	if (ASN1_TIME_to_tm(at, &tm) == 1)
		(void)strftime(text, sizeof(text), " %Y-%m-%d %H:%M:%S UTC", &tm);
	printf("cert %s%s\n", what, text);
}

static void
check_dates(X509 *cert)
{
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		say_when("has expired:", X509_get0_notAfter(cert));
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
		say_when("is not valid before", X509_get0_notBefore(cert));
}

int
inspect_main(int argc, char **argv)
{
	X509 *cert;
	bool key;

	if (argc != 4) {
		log_error("usage: keyd --check KEYFILE CERTFILE");
		return EX_USAGE;
	}
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	key = read_key(argv[2]);
	cert = read_cert(argv[3]);
	if (cert != NULL)
		check_dates(cert);
	if (cert != NULL && key && !fits(cert))
		printf("key belongs to another certificate\n");
	X509_free(cert);
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
