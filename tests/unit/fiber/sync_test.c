/* SPDX-License-Identifier: ISC */
/* fiber_sync: durable by the loop or by threads, merged per round or done together, errors come back. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifdef WITH_SECCOMP
#include <seccomp.h>
#endif

#include "fiber/fiber.h"

#define FILES	20
#define MANY	200	/* more than the loop ever syncs itself in one round */

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

/* What is large goes its own way: the answers are as true, and no round waits for it. */
static void
write_out(void *arg)
{
	int fd = unit_file(), p[2];

	ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
	ck_assert_int_eq(fiber_write_out(fd), 0);
	ck_assert_int_eq(fiber_sync(fd), 0);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(fiber_write_out(-1), EBADF);
	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(fiber_write_out(p[1]), EINVAL);
	done++;
}

static void
write_out_beside(void *arg)
{
	for (int i = 0; i < FILES; i++) {
		fiber_start(write_out, NULL, "write_out");
		fiber_start(one, NULL, "one");
	}
}

START_TEST(large_files)
{
	fiber_run(write_out_beside, NULL);
	ck_assert_int_eq(done, 2 * FILES);
	fiber_sync_threads(0);
	fiber_run(write_out_beside, NULL);
	ck_assert_int_eq(done, 4 * FILES);
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

/* ---- together ---- */

static int wanted_error;

/* Does the place for temporary files take syncfs?  Else each file is synced by itself there. */
static bool
together(void)
{
	struct statfs fs;
	int dir = open(unit_root, O_RDONLY | O_DIRECTORY);

	ck_assert_int_ge(dir, 0);
	ck_assert_int_eq(fstatfs(dir, &fs), 0);
	fiber_sync_together(dir);
	return fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == BTRFS_SUPER_MAGIC ||
	    fs.f_type == 0x58465342 /* XFS */;
}

static void
one_more(void *arg)
{
	int fd = unit_file();

	ck_assert_int_eq(fiber_sync(fd), wanted_error);
	close(fd);
	done++;
}

static void
crowd(void *arg)
{
	int i;

	for (i = 0; i < FILES; i++)
		fiber_start(one_more, NULL, "one");
}

/* One round only: on a slow disk the next ones are synced file by file, by design. */
START_TEST(crowd_is_one_job)
{
	unsigned long long calls = fiber_stats().sync_calls;
	bool one_call = together();

	fiber_run(crowd, NULL);
	ck_assert_int_eq(done, FILES);
	calls = fiber_stats().sync_calls - calls;
	if (one_call)
		ck_assert_uint_eq(calls, 2);
	else
		ck_assert_uint_eq(calls, FILES);
}
END_TEST

static void
large_crowd(void *arg)
{
	for (int i = 0; i < MANY; i++)
		fiber_start(one_more, NULL, "one");
}

/* A crowd that is too large for the loop itself is one job too. */
START_TEST(crowd_by_thread)
{
	unsigned long long calls = fiber_stats().sync_calls;
	bool one_call = together();

	fiber_run(large_crowd, NULL);
	ck_assert_int_eq(done, MANY);
	calls = fiber_stats().sync_calls - calls;
	ck_assert_uint_eq(calls, one_call ? 2 : MANY);
}
END_TEST

static void
crowd_and_others(void *arg)
{
	crowd(NULL);
	fiber_start(errors, NULL, "errors");
}

/* What is not on that file system, or no file at all, is not part of it and gets its own answer. */
START_TEST(crowd_beside_others)
{
	(void)together();
	fiber_run(crowd_and_others, NULL);
	ck_assert_int_eq(done, FILES + 1);
}
END_TEST

START_TEST(crowd_without_threads)
{
	(void)together();
	fiber_sync_threads(0);
	fiber_run(crowd_and_others, NULL);
	ck_assert_int_eq(done, FILES + 1);
}
END_TEST

/* Rounds that wait for a crowd are done after it, also when the loop has nothing else to do. */
static void
late(void *arg)
{
	several(NULL);
	fiber_yield();
	several(NULL);
	fiber_yield();
	fiber_start(one, NULL, "one");
}

START_TEST(crowd_after_crowd)
{
	(void)together();
	fiber_run(late, NULL);
	ck_assert_int_eq(done, 2 * FILES + 1);
}
END_TEST

/* ---- written over in place ---- */

#define INSIDE	8	/* files, few enough to be written one by one */
#define LENGTH	16384

static char page[LENGTH];

static void
write_over(void *arg)
{
	int fd = unit_file();

	ck_assert_int_eq(pwrite(fd, page, LENGTH, 0), LENGTH);
	ck_assert_int_eq(fsync(fd), 0);
	ck_assert_int_eq(pwrite(fd, "new", 3, 0), 3);
	ck_assert_int_eq(fiber_sync_inside(fd, 3), wanted_error);
	close(fd);
	done++;
}

static void
write_over_many(void *arg)
{
	for (int i = 0; i < INSIDE; i++)
		fiber_start(write_over, NULL, "over");
}

static bool
in_place(void)
{
	struct statfs fs;

	return together() && statfs(unit_root, &fs) == 0 && fs.f_type == EXT4_SUPER_MAGIC;
}

/* One flush for all of them where the file system keeps blocks in their place. */
START_TEST(inside_is_one_flush)
{
	bool place = in_place(), crowd = together();
	unsigned long long calls = fiber_stats().sync_calls;

	fiber_run(write_over_many, NULL);
	ck_assert_int_eq(done, INSIDE);
	calls = fiber_stats().sync_calls - calls;
	ck_assert_uint_eq(calls, place ? 1 : crowd ? 2 : INSIDE);
}
END_TEST

static void
inside_and_others(void *arg)
{
	write_over_many(NULL);
	fiber_start(one, NULL, "one");
	fiber_start(errors, NULL, "errors");
}

START_TEST(inside_beside_others)
{
	(void)together();
	fiber_run(inside_and_others, NULL);
	ck_assert_int_eq(done, INSIDE + 2);
	fiber_sync_threads(0);
	fiber_run(inside_and_others, NULL);
	ck_assert_int_eq(done, 2 * (INSIDE + 2));
}
END_TEST

static void
over_same(void *arg)
{
	ck_assert_int_eq(fiber_sync_inside(file, 3), 0);
	done++;
}

/* Both ways for one descriptor in one round: the whole file is synced. */
static void
both_ways(void *arg)
{
	fiber_start(over_same, NULL, "over");
	fiber_start(same, NULL, "same");
	fiber_start(over_same, NULL, "over");
	write_over_many(NULL);
}

START_TEST(inside_and_whole)
{
	(void)together();
	file = unit_file();
	fiber_run(both_ways, NULL);
	ck_assert_int_eq(done, 3 + INSIDE);
}
END_TEST

/* ---- on a thread ---- */

static void
on_thread(void *arg)
{
	*(pid_t *)arg = gettid();
}

static void
stock(void *arg)
{
	int fds[FIBER_SYNC_STOCK], dir = open(unit_root, O_RDONLY | O_DIRECTORY);
	pid_t *who = arg;

	for (int i = 0; i < FIBER_SYNC_STOCK; i++) {
		fds[i] = unit_file();
		ck_assert_int_eq(write(fds[i], page, LENGTH), LENGTH);
	}
	ck_assert_int_eq(fiber_sync_stock(fds, FIBER_SYNC_STOCK, dir), 0);
	close(fds[7]);
	ck_assert_int_eq(fiber_sync_stock(fds, 7, dir), 0);
	fiber_aside(on_thread, who);
	ck_assert_int_gt(*who, 0);
	done++;
}

START_TEST(stock_and_aside)
{
	pid_t who = 0;

	fiber_run(stock, &who);
	ck_assert_int_ne(who, gettid());
	(void)together();
	fiber_run(stock, &who);
	fiber_sync_together(-1);
	ck_assert_int_eq(done, 2);
}
END_TEST

static void
stop_large(void *arg)
{
	fiber_start(stock, arg, "stock");
	fiber_yield();
	fiber_stop();
}

/* The fiber that asked vanishes while a thread works for it. */
START_TEST(stock_stopped)
{
	pid_t who = 0;

	(void)together();
	for (int i = 0; i < 10; i++)
		fiber_run(stop_large, &who);
}
END_TEST

#ifdef WITH_SECCOMP
static void
crowd_only(void *arg)
{
	int i;

	for (i = 0; i < FILES; i++)
		fiber_start(one_more, NULL, "one");
}

static void
fails(int call, int error)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	ck_assert(ctx != NULL);
	ck_assert_int_eq(seccomp_rule_add(ctx, SCMP_ACT_ERRNO((unsigned)error), call, 0), 0);
	ck_assert_int_eq(seccomp_load(ctx), 0);
	seccomp_release(ctx);
}

