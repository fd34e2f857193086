/* SPDX-License-Identifier: ISC */
/*
 * smtp as a real process in its jail: the test is qmgr (twice, as after a restart) and the server.
 */
#include "unit/rooms/room.h"

#include "io/net.h"
#include "io/stream.h"
#include "wire/deliver.h"

#define WAIT_MS		10000
#define LARGE		300000

static const char *dir;
static pid_t smtp;
static int ask[2];		/* two connections from qmgr */
static int listener;
static uint16_t port;

/* What qmgr saw. */
static struct {
	unsigned results[2];	/* on each connection */
	uint64_t serial;
	uint64_t status;
	char text[200];
	bool swallow;		/* do not answer on connection 1, close it */
	size_t content;		/* bytes the server got */
} saw;

static struct ipc *conn[2];
static struct fiber *serving;

static void
on_result(struct ipc_req *r, const void *msg)
{
	const struct result *m = msg;
	const struct result_rcpt *v = m->rcpts.v;
	struct settled s = { m->serial };
	unsigned which = ipc_conn(r) == conn[0] ? 0 : 1;

	saw.results[which]++;
	saw.serial = m->serial;
	ck_assert_uint_eq(m->rcpts.n, 1);
	saw.status = v[0].status;
	(void)snprintf(saw.text, sizeof(saw.text), "%.*s %.*s", STR_ARG(v[0].dsn),
	    STR_ARG(v[0].text));
	if (which == 1 && saw.swallow) {
		ipc_close(conn[1]);
		conn[1] = NULL;
	}
	ipc_reply(r, &s);
}

static const struct ipc_op ops[] = {
	{ &result_msg, &settled_msg, on_result, PEER_BIT(PEER_SMTP) },
	{ NULL, NULL, NULL, 0 }
};

static void
setup(void)
{
	struct net_addr a;
	int first[2], second[2];

	memset(&saw, 0, sizeof(saw));
	dir = room_dir();
	room_file(dir, "main.cf", "myhostname = client.test\ninet_interfaces = 127.0.0.9\n"
	    "smtp_tls_security_level = none\n");
	room_file(dir, "master.cf", "smtp unix - - - - - smtp\n");
	room_pair(first);
	room_pair(second);
	smtp = room_start("smtp", dir, (struct room_fd[]){
	    { 'p', "qmgr", first[0] }, { 'p', "qmgr", second[0] }, { 0 } });
	ask[0] = first[1];
	ask[1] = second[1];
	ck_assert(net_parse(STR("127.0.0.1"), 0, &a));
	listener = net_listen(&a, 10);
	ck_assert_int_ge(listener, 0);
	a = net_local(listener);
	port = net_port(&a);
}

static void
teardown(void)
{
	room_stop(smtp);
	unit_remove(dir);
}

/* A server that takes everything. */
static void
server(void *arg)
{
	struct stream *s;
	struct str line;
	int fd;

	(void)arg;
	fd = net_accept(listener, NULL, deadline_in(WAIT_MS));
	ck_assert_int_ge(fd, 0);
	s = stream_open(fd);
	stream_deadline(s, deadline_in(WAIT_MS));
	(void)stream_write(s, STR("220 sink\r\n"));
	while (stream_getline(s, &line, 4096) == IO_OK) {
		if (str_start(line, STR("QUIT")))
			break;
		if (!str_start(line, STR("DATA"))) {
			(void)stream_write(s, STR("250 ok\r\n"));
			continue;
		}
		(void)stream_write(s, STR("354 go\r\n"));
		while (stream_getline(s, &line, 4096) == IO_OK && !str_eq(line, STR(".")))
			saw.content += line.n + 2;
		(void)stream_write(s, STR("250 2.0.0 taken\r\n"));
	}
	stream_close(s);
}

static void
send_delivery(struct ipc *c, uint64_t serial, int fd, uint64_t offset, uint64_t size)
{
	struct pool *pool = pool_new();
	struct deliver_rcpt r = { .num = 7, .addr = STR("r@y.test") };
	struct deliver d = { .serial = serial, .queue_id = STR("QID"), .transport = STR("smtp"),
		.sender = STR("s@x.test"), .rcpts = { &r, 1 }, .fd = fd, .offset = offset,
		.size = size };

	d.nexthop = pool_printf(pool, "[127.0.0.1]:%u", port);
	d.arrival_us = d.active_us = (uint64_t)clock_wall_us();
	if (fd < 0)
		d.content = STR("Subject: x\r\n\r\nhi\r\n");
	ck_assert_int_eq(ipc_send(c, &deliver_msg, &d, deadline_in(WAIT_MS)), IPC_DONE);
	pool_free(pool);
}

