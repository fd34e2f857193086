/* SPDX-License-Identifier: ISC */
/* local: what stands in the mailbox, what is not done twice, what is refused (security L5, L7). */
#include "unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/common.h"
#include "fiber/fiber.h"
#include "io/file.h"
#include "local/local.h"

/* How far the clock on the wall is ahead. */
static time_t later;

int
clock_gettime(clockid_t clock, struct timespec *at)
{
	int r = (int)syscall(SYS_clock_gettime, clock, at);

	if (clock == CLOCK_REALTIME)
		at->tv_sec += later;
	return r;
}

static char home[64];
static struct pool *pool;
static struct deliver d;
static struct deliver_rcpt rcpt;
static struct result_rcpt res;
static char names[10][300];	/* of the folder last listed */

static void
setup(void)
{
	static struct str here = STR_INIT("here.test");

	unit_folder(home, sizeof(home));
	common.mail_storage = "Maildir/";
	common.recipient_delimiter = "+";
	common.myhostname = "mx.here.test";
	common.myorigin = "here.test";
	common.mydestination = (struct strs){ &here, 1 };
	owner = (struct owner){ .uid = getuid(), .login = "alice", .path = home };
	ck_assert_int_ge(owner.root = file_open_folder(home), 0);
	pool = pool_new();
	rcpt = (struct deliver_rcpt){ .num = 3, .addr = STR("alice@here.test") };
	d = (struct deliver){ .queue_id = STR("4abcdEfgh1z"), .transport = STR("local"),
		.mailbox = STR("alice"), .sender = STR("bob@example.org"), .fd = -1,
		.arrival_us = (uint64_t)clock_wall_us(), .active_us = (uint64_t)clock_wall_us(),
		.content = STR("Subject: hello\r\n\r\nline\r\n.dot\r\n") };
	d.rcpts = (struct ipc_list){ &rcpt, 1 };
	d.size = d.content.n;
}

static void
teardown(void)
{
	pool_free(pool);
	(void)close(owner.root);
	unit_remove(home);
}

static void
in_fiber(void *arg)
{
	deliver_rcpt(&d, &rcpt, &res, pool);
}

static void
run(void)
{
	fiber_run(in_fiber, NULL);
}

