/* SPDX-License-Identifier: ISC */
/*
 * pickup as a real process, jail and all, with files in maildrop/ and a cleanup that the test plays.
 */
#include "unit/rooms/room.h"

#include "base/clock.h"
#include "io/net.h"
#include "unit/rooms/drop_file.h"
#include "unit/rooms/fake_cleanup.h"

#define WAIT_MS		10000
#define NAME		"4jXfFC3pM4z7Wq"

static const char *dir;
static char path[200], poke_path[100];
static pid_t pickup;
static int cleanup_fd;
static struct ipc *cleanup;

static void
setup(void)
{
	static const char *const folders[] = { "spool", "spool/maildrop", "spool/corrupt" };
	char conf[600];
	int pair[2], fd;

	dir = room_dir();
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	(void)snprintf(conf, sizeof(conf), "queue_directory = %s/spool\nmyhostname = mx.example.test\n"
	    "myorigin = example.test\nmaillog_file = %s/log\n", dir, dir);
	room_file(dir, "main.cf", conf);
	(void)snprintf(poke_path, sizeof(poke_path), "%s/poke", dir);
	fd = net_unix_listen(poke_path, SOCK_STREAM, 0600);
	ck_assert_int_ge(fd, 0);
	room_pair(pair);
	pickup = room_start("pickup", dir, (struct room_fd[]){ { 'p', "cleanup", pair[0] },
	    { 'f', "pickup", fd }, { 0 } });
	cleanup_fd = pair[1];
}

static void
teardown(void)
{
	room_stop(pickup);
	unit_remove(dir);
}

static const char *
in_spool(const char *folder, const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/spool/%s/%s", dir, folder, name);
	return path;
}

static void
put_file(const char *name, struct str bytes)
{
	int fd = open(in_spool("maildrop", name), O_WRONLY | O_CREAT | O_TRUNC, 0604);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes.p, bytes.n), (ssize_t)bytes.n);
	(void)close(fd);
}

static void
poke(void)
{
	int fd = net_unix_connect(poke_path, SOCK_STREAM);

	if (fd >= 0)
		(void)close(fd);
}

/* Until the file is gone from maildrop/. */
static bool
wait_gone(const char *name)
{
	msec_t end = deadline_in(WAIT_MS);

	while (access(in_spool("maildrop", name), F_OK) == 0) {
		if (deadline_left(end) == 0)
			return false;
		poke();
		(void)fiber_sleep(deadline_in(20));
	}
	return true;
}

static void
begin(void)
{
	cleanup = ipc_open(cleanup_fd, fake_ops, PEER_PICKUP, NULL, NULL);
}

static struct envelope_rcpt rcpts[] = {
	{ STR_INIT("root"), STR_INIT(""), STR_INIT(""), 0 },
	{ STR_INIT("b@y.org"), STR_INIT(""), STR_INIT(""), 4 },
};

static struct drop
sample(const char *name)
{
	return (struct drop){ .sender = STR("cron"), .fullname = STR("Cron, the"), .rcpts = { rcpts, 2 },
		.uid = getuid(), .arrival_us = 1795372680000000, .name = str_of(name),
		.envid = STR("E1"), .ret = RET_HDRS };
}

/* Bytes of one header added on the way. */
static bool
prepended(const char *start)
{
	for (size_t i = 0; i < fake.env.prepend.n; i++)
		if (str_start(fake.env.prepend.v[i], str_of(start)))
			return true;
	return false;
}

