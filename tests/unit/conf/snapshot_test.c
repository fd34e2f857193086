/* SPDX-License-Identifier: ISC */
/* The configuration as one descriptor: what was accepted stays, whatever becomes of the files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/common.h"
#include "conf/services.h"
#include "unit/unit.h"

static char dir[] = "/tmp/ph-snapshot.XXXXXX";
static const char *const files[] = { "main.cf", "master.cf", "domains", "origin" };

static const char *
path_of(const char *name)
{
	static char path[200];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void
make_files(void)
{
	char main_cf[800];

	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(main_cf, sizeof(main_cf), "myhostname = old.example.test\n"
	    "mydestination = one.test, %s/domains\n"
	    "myorigin = %s/origin\n"
	    "hopcount_limit = 7\n"
	    "hopcount_limit = 9\n", dir, dir);
	put("main.cf", main_cf);
	put("master.cf", "2525 inet n - y - - smtpd\n");
	put("domains", "two.test\nthree.test\n");
	put("origin", "origin.test\n");
}

static void
remove_files(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlink(path_of(files[i]));
	(void)rmdir(dir);
}

/* What master does: read, look at all, keep. */
static int
take(void)
{
	struct conf *c = conf_read(dir, NULL);
	int fd;

	ck_assert(conf_common(c));
	conf_check(c);
	ck_assert(!conf_broken(c));
	fd = conf_snapshot(c);
	ck_assert_int_ge(fd, 0);
	conf_free(c);
	return fd;
}

/* Twice, as all programs share the descriptor. */
START_TEST(files_may_change)
{
	struct str pairs[] = { STR("mail_name=Mine") };
	struct strs over = { pairs, 1 };
	const struct conf_finding *f;
	struct pool *pool = pool_new();
	struct conf_service *lines;
	struct conf *c;
	size_t n;
	int fd;

	make_files();
	fd = take();
	put("main.cf", "this is no setting\n");
	put("master.cf", "nonsense\n");
	put("domains", "evil.test\n");
	(void)unlink(path_of("origin"));
	for (int i = 0; i < 2; i++) {
		c = conf_of_snapshot(fd, dir, &over);
		ck_assert(conf_common(c));
		ck_assert_str_eq(common.myhostname, "old.example.test");
		ck_assert_str_eq(common.myorigin, "origin.test");
		ck_assert_str_eq(common.mail_name, "Mine");
		ck_assert_uint_eq(common.mydestination.n, 3);
		ck_str_is(common.mydestination.v[2], "three.test");
		ck_assert_uint_eq(common.hopcount_limit, 9);
		lines = services_read(c, pool, &n);
		ck_assert_uint_eq(n, 1);
		ck_str_is(lines[0].name, "2525");
		/* What is found has the place in the file as it was. */
		f = conf_findings(c, &n);
		ck_assert_uint_eq(n, 1);
		ck_assert_str_eq(f[0].file, path_of("main.cf"));
		ck_assert_uint_eq(f[0].line, 5);
		conf_free(c);
	}
	close(fd);
	pool_free(pool);
	remove_files();
}
END_TEST

/* One conf reads each file once: what is checked is what is used. */
START_TEST(read_once)
{
	struct pool *pool = pool_new();
	struct conf *c;
	size_t n;

	make_files();
	c = conf_read(dir, NULL);
	conf_check(c);
	put("master.cf", "nonsense\n");
	put("domains", "evil.test\n");
	(void)services_read(c, pool, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert(conf_common(c));
	ck_str_is(common.mydestination.v[2], "three.test");
	ck_assert(!conf_broken(c));
	conf_free(c);
	pool_free(pool);
	remove_files();
}
END_TEST

/* Whoever holds it can only read it. */
START_TEST(sealed)
{
	char again[40];
	int fd, other;

	make_files();
	fd = take();
	ck_assert_int_eq(write(fd, "x", 1), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), -1);
	ck_assert_ptr_eq(mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	(void)snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	if ((other = open(again, O_RDWR)) >= 0) {
		ck_assert_int_eq(pwrite(other, "x", 1, 0), -1);
		close(other);
	}
	close(fd);
	remove_files();
}
END_TEST

#define HEAD	"posthorn configuration 1\n"
#define U64(n)	n "\0\0\0\0\0\0\0"

static const struct odd {
	const char *bytes;
	size_t n;
} odds[] = {
	{ "", 0 },
	{ "posthorn", 8 },
	{ "posthorn configuration 2\n", 25 },
	{ HEAD "x", 26 },
	{ HEAD U64("\1") U64("\1") "a", 42 },
	{ HEAD U64("\2") U64("\0") "a", 42 },
	{ HEAD "\377\377\377\377\377\377\377\377" U64("\2") "a", 42 },
};

/* Something else than a snapshot is a finding, not a crash and not the files. */
START_TEST(no_snapshot)
{
	int fd = memfd_create("odd", MFD_CLOEXEC);
	struct conf *c;

	ck_assert_int_eq(pwrite(fd, odds[_i].bytes, odds[_i].n, 0), (ssize_t)odds[_i].n);
	c = conf_of_snapshot(fd, "/nonexistent", NULL);
	ck_assert(conf_broken(c));
	conf_free(c);
	close(fd);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("conf/snapshot");
	TCase *t = tcase_create("snapshot");

	tcase_add_test(t, files_may_change);
	tcase_add_test(t, read_once);
	tcase_add_test(t, sealed);
	unit_add_rows(t, no_snapshot, odds);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
