/* SPDX-License-Identifier: ISC */
/*
 * bounce as a real process, jail and all; the test plays qmgr and cleanup.
 */
#include "unit/rooms/room.h"

#include "base/clock.h"
#include "mail/header.h"
#include "unit/rooms/fake_cleanup.h"
#include "wire/bounce.h"

#define WAIT_MS		10000

static const char *dir;
static pid_t bounce;
static int cleanup_fd, qmgr_fd;
static struct ipc *cleanup, *conn;
static struct pool *pool;

static void
setup_with(const char *more)
{
	char conf[600];
	int c[2], q[2];

	dir = room_dir();
	(void)snprintf(conf, sizeof(conf), "myhostname = mx.example.test\nmaillog_file = %s/log\n%s", dir,
	    more);
	room_file(dir, "main.cf", conf);
	room_pair(c);
	room_pair(q);
	bounce = room_start("bounce", dir, (struct room_fd[]){ { 'p', "cleanup", c[0] },
	    { 'p', "qmgr", q[0] }, { 0 } });
	cleanup_fd = c[1];
	qmgr_fd = q[1];
}

static void
setup(void)
{
	setup_with("");
}

static void
setup_2bounce(void)
{
	setup_with("notify_classes = 2bounce, software\n");
}

static void
teardown(void)
{
	room_stop(bounce);
	unit_remove(dir);
}

static void
begin(void)
{
	pool = pool_new();
	cleanup = ipc_open(cleanup_fd, fake_ops, PEER_BOUNCE, NULL, NULL);
	conn = ipc_open(qmgr_fd, NULL, PEER_BOUNCE, NULL, NULL);
}

/* No fiber is left after this, and nothing that it held. */
static void
end(void)
{
	ipc_close(cleanup);
	ipc_close(conn);
	pool_free(pool);
}

static struct notify_rcpt rcpts[] = {
	{ .addr = STR_INIT("bob@y.org"), .orig = STR_INIT("robert@y.org"), .dsn = STR_INIT("5.1.1"),
	  .text = STR_INIT("host mx.y.org[192.0.2.1] said: 550 5.1.1 no such user (in reply to RCPT TO command)"),
	  .diag = STR_INIT("550 5.1.1 no such user"), .remote = STR_INIT("mx.y.org"),
	  .attempt_us = 1795372680000000 },
	{ .addr = STR_INIT("eve@z.org"), .dsn = STR_INIT("4.4.1"), .text = STR_INIT("connect to z.org: timed out"),
	  .attempt_us = 1795372680000000 },
};

static struct notify
sample(void)
{
	return (struct notify){ .kind = NOTICE_FAILED, .queue_id = STR("4jXabcdefgz12"),
		.sender = STR("al@x.org"), .envid = STR("E=1"), .arrival_us = 1795372000000000,
		.client_name = STR("client.x.org"), .rcpts = { rcpts, 2 },
		.received = STR("Received: by here id ; then\r\n"), .received_id_at = 21,
		.content = STR("Subject: my words\r\nBcc: x\r\n\r\nbody\r\n"), .fd = -1 };
}

static struct notified
tell(const struct notify *n)
{
	struct notified done;

	ck_assert_int_eq(ipc_call(conn, &notify_msg, n, &notified_msg, &done, pool,
	    deadline_in(WAIT_MS)), IPC_DONE);
	return done;
}

static bool
has(const char *text)
{
	return str_find(buf_str(&fake.content), str_of(text)) >= 0;
}

#define ck_has(text)	ck_assert_msg(has(text), "no \"%s\" in:\n%s", text, buf_z(&fake.content))
#define ck_lacks(text)	ck_assert_msg(!has(text), "\"%s\" in:\n%s", text, buf_z(&fake.content))

/* The report hangs together: three parts, one boundary, CRLF only, lines no longer than 998. */
static void
check_form(void)
{
	struct str all = buf_str(&fake.content), line, boundary, rest;
	struct header f;
	unsigned opens = 0, closes = 0;
	ptrdiff_t at;

	ck_assert(header_find(all, STR("Content-Type"), &f));
	at = str_find(f.value, STR("boundary=\""));
	ck_assert_int_ge(at, 0);
	boundary = str_sub(f.value, (size_t)at + 10, f.value.n);
	boundary.n = (size_t)str_chr(boundary, '"');
	ck_assert_uint_ge(boundary.n, 32);
	rest = all;
	while (str_cut(&rest, '\n', &line)) {
		ck_assert_uint_le(line.n, 999);
		ck_assert(line.n > 0 && line.p[line.n - 1] == '\r');
		line.n--;
		if (line.n >= boundary.n + 2 && str_start(line, STR("--")) &&
		    str_start(str_sub(line, 2, line.n), boundary)) {
			if (line.n == boundary.n + 2)
				opens++;
			else
				closes++;
		}
	}
	ck_assert_uint_eq(opens, 3);
	ck_assert_uint_eq(closes, 1);
	ck_assert_int_lt(str_chr(all, '\0'), 0);
}

