/* SPDX-License-Identifier: ISC */
/*
 * login - what the two dialogues share.
 */
#ifndef LOGIN_LOGIN_H
#define LOGIN_LOGIN_H

#include "base/pool.h"
#include "io/net.h"
#include "io/stream.h"
#include "wire/auth.h"
#include "wire/session.h"

#define SHOWN_MAX	200	/* bytes of a user name that the log shows */

/* One connection before it has a user. */
struct client {
	struct stream *io;
	struct pool *pool;		/* of the connection */
	struct pool *work;		/* of the command under way */
	enum session_protocol protocol;
	struct str client_ip, server_ip;
	uint16_t client_port, server_port;
	bool loopback, trusted;
	struct tls_facts tls;
	msec_t since, until;		/* begin, and end whatever happens */
	struct str id;			/* of the session, for the log */
	unsigned attempts, errors;
	struct str user, method;	/* last ones tried */
	struct str user_said;		/* POP3's USER; in the room below */
	char user_room[SESSION_USER_MAX], shown_room[SHOWN_MAX];
	bool utf8;			/* POP3: UTF8 was asked for */
	bool over;			/* close it */
	bool passed;			/* a worker has it: not another byte from here */
};

/* Begin a command: its deadline, and an empty pool. */
void client_turn(struct client *c);

/* May a password travel on this connection as it is? */
bool client_may_auth(const struct client *c);

/* Is TLS on offer? */
bool client_may_tls(const struct client *c);

/* Start TLS now; false when the connection is lost by that. */
bool client_tls(struct client *c);

/*
 * Try to log in and pass the connection on under `tag`.  AUTH_OK: it is gone (c->passed).  What else
 * comes back was counted; c->over says whether that was one too many.
 */
enum auth_status client_login(struct client *c, const char *method, struct str user,
    struct str password, struct str tag);

/* One more bad command; c->over when there were too many. */
void client_error(struct client *c);

/* What reading a line gave: log it and end, unless the client may go on (then true). */
bool client_line(struct client *c, enum io r);

/* Serve one connection that was accepted, from greeting to close or hand-over. */
void client_serve(int fd);

/* The two dialogues, each from greeting to the end. */
void imap_login(struct client *c);
void pop3_login(struct client *c);

/* sasl.c: the mechanisms, "+ CHALLENGE" and a response a line in both protocols. */
enum sasl_end { SASL_GOT, SASL_UNKNOWN, SASL_CANCELLED, SASL_BAD, SASL_GONE };

struct sasl_answer {
	const char *method;
	struct str user, password;
};

/* Run `mechanism`; `initial` has p NULL when there was no initial response. */
enum sasl_end sasl_run(struct client *c, struct str mechanism, struct str initial,
    struct sasl_answer *out);

#endif
