/* SPDX-License-Identifier: ISC */
/* Calls over a socket pair: many in flight, fragments, descriptors, bad frames, late answers. */
#include "unit/unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "fiber/fiber.h"
#include "ipc/ipc.h"
#include "ipc/peer.h"

struct ping {
	uint64_t n;
	struct str data;
	int fd;
};

static const struct ipc_field ping_fields[] = {
	IPC_U64(struct ping, n, UINT64_MAX),
	IPC_STR(struct ping, data, 4u << 20),
	IPC_FD(struct ping, fd),
	IPC_END
};
static const struct ipc_msg ping_msg = { "ping", 900, sizeof(struct ping), ping_fields };
static const struct ipc_msg pong_msg = { "pong", 901, sizeof(struct ping), ping_fields };
static const struct ipc_msg shout_msg = { "shout", 902, sizeof(struct ping), ping_fields };

#define ME	5u

static unsigned ended, heard, late;

static void
on_ping(struct ipc_req *r, const void *msg)
{
	struct ping answer = *(const struct ping *)msg;

	answer.n++;
	if (answer.fd >= 0) {
		ck_assert_int_eq(write(answer.fd, "x", 1), 1);
		(void)close(answer.fd);
		answer.fd = -1;
	}
	if (answer.n == 1001) {		/* late on purpose */
		late++;
		(void)fiber_sleep(deadline_in(100));
	}
	ipc_reply(r, &answer);
}

static void
on_shout(struct ipc_req *r, const void *msg)
{
	(void)r;
	(void)msg;
	heard++;
}

static const struct ipc_op ops[] = {
	{ &ping_msg, &pong_msg, on_ping, 1u << ME },
	{ &shout_msg, NULL, on_shout, 1u << ME },
	{ NULL, NULL, NULL, 0 }
};

static void
closed(struct ipc *c, void *arg)
{
	(void)c;
	(void)arg;
	ended++;
}

struct pair {
	struct ipc *a, *b;
	int fds[2];
};

static struct pair
make(unsigned peer)
{
	struct pair p;

	ck_assert(frame_pair(p.fds));
	p.a = ipc_open(p.fds[0], NULL, 7, closed, NULL);
	p.b = ipc_open(p.fds[1], ops, peer, closed, NULL);
	return p;
}

static enum ipc_result
ping(struct ipc *c, uint64_t n, struct str data, int fd, struct ping *got, struct pool *pool,
    msec_t deadline)
{
	struct ping ask = { n, data, fd };

	return ipc_call(c, &ping_msg, &ask, &pong_msg, got, pool, deadline);
}

static void
settle(void)
{
	/* Several rounds of the loop, however long one takes. */
	for (int i = 0; i < 5; i++)
		(void)fiber_sleep(deadline_in(5));
}

static void
f_call(void *arg)
{
	struct pair p = make(ME);
	struct pool *pool = pool_new();
	struct ping got;
	int pipes[2];
	char c;

	(void)arg;
	ck_assert_int_eq(ping(p.a, 41, STR("hello"), -1, &got, pool, deadline_in(5000)), IPC_DONE);
	ck_assert_uint_eq(got.n, 42);
	ck_str_is(got.data, "hello");
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(ping(p.a, 1, STR(""), pipes[1], &got, pool, deadline_in(5000)), IPC_DONE);
	ck_assert_int_eq(read(pipes[0], &c, 1), 1);
	/* A late answer is dropped, and the connection goes on. */
	ck_assert_int_eq(ping(p.a, 1000, STR(""), -1, &got, pool, deadline_in(20)), IPC_TIMEOUT);
	(void)fiber_sleep(deadline_in(150));
	ck_assert_int_eq(ping(p.a, 1, STR("y"), -1, &got, pool, deadline_in(5000)), IPC_DONE);
	ck_assert_uint_eq(ipc_inflight(p.a), 0);
	ipc_close(p.a);
	settle();
	ck_assert_uint_eq(ended, 2);
	pool_free(pool);
	fiber_stop();
}

static void
f_fragments(void *arg)
{
	struct pair p = make(ME);
	struct pool *pool = pool_new();
	static char big[3u << 20];
	struct ping got;

	(void)arg;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 4096);
	for (size_t n = 70000; n <= sizeof(big); n = n * 5 + 1) {
		ck_assert_int_eq(ping(p.a, n, str_n(big, n), -1, &got, pool, deadline_in(20000)),
		    IPC_DONE);
		ck_assert(str_eq(got.data, str_n(big, n)));
	}
	ipc_close(p.b);
	settle();
	pool_free(pool);
	fiber_stop();
}