static void
open_both(void)
{
	for (int i = 0; i < 2; i++)
		conn[i] = ipc_open(ask[i], ops, PEER_SMTP, NULL, NULL);
	serving = fiber_start(server, NULL, "server");
	fiber_keep(serving);
}

/* No fiber is left after this; the server may still have an open connection for the next message. */
static void
end_all(void)
{
	fiber_cancel(serving);
	ck_assert_int_eq(fiber_join(serving, deadline_in(WAIT_MS)), WAKE_READY);
	for (int i = 0; i < 2; i++)
		if (conn[i] != NULL)
			ipc_close(conn[i]);
}

static size_t
count_inflight(struct ipc *c)
{
	struct pool *pool = pool_new();
	struct inflight q = { 0 };
	struct inflight_reply a;
	size_t n;

	ck_assert_int_eq(ipc_call(c, &inflight_msg, &q, &inflight_reply_msg, &a, pool,
	    deadline_in(WAIT_MS)), IPC_DONE);
	n = a.list.n;
	ck_str_is(a.service, "smtp");
	if (n > 0) {
		const struct inflight_one *one = a.list.v;
		const struct inflight_num *num = one->nums.v;

		ck_str_is(one->queue_id, "QID");
		ck_assert_uint_eq(num->num, 7);
	}
	pool_free(pool);
	return n;
}

static void
wait_results(unsigned which, unsigned n)
{
	msec_t end = deadline_in(WAIT_MS);

	while (saw.results[which] < n && deadline_left(end) > 0)
		(void)fiber_sleep(deadline_in(5));
	ck_assert_uint_eq(saw.results[which], n);
}

static void
delivers(void *arg)
{
	(void)arg;
	open_both();
	ck_assert_uint_eq(count_inflight(conn[1]), 0);
	send_delivery(conn[0], 1, -1, 0, 0);
	wait_results(1, 1);
	ck_assert_uint_eq(saw.status, RESULT_SENT);
	ck_assert_str_eq(saw.text, "2.0.0 250 2.0.0 taken");
	ck_assert_uint_eq(saw.content, 18);
	end_all();
}

START_TEST(small)
{
	fiber_run(delivers, NULL);
}
END_TEST

/* Content by descriptor: from its offset, to its size, never beyond. */
static void
delivers_large(void *arg)
{
	char path[64];
	int fd, ro;

	(void)arg;
	(void)snprintf(path, sizeof(path), "%s/large", dir);
	ck_assert_int_ge(fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), 0);
	ck_assert_int_eq(ftruncate(fd, 1), 0);
	ck_assert_int_eq(lseek(fd, 1, SEEK_SET), 1);
	for (int i = 0; i < LARGE / 10 + 5; i++)
		ck_assert_int_eq(write(fd, "12345678\r\n", 10), 10);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	(void)unlink(path);
	open_both();
	send_delivery(conn[1], 2, ro, 1, LARGE);
	wait_results(1, 1);
	ck_assert_uint_eq(saw.status, RESULT_SENT);
	ck_assert_uint_eq(saw.content, LARGE);
	end_all();
}

START_TEST(large)
{
	fiber_run(delivers_large, NULL);
}
END_TEST

/* A result that qmgr took but never settled is told to the next one. */
static void
settles(void *arg)
{
	(void)arg;
	saw.swallow = true;
	open_both();
	send_delivery(conn[1], 3, -1, 0, 0);
	wait_results(1, 1);
	wait_results(0, 1);
	ck_assert_uint_eq(saw.serial, 3);
	while (count_inflight(conn[0]) > 0)
		(void)fiber_sleep(deadline_in(10));
	end_all();
}

START_TEST(qmgr_gone)
{
	fiber_run(settles, NULL);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/smtp");
	TCase *t = tcase_create("smtp");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, small);
	tcase_add_test(t, large);
	tcase_add_test(t, qmgr_gone);
	tcase_set_timeout(t, 30);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