static void
failed_body(void *arg)
{
	struct notify n = sample();
	struct notified done;
	struct envelope_edit edit = { EDIT_DROP, STR("bcc") };
	const struct envelope_rcpt *r;

	begin();
	n.edits = (struct ipc_list){ &edit, 1 };
	done = tell(&n);
	ck_assert_uint_eq(done.result, SUBMIT_OK);
	ck_str_is(done.queue_id, "4jXfFC3pM4z7W");
	ck_str_is(fake.env.sender, "");
	ck_assert_uint_eq(fake.env.rcpts.n, 1);
	r = fake.env.rcpts.v;
	ck_str_is(r->addr, "al@x.org");
	check_form();
	ck_has("From: Mail Delivery System <MAILER-DAEMON@mx.example.test>\r\n");
	ck_has("To: al@x.org\r\n");
	ck_has("Auto-Submitted: auto-replied\r\n");
	ck_has("multipart/report; report-type=delivery-status;");
	ck_has("Subject: Undelivered Mail Returned to Sender\r\n");
	ck_has("  bob@y.org (you wrote to robert@y.org)\r\n");
	ck_has("There is no mailbox of that name.");
	ck_has("  my words\r\n");
	ck_has("Content-Type: message/delivery-status\r\n");
	ck_has("Original-Envelope-Id: E+3D1\r\nReporting-MTA: dns; mx.example.test\r\n"
	    "Received-From-MTA: dns; client.x.org\r\n");
	ck_has("\r\n\r\nOriginal-Recipient: rfc822; robert@y.org\r\nFinal-Recipient: rfc822; bob@y.org\r\n"
	    "Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.y.org\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n");
	ck_has("Final-Recipient: rfc822; eve@z.org\r\nAction: failed\r\nStatus: 4.4.1\r\n"
	    "Diagnostic-Code: X-Posthorn; connect to z.org: timed out\r\n");
	ck_has("Content-Type: message/rfc822\r\n\r\nReceived: by here id 4jXabcdefgz12; then\r\n"
	    "Subject: my words\r\n\r\nbody\r\n");
	ck_lacks("Bcc");
	ck_assert_uint_eq(fake.env.flags & (ENV_8BITMIME | ENV_SMTPUTF8), 0);
	ck_assert_uint_gt(fake.env.message_id.n, 0);
	end();
}

START_TEST(undelivered)
{
	fiber_run(failed_body, NULL);
}
END_TEST

/* RET=HDRS, a delay, a success, a large message from a descriptor: only the header comes back. */
static void
header_only_body(void *arg)
{
	struct notify n = sample();
	struct buf b = { .p = NULL };

	begin();
	n.ret = RET_HDRS;
	(void)tell(&n);
	check_form();
	ck_has("Content-Type: text/rfc822-headers\r\n");
	ck_has("Subject: my words\r\n");
	ck_lacks("\r\nbody");
	n = sample();
	n.kind = NOTICE_DELAYED;
	n.expire_us = 1795802000000000;
	rcpts[0].action = rcpts[1].action = ACTION_DELAYED;
	(void)tell(&n);
	check_form();
	ck_has("Subject: Delayed Mail (still being retried)\r\n");
	ck_has("Action: delayed\r\n");
	ck_has("Will-Retry-Until: ");
	ck_lacks("\r\nbody");
	n.kind = NOTICE_SUCCESS;
	rcpts[0].action = rcpts[1].action = ACTION_RELAYED;
	(void)tell(&n);
	check_form();
	ck_has("Subject: Successful Mail Delivery Report\r\n");
	ck_has("Action: relayed\r\n");
	rcpts[0].action = rcpts[1].action = ACTION_FAILED;
	n = sample();
	buf_addz(&b, "12345Subject: large one\r\n\r\n");
	for (unsigned i = 0; i < 20000; i++)
		buf_addz(&b, "some body text\r\n");
	n.fd = unit_file();
	ck_assert_int_eq(write(n.fd, b.p, b.n), (ssize_t)b.n);
	n.content = STR("");
	n.offset = 5;
	n.size = b.n - 5;
	ck_assert_uint_eq(tell(&n).result, SUBMIT_OK);
	check_form();
	ck_has("\r\nSubject: large one\r\n");
	ck_lacks("some body text");
	ck_assert_uint_lt(fake.content.n, 10000);
	/* The file is shorter than was said: no notice with half a message, but a later try. */
	n.size += 10;
	n.ret = RET_FULL;
	n.offset = b.n;
	ck_assert_uint_eq(tell(&n).result, SUBMIT_LATER);
	ck_assert_uint_eq(fake.count, 4);
	(void)close(n.fd);
	buf_free(&b);
	end();
}

