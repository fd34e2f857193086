/* SPDX-License-Identifier: ISC */
/* file, lock, child: below a folder and never out of it, one holder, other programs. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "fiber/fiber.h"
#include "io/child.h"
#include "io/file.h"
#include "io/lock.h"
#include "io/stream.h"

static char root[64];
static int dir, done;

static void
make(void)
{
	unit_folder(root, sizeof(root));
	ck_assert_int_ge(dir = file_open_folder(root), 0);
	done = 0;
}

static void
clean(void)
{
	static const char *const names[] = { "f", "link", "fifo", "a/b/c", "a/b", "a", "up", "lock" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (unlinkat(dir, names[i], 0) != 0)
			unlinkat(dir, names[i], AT_REMOVEDIR);
	close(dir);
	ck_assert_int_eq(rmdir(root), 0);
}

START_TEST(open_refuses)
{
	int fd;

	ck_assert_int_eq(symlinkat("/etc/passwd", dir, "link"), 0);
	ck_assert_int_eq(mkfifoat(dir, "fifo", 0600), 0);
	ck_assert_int_eq(file_open(dir, "link", O_RDONLY, 0), -1);
	ck_assert_int_eq(errno, ELOOP);
	ck_assert_int_eq(file_open(dir, "fifo", O_RDONLY, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(file_open(dir, "../x", O_RDONLY, 0), -1);
	ck_assert_int_eq(file_open(dir, "..", O_RDONLY, 0), -1);
	ck_assert_int_ge(fd = file_open(dir, "f", O_WRONLY | O_CREAT, 0600), 0);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}
END_TEST

START_TEST(beneath)
{
	int fd;

	ck_assert_int_eq(file_beneath(dir, STR("a/b"), false), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_ge(fd = file_beneath(dir, STR("a/b/c"), true), 0);
	close(fd);
	ck_assert_int_ge(fd = file_beneath(dir, STR("a/b/c"), false), 0);
	close(fd);
	ck_assert_int_eq(symlinkat("/", dir, "up"), 0);
	ck_assert_int_eq(file_beneath(dir, STR("up/tmp"), false), -1);
	ck_assert_int_eq(file_beneath(dir, STR("up/tmp"), true), -1);
	ck_assert_int_eq(file_beneath(dir, STR("up"), true), -1);
	ck_assert_int_eq(file_beneath(dir, STR("../x"), true), -1);
	ck_assert_int_eq(file_beneath(dir, STR("a/../../x"), true), -1);
	ck_assert_int_eq(file_beneath(dir, STR("/tmp"), true), -1);
	ck_assert_int_eq(file_beneath(dir, STR("a//b"), true), -1);
	ck_assert_int_eq(file_beneath(dir, STR("a/"), true), -1);
	ck_assert_int_eq(file_beneath(dir, STR(""), true), -1);
	ck_assert_int_eq(file_beneath(dir, STR("a\0b"), true), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

static void
replaces(void *arg)
{
	struct buf b = { 0 };
	int fd;

	ck_assert(file_replace(dir, "f", 0640, STR("one")));
	ck_assert(file_replace(dir, "f", 0640, STR("three")));
	ck_assert_int_ge(fd = file_open(dir, "f", O_RDONLY, 0), 0);
	ck_assert(file_read(fd, 100, &b));
	ck_str_is(buf_str(&b), "three");
	ck_assert(!file_read(fd, 4, &b));
	close(fd);
	buf_free(&b);
	ck_assert(!file_replace(dir, "a/b", 0600, STR("x")));
	done++;
}

START_TEST(replace)
{
	fiber_run(replaces, NULL);
	replaces(NULL);
	ck_assert_int_eq(done, 2);
}
END_TEST

static void
locks(void *arg)
{
	int a = lock_open(dir, "lock"), b = lock_open(dir, "lock");

	ck_assert(lock_try(a));
	ck_assert(!lock_try(b));
	ck_assert(!lock_wait(b, deadline_in(20)));
	ck_assert_int_eq(errno, EWOULDBLOCK);
	lock_free(a);
	ck_assert(lock_wait(b, deadline_in(20)));
	close(a);
	close(b);
	done++;
}

START_TEST(lock)
{
	fiber_run(locks, NULL);
	locks(NULL);
	ck_assert_int_eq(done, 2);
}
END_TEST

static void
children(void *arg)
{
	char *cat[] = { (char *)(uintptr_t)"cat", NULL };
	char *ls[] = { (char *)(uintptr_t)"ls", (char *)(uintptr_t)"/proc/self/fd", NULL };
	struct child_plan plan = { .path = "/bin/cat", .argv = cat, .dir = -1, .in = -1, .out = -1,
		.pipe_in = true, .pipe_out = true };
	struct child c;
	struct stream *in, *out;
	struct str line;
	int status = -1, extra = open("/", O_RDONLY);

	ck_assert(child_start(&plan, &c));
	in = stream_open(c.in);
	out = stream_open(c.out);
	stream_printf(in, "hello\n");
	ck_assert_int_eq(stream_flush(in), IO_OK);
	stream_close(in);
	stream_lax(out);
	ck_assert_int_eq(stream_getline(out, &line, 100), IO_OK);
	ck_str_is(line, "hello");
	ck_assert_int_eq(stream_getline(out, &line, 100), IO_EOF);
	stream_close(out);
	ck_assert(child_wait(&c, deadline_in(5000), &status));
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);

	/* 0, 1, 2, and the folder ls itself opened. */
	plan = (struct child_plan){ .path = "/bin/ls", .argv = ls, .dir = -1, .in = -1, .out = -1,
		.pipe_out = true };
	ck_assert(child_start(&plan, &c));
	out = stream_open(c.out);
	stream_lax(out);
	for (status = 0; stream_getline(out, &line, 100) == IO_OK; status++)
		;
	ck_assert_int_eq(status, 4);
	stream_close(out);
	ck_assert(child_wait(&c, deadline_in(5000), &status));

	plan.path = "/no/such/program";
	ck_assert(!child_start(&plan, &c));
	ck_assert_int_eq(errno, ENOENT);

	plan = (struct child_plan){ .path = "/bin/cat", .argv = cat, .dir = -1, .in = -1, .out = -1,
		.pipe_in = true };
	ck_assert(child_start(&plan, &c));
	ck_assert(!child_wait(&c, deadline_in(20), &status));
	child_kill(&c);
	child_close(&c);
	close(extra);
	done++;
}

START_TEST(child)
{
	fiber_run(children, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("file");
	TCase *t = tcase_create("file");

	tcase_add_checked_fixture(t, make, clean);
	tcase_add_test(t, open_refuses);
	tcase_add_test(t, beneath);
	tcase_add_test(t, replace);
	tcase_add_test(t, lock);
	tcase_add_test(t, child);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