/* How many files the folder has. */
static unsigned
list(const char *sub)
{
	char path[200];
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/%s", home, sub);
	if ((dir = opendir(path)) == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' && n < 10)
			(void)snprintf(names[n++], sizeof(names[0]), "%s/%s", sub, e->d_name);
	(void)closedir(dir);
	return n;
}

static const char *
content(const char *name)
{
	struct buf b = { 0 };
	struct str copy;
	int fd = openat(owner.root, name, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert(file_read(fd, 100000, &b));
	(void)close(fd);
	copy = pool_str(pool, buf_str(&b));
	buf_free(&b);
	return copy.p;
}

static void
forward_file(const char *name, const char *text)
{
	int fd = openat(owner.root, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	(void)close(fd);
}

START_TEST(delivered)
{
	run();
	ck_assert_int_eq(res.status, RESULT_SENT);
	ck_str_is(res.dsn, "2.0.0");
	ck_str_is(res.text, "delivered to maildir");
	ck_assert_uint_eq(list("Maildir/tmp"), 0);
	ck_assert_uint_eq(list("Maildir/new"), 1);
	ck_str_is(str_of(content(names[0])), "Return-Path: <bob@example.org>\n"
	    "X-Original-To: alice@here.test\nDelivered-To: alice@here.test\n"
	    "Subject: hello\n\nline\n.dot\n");
}
END_TEST

START_TEST(headers_merged)
{
	struct str more[] = { STR_INIT("X-Spam: no\r\n") };
	struct envelope_edit edit = { EDIT_DROP, STR("bcc") };

	d.received = STR("Received: from x\r\n\tby y id \r\n");
	d.received_id_at = 27;
	d.prepend = (struct strs){ more, 1 };
	d.edits = (struct ipc_list){ &edit, 1 };
	d.content = STR("Bcc: secret@example.org\r\nSubject: hello\r\n\r\n");
	rcpt.orig = STR("list@here.test\r\nX-Forged: 1");
	d.sender = STR("");
	run();
	ck_assert_int_eq(res.status, RESULT_SENT);
	ck_assert_uint_eq(list("Maildir/new"), 1);
	ck_str_is(str_of(content(names[0])), "Return-Path: <>\n"
	    "X-Original-To: list@here.test??X-Forged: 1\nDelivered-To: alice@here.test\n"
	    "Received: from x\n\tby y id 4abcdEfgh1z\nX-Spam: no\nSubject: hello\n\n");
}
END_TEST

START_TEST(from_descriptor)
{
	int fd = unit_file();

	ck_assert_int_eq(write(fd, "HEADSubject: big\r\n\r\nbody\r\nTAIL", 30), 30);
	d.content = STR("");
	d.fd = fd;
	d.offset = 4;
	d.size = 22;
	run();
	ck_assert_int_eq(res.status, RESULT_SENT);
	ck_assert_uint_eq(list("Maildir/new"), 1);
	ck_assert(str_end(str_of(content(names[0])), STR("Subject: big\n\nbody\n")));
	/* Shorter than was said: no copy at all. */
	d.size = 100;
	rcpt.num = 4;
	run();
	ck_assert_int_eq(res.status, RESULT_DEFERRED);
	ck_assert_uint_eq(list("Maildir/new"), 1);
	ck_assert_uint_eq(list("Maildir/tmp"), 0);
	(void)close(fd);
}
END_TEST

/* Repeated after a crash: once, where the reader left it; not for another recipient or content. */
START_TEST(repeated)
{
	char to[400];

	run();
	run();
	ck_assert_int_eq(res.status, RESULT_SENT);
	ck_assert_uint_eq(list("Maildir/new"), 1);
	(void)snprintf(to, sizeof(to), "Maildir/cur/%s:2,FS", strrchr(names[0], '/') + 1);
	ck_assert_int_eq(renameat(owner.root, names[0], owner.root, to), 0);
	run();
	ck_assert_int_eq(res.status, RESULT_SENT);
	ck_assert_uint_eq(list("Maildir/new"), 0);
	ck_assert_uint_eq(list("Maildir/cur"), 1);
	d.content = STR("Subject: hellO\r\n\r\nline\r\n.dot\r\n");
	run();
	ck_assert_uint_eq(list("Maildir/new"), 1);
	rcpt.num++;
	run();
	ck_assert_uint_eq(list("Maildir/new"), 2);
}
END_TEST

START_TEST(looping)
{
	d.content = STR("Subject: x\r\nDelivered-To: Alice@Here.test\r\n\r\n");
	run();
	ck_assert_int_eq(res.status, RESULT_BOUNCED);
	ck_str_is(res.dsn, "5.4.6");
	d.content = STR("Subject: x\r\n\r\nDelivered-To: alice@here.test\r\n");
	run();
	ck_assert_int_eq(res.status, RESULT_SENT);
}
END_TEST

static void
check_to(const char *want)
{
	struct buf got = { 0 };

	ck_assert_int_eq(res.status, RESULT_EXPANDED);
	for (size_t i = 0; i < res.to.n; i++)
		buf_addf(&got, "%.*s ", STR_ARG(res.to.v[i]));
	ck_str_is(buf_str(&got), want);
	buf_free(&got);
}

START_TEST(forwarded)
{
	forward_file(".forward", "bob@example.org, carol@example.org\n");
	run();
	check_to("bob@example.org carol@example.org ");
	ck_assert_uint_eq(list("Maildir/new"), 0);
	forward_file(".forward", "\\alice, bob@example.org\n");
	run();
	check_to("bob@example.org ");
	ck_assert_uint_eq(list("Maildir/new"), 1);
	run();
	ck_assert_uint_eq(list("Maildir/new"), 1);
	forward_file(".forward+list", "dave@example.org\n");
	rcpt.addr = STR("alice+list@here.test");
	run();
	check_to("dave@example.org ");
	rcpt.addr = STR("alice+../x@here.test");
	run();
	check_to("bob@example.org ");
}
END_TEST

START_TEST(forward_refused)
{
	forward_file(".forward", "|/bin/cat\n");
	run();
	ck_assert_int_eq(res.status, RESULT_DEFERRED);
	ck_str_is(res.text, ".forward: commands are not run yet");
	forward_file(".forward", "bob@example.org\n");
	ck_assert_int_eq(fchmodat(owner.root, ".forward", 0666, 0), 0);
	run();
	ck_assert_int_eq(res.status, RESULT_DEFERRED);
	ck_str_is(res.text, ".forward can be written by others");
	ck_assert_uint_eq(list("Maildir/new"), 0);
}
END_TEST

static const struct box {
	const char *mailbox;
	bool ok;
	const char *where;
} boxes[] = {
	{ "alice/", true, "alice/new" },
	{ "here.test/alice/", true, "here.test/alice/new" },
	{ "../x/", false, "" },
	{ "a/../../x/", false, "" },
	{ "/tmp/x/", false, "" },
	{ "link/alice/", false, "" },
	{ "link/", false, "" },
	{ "file/", false, "" },
	{ "mbox", false, "" },
	{ "/", false, "" },
	{ "", false, "" },
	{ "./", false, "" },
	{ "a/./b/", false, "" },
};

START_TEST(virtual_boxes)
{
	int fd = openat(owner.root, "file", O_WRONLY | O_CREAT, 0600);

	(void)close(fd);
	ck_assert_int_eq(symlinkat("/tmp", owner.root, "link"), 0);
	forward_file(".forward", "bob@example.org\n");	/* means nothing here */
	owner.virtual_box = true;
	d.transport = STR("virtual");
	d.mailbox = str_of(boxes[_i].mailbox);
	run();
	ck_assert_int_eq(res.status, boxes[_i].ok ? RESULT_SENT : RESULT_DEFERRED);
	if (boxes[_i].ok)
		ck_assert_uint_eq(list(boxes[_i].where), 1);
}
END_TEST

/* Links where mail should go: refused, and what they point to is untouched. */
START_TEST(linked_away)
{
	char target[100];
	struct stat st;

	(void)snprintf(target, sizeof(target), "%s/elsewhere", home);
	ck_assert_int_eq(mkdir(target, 0700), 0);
	ck_assert_int_eq(symlinkat("elsewhere", owner.root, "Maildir"), 0);
	run();
	ck_assert_int_eq(res.status, RESULT_DEFERRED);
	ck_assert_int_eq(unlinkat(owner.root, "Maildir", 0), 0);
	run();
	ck_assert_int_eq(res.status, RESULT_SENT);
	ck_assert_uint_eq(list("Maildir/new"), 1);
	ck_assert_int_eq(unlinkat(owner.root, names[0], 0), 0);
	ck_assert_int_eq(unlinkat(owner.root, "Maildir/new", AT_REMOVEDIR), 0);
	ck_assert_int_eq(symlinkat("../elsewhere", owner.root, "Maildir/new"), 0);
	rcpt.num++;
	run();
	ck_assert_int_eq(res.status, RESULT_DEFERRED);
	ck_assert_uint_eq(list("elsewhere"), 0);
	ck_assert_int_eq(fstatat(owner.root, "elsewhere", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
}
END_TEST

START_TEST(folder_removed)
{
	run();
	ck_assert_uint_eq(list("Maildir/new"), 1);
	ck_assert_int_eq(unlinkat(owner.root, names[0], 0), 0);
	ck_assert_int_eq(unlinkat(owner.root, "Maildir/new", AT_REMOVEDIR), 0);
	rcpt.num++;
	run();
	if (res.status == RESULT_SENT)
		ck_assert_uint_eq(list("Maildir/new"), 1);
	else
		ck_assert_int_eq(res.status, RESULT_DEFERRED);
	ck_assert_int_eq(renameat(owner.root, "Maildir", owner.root, "gone"), 0);
	rcpt.num++;
	run();
	ck_assert_int_eq(res.status, RESULT_SENT);
	ck_assert_uint_eq(list("Maildir/new"), 1);
	/* No home at all. */
	owner.root = -1;
	owner.root_error = 2;
	run();
	ck_assert_int_eq(res.status, RESULT_DEFERRED);
}
END_TEST

/* No room: the mail waits, and nothing is left lying about. */
START_TEST(full)
{
	struct rlimit limit = { 100, 100 }, before;

	run();
	ck_assert_int_eq(res.status, RESULT_SENT);
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit.rlim_max = before.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	rcpt.num++;
	run();
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_int_eq(res.status, RESULT_DEFERRED);
	ck_str_is(res.dsn, "4.2.2");
	ck_assert_uint_eq(list("Maildir/tmp"), 0);
	ck_assert_uint_eq(list("Maildir/new"), 1);
}
END_TEST

/* Old files in tmp go after a while, young ones stay, whatever date an APPEND gave them. */
START_TEST(swept)
{
	struct timespec old[2] = { { 1000000, 0 }, { 1000000, 0 } }, new[2];

	run();
	forward_file("Maildir/tmp/young", "x");
	forward_file("Maildir/tmp/old", "x");
	ck_assert_int_eq(utimensat(owner.root, "Maildir/tmp/old", old, 0), 0);
	for (int i = 0; i < 130; i++)
		run();
	ck_assert_uint_eq(list("Maildir/tmp"), 2);
	later = 40 * 3600;
	ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &new[0]), 0);
	new[1] = new[0];
	ck_assert_int_eq(utimensat(owner.root, "Maildir/tmp/young", new, 0), 0);
	for (int i = 0; i < 5000 && list("Maildir/tmp") == 2; i++)
		run();
	ck_assert_uint_eq(list("Maildir/tmp"), 1);
	ck_assert_str_eq(names[0], "Maildir/tmp/young");
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("local");
	TCase *t = tcase_create("local");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, delivered);
	tcase_add_test(t, headers_merged);
	tcase_add_test(t, from_descriptor);
	tcase_add_test(t, repeated);
	tcase_add_test(t, looping);
	tcase_add_test(t, forwarded);
	tcase_add_test(t, forward_refused);
	tcase_add_loop_test(t, virtual_boxes, 0, sizeof(boxes) / sizeof(boxes[0]));
	tcase_add_test(t, linked_away);
	tcase_add_test(t, folder_removed);
	tcase_add_test(t, full);
	tcase_add_test(t, swept);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
