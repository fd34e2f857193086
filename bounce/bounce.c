/* SPDX-License-Identifier: ISC */
/*
 * bounce - tell senders what became of their mail.
 *
 * Runs as:  own uid; no file system, no network.
 * Started by: master.
 * Talks to: qmgr, who asks; cleanup, who takes the notices.
 * Trusts:   both.  Not what remote servers said, nor the message it returns.
 * If taken over: can send notices to anyone and read messages that are being returned; nothing else.
 *
 * A notice has the null sender, so nothing is ever returned for it: mail of the null sender that
 * fails is dropped here, or shown to the postmaster when notify_classes says so.
 */
#include <unistd.h>

#include "ask/submit.h"
#include "base/encode.h"
#include "base/event.h"
#include "base/hash.h"
#include "base/log.h"
#include "bounce/report.h"
#include "conf/room_bounce.h"
#include "daemon/service.h"
#include "mail/date.h"

#define SUBMIT_MS	300000
#define RANDOM_BYTES	16

/* Who gets a notice, and from whom. */
struct route {
	struct str sender;
	struct str to;
	bool postmaster;
};

static bool
wants_2bounce(void)
{
	for (size_t i = 0; i < bounce_conf.notify_classes.n; i++)
		if (str_ieq(bounce_conf.notify_classes.v[i], STR("2bounce")))
			return true;
	return false;
}

static struct str
with_domain(struct pool *p, const char *addr)
{
	if (str_chr(str_of(addr), '@') >= 0)
		return str_of(addr);
	return pool_printf(p, "%s@%s", addr, common.myhostname);
}

/* False: nobody is to be told. */
static bool
find_route(const struct notify *n, struct pool *p, struct route *to)
{
	struct str doubled = with_domain(p, common.double_bounce_sender);

	if (str_ieq(n->sender, doubled)) {
		log_warn("%.*s: undeliverable postmaster notification discarded",
		    STR_ARG(n->queue_id));
		return false;
	}
	*to = (struct route){ STR(""), n->sender, false };
	if (n->sender.n > 0)
		return true;
	if (n->kind != NOTICE_FAILED || !wants_2bounce()) {
		log_info("%.*s: null sender: no notification", STR_ARG(n->queue_id));
		return false;
	}
	*to = (struct route){ doubled, with_domain(p, bounce_conf.postmaster), true };
	return true;
}

static struct str
new_boundary(const struct notify *n, struct pool *p)
{
	unsigned char raw[RANDOM_BYTES];
	struct buf b = { .p = NULL };
	struct str s;

	random_bytes(raw, sizeof(raw));
	buf_addf(&b, "%.*s.", STR_ARG(n->queue_id));
	hex_add(&b, str_n(raw, sizeof(raw)));
	s = pool_str(p, buf_str(&b));
	buf_free(&b);
	return s;
}

static void
add_received(struct envelope *env, int64_t now, struct pool *p)
{
	char date[DATE_MAX];
	struct str head = pool_printf(p, "Received: by %s (%s)\r\n\tid ", common.myhostname,
	    common.mail_name);

	env->received = pool_printf(p, "%.*s; %.*s\r\n", STR_ARG(head),
	    STR_ARG(date_5322(date, now, date_zone(now))));
	env->received_id_at = head.n;
}

static void
sink(void *arg, struct str piece)
{
	submission_add(arg, piece, deadline_in(SUBMIT_MS));
}

static void
log_notice(const struct notify *n, bool postmaster, struct str id)
{
	static const struct event told = { "notification", "{id}: {who} {what} notification: {new}" };
	static const struct str what[] = { STR_INIT("non-delivery"), STR_INIT("delay"),
		STR_INIT("delivery status") };

	EVENT(&told, { "id", n->queue_id }, { "who", postmaster ? STR("postmaster") : STR("sender") },
	    { "what", what[n->kind] }, { "new", id });
}

/* Write and queue one notice. */
static void
tell(const struct notify *n, const struct route *to, struct notified *answer, struct pool *p)
{
	struct envelope_rcpt rcpt = { to->to, STR(""), STR(""), 0 };
	struct envelope env = {
		.sender = to->sender, .rcpts = { &rcpt, 1 }, .origin = STR("bounce"),
		.client_name = STR("localhost"), .client_addr = STR("127.0.0.1"),
		.proto = STR("SMTP"), .uid = UINT32_MAX, .flags = ENV_NO_EXPAND,
		.arrival_us = (uint64_t)clock_wall_us(),
	};
	struct report r = {
		.about = n, .host = common.myhostname, .to = to->to,
		.to_postmaster = to->postmaster, .now = clock_wall(),
		.boundary = new_boundary(n, p), .size_limit = bounce_conf.size_limit,
	};
	struct submission *s = submission_begin(p, 0);
	struct submitted done;

	if (!report_write(&r, p, sink, s)) {
		log_error("%.*s: cannot read the message to return", STR_ARG(n->queue_id));
		submission_abort(s);
		return;
	}
	env.flags |= (r.eightbit ? ENV_8BITMIME : 0) | (r.utf8 ? ENV_SMTPUTF8 : 0);
	env.message_id = r.message_id;
	add_received(&env, r.now, p);
	submission_end(s, &env, &done, deadline_in(SUBMIT_MS));
	answer->result = done.result;
	if (done.result != SUBMIT_OK) {
		log_warn("%.*s: notification not queued: %.*s", STR_ARG(n->queue_id),
		    STR_ARG(done.text));
		return;
	}
	answer->queue_id = done.queue_id;
	log_notice(n, to->postmaster, done.queue_id);
}

static void
on_notify(struct ipc_req *req, const void *msg)
{
	const struct notify *n = msg;
	struct notified answer = { SUBMIT_LATER, STR("") };
	struct pool *p = ipc_pool(req);
	struct route to;

	if (!find_route(n, p, &to))
		answer.result = SUBMIT_OK;
	else
		tell(n, &to, &answer, p);
	if (n->fd >= 0)
		(void)close(n->fd);
	ipc_reply(req, &answer);
}

static const struct ipc_op ops[] = {
	{ &notify_msg, &notified_msg, on_notify, PEER_BIT(PEER_QMGR) },
	{ NULL, NULL, NULL, 0 }
};

int
main(int argc, char **argv)
{
	static const unsigned char peers[] = { PEER_CLEANUP, PEER_NONE };
	static const struct service bounce = {
		.name = "bounce",
		.peer = PEER_BOUNCE,
		.params = bounce_params,
		.needs = { .calls = 0 },	/* no files, no connections, no exec */
		.peers = peers,
		.ops = ops,
	};

	return service_main(&bounce, argc, argv);
}
