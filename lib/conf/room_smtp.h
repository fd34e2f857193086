/* SPDX-License-Identifier: ISC */
/* room_smtp - settings of smtp, the client that delivers to other hosts. */
#ifndef CONF_ROOM_SMTP_H
#define CONF_ROOM_SMTP_H

#include "conf/conf.h"

/* smtp_tls_security_level; SMTP_TLS_DANE is MAY as long as nobody asks for TLSA records. */
enum { SMTP_TLS_NONE, SMTP_TLS_MAY, SMTP_TLS_ENCRYPT, SMTP_TLS_DANE, SMTP_TLS_DANE_ONLY,
	SMTP_TLS_FINGERPRINT, SMTP_TLS_VERIFY, SMTP_TLS_SECURE };
enum { SMTP_PREFER_ANY, SMTP_PREFER_IPV6, SMTP_PREFER_IPV4 };

struct smtp_conf {
	const char *tcp_port;		/* number or service name */
	const char *helo_name;
	const char *bind_address;	/* "": any */
	const char *bind_address6;
	const char *fallback_relay;	/* destinations to try last */
	unsigned address_preference;	/* SMTP_PREFER_ */
	uint64_t mx_address_limit;	/* 0: no limit */
	uint64_t mx_session_limit;
	bool skip_5xx_greeting;
	bool always_send_ehlo;
	bool never_send_ehlo;
	struct strs discard_ehlo_keywords;
	unsigned tls_security_level;	/* SMTP_TLS_ */
	uint64_t tls_loglevel;
	bool cache_on_demand;
	int64_t cache_time_ms;		/* an idle connection is kept this long */
	int64_t reuse_time_ms;		/* no connection is used after this age */
	uint64_t reuse_count;		/* 0: no limit */
	int64_t connect_ms;
	int64_t helo_ms;
	int64_t starttls_ms;
	int64_t mail_ms;
	int64_t rcpt_ms;
	int64_t data_init_ms;
	int64_t data_xfer_ms;
	int64_t data_done_ms;
	int64_t rset_ms;
	int64_t delivery_ms;		/* all of one delivery */
};

extern struct smtp_conf smtp_conf;
extern const struct conf_param smtp_params[];

#endif
