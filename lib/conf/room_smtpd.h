/* SPDX-License-Identifier: ISC */
/* room_smtpd - settings of smtpd. */
#ifndef CONF_ROOM_SMTPD_H
#define CONF_ROOM_SMTPD_H

#include "conf/conf.h"

/* smtpd_tls_security_level. */
enum { SMTPD_TLS_NONE, SMTPD_TLS_MAY, SMTPD_TLS_ENCRYPT };	/* the words behind it mean the same */

struct smtpd_conf {
	const char *banner;
	int64_t timeout_ms;
	int64_t session_ms;
	uint64_t min_data_rate;
	uint64_t recipient_limit;
	uint64_t recipient_overshoot;
	uint64_t hard_error_limit;
	uint64_t soft_error_limit;
	int64_t error_sleep_ms;
	uint64_t junk_command_limit;
	bool helo_required;
	bool disable_vrfy;
	struct strs forbidden_commands;
	struct strs discard_ehlo;
	unsigned tls_level;
	bool tls_wrappermode;
	bool tls_auth_only;
	bool tls_received_header;
	uint64_t tls_loglevel;
	const char *tls_cert_file;
	bool sasl_enable;
	bool sasl_authenticated_header;
	bool plaintext_from_loopback;
	uint64_t client_connections;
	uint64_t client_connection_rate;
	uint64_t client_message_rate;
	uint64_t client_recipient_rate;
	uint64_t client_auth_rate;
	struct strs client_exceptions;
	bool peername_lookup;
	struct strs client_restrictions;
	bool submission;
};

extern struct smtpd_conf smtpd_conf;
extern const struct conf_param smtpd_params[];

#endif