static void
good_body(void *arg)
{
	struct buf b = { .p = NULL };
	struct drop d = sample(NAME);
	const struct envelope_rcpt *r;

	begin();
	drop_file_write(&b, &d, STR("Bcc: x\r\nSubject: s\r\n\r\nb\xc3\xb6\r\n"), 0);
	put_file(NAME, buf_str(&b));
	ck_assert(wait_gone(NAME));
	ck_assert_uint_eq(fake.count, 1);
	ck_str_is(buf_str(&fake.content), "Bcc: x\r\nSubject: s\r\n\r\nb\xc3\xb6\r\n");
	ck_str_is(fake.env.sender, "cron@example.test");
	r = fake.env.rcpts.v;
	ck_str_is(r[0].addr, "root@example.test");
	ck_str_is(r[0].orig, "root");
	ck_str_is(r[1].addr, "b@y.org");
	ck_str_is(r[1].orig, "");
	ck_assert_uint_eq(r[1].notify, 4);
	ck_str_is(fake.env.maildrop, NAME);
	ck_str_is(fake.env.envid, "E1");
	ck_assert_uint_eq(fake.env.flags, ENV_8BITMIME);
	ck_assert_uint_eq(fake.env.uid, getuid());
	ck_assert(str_start(fake.env.received, STR("Received: by mx.example.test (Posthorn, from userid ")));
	ck_assert(str_end(str_sub(fake.env.received, 0, fake.env.received_id_at), STR("\r\n\tid ")));
	ck_assert(prepended("From: \"Cron, the\" <cron@example.test>\r\n"));
	ck_assert(prepended("Date: Sun, 22 Nov 2026 "));
	ck_assert(prepended("Message-Id: <20261122183800." NAME "@mx.example.test>\r\n"));
	ck_assert(prepended("To: undisclosed-recipients:;\r\n"));
	ck_assert_uint_eq(fake.env.edits.n, 4);
	/* Complete messages are left alone, -G ones too. */
	buf_reset(&b);
	drop_file_write(&b, &d, STR("From: a@x\r\nDate: b\r\nTo: c@x\r\nMessage-ID: <d@e>\r\n\r\n"), 0);
	put_file(NAME, buf_str(&b));
	ck_assert(wait_gone(NAME));
	ck_assert_uint_eq(fake.env.prepend.n, 0);
	ck_assert_uint_eq(fake.env.edits.n, 0);
	ck_str_is(fake.env.message_id, "<d@e>");
	buf_reset(&b);
	/* Addresses without a domain get one, in every field of that name. */
	drop_file_write(&b, &d, STR("From: root (Cron)\r\nDate: b\r\nTo: c@x\r\nTo: B <b>,\r\n c@x\r\n"
	    "Message-ID: <d@e>\r\n\r\n"), 0);
	put_file(NAME, buf_str(&b));
	ck_assert(wait_gone(NAME));
	ck_assert_uint_eq(fake.env.edits.n, 2);
	ck_assert_uint_eq(fake.env.prepend.n, 3);
	ck_assert(prepended("From: root@example.test (Cron)\r\n"));
	ck_assert(prepended("To: c@x\r\n"));
	ck_assert(prepended("To: B <b@example.test>,\r\n c@x\r\n"));
	buf_reset(&b);
	d.flags = ENV_NO_EXPAND;
	drop_file_write(&b, &d, STR("\r\n"), 0);
	put_file(NAME, buf_str(&b));
	ck_assert(wait_gone(NAME));
	ck_assert_uint_eq(fake.env.prepend.n, 0);
	ck_assert_uint_eq(fake.count, 4);
	buf_free(&b);
	ipc_close(cleanup);
}

START_TEST(good)
{
	fiber_run(good_body, NULL);
}
END_TEST

/* Larger than one hand-over: it streams. */
static void
large_body(void *arg)
{
	struct buf b = { .p = NULL }, content = { .p = NULL };
	struct drop d = sample(NAME);

	begin();
	buf_addz(&content, "Subject: s\r\n\r\n");
	while (content.n < DROP_PIECE_MAX - 100)
		buf_addz(&content, "a line of some length, the same every time\r\n");
	drop_file_write(&b, &d, buf_str(&content), 1);
	for (unsigned i = 0; i < 3; i++) {
		char head[DROP_HEAD];

		drop_head(head, DROP_CONTENT, (uint32_t)content.n);
		buf_add(&b, str_n(head, sizeof(head)));
		buf_add(&b, buf_str(&content));
	}
	{
		char head[DROP_HEAD], total[8];

		drop_head(head, DROP_END, 8);
		drop_total(total, content.n * 4);
		buf_add(&b, str_n(head, sizeof(head)));
		buf_add(&b, str_n(total, sizeof(total)));
	}
	put_file(NAME, buf_str(&b));
	ck_assert(wait_gone(NAME));
	ck_assert_uint_eq(fake.count, 1);
	ck_assert_uint_eq(fake.content.n, content.n * 4);
	buf_free(&b);
	buf_free(&content);
	ipc_close(cleanup);
}

START_TEST(large)
{
	fiber_run(large_body, NULL);
}
END_TEST