/* A caller from outside gets an answer to what fits one datagram, and nothing else is kept for it. */
static void
f_small(void *arg)
{
	struct pair p = make(ME);
	struct pool *pool = pool_new();
	static char big[100000];
	struct ping got;

	(void)arg;
	ipc_small(p.b);
	ck_assert_int_eq(ping(p.a, 1, str_n(big, 60000), -1, &got, pool, deadline_in(5000)), IPC_DONE);
	ck_assert_int_eq(ping(p.a, 1, str_n(big, sizeof(big)), -1, &got, pool, deadline_in(5000)),
	    IPC_GONE);
	settle();
	ck_assert_uint_eq(ended, 2);
	pool_free(pool);
	fiber_stop();
}

static unsigned many_done;
static struct pair many_pair;

static void
one_of_many(void *arg)
{
	struct pool *pool = pool_new();
	uint64_t n = (uint64_t)(uintptr_t)arg;
	struct ping got;

	ck_assert_int_eq(ping(many_pair.a, n, STR("m"), -1, &got, pool, deadline_in(20000)), IPC_DONE);
	ck_assert_uint_eq(got.n, n + 1);
	many_done++;
	pool_free(pool);
}

static void
f_many(void *arg)
{
	(void)arg;
	many_pair = make(ME);
	for (uintptr_t i = 2000; i < 4000; i++)
		(void)fiber_start(one_of_many, (void *)i, "one");
	while (many_done < 2000)
		(void)fiber_sleep(deadline_in(10));
	ipc_close(many_pair.a);
	settle();
	fiber_stop();
}

/*
 * More calls in flight than one connection lets its other end handle at once: the answers are
 * still read, and everybody gets one.
 */
#define CROWD	5000u

static struct pair crowd_pair;
static unsigned crowd_done, crowd_now, crowd_most;
static struct fiber_queue crowd_gate;
static bool crowd_open;

static void
on_slow(struct ipc_req *r, const void *msg)
{
	struct ping answer = *(const struct ping *)msg;

	if (++crowd_now > crowd_most)
		crowd_most = crowd_now;
	while (!crowd_open)
		(void)fiber_queue_wait(&crowd_gate, NEVER);
	crowd_now--;
	ipc_reply(r, &answer);
}

static const struct ipc_op slow_ops[] = {
	{ &ping_msg, &pong_msg, on_slow, 1u << ME },
	{ NULL, NULL, NULL, 0 }
};

static void
one_of_crowd(void *arg)
{
	struct pool *pool = pool_new();
	struct ping got;

	(void)arg;
	ck_assert_int_eq(ping(crowd_pair.a, 1, STR("m"), -1, &got, pool, NEVER), IPC_DONE);
	crowd_done++;
	pool_free(pool);
}

/* Until the handlers are many and no more come: the rest of the calls is held back. */
static void
crowd_gathers(void)
{
	unsigned before = 0, same = 0;

	while (same < 20) {
		(void)fiber_sleep(deadline_in(10));
		same = crowd_now > 1000 && crowd_now == before ? same + 1 : 0;
		before = crowd_now;
	}
}

static void
f_crowd(void *arg)
{
	(void)arg;
	ck_assert(frame_pair(crowd_pair.fds));
	crowd_pair.a = ipc_open(crowd_pair.fds[0], NULL, 7, NULL, NULL);
	crowd_pair.b = ipc_open(crowd_pair.fds[1], slow_ops, ME, NULL, NULL);
	for (unsigned i = 0; i < CROWD; i++)
		(void)fiber_start(one_of_crowd, NULL, "one");
	crowd_gathers();
	crowd_open = true;
	(void)fiber_queue_wake_all(&crowd_gate);
	while (crowd_done < CROWD)
		(void)fiber_sleep(deadline_in(10));
	ck_assert_uint_le(crowd_most, 4200);
	ipc_close(crowd_pair.a);
	settle();
	fiber_stop();
}

/* A handler that answers later, from another fiber, before or after it has returned itself. */
static struct ipc_req *kept;

static void
answer_later(void *arg)
{
	struct ping answer = { 7, STR(""), -1 };

	(void)fiber_sleep(deadline_in((msec_t)(intptr_t)arg));
	ipc_reply(kept, &answer);
}

static void
on_keep(struct ipc_req *r, const void *msg)
{
	const struct ping *m = msg;
	struct ping answer = { 7, STR(""), -1 };

	ipc_keep(r);
	kept = r;
	if (m->n == 0) {
		ipc_reply(r, &answer);
		return;
	}
	(void)fiber_start(answer_later, (void *)(intptr_t)m->n, "later");
	if (m->n == 1)
		(void)fiber_sleep(deadline_in(40));
}

