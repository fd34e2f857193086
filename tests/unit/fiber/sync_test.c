/* SPDX-License-Identifier: ISC */
/* fiber_sync: durable on threads, merged per round, errors come back. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fiber/fiber.h"

#define FILES	20

static int done, file;

static void
one(void *arg)
{
	int fd = unit_file();

	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(fiber_sync(fd), 0);
	ck_assert_int_eq(fiber_sync_full(fd), 0);
	close(fd);
	done++;
}

static void
several(void *arg)
{
	int i;

	for (i = 0; i < FILES; i++)
		fiber_start(one, NULL, "one");
}

START_TEST(many_files)
{
	unsigned long long before = fiber_stats().syncs;

	fiber_run(several, NULL);
	ck_assert_int_eq(done, FILES);
	ck_assert_uint_eq(fiber_stats().syncs - before, 2 * FILES);
}
END_TEST

static void
same(void *arg)
{
	ck_assert_int_eq(fiber_sync(file), 0);
	done++;
}

static void
same_main(void *arg)
{
	int i;

	for (i = 0; i < FILES; i++)
		fiber_start(same, NULL, "same");
}

START_TEST(same_file_once)
{
	unsigned long long before = fiber_stats().syncs, calls = fiber_stats().sync_calls;

	file = unit_file();
	fiber_run(same_main, NULL);
	ck_assert_int_eq(done, FILES);
	ck_assert_uint_eq(fiber_stats().syncs - before, FILES);
	ck_assert_uint_eq(fiber_stats().sync_calls - calls, 1);
}
END_TEST

static void
errors(void *arg)
{
	int p[2];

	ck_assert_int_eq(fiber_sync(-1), EBADF);
	ck_assert_int_eq(fiber_sync(9999), EBADF);
	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(fiber_sync(p[1]), EINVAL);
	done++;
}

START_TEST(sync_errors)
{
	fiber_run(errors, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

/* A cancelled fiber still gets the true answer. */
static void
stubborn(void *arg)
{
	fiber_cancel(fiber_self());
	ck_assert_int_eq(fiber_sync(file), 0);
	ck_assert_int_eq(fiber_sync(9999), EBADF);
	done++;
}

START_TEST(sync_cancelled)
{
	file = unit_file();
	fiber_run(stubborn, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

/* No threads at all: the same answers. */
START_TEST(no_threads)
{
	fiber_sync_threads(0);
	file = unit_file();
	fiber_run(same_main, NULL);
	ck_assert_int_eq(done, FILES);
	done = 0;
	fiber_run(errors, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

/* Stopping while syncs are under way. */
static void
stop_soon(void *arg)
{
	several(NULL);
	fiber_yield();
	fiber_stop();
}

START_TEST(stop_under_way)
{
	int i;

	for (i = 0; i < 20; i++)
		fiber_run(stop_soon, NULL);
	done = 0;
	fiber_run(several, NULL);
	ck_assert_int_eq(done, FILES);
}
END_TEST

static void
fresh(void)
{
	done = 0;
}

static Suite *
suite(void)
{
	Suite *s = suite_create("sync");
	TCase *t = tcase_create("sync");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, fresh, NULL);
	tcase_add_test(t, many_files);
	tcase_add_test(t, same_file_once);
	tcase_add_test(t, sync_errors);
	tcase_add_test(t, sync_cancelled);
	tcase_add_test(t, no_threads);
	tcase_add_test(t, stop_under_way);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
