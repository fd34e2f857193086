/* SPDX-License-Identifier: ISC */
/* .forward: what it may say, and when it is believed (security L1, L2). */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/file.h"
#include "local/forward.h"

/* `want`: "+" when the mailbox gets a copy, then the addresses; "!" and the reason when refused. */
static const struct row {
	const char *text, *want;
} rows[] = {
	{ "", "+" },
	{ "\n# nothing, really\n  # still nothing\n\n", "+" },
	{ "bob@example.org\n", " bob@example.org" },
	{ "bob@example.org", " bob@example.org" },
	{ "bob@example.org, carol@example.org\ndave@example.org\r\n",
	  " bob@example.org carol@example.org dave@example.org" },
	{ "bob@example.org\nBob@Example.ORG\n", " bob@example.org" },
	{ "\\alice, bob@example.org\n", "+ bob@example.org" },
	{ "alice\n", "+" },
	{ "ALICE@here.test, bob@example.org", "+ bob@example.org" },
	{ "alice+x@here.test", "+" },
	{ "alice@elsewhere.test", " alice@elsewhere.test" },
	{ "carol\n", " carol@here.test" },
	{ "Bob <bob@example.org>", " bob@example.org" },
	{ "\"Smith, Bob\" <bob@example.org>, c@d.test", " bob@example.org c@d.test" },
	{ "\"a, b\"@example.org", " \"a, b\"@example.org" },
	{ "# x, |y\nbob@example.org", " bob@example.org" },
	{ "|/bin/cat", "!.forward: commands are not run yet" },
	{ "\"|/usr/bin/procmail -a b\"", "!.forward: commands are not run yet" },
	{ "\"| cat, dog\"", "!.forward: commands are not run yet" },
	{ "bob@example.org, |/bin/cat", "!.forward: commands are not run yet" },
	{ "/var/mail/alice", "!.forward: delivery to files is not done yet" },
	{ "\"/tmp/x\"", "!.forward: delivery to files is not done yet" },
	{ ":include:/etc/passwd", "!.forward: :include: is not allowed" },
	{ ":INCLUDE:x", "!.forward: :include: is not allowed" },
	{ "bob@@example.org", "!.forward: an entry is no mail address" },
	{ "\\", "!.forward: an entry is no mail address" },
	{ "bob@example.org\nnot an address <", "!.forward: an entry is no mail address" },
};

static bool
local_domain(struct str domain)
{
	return str_ieq(domain, STR("here.test"));
}

START_TEST(parse)
{
	const struct forward_self self = { STR_INIT("alice"), STR_INIT("alice+x@here.test"),
		local_domain, STR_INIT("here.test") };
	struct pool *pool = pool_new();
	struct buf got = { 0 };
	struct forward f;
	struct str why;

	if (forward_parse(str_of(rows[_i].text), &self, pool, &f, &why) == FORWARD_OK) {
		buf_addz(&got, f.here ? "+" : "");
		for (size_t i = 0; i < f.to.n; i++)
			buf_addf(&got, " %.*s", STR_ARG(f.to.v[i]));
	} else {
		buf_addf(&got, "!%.*s", STR_ARG(why));
	}
	ck_str_is(buf_str(&got), rows[_i].want);
	buf_free(&got);
	pool_free(pool);
}
END_TEST

START_TEST(parse_many)
{
	const struct forward_self self = { STR_INIT("a"), STR_INIT("a@b"), local_domain, STR_INIT("b") };
	struct pool *pool = pool_new();
	struct buf text = { 0 };
	struct forward f;
	struct str why;

	for (int i = 0; i <= FORWARD_MAX; i++)
		buf_addf(&text, "u%d@example.org\n", i);
	ck_assert_int_eq(forward_parse(buf_str(&text), &self, pool, &f, &why), FORWARD_REFUSED);
	buf_free(&text);
	pool_free(pool);
}
END_TEST

static char home[64];
static int dir;

static void
setup(void)
{
	unit_folder(home, sizeof(home));
	ck_assert_int_ge(dir = file_open_folder(home), 0);
}

