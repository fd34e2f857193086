/* SPDX-License-Identifier: ISC */
/* room_login - settings of login. */
#include "conf/room_login.h"

struct login_conf login_conf;

#define L	login_conf

const struct conf_param login_params[] = {
	{ "login_protocol", CONF_WORD, &L.protocol, "imap", "imap|pop3", NULL,
	  "Which protocol a listener of login speaks." },
	{ "login_tls_wrappermode", CONF_BOOL, &L.wrappermode, "no", NULL, NULL,
	  "Whether a connection begins with TLS (imaps, pop3s)." },
	{ "login_tls_security_level", CONF_WORD, &L.tls_level, "may", "none|may|encrypt", NULL,
	  "Whether STARTTLS and STLS are not offered, offered, or required before a login, from loopback too." },
	{ "auth_allow_plaintext_loopback", CONF_BOOL, &L.plaintext_from_loopback, "no", NULL, NULL,
	  "Whether clients on loopback may send passwords without TLS (SMTP, POP3, IMAP)." },
	{ "login_session_time_limit", CONF_TIME, &L.session_ms, "3m", "1s", "1h",
	  "How long a connection may last without a login." },
	{ "login_command_time_limit", CONF_TIME, &L.command_ms, "60s", "1s", "1h",
	  "How long one command may take to arrive." },
	{ "login_attempt_limit", CONF_INT, &L.attempts, "5", "1", "100",
	  "Failed logins after which a connection is ended." },
	{ "login_error_limit", CONF_INT, &L.errors, "20", "1", "1000",
	  "Bad commands after which a connection is ended." },
	{ "login_client_connection_count_limit", CONF_INT, &L.connections, "100", "0", "100000",
	  "Connections without a login from one client at a time, mynetworks excepted; 0: any." },
	{ "login_syslog_name", CONF_STR, &L.log_name, "dovecot", NULL, NULL,
	  "Identifier of login's lines in the log; they have Dovecot's form, which log readers know." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};
