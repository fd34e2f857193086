/* SPDX-License-Identifier: ISC */
/*
 * room_login - settings of login.
 */
#ifndef CONF_ROOM_LOGIN_H
#define CONF_ROOM_LOGIN_H

#include "conf/conf.h"

/* login_tls_security_level. */
enum { LOGIN_TLS_NONE, LOGIN_TLS_MAY, LOGIN_TLS_ENCRYPT };

struct login_conf {
	unsigned protocol;	/* 0 imap, 1 pop3 */
	bool wrappermode;
	unsigned tls_level;
	bool plaintext_from_loopback;
	int64_t session_ms;
	int64_t command_ms;
	uint64_t attempts;
	uint64_t errors;
	uint64_t connections;
	const char *log_name;
};

extern struct login_conf login_conf;
extern const struct conf_param login_params[];

#endif