/* syncfs fails: every file is asked, and they are well. */
START_TEST(crowd_asks_each)
{
	unsigned long long before = fiber_stats().syncs;

	(void)together();
	fails(SCMP_SYS(syncfs), EIO);
	fiber_run(crowd_and_others, NULL);
	ck_assert_int_eq(done, FILES + 1);
	ck_assert_uint_ge(fiber_stats().syncs - before, FILES);
}
END_TEST

/* The files fail: nobody is told that all is well because syncfs was. */
START_TEST(crowd_tells_each)
{
	int i;

	(void)together();
	fails(SCMP_SYS(fdatasync), EIO);
	wanted_error = EIO;
	for (i = 0; i < 3; i++)
		fiber_run(crowd_only, NULL);
	ck_assert_int_eq(done, 3 * FILES);
}
END_TEST

/* Writing out fails, or the flush: nobody is told that all is well. */
START_TEST(inside_tells_each)
{
	bool place = in_place();
	int call = _i == 0 ? SCMP_SYS(sync_file_range) : SCMP_SYS(fdatasync);

	fails(call, EIO);
	wanted_error = place || call == SCMP_SYS(fdatasync) ? EIO : 0;
	fiber_run(write_over_many, NULL);
	ck_assert_int_eq(done, INSIDE);
}
END_TEST