static const struct ipc_op keep_ops[] = {
	{ &ping_msg, &pong_msg, on_keep, 1u << ME },
	{ NULL, NULL, NULL, 0 }
};

static void
f_keep(void *arg)
{
	struct pool *pool = pool_new();
	struct pair p;
	struct ping got;

	(void)arg;
	ck_assert(frame_pair(p.fds));
	p.a = ipc_open(p.fds[0], NULL, 7, closed, NULL);
	p.b = ipc_open(p.fds[1], keep_ops, ME, closed, NULL);
	for (uint64_t when = 0; when <= 30; when += when == 0 ? 1 : 29) {
		ck_assert_int_eq(ping(p.a, when, STR(""), -1, &got, pool, deadline_in(5000)), IPC_DONE);
		ck_assert_uint_eq(got.n, 7);
		(void)fiber_sleep(deadline_in(60));
	}
	ipc_close(p.a);
	settle();
	ck_assert_uint_eq(ended, 2);
	pool_free(pool);
	fiber_stop();
}

/* A fiber that was cancelled gets its answer at once also while another one is sending. */
static struct pair full;
static bool gave_up;

static void
fills_the_socket(void *arg)
{
	static char big[60000];
	struct ping m = { 1, str_n(big, sizeof(big)), -1 };

	(void)arg;
	while (ipc_send(full.a, &shout_msg, &m, deadline_in(300)) == IPC_DONE)
		;
}

static void
cancelled_sender(void *arg)
{
	struct ping m = { 1, STR(""), -1 };

	(void)arg;
	(void)fiber_sleep(NEVER);
	ck_assert_int_ne(ipc_send(full.a, &shout_msg, &m, deadline_in(1000)), IPC_DONE);
	gave_up = true;
}

static void
f_cancelled(void *arg)
{
	struct fiber *f;

	(void)arg;
	ck_assert(frame_pair(full.fds));
	full.a = ipc_open(full.fds[0], NULL, 7, NULL, NULL);
	f = fiber_start(cancelled_sender, NULL, "cancelled");
	(void)fiber_start(fills_the_socket, NULL, "filler");
	(void)fiber_sleep(deadline_in(100));
	fiber_cancel(f);
	(void)fiber_sleep(deadline_in(50));
	ck_assert(gave_up);
	ipc_close(full.a);
	(void)fiber_sleep(deadline_in(400));
	(void)close(full.fds[1]);
	fiber_stop();
}

/* Bytes that break a rule end that connection, and calls on it say so. */
static const struct bad {
	const char *bytes;
	size_t n;
} bads[] = {
#define B(s)	{ s, sizeof(s) - 1 }
	B("x"),
	B("garbage that is longer than a head would be"),
	B("PH\2\1\1\0\0\0\0\0\0\0\2\0\0\0zz"),			/* version */
	B("PH\1\7\1\0\0\0\0\0\0\0\2\0\0\0zz"),			/* kind */
	B("PH\1\1\1\0\0\0\0\0\0\0\2\0\0\0zz"),			/* no such message */
	B("PH\1\1\1\0\0\0\0\0\0\0\377\377\377\377zz"),		/* total */
	B("PH\1\1\1\0\0\0\5\0\0\0\4\0\0\0zz"),			/* fragment 5 of nothing */
	B("PH\1\1\1\0\0\0\0\0\0\0\2\0\0\0\204\3"),		/* ping without its fields */
	B("PH\1\3\0\0\0\0\0\0\0\0\2\0\0\0\204\3"),		/* ping as one-way */
#undef B
};

static void
f_bad(void *arg)
{
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		int pair[2];
		struct pair good = make(ME);
		struct pool *pool = pool_new();
		struct ping got;
		char c;

		ended = 0;
		ck_assert(frame_pair(pair));
		(void)ipc_open(pair[1], ops, ME, closed, NULL);
		ck_assert_int_eq(send(pair[0], bads[i].bytes, bads[i].n, 0), (ssize_t)bads[i].n);
		settle();
		ck_assert_msg(ended == 1, "row %zu: connection still there", i);
		ck_assert_int_le(recv(pair[0], &c, 1, MSG_DONTWAIT), 0);
		ck_assert_int_eq(ping(good.a, 1, STR(""), -1, &got, pool, deadline_in(5000)), IPC_DONE);
		(void)close(pair[0]);
		ipc_close(good.a);
		settle();
		pool_free(pool);
	}
	(void)arg;
	fiber_stop();
}

