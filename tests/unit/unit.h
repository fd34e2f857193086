/* SPDX-License-Identifier: ISC */
/*
 * unit - what every unit test does the same way.
 *
 * A test file makes one suite and ends in UNIT_MAIN(suite_function).  What its tests write goes below
 * unit_folder(), which is gone when the program ends, also what a test left that failed half way, and
 * when all of it is broken off.
 */
#ifndef UNIT_UNIT_H
#define UNIT_UNIT_H

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define ck_str_is(got, want) do {						\
	struct str got_ = (got), want_ = str_of(want);				\
	ck_assert_msg(str_eq(got_, want_), "%s is \"%.*s\", want \"%.*s\"",	\
	    #got, STR_ARG(got_), STR_ARG(want_));				\
} while (0)

/* The test once for every row of an array; it finds its own by `_i`. */
#define unit_add_rows(tc, test, rows)						\
	tcase_add_loop_test(tc, test, 0, (int)(sizeof(rows) / sizeof((rows)[0])))

/* Other users may enter it: some tests are run by root and start a program as somebody else. */
static char unit_root[] = "/tmp/posthorn-unit.XXXXXX";

/* The path of a new folder (0700) in dir[size], which must have room for it. */
static inline void
unit_folder(char *dir, size_t size)
{
	ck_assert_int_lt(snprintf(dir, size, "%s/XXXXXX", unit_root), (int)size);
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

/* A new file that has no name any more. */
static inline int
unit_file(void)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/XXXXXX", unit_root);
	ck_assert_int_ge(fd = mkstemp(path), 0);
	(void)unlink(path);
	return fd;
}

/* Remove a folder with all that is in it. */
static inline void
unit_remove(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

static volatile pid_t unit_runner;

static inline void
unit_pass_on(int sig)
{
	if (unit_runner > 0)
		(void)kill(unit_runner, sig);
}

/* In the runner; libcheck ends its whole process group when it is interrupted. */
static inline int
unit_run_all(Suite *s)
{
	SRunner *sr = srunner_create(s);
	int failed;

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * Run the suite in a process of its own, so that this one is there to clean up whatever becomes of it;
 * gives main's result.
 */
static inline int
unit_run(Suite *s)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t set, before;
	int status = 0;

	if (mkdtemp(unit_root) == NULL || chmod(unit_root, 0755) != 0) {
		perror(unit_root);
		return EXIT_FAILURE;
	}
	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaddset(&set, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &set, &before);
	unit_runner = fork();
	if (unit_runner == 0) {
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		exit(unit_run_all(s));
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], unit_pass_on);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	while (waitpid(unit_runner, &status, 0) < 0 && errno == EINTR)
		;
	srunner_free(srunner_create(s));
	unit_remove(unit_root);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

#define UNIT_MAIN(suite)							\
int										\
main(void)									\
{										\
	return unit_run(suite());						\
}

#endif
