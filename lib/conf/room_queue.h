/* SPDX-License-Identifier: ISC */
/* room_queue - settings of cleanup, qmgr and the queue tools. */
#ifndef CONF_ROOM_QUEUE_H
#define CONF_ROOM_QUEUE_H

#include "conf/conf.h"

struct queue_conf {
	uint64_t queue_minfree;			/* bytes; below message_size_limit x 1.5 has no effect */
	uint64_t cleanup_handles;		/* large messages coming in at once */
	int64_t queue_run_delay_ms;
	int64_t minimal_backoff_ms;
	int64_t maximal_backoff_ms;
	int64_t maximal_lifetime_ms;
	int64_t bounce_lifetime_ms;
	uint64_t active_limit;			/* messages in work at once */
	uint64_t content_cache;			/* bytes of message content kept in memory */
	uint64_t recipient_limit;		/* default_destination_recipient_limit */
	uint64_t concurrency_initial;
	uint64_t concurrency_limit;
	uint64_t local_initial, local_limit, virtual_initial, virtual_limit;	/* the same for a mailbox */
	const char *positive_feedback;
	const char *negative_feedback;
	uint64_t failed_cohorts;
	struct strs defer_transports;
	struct strs authorized_mailq_users;
	struct strs authorized_flush_users;
	uint64_t tool_clients;			/* connections per uid to the public sockets */
};

/* The same settings for one transport. */
struct transport_conf {
	uint64_t recipient_limit;
	uint64_t concurrency_initial;
	uint64_t concurrency_limit;
	const char *positive_feedback;
	const char *negative_feedback;
	uint64_t failed_cohorts;
};

extern struct queue_conf queue_conf;
extern struct transport_conf transport_conf;
extern const struct conf_param queue_params[];

/* Rows for conf_load_transport: fills transport_conf. */
extern const struct conf_param transport_params[];

#endif
