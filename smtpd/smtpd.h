/* SPDX-License-Identifier: ISC */
/*
 * smtpd.h - one SMTP session, and what its parts do with it.
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include "base/pool.h"
#include "base/vec.h"
#include "conf/common.h"
#include "conf/room_smtpd.h"
#include "io/net.h"
#include "io/stream.h"
#include "mail/reply.h"
#include "proto/smtp.h"
#include "wire/envelope.h"
#include "wire/tls.h"

/* Where a session is; the bits of struct command.legal. */
enum {
	START = 1,	/* no EHLO or HELO yet */
	READY = 2,	/* greeted, no MAIL */
	SENDER = 4,	/* MAIL, no RCPT taken */
	RCPTS = 8,	/* one RCPT at least */
	ANY = START | READY | SENDER | RCPTS,
};

#define ASK_MS		100000	/* how long an answer of another program is waited for */
#define ANVIL_MS	1000	/* anvil's: without it there are no limits */
#define SUBMIT_MS	540000	/* cleanup's, with the message: the client waits 10 minutes */

/* Places where policy is asked. */
enum stage { STAGE_CONNECT, STAGE_HELO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_END, STAGES };

/* Verbs counted for the line at the end; the order is the log's. */
enum verb { VERB_HELO, VERB_EHLO, VERB_STARTTLS, VERB_AUTH, VERB_MAIL, VERB_RCPT, VERB_BDAT,
	VERB_DATA, VERB_RSET, VERB_NOOP, VERB_QUIT, VERB_OTHER, VERBS };

struct mail {			/* a transaction; RSET makes it anew */
	struct pool *pool;
	struct smtp_mail from;
	struct str sender;	/* canonical text */
	struct vec rcpts;	/* struct envelope_rcpt */
	uint64_t excess;	/* recipients beyond the limit */
};

struct smtp_session {
	struct stream *peer;
	struct pool *pool;		/* of the session */
	struct mail mail;
	unsigned state;

	struct net_addr client, server;	/* asked at accept, never again */
	struct str ip, name, who;	/* "192.0.2.1", "mx.example.org", "mx.example.org[192.0.2.1]" */
	bool trusted;			/* in mynetworks */
	bool exempt;			/* from client rate limits */
	bool counted;			/* anvil may know of this connection */

	bool esmtp;
	struct str helo;		/* in the room below */
	char helo_room[DOMAIN_MAX];
	bool tls;
	struct tls_facts tls_facts;
	struct str sasl_method, sasl_user;

	unsigned errors, junk;		/* since the last message that was taken */
	bool forgiven;			/* the answer that comes is no error of the client's */
	unsigned done[VERBS], tried[VERBS];
	const char *after;		/* last command, for "lost connection after" */
	msec_t until;			/* end of the session's time */
	bool close;			/* end after this answer */
};

/* session.c: one client, from greeting to close; the stream stays the caller's. */
void session(struct stream *peer, const struct net_addr *client, const struct net_addr *server);

/* What its parts need of it. */
void session_deadline(struct smtp_session *s, msec_t ms);
bool session_authenticated(const struct smtp_session *s);
bool session_start_tls(struct smtp_session *s);	/* false: logged, and the session ends */
/* The connection failed: say why if that can be heard, log it, end the session. */
void session_lost(struct smtp_session *s, enum io why);
void mail_reset(struct smtp_session *s);
void log_reject(struct smtp_session *s, enum stage stage, struct str rcpt, const struct reply *no);

/* commands.c: answer one line. */
struct reply command_run(struct smtp_session *s, struct str line);

/* policy.c: false with the refusal in `no`. */
bool policy_check(struct smtp_session *s, enum stage stage, struct reply *no);
bool policy_rcpt(struct smtp_session *s, const struct smtp_rcpt *rcpt, struct str addr,
    struct reply *no);
bool policy_rate(struct smtp_session *s, unsigned what, uint64_t limit);	/* logs, no refusal */
struct str policy_counted_as(void);	/* the service under which anvil counts our clients */

/* data.c */
struct reply cmd_data(struct smtp_session *s, struct scan *args);

/* auth.c */
struct reply cmd_auth(struct smtp_session *s, struct scan *args);
bool auth_offered(const struct smtp_session *s);

/* received.c */
struct str received_header(struct smtp_session *s, struct pool *pool, uint64_t *id_at);
struct str received_proto(const struct smtp_session *s);

#endif
