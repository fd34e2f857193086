/* SPDX-License-Identifier: ISC */
/*
 * auth - who is this?  Questions of smtpd and login to authd.
 */
#ifndef WIRE_AUTH_H
#define WIRE_AUTH_H

#include "ipc/message.h"
#include "wire/session.h"

#define AUTH_PASSWORD_MAX	512
#define AUTH_SERVICE_MAX	32
#define AUTH_PENALTY_MAX	(3600 * 1000)	/* milliseconds */

enum auth_status {
	AUTH_OK,
	AUTH_FAIL,		/* wrong name or password; which of them is never told */
	AUTH_TEMP,		/* cannot say now */
	AUTH_UNAVAILABLE,	/* right, but no worker can take the session now */
};

/* smtpd -> authd: is this the user's password? */
struct auth_check {
	struct str service;	/* "submission", "smtp": for the log and the counters */
	struct str user;
	struct str password;
	struct str client_ip;
	struct str method;	/* "PLAIN", "LOGIN" */
	bool tls;
};

/* authd -> smtpd. */
struct auth_checked {
	uint64_t status;	/* enum auth_status, never UNAVAILABLE */
	struct str user;	/* normalised: for sasl_username= and the sender's rights */
	uint64_t uid;
	uint64_t gid;
	struct str mailbox;
	struct str reason;	/* for the log: "authentication failure" */
	uint64_t penalty_ms;	/* AUTH_FAIL: how long the asker holds its client's answer back */
};

/*
 * login -> authd: the same, and on success pass the connection to the user's worker.  On AUTH_OK
 * the worker has accepted and owns the dialogue: the asker closes its copy without a word.
 * Otherwise the asker goes on.
 */
struct auth_login {
	struct str user;
	struct str password;
	int fd;
	uint64_t protocol;	/* as in struct session, and so on: */
	struct str tag;
	struct str method;
	struct str unread;
	struct str client_ip;
	uint64_t client_port;
	struct str server_ip;
	uint64_t server_port;
	struct tls_facts tls;
};

/* authd -> login. */
struct auth_logged {
	uint64_t status;	/* enum auth_status */
	struct str user;	/* normalised, for the log */
	struct str reason;	/* for the log */
	uint64_t penalty_ms;	/* as above */
};

extern const struct ipc_msg auth_check_msg;
extern const struct ipc_msg auth_checked_msg;
extern const struct ipc_msg auth_login_msg;
extern const struct ipc_msg auth_logged_msg;

#endif
