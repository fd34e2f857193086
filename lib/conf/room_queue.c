/* SPDX-License-Identifier: ISC */
/* room_queue - settings of cleanup, qmgr and the queue tools. */
#include "conf/room_queue.h"

struct queue_conf queue_conf;
struct transport_conf transport_conf;

#define Q	queue_conf
#define T	transport_conf

const struct conf_param queue_params[] = {
	{ "queue_minfree", CONF_BYTES, &Q.queue_minfree, "0", "0", NULL,
	  "No mail is taken when less than this, in bytes, is free in the queue's file system." },
	{ "cleanup_message_limit", CONF_INT, &Q.cleanup_handles, "1000", "1", "100000",
	  "Most messages above 64 KB that may be coming in at the same time." },
	{ "queue_run_delay", CONF_TIME, &Q.queue_run_delay_ms, "300s", "1s", NULL,
	  "Time between two looks at the disk for mail the queue manager does not know of." },
	{ "minimal_backoff_time", CONF_TIME, &Q.minimal_backoff_ms, "300s", "1s", NULL,
	  "Least time between two attempts to deliver a message; also how long a dead destination "
	  "is left alone." },
	{ "maximal_backoff_time", CONF_TIME, &Q.maximal_backoff_ms, "4000s", "1s", NULL,
	  "Most time between two attempts to deliver a message." },
	{ "maximal_queue_lifetime", CONF_TIME, &Q.maximal_lifetime_ms, "5d", "0s", "100d",
	  "How long delivery is tried before a message is returned." },
	{ "bounce_queue_lifetime", CONF_TIME, &Q.bounce_lifetime_ms, "5d", "0s", "100d",
	  "How long delivery of mail from the null sender (notices) is tried before it is given up." },
	{ "qmgr_message_active_limit", CONF_INT, &Q.active_limit, "20000", "1", "1000000",
	  "Most messages in work at once; others wait in their folder." },
	{ "qmgr_content_cache", CONF_BYTES, &Q.content_cache, "64M", "0", "4G",
	  "Most content of new messages kept in memory for their first delivery." },
	{ "default_destination_recipient_limit", CONF_INT, &Q.recipient_limit, "50", "1", "10000",
	  "Most recipients of a message in one delivery." },
	{ "initial_destination_concurrency", CONF_INT, &Q.concurrency_initial, "5", "1", "10000",
	  "Deliveries at once to a next hop before it is known how it fares." },
	{ "default_destination_concurrency_limit", CONF_INT, &Q.concurrency_limit, "20", "1",
	  "10000", "Most deliveries at once to one destination." },
	{ "local_initial_destination_concurrency", CONF_INT, &Q.local_initial, "100", "1", "10000",
	  "Deliveries at once to one local user at first." },
	{ "local_destination_concurrency_limit", CONF_INT, &Q.local_limit, "100", "1", "10000",
	  "Most deliveries to one local user at once; they share one process and its syncs." },
	{ "virtual_initial_destination_concurrency", CONF_INT, &Q.virtual_initial, "100", "1", "10000",
	  "Deliveries at once to one virtual mailbox at first." },
	{ "virtual_destination_concurrency_limit", CONF_INT, &Q.virtual_limit, "100", "1", "10000",
	  "Most deliveries to one virtual mailbox at once." },
	{ "default_destination_concurrency_positive_feedback", CONF_STR, &Q.positive_feedback, "1",
	  NULL, NULL, "How much a delivery that worked raises a destination's concurrency: a number, "
	  "or number/concurrency." },
	{ "default_destination_concurrency_negative_feedback", CONF_STR, &Q.negative_feedback, "1",
	  NULL, NULL, "How much a failed connection lowers a destination's concurrency." },
	{ "default_destination_concurrency_failed_cohort_limit", CONF_INT, &Q.failed_cohorts, "1",
	  "0", "1000", "Rounds of failures after which a destination counts as dead." },
	{ "defer_transports", CONF_LIST, &Q.defer_transports, "", NULL, NULL,
	  "Transports whose mail waits until someone flushes the queue." },
	{ "authorized_mailq_users", CONF_LIST, &Q.authorized_mailq_users, "static:anyone", NULL, NULL,
	  "Who may list the queue: user names, numbers, or static:anyone." },
	{ "authorized_flush_users", CONF_LIST, &Q.authorized_flush_users, "static:anyone", NULL, NULL,
	  "Who may flush the queue." },
	{ "queue_tool_limit", CONF_INT, &Q.tool_clients, "20", "1", "1000",
	  "Most connections of one user to the queue manager's public sockets at once." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};

const struct conf_param transport_params[] = {
	{ "_destination_recipient_limit", CONF_INT, &T.recipient_limit,
	  "$default_destination_recipient_limit", "1", "10000", "Recipients in one delivery." },
	{ "_initial_destination_concurrency", CONF_INT, &T.concurrency_initial,
	  "$initial_destination_concurrency", "1", "10000", "Concurrency at first." },
	{ "_destination_concurrency_limit", CONF_INT, &T.concurrency_limit,
	  "$default_destination_concurrency_limit", "1", "10000", "Most deliveries at once." },
	{ "_destination_concurrency_positive_feedback", CONF_STR, &T.positive_feedback,
	  "$default_destination_concurrency_positive_feedback", NULL, NULL, "Feedback." },
	{ "_destination_concurrency_negative_feedback", CONF_STR, &T.negative_feedback,
	  "$default_destination_concurrency_negative_feedback", NULL, NULL, "Feedback." },
	{ "_destination_concurrency_failed_cohort_limit", CONF_INT, &T.failed_cohorts,
	  "$default_destination_concurrency_failed_cohort_limit", "0", "1000", "Rounds." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};
