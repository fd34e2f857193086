/* SPDX-License-Identifier: ISC */
/* What tests write is gone when their program ends, however it ends. */
#include "unit/unit.h"

#include <string.h>

#define ROW	"UNIT_TEST_ROW"	/* in the environment: which of the rows below this program is */
#define TELL	9		/* where that program tells its folder */

static int pipe_fds[2];
static const char *self;	/* not /proc/self/exe, which is valgrind when we run in it */

static void
say_folder(void)
{
	char dir[64];

	unit_folder(dir, sizeof(dir));
	ck_assert_int_eq(write(TELL, unit_root, sizeof(unit_root)), sizeof(unit_root));
}

START_TEST(good)
{
	say_folder();
}
END_TEST

START_TEST(bad)
{
	say_folder();
	ck_abort_msg("as it should");
}
END_TEST

START_TEST(broken)
{
	say_folder();
	abort();
}
END_TEST

START_TEST(endless)
{
	say_folder();
	(void)alarm(20);
	for (;;)
		(void)pause();
}
END_TEST

static const struct {
	const TTest *const *test;
	const char *fork;	/* CK_FORK: has each test a process of its own? */
	int kill;		/* a signal for the program, or 0 */
	int result;
} rows[] = {
	{ &good, "yes", 0, EXIT_SUCCESS }, { &good, "no", 0, EXIT_SUCCESS },
	{ &bad, "yes", 0, EXIT_FAILURE }, { &bad, "no", 0, EXIT_FAILURE },
	{ &broken, "yes", 0, EXIT_FAILURE }, { &broken, "no", 0, EXIT_FAILURE },
	{ &endless, "yes", SIGTERM, EXIT_FAILURE }, { &endless, "no", SIGTERM, EXIT_FAILURE },
	{ &endless, "yes", SIGINT, EXIT_FAILURE }, { &endless, "no", SIGHUP, EXIT_FAILURE },
};

/* A test program with this one test. */
static Suite *
inner(const char *row)
{
	Suite *s = suite_create("inner");
	TCase *t = tcase_create("inner");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, *rows[atoi(row)].test);
	suite_add_tcase(s, t);
	return s;
}

/* Become that program: what libcheck remembers of the test we are in must not be in it. */
static void
become(int row)
{
	char number[12];

	(void)snprintf(number, sizeof(number), "%d", row);
	(void)setenv(ROW, number, 1);
	(void)setenv("CK_FORK", rows[row].fork, 1);
	(void)setenv("CK_VERBOSITY", "silent", 1);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)dup2(pipe_fds[1], TELL);
	(void)execl(self, "unit_test", (char *)NULL);
	_exit(127);
}

START_TEST(end)
{
	char folder[sizeof(unit_root)];
	int status;
	pid_t pid;

	ck_assert_int_eq(pipe(pipe_fds), 0);
	if ((pid = fork()) == 0)
		become(_i);
	(void)close(pipe_fds[1]);
	ck_assert_int_eq(read(pipe_fds[0], folder, sizeof(folder)), sizeof(folder));
	ck_assert_str_ne(folder, unit_root);
	/* libcheck notes whom to end a moment after that one has begun. */
	if (rows[_i].kill != 0 && usleep(200000) == 0)
		(void)kill(pid, rows[_i].kill);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), rows[_i].result);
	ck_assert_int_ne(access(folder, F_OK), 0);
	(void)close(pipe_fds[0]);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("base/unit");
	TCase *t = tcase_create("ends");

	tcase_set_timeout(t, 60);
	unit_add_rows(t, end, rows);
	suite_add_tcase(s, t);
	return s;
}

int
main(int argc, char **argv)
{
	const char *row = getenv(ROW);

	(void)argc;
	self = argv[0];
	return unit_run(row != NULL ? inner(row) : suite());
}
