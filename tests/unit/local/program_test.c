/* SPDX-License-Identifier: ISC */
/* local as a real process, jail on, under a uid of its own; the test is its qmgr. */
#include "unit/rooms/room.h"

#include "base/clock.h"
#include "ipc/ipc.h"
#include "wire/deliver.h"

#define NOBODY	65534

static const char *dir;
static int qmgr_fd;
static pid_t pid;
static uid_t uid;
static struct fiber_queue answered;
static unsigned results;

/*
 * A copy of local in our folder, which `uid` may enter, wherever the build tree lies.  (A descriptor
 * to the program itself is not enough: valgrind starts by path what it is told to start by descriptor.)
 */
static void
copy_local(const char *to)
{
	pid_t copy = fork();
	int status;

	if (copy == 0) {
		(void)execlp("cp", "cp", BUILDDIR "/local/local", to, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(copy, &status, 0), copy);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(chmod(to, 0755), 0);
}

static int
exec_as(uid_t to, const char *path, char *const argv[])
{
	if (getuid() == 0 && (setgid(to) != 0 || setuid(to) != 0))
		return -1;
	return execv(path, argv);
}

static void
setup(void)
{
	char path[200], program[200], who[100], fd[40], conf[300];
	int pair[2];

	dir = room_dir();
	uid = getuid() == 0 ? NOBODY : getuid();
	(void)snprintf(conf, sizeof(conf), "virtual_mailbox_base = %s/mail\nmyhostname = mx.test\n", dir);
	room_file(dir, "main.cf", conf);
	(void)snprintf(path, sizeof(path), "%s/mail", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	if (getuid() == 0)
		ck_assert_int_eq(chown(path, uid, uid), 0);
	(void)snprintf(program, sizeof(program), "%s/local", dir);
	copy_local(program);
	room_pair(pair);
	qmgr_fd = pair[1];
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)fcntl(pair[0], F_SETFD, 0);
		(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 0);	/* it traces, the jail forbids */
		(void)snprintf(who, sizeof(who), "%u:%u:virtual:alice/", (unsigned)uid, (unsigned)uid);
		(void)snprintf(fd, sizeof(fd), "qmgr=%d", pair[0]);
		(void)exec_as(uid, program, (char *[]){ program, (char *)"-c", (char *)dir,
		    (char *)"-n", (char *)"local", (char *)"-w", who, (char *)"-p", fd, NULL });
		_exit(127);
	}
	(void)close(pair[0]);
	results = 0;
}

static void
teardown(void)
{
	room_stop(pid);
	unit_remove(dir);
}

static void
on_result(struct ipc_req *r, const void *msg)
{
	const struct result *m = msg;
	const struct result_rcpt *one = m->rcpts.v;
	struct settled answer = { m->serial };

	ck_assert_uint_eq(m->rcpts.n, 1);
	ck_assert_uint_eq(one->num, 7);
	ck_assert_uint_eq(one->status, m->serial == 2 ? RESULT_DEFERRED : RESULT_SENT);
	results++;
	ipc_reply(r, &answer);
	(void)fiber_queue_wake_all(&answered);
}

static const struct ipc_op ops[] = {
	{ &result_msg, &settled_msg, on_result, PEER_BIT(PEER_LOCAL) },
	{ NULL, NULL, NULL, 0 }
};

static void
ended(struct ipc *c, void *arg)
{
}

static void
send_one(struct ipc *c, uint64_t serial, const char *mailbox)
{
	struct deliver_rcpt r = { .num = 7, .addr = STR("alice@virt.test") };
	struct deliver d = { .serial = serial, .queue_id = STR("4abcdEfgh1z"),
		.transport = STR("virtual"), .mailbox = str_of(mailbox), .sender = STR("b@c.test"),
		.fd = -1, .arrival_us = (uint64_t)clock_wall_us() + serial,
		.content = STR("Subject: x\r\n\r\n") };

	d.rcpts = (struct ipc_list){ &r, 1 };
	d.size = d.content.n;
	ck_assert_int_eq(ipc_send(c, &deliver_msg, &d, deadline_in(5000)), IPC_DONE);
	while (results < serial)
		ck_assert_int_eq(fiber_queue_wait(&answered, deadline_in(60000)), WAKE_READY);
}

/* How many deliveries local holds results of that qmgr has not settled. */
static size_t
unsettled(struct ipc *c)
{
	struct pool *pool = pool_new();
	struct inflight ask = { 0 };
	struct inflight_reply got;

	ck_assert_int_eq(ipc_call(c, &inflight_msg, &ask, &inflight_reply_msg, &got, pool,
	    deadline_in(60000)), IPC_DONE);
	pool_free(pool);
	return got.list.n;
}

static void
talk(void *arg)
{
	struct ipc *c = ipc_open(qmgr_fd, ops, PEER_LOCAL, ended, NULL);

	ck_assert_uint_eq(unsettled(c), 0);
	send_one(c, 1, "alice/");
	send_one(c, 2, "../../etc/");
	send_one(c, 3, "new/box/");
	while (unsettled(c) > 0)
		(void)fiber_sleep(deadline_in(10));
	ipc_close(c);
}

START_TEST(deliveries)
{
	char path[300];
	struct stat st;

	fiber_run(talk, NULL);
	ck_assert_uint_eq(results, 3);
	(void)snprintf(path, sizeof(path), "%s/mail/alice/new", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, uid);
	ck_assert_uint_eq(st.st_mode & 077, 0);
	(void)snprintf(path, sizeof(path), "%s/mail/new/box/new", dir);
	ck_assert_int_eq(stat(path, &st), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("local program");
	TCase *t = tcase_create("local program");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, deliveries);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