/* A peer that may not ask is refused, whatever it sends. */
static void
f_stranger(void *arg)
{
	struct pair p = make(ME + 1);
	struct pool *pool = pool_new();
	struct ping got;

	(void)arg;
	ck_assert_int_eq(ping(p.a, 1, STR(""), -1, &got, pool, deadline_in(5000)), IPC_GONE);
	settle();
	ck_assert_uint_eq(ended, 2);
	pool_free(pool);
	fiber_stop();
}

static struct pair peer_pair;

static void
later(void *arg)
{
	(void)arg;
	(void)fiber_sleep(deadline_in(30));
	peer_pair = make(ME);
	peer_add(9, peer_pair.a);
}

/* The process at the other end goes away in the middle of a call; master brings a new one. */
static void
replace(void *arg)
{
	(void)arg;
	(void)fiber_sleep(deadline_in(20));
	peer_remove(9, peer_pair.a);
	(void)shutdown(peer_pair.fds[1], SHUT_RDWR);
	(void)fiber_sleep(deadline_in(20));
	peer_pair = make(ME);
	peer_add(9, peer_pair.a);
}

/* A call of one that reads no more: it is for its successor. */
static void
unread(void *arg)
{
	struct pool *pool = pool_new();
	struct ping got;

	ck_assert_int_eq(ping(arg, 1, STR(""), -1, &got, pool, deadline_in(5000)), IPC_UNREAD);
	pool_free(pool);
}

/* The process at the other end is replaced in order while it works on a call. */
static void
leave(void *arg)
{
	struct pair old = peer_pair;
	struct fiber *other;

	(void)arg;
	(void)fiber_sleep(deadline_in(20));
	ipc_bye(old.b, deadline_in(5000));
	(void)fiber_sleep(deadline_in(20));
	/* Two at once: when the first is back, the connection is gone. */
	other = fiber_start(unread, old.a, "unread");
	fiber_keep(other);
	unread(old.a);
	ck_assert_int_eq(fiber_join(other, deadline_in(5000)), WAKE_READY);
	peer_remove(9, old.a);
	peer_pair = make(ME);
	peer_add(9, peer_pair.a);
}

static void
f_peer(void *arg)
{
	struct pool *pool = pool_new();
	struct ping ask = { 1, STR(""), -1 }, got;

	(void)arg;
	ck_assert_int_eq(peer_call(9, &ping_msg, &ask, &pong_msg, &got, pool, deadline_in(10)),
	    IPC_GONE);
	(void)fiber_start(later, NULL, "later");
	ck_assert_int_eq(peer_call(9, &ping_msg, &ask, &pong_msg, &got, pool, deadline_in(5000)),
	    IPC_DONE);
	/* The one that is asked ends before it answers; the next to come does. */
	ask.n = 1000;
	(void)fiber_start(replace, NULL, "replace");
	ck_assert_int_eq(peer_ask(9, &ping_msg, &ask, &pong_msg, &got, pool, deadline_in(5000)),
	    IPC_DONE);
	/* One that leaves in order: what it has read it answers, the rest goes to its successor. */
	late = 0;
	(void)fiber_start(leave, NULL, "leave");
	ask.n = 1000;
	ck_assert_int_eq(peer_call(9, &ping_msg, &ask, &pong_msg, &got, pool, deadline_in(5000)),
	    IPC_DONE);
	ck_assert_uint_eq(late, 1);
	ask.n = 1;
	ck_assert_int_eq(peer_call(9, &ping_msg, &ask, &pong_msg, &got, pool, deadline_in(5000)),
	    IPC_DONE);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(peer_send(9, &shout_msg, &ask, deadline_in(1000)), IPC_DONE);
	settle();
	ck_assert_uint_eq(heard, 10);
	peer_remove(9, peer_pair.a);
	ipc_close(peer_pair.a);
	settle();
	pool_free(pool);
	fiber_stop();
}

#define RUN(name)	START_TEST(name) { fiber_run(f_##name, NULL); } END_TEST
RUN(call)
RUN(fragments)
RUN(small)
RUN(many)
RUN(crowd)
RUN(keep)
RUN(cancelled)
RUN(bad)
RUN(stranger)
RUN(peer)

static Suite *
suite(void)
{
	Suite *s = suite_create("ipc");
	TCase *t = tcase_create("calls");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, call);
	tcase_add_test(t, fragments);
	tcase_add_test(t, small);
	tcase_add_test(t, many);
	tcase_add_test(t, crowd);
	tcase_add_test(t, keep);
	tcase_add_test(t, cancelled);
	tcase_add_test(t, bad);
	tcase_add_test(t, stranger);
	tcase_add_test(t, peer);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
