/* SPDX-License-Identifier: ISC */
/* What an agent says of thousands of recipients reaches qmgr, whatever the remote said about each. */
#include "unit/unit.h"

#include <string.h>

#include "ask/agent.h"
#include "ask/bounce.h"
#include "fiber/fiber.h"
#include "ipc/frame.h"
#include "ipc/peer.h"
#include "wire/limits.h"
#include "wire/peers.h"
#include "wire/submit.h"

static char words[LIMIT_REPLY + 1], address[LIMIT_ADDRESS + 1];
static size_t heard, text_least;

static void
hear(struct str text, struct str diag)
{
	size_t n = text.n + diag.n;

	heard++;
	text_least = n < text_least ? n : text_least;
	ck_assert(memcmp(text.p, words, text.n) == 0 && memcmp(diag.p, words, diag.n) == 0);
}

static void
on_result(struct ipc_req *r, const void *msg)
{
	const struct result *m = msg;
	struct settled answer = { m->serial };

	for (size_t i = 0; i < m->rcpts.n; i++) {
		const struct result_rcpt *v = (const struct result_rcpt *)m->rcpts.v + i;

		ck_assert_uint_eq(v->num, i + 7);
		ck_assert_uint_eq(v->status, RESULT_BOUNCED);
		ck_str_is(v->dsn, "5.1.1");
		ck_assert_uint_eq(v->remote.n, LIMIT_HOST);
		hear(v->text, v->diag);
	}
	ipc_reply(r, &answer);
}

static void
on_notify(struct ipc_req *r, const void *msg)
{
	const struct notify *m = msg;
	struct notified answer = { SUBMIT_OK, STR("") };

	for (size_t i = 0; i < m->rcpts.n; i++) {
		const struct notify_rcpt *v = (const struct notify_rcpt *)m->rcpts.v + i;

		ck_assert_uint_eq(v->addr.n, LIMIT_ADDRESS);
		hear(v->text, v->diag);
	}
	ipc_reply(r, &answer);
}

static const struct ipc_op ops[] = {
	{ &result_msg, &settled_msg, on_result, PEER_BIT(PEER_SMTP) },
	{ &notify_msg, &notified_msg, on_notify, PEER_BIT(PEER_QMGR) },
	{ NULL, NULL, NULL, 0 }
};

static struct ipc *ends[2];
static bool closing;

static void
ended(struct ipc *c, void *arg)
{
	ck_assert_msg(closing, "the connection ended");
}

/* No fiber is left after this. */
static void
close_all(void)
{
	closing = true;
	ipc_close(ends[0]);
	ipc_close(ends[1]);
}

/* A connection to `to`, who answers as `ops` say. */
static struct ipc *
connection(unsigned from, unsigned to)
{
	int fds[2];

	memset(words, 'w', LIMIT_REPLY);
	memset(address, 'a', LIMIT_ADDRESS);
	heard = 0;
	text_least = SIZE_MAX;
	ck_assert(frame_pair(fds));
	ends[1] = ipc_open(fds[1], ops, from, ended, NULL);
	return ends[0] = ipc_open(fds[0], NULL, to, ended, NULL);
}

static const struct {
	size_t rcpts, length;
	size_t least;		/* bytes of text and diag together that must arrive */
} replies[] = {
	{ 3, LIMIT_REPLY, 2 * LIMIT_REPLY },
	{ 3000, LIMIT_REPLY, 2 * LIMIT_REPLY },		/* nothing is cut that fits */
	{ 5000, LIMIT_REPLY, LIMIT_REPLY },
	{ LIMIT_RCPTS, LIMIT_REPLY, LIMIT_REPLY / 2 },
	{ LIMIT_RCPTS, 100, 200 },
};

static struct deliver_rcpt asked[LIMIT_RCPTS];
static struct result_rcpt told[LIMIT_RCPTS];
static struct notify_rcpt noted[LIMIT_RCPTS];

static void
f_result(void *arg)
{
	size_t n = replies[*(int *)arg].rcpts, length = replies[*(int *)arg].length;
	struct deliver d = { .serial = 5, .queue_id = STR("4XYZ"), .rcpts = { asked, n } };
	struct result result = { .serial = 5, .queue_id = STR("4XYZ"), .rcpts = { told, n } };

	agent_joined(connection(PEER_SMTP, PEER_QMGR));
	for (size_t i = 0; i < n; i++) {
		asked[i] = (struct deliver_rcpt){ .num = i + 7 };
		told[i] = (struct result_rcpt){ .num = i + 7, .status = RESULT_BOUNCED,
			.dsn = STR("5.1.1"), .text = str_n(words, length),
			.diag = str_n(words, length), .remote = str_n(words, LIMIT_HOST) };
	}
	ck_assert(agent_begin(&d));
	ck_assert(agent_finish(&result));
	ck_assert_uint_eq(agent_count(), 0);
	agent_left(ends[0]);
	close_all();
}

static void
f_notice(void *arg)
{
	size_t n = replies[*(int *)arg].rcpts, length = replies[*(int *)arg].length;
	struct notify ask = { .kind = NOTICE_FAILED, .queue_id = STR("4XYZ"), .fd = -1,
		.rcpts = { noted, n } };
	struct pool *pool = pool_new();
	struct notified done;

	peer_add(PEER_BOUNCE, connection(PEER_QMGR, PEER_BOUNCE));
	for (size_t i = 0; i < n; i++)
		noted[i] = (struct notify_rcpt){ .addr = str_n(address, LIMIT_ADDRESS),
			.orig = str_n(address, LIMIT_ADDRESS), .dsn = STR("5.1.1"),
			.text = str_n(words, length), .diag = str_n(words, length),
			.remote = str_n(words, LIMIT_HOST) };
	ck_assert(bounce_notify(&ask, &done, pool, deadline_in(60000)));
	pool_free(pool);
	peer_remove(PEER_BOUNCE, ends[0]);
	close_all();
}

START_TEST(result)
{
	fiber_run(f_result, &_i);
	ck_assert_uint_eq(heard, replies[_i].rcpts);
	ck_assert_uint_ge(text_least, replies[_i].least);
}
END_TEST

/* Addresses take their room first, so less is left than in a result. */
START_TEST(notice)
{
	fiber_run(f_notice, &_i);
	ck_assert_uint_eq(heard, replies[_i].rcpts);
	ck_assert_uint_ge(text_least, 100);
}
END_TEST

static bool finished, settled;

static void
hold(void *arg)
{
	struct result what = { .serial = 5, .queue_id = STR("4XYZ"), .rcpts = { told, 1 } };

	settled = agent_finish(&what);
	finished = true;
}

static void
f_quit(void *arg)
{
	struct deliver d = { .serial = 5, .queue_id = STR("4XYZ"), .rcpts = { asked, 1 } };

	ck_assert(agent_begin(&d));
	(void)fiber_start(hold, NULL, "hold");
	(void)fiber_sleep(deadline_in(100));
	ck_assert(!finished);
	agent_quit();
	(void)fiber_sleep(deadline_in(100));
}

/* A result is kept for the next qmgr, but not when there will be none. */
START_TEST(quit)
{
	fiber_run(f_quit, NULL);
	ck_assert(finished && !settled);
	ck_assert_uint_eq(agent_count(), 1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ask/agent");
	TCase *t = tcase_create("long replies");

	tcase_set_timeout(t, 120);
	unit_add_rows(t, result, replies);
	unit_add_rows(t, notice, replies);
	tcase_add_test(t, quit);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
