/* SPDX-License-Identifier: ISC */
/*
 * unit - what every unit test does the same way.
 *
 * A test file makes one suite and ends in UNIT_MAIN(suite_function).
 */
#ifndef UNIT_UNIT_H
#define UNIT_UNIT_H

#include <check.h>
#include <stdlib.h>

#include "base/str.h"

#define ck_str_is(got, want) do {						\
	struct str got_ = (got), want_ = str_of(want);				\
	ck_assert_msg(str_eq(got_, want_), "%s is \"%.*s\", want \"%.*s\"",	\
	    #got, STR_ARG(got_), STR_ARG(want_));				\
} while (0)

/* The test once for every row of an array; it finds its own by `_i`. */
#define unit_add_rows(tc, test, rows)						\
	tcase_add_loop_test(tc, test, 0, (int)(sizeof(rows) / sizeof((rows)[0])))

#define UNIT_MAIN(suite)							\
int										\
main(void)									\
{										\
	SRunner *sr = srunner_create(suite());					\
	int failed;								\
										\
	srunner_run_all(sr, CK_ENV);						\
	failed = srunner_ntests_failed(sr);					\
	srunner_free(sr);							\
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;			\
}

#endif
