/* SPDX-License-Identifier: ISC */
/*
 * unit - what every unit test does the same way.
 *
 * A test file makes one suite and ends in UNIT_MAIN(suite_function).  What its tests write goes below
 * unit_folder(), which is gone when the program ends, also what a test left that failed half way.
 */
#ifndef UNIT_UNIT_H
#define UNIT_UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Run the suite; gives main's result. */
static inline int
unit_run(Suite *s)
{
	SRunner *sr;
	int failed;

	if (mkdtemp(unit_root) == NULL || chmod(unit_root, 0755) != 0) {
		perror(unit_root);
		return EXIT_FAILURE;
	}
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	unit_remove(unit_root);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define UNIT_MAIN(suite)							\
int										\
main(void)									\
{										\
	return unit_run(suite());						\
}

#endif