/* Files that are not what postdrop writes go to corrupt/, and nothing of them is queued. */
static const struct bad {
	const char *what, *content;
	bool other_uid, other_name;
	int wrong;
	const char *sender;
} bads[] = {
	{ "another uid", "X: y\r\n", true, false, 0, "a" },
	{ "another name", "X: y\r\n", false, true, 0, "a" },
	{ "wrong total", "X: y\r\n", false, false, 2, "a" },
	{ "bare LF", "X: y\n", false, false, 0, "a" },
	{ "bad sender", "X: y\r\n", false, false, 0, "a@@b" },
};

static void
bad_body(void *arg)
{
	const struct bad *row = arg;
	struct buf b = { .p = NULL };
	struct drop d = sample(row->other_name ? "4jXfFC3pM4zzzz" : NAME);

	begin();
	d.sender = str_of(row->sender);
	if (row->other_uid)
		d.uid++;
	drop_file_write(&b, &d, str_of(row->content), row->wrong);
	put_file(NAME, buf_str(&b));
	ck_assert_msg(wait_gone(NAME), "%s", row->what);
	ck_assert_msg(access(in_spool("corrupt", NAME), F_OK) == 0, "%s", row->what);
	ck_assert_uint_eq(fake.count, 0);
	buf_free(&b);
	ipc_close(cleanup);
}

START_TEST(bad)
{
	fiber_run(bad_body, (void *)(uintptr_t)&bads[_i]);
}
END_TEST

/* Links, folders, FIFOs and other people's names harm nothing (security L5). */
static void
odd_body(void *arg)
{
	struct buf b = { .p = NULL };
	struct drop d = sample(NAME);

	begin();
	ck_assert_int_eq(symlink("/etc/passwd", in_spool("maildrop", "symlink")), 0);
	ck_assert_int_eq(mkfifo(in_spool("maildrop", "fifo"), 0666), 0);
	ck_assert_int_eq(mkdir(in_spool("maildrop", "folder"), 0777), 0);
	put_file("not.ours", STR("x"));
	drop_file_write(&b, &d, STR("X: y\r\n"), 0);
	put_file(NAME, buf_str(&b));
	ck_assert(wait_gone(NAME) && wait_gone("fifo") && wait_gone("folder") &&
	    wait_gone("symlink"));
	ck_assert_uint_eq(fake.count, 1);
	ck_assert_int_eq(access(in_spool("maildrop", "not.ours"), F_OK), 0);
	/* A second name would let its owner change what we read. */
	put_file("other", buf_str(&b));
	{
		char to[200];

		(void)snprintf(to, sizeof(to), "%s", in_spool("corrupt", "twin"));
		ck_assert_int_eq(link(in_spool("maildrop", "other"), to), 0);
	}
	ck_assert(wait_gone("other"));
	ck_assert_uint_eq(fake.count, 1);
	buf_free(&b);
	ipc_close(cleanup);
}

START_TEST(odd)
{
	fiber_run(odd_body, NULL);
}
END_TEST

/* What cleanup cannot take now stays; what is still being written is left alone. */
static void
later_body(void *arg)
{
	struct buf b = { .p = NULL };
	struct drop d = sample(NAME);

	begin();
	fake.answer = SUBMIT_LATER;
	d.name = STR("4unfinished");
	drop_file_write(&b, &d, STR("X: y\r\n"), 0);
	put_file("4unfinished", str_sub(buf_str(&b), 0, b.n - 3));
	buf_reset(&b);
	d.name = STR(NAME);
	drop_file_write(&b, &d, STR("X: y\r\n"), 0);
	put_file(NAME, buf_str(&b));
	for (unsigned i = 0; i < 10; i++) {
		poke();
		(void)fiber_sleep(deadline_in(20));
	}
	ck_assert_int_eq(access(in_spool("maildrop", NAME), F_OK), 0);
	fake.answer = SUBMIT_OK;
	ck_assert(wait_gone(NAME));
	ck_assert_uint_eq(fake.count, 1);
	ck_assert_int_eq(access(in_spool("maildrop", "4unfinished"), F_OK), 0);
	fake.answer = SUBMIT_BAD;
	put_file(NAME, buf_str(&b));
	ck_assert(wait_gone(NAME));
	ck_assert_int_eq(access(in_spool("corrupt", NAME), F_OK), 0);
	buf_free(&b);
	ipc_close(cleanup);
}

START_TEST(later)
{
	fiber_run(later_body, NULL);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/pickup");
	TCase *t = tcase_create("pickup");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, good);
	tcase_add_test(t, large);
	unit_add_rows(t, bad, bads);
	tcase_add_test(t, odd);
	tcase_add_test(t, later);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
