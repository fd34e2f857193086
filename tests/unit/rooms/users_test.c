/* SPDX-License-Identifier: ISC */
#include "authd/users.h"
#include "unit/unit.h"

static const struct {
	const char *line;
	bool ok;
} lines[] = {
	{ "a@b:$y$x:5000:5000:a/", true },
	{ "a@b:{CRYPT}$y$x:5000:5000:example.test/a/", true },
	{ "a@b:$y$x:5000:0:a", true },
	{ "a@b:$y$x:0:5000:a/", false },		/* root */
	{ "a@b:$y$x:-1:5000:a/", false },
	{ "a@b:$y$x:4294967295:5000:a/", false },	/* (uid_t)-1 */
	{ "a@b:$y$x:5000:5000:", false },
	{ "a@b:$y$x:5000:5000:/etc/", false },
	{ "a@b:$y$x:5000:5000:../b/", false },
	{ "a@b:$y$x:5000:5000:a/../b", false },
	{ "a@b:$y$x:5000:5000:a//b", false },
	{ "a@b::5000:5000:a/", false },			/* no password needed: never */
	{ "a:$y$x:5000:5000:a/", false },
	{ "@b:$y$x:5000:5000:a/", false },
	{ "a b@c:$y$x:5000:5000:a/", false },
	{ "a@b:$y$x:5000:5000", false },
	{ "", false },
};

START_TEST(line)
{
	struct user u;

	ck_assert_int_eq(users_parse(str_of(lines[_i].line), &u), lines[_i].ok);
}
END_TEST

START_TEST(name)
{
	ck_assert(users_name_ok(STR("alice")) && users_name_ok(STR("a.b+c@d")));
	ck_assert(!users_name_ok(STR("")) && !users_name_ok(STR("a b")) &&
	    !users_name_ok(STR("a:b")) && !users_name_ok(STR("../a")) &&
	    !users_name_ok(STR("al\0ice")) && !users_name_ok(STR("-a")) &&
	    !users_name_ok(STR("a\n")) && !users_name_ok(STR("caf\303\251")));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/users");
	TCase *t = tcase_create("users");

	tcase_add_loop_test(t, line, 0, sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(t, name);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
