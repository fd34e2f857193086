/* SPDX-License-Identifier: ISC */
/*
 * setup - what all TLS sessions of this process share: versions, ciphers, our certificates.
 */
#ifndef TLSD_SETUP_H
#define TLSD_SETUP_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "tlsd/remote.h"

#define SETUP_CERTS_MAX	4		/* chains, one for each kind of key */
#define SETUP_CERT_FILE_MAX	(256u << 10)	/* bytes of one chain file */
#define SETUP_CHAIN_MAX	10		/* certificates of one chain */

/*
 * Make the server's and the client's context; `sign` reaches the private keys.  `ca_file` and the
 * files of the folder `ca_path` ("" for none) hold the roots that outgoing connections may trust.
 * Once, before the jail: it reads them and loads what OpenSSL loads late.  False, logged, when OpenSSL
 * refuses or one of the two cannot be read.
 */
bool setup_init(remote_sign_fn *sign, const char *ca_file, const char *ca_path);

/*
 * Take a certificate chain in PEM from `fd`, ours first.  On failure `*why` is a literal: the file
 * is unreadable, holds no certificate, one whose key is neither RSA nor ECDSA, or a private key
 * (which must not come here: keyd has it).
 */
bool setup_add_chain(int fd, const char **why);

/* How many chains; the id of the key that belongs to one. */
size_t setup_chains(void);
const unsigned char *setup_key_id(size_t i);

/* What sessions are made from.  The server's is NULL while there is no certificate. */
SSL_CTX *setup_server(void);
SSL_CTX *setup_client(void);

/* Are there roots to trust? */
bool setup_has_roots(void);

#endif
