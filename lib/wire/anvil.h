/* SPDX-License-Identifier: ISC */
/*
 * anvil - counters that all workers of a service share.
 *
 * Counted per service and client.  A rate is how many within the current anvil_rate_time_unit.
 */
#ifndef WIRE_ANVIL_H
#define WIRE_ANVIL_H

#include "ipc/message.h"

#define ANVIL_SERVICE_MAX	64	/* "smtp", "submission", "imap" */
#define ANVIL_CLIENT_MAX	64	/* an address literal, or a network made from one */

/* What happened. */
enum anvil_what {
	ANVIL_CONNECT,		/* must be matched by one ANVIL_DISCONNECT */
	ANVIL_DISCONNECT,
	ANVIL_MAIL,		/* a MAIL command */
	ANVIL_RCPT,		/* a RCPT command */
	ANVIL_NEWTLS,		/* a TLS handshake without resumption */
	ANVIL_AUTH,		/* an AUTH command */
	ANVIL_AUTH_FAIL,	/* a failed login; counted per client over all services */
	ANVIL_AUTH_OK,		/* a successful one: the penalty goes down */
	ANVIL_WHATS
};

struct anvil_count {
	uint64_t what;		/* enum anvil_what */
	struct str service;
	struct str client;
};

struct anvil_counted {
	uint64_t connections;	/* open now, this one included */
	uint64_t rate;		/* events of this kind in the current time unit, this one included */
	uint64_t penalty_ms;	/* how long an answer to a failed login is to be held back */
};

extern const struct ipc_msg anvil_count_msg;	/* asks; the answer is anvil_counted */
extern const struct ipc_msg anvil_counted_msg;
extern const struct ipc_msg anvil_tell_msg;	/* the same fields, no answer */

#endif