START_TEST(header_only)
{
	fiber_run(header_only_body, NULL);
}
END_TEST

/* Bytes of strangers: a boundary of their own, control characters, 8 bits, very long words. */
static void
hostile_body(void *arg)
{
	static char word[1900];
	struct notify_rcpt r = rcpts[0];
	struct notify n = sample();

	begin();
	memset(word, 'w', sizeof(word));
	r.diag = r.text = str_n(word, sizeof(word));
	r.remote = STR("mx\033[2J");
	n.rcpts = (struct ipc_list){ &r, 1 };
	n.content = STR("Subject: =?x?q?y?=\r\n\r\n--4jXabcdefgz12\r\n--x--\r\n\xff\r\n.\r\n");
	(void)tell(&n);
	check_form();
	ck_lacks("\033");
	ck_has("Content-Transfer-Encoding: 8bit\r\n");
	ck_assert_uint_eq(fake.env.flags & ENV_8BITMIME, ENV_8BITMIME);
	/* UTF-8 addresses: RFC 6533's types. */
	r = rcpts[0];
	r.addr = STR("j\xc3\xb6@y.org");
	(void)tell(&n);
	check_form();
	ck_has("Content-Type: message/global-delivery-status\r\n");
	ck_has("Final-Recipient: utf-8; j\xc3\xb6@y.org\r\n");
	ck_has("Content-Type: message/global\r\n");
	ck_assert_uint_eq(fake.env.flags & ENV_SMTPUTF8, ENV_SMTPUTF8);
	end();
}

START_TEST(hostile)
{
	fiber_run(hostile_body, NULL);
}
END_TEST

/* security D1: nothing is returned for a notice, and a notice that cleanup refused is asked again. */
static void
nobody_body(void *arg)
{
	struct notify n = sample();
	struct notified done;

	begin();
	n.sender = STR("");
	done = tell(&n);
	ck_assert(done.result == SUBMIT_OK && done.queue_id.n == 0);
	n.sender = STR("double-bounce@mx.example.test");
	done = tell(&n);
	ck_assert(done.result == SUBMIT_OK && done.queue_id.n == 0);
	ck_assert_uint_eq(fake.count, 0);
	n = sample();
	fake.answer = SUBMIT_FULL;
	ck_assert_uint_eq(tell(&n).result, SUBMIT_FULL);
	end();
}

START_TEST(nobody)
{
	fiber_run(nobody_body, NULL);
}
END_TEST

static void
postmaster_body(void *arg)
{
	struct notify n = sample();
	const struct envelope_rcpt *r;

	begin();
	n.sender = STR("");
	(void)tell(&n);
	ck_assert_uint_eq(fake.count, 1);
	r = fake.env.rcpts.v;
	ck_str_is(r->addr, "postmaster@mx.example.test");
	ck_str_is(fake.env.sender, "double-bounce@mx.example.test");
	check_form();
	ck_has("Subject: Postmaster Copy: Undelivered Mail\r\n");
	n.kind = NOTICE_DELAYED;
	(void)tell(&n);
	ck_assert_uint_eq(fake.count, 1);
	end();
}

START_TEST(postmaster)
{
	fiber_run(postmaster_body, NULL);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/bounce");
	TCase *t = tcase_create("bounce"), *u = tcase_create("2bounce");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, undelivered);
	tcase_add_test(t, header_only);
	tcase_add_test(t, hostile);
	tcase_add_test(t, nobody);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(u, setup_2bounce, teardown);
	tcase_add_test(u, postmaster);
	suite_add_tcase(s, u);
	return s;
}

UNIT_MAIN(suite)
