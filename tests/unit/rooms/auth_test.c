/* SPDX-License-Identifier: ISC */
/*
 * authd and anvil as real processes, with a users file.
 */
#include "unit/rooms/room.h"

#include <stdlib.h>

#include "ask/anvil.h"
#include "ask/auth.h"

#define WAIT_MS		20000
#define FLOOD		2500
#define QUICK		"$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1"	/* "secret", cheap to compare */

static const char *dir;
static pid_t authd, anvil;
static int auth_fd, anvil_fd;
static struct pool *pool;

/* What `authd --hash` says to a password. */
static void
hash(const char *password, char *out, size_t room)
{
	int in[2], back[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	ck_assert(pipe(in) == 0 && pipe(back) == 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(back[1], 1);
		(void)close(in[1]);
		(void)execl(BUILDDIR "/authd/authd", "authd", "--hash", (char *)NULL);
		_exit(127);
	}
	(void)close(back[1]);
	(void)close(in[0]);
	ck_assert_int_eq(write(in[1], password, strlen(password)), (ssize_t)strlen(password));
	(void)close(in[1]);
	while (n < room - 1 && (got = read(back[0], out + n, room - 1 - n)) > 0)
		n += (size_t)got;
	(void)close(back[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(n > 0 && out[n - 1] == '\n');
	out[n - 1] = '\0';
}

static void
write_users(const char *password)
{
	char text[1400], h[400];

	hash(password, h, sizeof(h));
	ck_assert_ptr_eq(strstr(h, "$y$"), h);
	(void)snprintf(text, sizeof(text), "# users\n\nAlice@Example.test:%s:5000:5001:alice/\n"
	    "broken line\nbob@example.test:{CRYPT}%s:5000:5001:bob/\n"
	    "locked@example.test:!:5000:5001:locked/\n"
	    "quick@example.test:" QUICK ":5000:5001:quick/\n", h, h);
	room_file(dir, "users.new", text);
	(void)snprintf(text, sizeof(text), "%s/users", dir);
	(void)snprintf(h, sizeof(h), "%s/users.new", dir);
	ck_assert_int_eq(rename(h, text), 0);
}

static void
begin(const char *penalties)
{
	char text[300];
	int ask[2], count[2], between[2];

	dir = room_dir();
	write_users("secret");
	(void)snprintf(text, sizeof(text), "myhostname = mail.example.test\n"
	    "mydomain = example.test\nauthd_system_users = no\n%s", penalties);
	room_file(dir, "main.cf", text);
	room_pair(ask);
	room_pair(count);
	room_pair(between);
	anvil = room_start("anvil", dir, (struct room_fd[]){ { 'p', "authd", between[0] },
	    { 'p', "smtpd", count[0] }, { 0 } });
	authd = room_start("authd", dir, (struct room_fd[]){ { 'p', "anvil", between[1] },
	    { 'p', "smtpd", ask[0] }, { 0 } });
	auth_fd = ask[1];
	anvil_fd = count[1];
}

static void
setup(void)
{
	begin("anvil_penalty = 100ms\nanvil_penalty_limit = 400ms\n");
}

static void
setup_slow(void)
{
	begin("anvil_penalty = 10m\nanvil_penalty_limit = 10m\n");
}

static void
teardown(void)
{
	room_stop(authd);
	room_stop(anvil);
	unit_remove(dir);
}

static enum auth_status
check(const char *user, const char *password, struct auth_checked *out)
{
	return auth_plain(STR("submission"), STR("PLAIN"), str_of(user), str_of(password),
	    STR("192.0.2.1"), true, pool, out, deadline_in(WAIT_MS));
}

static const struct {
	const char *user, *password, *normal, *mailbox;
} right[] = {
	{ "alice@example.test", "secret", "alice@example.test", "alice/" },
	{ "ALICE", "secret", "alice@example.test", "alice/" },
	{ "bob", "secret", "bob@example.test", "bob/" },
};

static const struct {
	const char *user, *password;
} wrong[] = {
	{ "alice", "Secret" }, { "alice", "" }, { "alice", "secret " }, { "nobody", "secret" },
	{ "locked", "!" }, { "alice@other.test", "secret" }, { "", "secret" }, { "root", "secret" },
	{ "../alice", "secret" }, { "alice:x", "secret" }, { "broken line", "" },
};

static void
passwords_body(void *arg)
{
	struct auth_checked out;
	msec_t before;

	(void)arg;
	pool = pool_new();
	peer_add(PEER_AUTHD, ipc_open(auth_fd, NULL, PEER_AUTHD, NULL, NULL));
	/* Twice: the second answer comes from memory. */
	for (size_t i = 0; i < 2 * sizeof(right) / sizeof(right[0]); i++) {
		size_t k = i / 2;

		ck_assert_int_eq(check(right[k].user, right[k].password, &out), AUTH_OK);
		ck_str_is(out.user, right[k].normal);
		ck_str_is(out.mailbox, right[k].mailbox);
		ck_assert_uint_eq(out.uid, 5000);
		ck_assert_uint_eq(out.gid, 5001);
	}
	before = clock_ms();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(check(wrong[i].user, wrong[i].password, &out), AUTH_FAIL);
		ck_str_is(out.reason, "authentication failure");
		ck_assert_uint_eq(out.uid, 0);
	}
	/* 100 + 200 + 9 times 400 ms of penalty. */
	ck_assert_int_ge(clock_ms() - before, 3900);
	/* A new password counts at once, the old one never again. */
	write_users("other");
	ck_assert_int_eq(check("alice", "other", &out), AUTH_OK);
	ck_assert_int_eq(check("alice", "secret", &out), AUTH_FAIL);
	fiber_stop();
}

START_TEST(passwords)
{
	fiber_run(passwords_body, NULL);
}
END_TEST

static unsigned asked, refused;

static void
guess(void *arg)
{
	struct pool *own = pool_new();
	struct auth_checked out;

	(void)arg;
	asked++;
	(void)auth_plain(STR("submission"), STR("PLAIN"), STR("quick"), STR("wrong"),
	    STR("192.0.2.66"), true, own, &out, deadline_in(600000));
	refused += !fiber_cancelled();
	pool_free(own);
}

static void
flood_body(void *arg)
{
	static struct fiber *guessers[FLOOD];
	struct auth_checked out;

	(void)arg;
	pool = pool_new();
	peer_add(PEER_AUTHD, ipc_open(auth_fd, NULL, PEER_AUTHD, NULL, NULL));
	for (unsigned i = 0; i < FLOOD; i++) {
		guessers[i] = fiber_start(guess, NULL, "guess");
		fiber_keep(guessers[i]);
	}
	while (asked < FLOOD)
		(void)fiber_sleep(deadline_in(10));
	for (unsigned i = 0; i < 40; i++) {
		ck_assert_int_eq(check("alice", "secret", &out), AUTH_OK);
		(void)fiber_sleep(deadline_in(50));
	}
	/* And they do wait. */
	ck_assert_uint_eq(refused, 0);
	for (unsigned i = 0; i < FLOOD; i++) {
		fiber_cancel(guessers[i]);
		(void)fiber_join(guessers[i], NEVER);
	}
	fiber_stop();
}

/* Thousands of refusals that are held back keep nobody out. */
START_TEST(flood)
{
	fiber_run(flood_body, NULL);
}
END_TEST

static void
session_body(void *arg)
{
	struct session want = { .fd = -1, .protocol = SESSION_IMAP, .tag = STR("a1"),
		.method = STR("PLAIN"), .client_ip = STR("192.0.2.1") };
	struct str user, reason;
	int pair[2];

	(void)arg;
	pool = pool_new();
	peer_add(PEER_AUTHD, ipc_open(auth_fd, NULL, PEER_AUTHD, NULL, NULL));
	room_pair(pair);
	want.fd = pair[0];
	/* smtpd may not open mailboxes: authd ends that connection. */
	ck_assert_int_eq(auth_open(STR("alice"), STR("secret"), &want, pool, &user, &reason,
	    deadline_in(2000)), AUTH_TEMP);
	fiber_stop();
}

START_TEST(session)
{
	fiber_run(session_body, NULL);
}
END_TEST

static void
counters_body(void *arg)
{
	struct anvil_counted n;
	struct str who = STR("192.0.2.7"), smtp = STR("smtp");

	(void)arg;
	peer_add(PEER_ANVIL, ipc_open(anvil_fd, NULL, PEER_ANVIL, NULL, NULL));
	for (unsigned i = 1; i <= 3; i++) {
		ck_assert(anvil_count(ANVIL_CONNECT, smtp, who, &n, deadline_in(WAIT_MS)));
		ck_assert_uint_eq(n.connections, i);
		ck_assert_uint_eq(n.rate, i);
	}
	anvil_gone(smtp, who);
	ck_assert(anvil_count(ANVIL_MAIL, smtp, who, &n, deadline_in(WAIT_MS)));
	ck_assert_uint_eq(n.connections, 2);
	ck_assert_uint_eq(n.rate, 1);
	ck_assert(anvil_count(ANVIL_MAIL, STR("submission"), who, &n, deadline_in(WAIT_MS)));
	ck_assert_uint_eq(n.connections, 0);
	fiber_stop();
}

START_TEST(counters)
{
	fiber_run(counters_body, NULL);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/auth");
	TCase *t = tcase_create("auth");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, passwords);
	tcase_add_test(t, session);
	tcase_add_test(t, counters);
	suite_add_tcase(s, t);
	t = tcase_create("flood");
	tcase_add_checked_fixture(t, setup_slow, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, flood);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
