/* SPDX-License-Identifier: ISC */
/*
 * session - an authenticated connection on its way from login over authd to imapd or pop3d.
 *
 * The worker finds all it needs here: it never asks the socket for addresses or TLS facts.
 */
#ifndef WIRE_SESSION_H
#define WIRE_SESSION_H

#include "ipc/message.h"
#include "wire/tls.h"

#define SESSION_USER_MAX	320	/* a user name: an address or a system user */
#define SESSION_TAG_MAX		64	/* the tag of the IMAP command that logged in */
#define SESSION_TAG_UTF8	"UTF8"	/* in its place, POP3: the client asked for UTF8 */
#define SESSION_UNREAD_MAX	65536	/* bytes the client sent behind it */
#define SESSION_IP_MAX		64
#define SESSION_MAILBOX_MAX	1024	/* relative to virtual_mailbox_base; empty: the user's home */

/* The two protocols a session can have after login. */
enum session_protocol { SESSION_IMAP, SESSION_POP3, SESSION_PROTOCOLS };

/* authd -> imapd, pop3d: serve this client. */
struct session {
	int fd;			/* the plain side of the connection; becomes the worker's */
	uint64_t protocol;	/* enum session_protocol */
	struct str user;	/* who logged in, normalised */
	struct str tag;		/* IMAP: the worker answers this tag; POP3: see SESSION_TAG_UTF8 */
	struct str method;	/* "PLAIN", "LOGIN", "USER": for the log */
	struct str unread;	/* bytes the client sent already: give them to stream_unread */
	struct str client_ip;	/* address literals as text */
	uint64_t client_port;
	struct str server_ip;
	uint64_t server_port;
	struct tls_facts tls;	/* .active false: no TLS */
};

/* The worker's answer. */
struct session_accepted {
	bool ok;		/* it has the connection and will answer the client */
	bool ending;		/* not, because this worker is about to end: ask for another */
	struct str reason;	/* why not: "too many sessions", … for the log */
};

extern const struct ipc_msg session_msg;
extern const struct ipc_msg session_accepted_msg;

#endif