static void
stock_fails(void *arg)
{
	int fd = unit_file(), dir = open(unit_root, O_RDONLY | O_DIRECTORY);

	ck_assert_int_eq(fiber_sync_stock(&fd, 1, dir), EIO);
	done++;
}

START_TEST(stock_tells)
{
	if (_i == 1)
		(void)together();
	fails(SCMP_SYS(fsync), EIO);
	fiber_run(stock_fails, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST
#endif

static void
fresh(void)
{
	done = 0;
	wanted_error = 0;
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
	tcase_add_test(t, large_files);
	tcase_add_test(t, no_threads);
	tcase_add_test(t, stop_under_way);
	tcase_add_test(t, crowd_is_one_job);
	tcase_add_test(t, crowd_by_thread);
	tcase_add_test(t, crowd_beside_others);
	tcase_add_test(t, crowd_without_threads);
	tcase_add_test(t, crowd_after_crowd);
	tcase_add_test(t, inside_is_one_flush);
	tcase_add_test(t, inside_beside_others);
	tcase_add_test(t, inside_and_whole);
	tcase_add_test(t, stock_and_aside);
	tcase_add_test(t, stock_stopped);
#ifdef WITH_SECCOMP
	tcase_add_test(t, crowd_asks_each);
	tcase_add_test(t, crowd_tells_each);
	tcase_add_loop_test(t, inside_tells_each, 0, 2);
	tcase_add_loop_test(t, stock_tells, 0, 2);
#endif
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
