/* SPDX-License-Identifier: ISC */
/* room_smtp - settings of smtp, the client that delivers to other hosts. */
#include "conf/room_smtp.h"

struct smtp_conf smtp_conf;

#define S	smtp_conf

const struct conf_param smtp_params[] = {
	{ "smtp_tcp_port", CONF_STR, &S.tcp_port, "25", NULL, NULL,
	  "Port that mail goes to where the destination names none." },
	{ "smtp_helo_name", CONF_STR, &S.helo_name, "$myhostname", NULL, NULL,
	  "Name sent with EHLO and HELO." },
	{ "smtp_bind_address", CONF_STR, &S.bind_address, "", NULL, NULL,
	  "IPv4 address to connect from; empty: the system's choice." },
	{ "smtp_bind_address6", CONF_STR, &S.bind_address6, "", NULL, NULL,
	  "IPv6 address to connect from; empty: the system's choice." },
	{ "smtp_fallback_relay", CONF_STR, &S.fallback_relay, "", NULL, NULL,
	  "Destinations to try when those of the mail cannot be found or reached." },
	{ "smtp_address_preference", CONF_WORD, &S.address_preference, "any", "any|ipv6|ipv4",
	  NULL, "Kind of address to try first among hosts of equal preference." },
	{ "smtp_mx_address_limit", CONF_INT, &S.mx_address_limit, "5", "0", "100",
	  "Most addresses of mail exchangers to try in one delivery; 0: all." },
	{ "smtp_mx_session_limit", CONF_INT, &S.mx_session_limit, "2", "0", "100",
	  "Most SMTP sessions in one delivery before the rest is tried later; 0: no limit." },
	{ "smtp_skip_5xx_greeting", CONF_BOOL, &S.skip_5xx_greeting, "yes", NULL, NULL,
	  "Whether a host that greets with 5xx is passed over for now instead of believed." },
	{ "smtp_always_send_ehlo", CONF_BOOL, &S.always_send_ehlo, "yes", NULL, NULL,
	  "Whether EHLO is sent also when the greeting does not say ESMTP." },
	{ "smtp_never_send_ehlo", CONF_BOOL, &S.never_send_ehlo, "no", NULL, NULL,
	  "Whether HELO is sent and EHLO never." },
	{ "smtp_discard_ehlo_keywords", CONF_LIST, &S.discard_ehlo_keywords, "", NULL, NULL,
	  "EHLO keywords of servers to ignore." },
	{ "smtp_tls_security_level", CONF_WORD, &S.tls_security_level, "may",
	  "none|may|encrypt|dane|dane-only|fingerprint|verify|secure", NULL,
	  "none: no TLS; may: when the server offers it; encrypt: never without; verify: only with a"
	  " certificate for the server's name, from a root in smtp_tls_CAfile or smtp_tls_CApath;"
	  " secure: for the name of"
	  " the destination or one below it. dane is may, and dane-only and fingerprint defer all mail,"
	  " until they are there." },
	{ "smtp_tls_loglevel", CONF_INT, &S.tls_loglevel, "0", "0", "4",
	  "1 and more: a line for each TLS connection." },
	{ "smtp_connection_cache_on_demand", CONF_BOOL, &S.cache_on_demand, "yes", NULL, NULL,
	  "Whether a connection stays open for more mail to the same destination." },
	{ "smtp_connection_cache_time_limit", CONF_TIME, &S.cache_time_ms, "2s", "1s", "1h",
	  "How long an unused connection stays open." },
	{ "smtp_connection_reuse_time_limit", CONF_TIME, &S.reuse_time_ms, "300s", "1s", "1d",
	  "Age from which a connection gets no more mail." },
	{ "smtp_connection_reuse_count_limit", CONF_INT, &S.reuse_count, "0", "0", "1000000",
	  "Most deliveries on one connection; 0: no limit." },
	{ "smtp_connect_timeout", CONF_TIME, &S.connect_ms, "30s", "1s", "1h",
	  "Time to make a TCP connection." },
	{ "smtp_helo_timeout", CONF_TIME, &S.helo_ms, "300s", "1s", "1h",
	  "Time to wait for the greeting, and for the answer to EHLO or HELO." },
	{ "smtp_starttls_timeout", CONF_TIME, &S.starttls_ms, "300s", "1s", "1h",
	  "Time for STARTTLS and the TLS handshake." },
	{ "smtp_mail_timeout", CONF_TIME, &S.mail_ms, "300s", "1s", "1h",
	  "Time to wait for the answer to MAIL FROM." },
	{ "smtp_rcpt_timeout", CONF_TIME, &S.rcpt_ms, "300s", "1s", "1h",
	  "Time to wait for the answer to RCPT TO." },
	{ "smtp_data_init_timeout", CONF_TIME, &S.data_init_ms, "120s", "1s", "1h",
	  "Time to wait for the answer to DATA." },
	{ "smtp_data_xfer_timeout", CONF_TIME, &S.data_xfer_ms, "180s", "1s", "1h",
	  "Time to wait until the server takes the next part of the message." },
	{ "smtp_data_done_timeout", CONF_TIME, &S.data_done_ms, "600s", "1s", "1h",
	  "Time to wait for the answer to the end of the message." },
	{ "smtp_rset_timeout", CONF_TIME, &S.rset_ms, "20s", "1s", "1h",
	  "Time to wait for the answer to RSET." },
	{ "smtp_delivery_time_limit", CONF_TIME, &S.delivery_ms, "1h", "1m", "1d",
	  "Time for all of one delivery, whatever the server does." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};