static void
teardown(void)
{
	(void)unlinkat(dir, ".forward", 0);
	(void)unlinkat(dir, "other", 0);
	(void)close(dir);
	ck_assert_int_eq(rmdir(home), 0);
}

static void
put(const char *name, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	ck_assert_int_eq(write(fd, "bob@example.org\n", 16), 16);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	(void)close(fd);
}

static enum forward_result
get(uid_t uid, const char *want_why)
{
	struct pool *pool = pool_new();
	struct str text, why = STR("");
	enum forward_result r = forward_read(dir, ".forward", uid, pool, &text, &why);

	if (r == FORWARD_OK)
		ck_str_is(text, "bob@example.org\n");
	if (want_why != NULL)
		ck_str_is(why, want_why);
	pool_free(pool);
	return r;
}

START_TEST(read_believes)
{
	ck_assert_int_eq(get(getuid(), NULL), FORWARD_NONE);
	put(".forward", 0644);
	ck_assert_int_eq(get(getuid(), NULL), FORWARD_OK);
}
END_TEST

START_TEST(read_refuses_owner)
{
	put(".forward", 0600);
	if (getuid() == 0)
		ck_assert_int_eq(fchownat(dir, ".forward", 12345, 12345, 0), 0);
	ck_assert_int_eq(get(4242, ".forward belongs to another user"), FORWARD_REFUSED);
}
END_TEST

static const struct {
	mode_t mode;
} modes[] = { { 0620 }, { 0602 }, { 0666 }, { 0664 } };

START_TEST(read_refuses_mode)
{
	put(".forward", modes[_i].mode);
	ck_assert_int_eq(get(getuid(), ".forward can be written by others"), FORWARD_REFUSED);
}
END_TEST

START_TEST(read_refuses_kind)
{
	put("other", 0600);
	ck_assert_int_eq(symlinkat("other", dir, ".forward"), 0);
	ck_assert_int_eq(get(getuid(), ".forward is a symbolic link"), FORWARD_REFUSED);
	ck_assert_int_eq(unlinkat(dir, ".forward", 0), 0);
	ck_assert_int_eq(linkat(dir, "other", dir, ".forward", 0), 0);
	ck_assert_int_eq(get(getuid(), ".forward has more than one name"), FORWARD_REFUSED);
	ck_assert_int_eq(unlinkat(dir, ".forward", 0), 0);
	ck_assert_int_eq(mkfifoat(dir, ".forward", 0600), 0);
	ck_assert_int_eq(get(getuid(), ".forward is not a regular file"), FORWARD_REFUSED);
	ck_assert_int_eq(unlinkat(dir, ".forward", 0), 0);
	ck_assert_int_eq(mkdirat(dir, ".forward", 0700), 0);
	ck_assert_int_eq(get(getuid(), ".forward is not a regular file"), FORWARD_REFUSED);
	ck_assert_int_eq(unlinkat(dir, ".forward", AT_REMOVEDIR), 0);
}
END_TEST

START_TEST(read_refuses_size)
{
	put(".forward", 0600);
	ck_assert_int_eq(truncate(home, 0), -1);
	int fd = openat(dir, ".forward", O_WRONLY);
	ck_assert_int_eq(ftruncate(fd, FORWARD_BYTES + 1), 0);
	(void)close(fd);
	ck_assert_int_eq(get(getuid(), ".forward is too large"), FORWARD_REFUSED);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("forward");
	TCase *t = tcase_create("parse"), *r = tcase_create("read");

	tcase_add_loop_test(t, parse, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, parse_many);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(r, setup, teardown);
	tcase_add_test(r, read_believes);
	tcase_add_test(r, read_refuses_owner);
	tcase_add_loop_test(r, read_refuses_mode, 0, sizeof(modes) / sizeof(modes[0]));
	tcase_add_test(r, read_refuses_kind);
	tcase_add_test(r, read_refuses_size);
	suite_add_tcase(s, r);
	return s;
}

UNIT_MAIN(suite)
