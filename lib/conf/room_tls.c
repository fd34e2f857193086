/* SPDX-License-Identifier: ISC */
/* room_tls - settings of tlsd and keyd. */
#include "conf/room_tls.h"

struct tls_conf tls_conf;

const struct conf_param tls_params[] = {
	{ "smtpd_tls_cert_file", CONF_STR, &tls_conf.cert_file, "", NULL, NULL,
	  "Certificate chain in PEM, our own first; its key is RSA or ECDSA and stands in "
	  "smtpd_tls_key_file, never here. Serves SMTP, POP3 and IMAP." },
	{ "smtpd_tls_key_file", CONF_STR, &tls_conf.key_file, "", NULL, NULL,
	  "Private key of that certificate in PEM without a passphrase; only keyd ever holds it." },
	{ "smtp_tls_CAfile", CONF_STR, &tls_conf.ca_file, "", NULL, NULL,
	  "Roots that certificates of other servers may lead to, in PEM." },
	{ "smtp_tls_CApath", CONF_STR, &tls_conf.ca_path, "", NULL, NULL,
	  "Folder of more such roots, a file each, with the names that openssl rehash gives; read at "
	  "start and reload." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};
