/* SPDX-License-Identifier: ISC */
/* The user of a worker: who asked for it named uid and group, and both must be the user's own. */
#include <pwd.h>
#include <unistd.h>

#include "store/home.h"
#include "unit/unit.h"

START_TEST(own_group)
{
	const struct passwd *pw = getpwuid(getuid());
	gid_t own;

	if (pw == NULL || pw->pw_dir[0] != '/')
		return;		/* a test machine's nameless user */
	own = pw->pw_gid;
	pw = home_user(getuid(), own);
	ck_assert_ptr_nonnull(pw);
	ck_assert_uint_eq(pw->pw_uid, getuid());
	ck_assert_ptr_null(home_user(getuid(), own + 1));
}
END_TEST

START_TEST(no_user)
{
	ck_assert_ptr_null(home_user(4294967290u, 4294967290u));
}
END_TEST

/* The same for whole workers: a system user in another group opens nothing. */
START_TEST(no_mailbox)
{
	const struct passwd *pw = getpwuid(getuid());
	struct buf path = { 0 };

	if (pw == NULL)
		return;
	ck_assert_ptr_null(home_open(getuid(), pw->pw_gid + 1, pw->pw_name, false, "", "Maildir/",
	    &path));
	ck_assert_uint_eq(path.n, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("store/home");
	TCase *t = tcase_create("home");

	tcase_add_test(t, own_group);
	tcase_add_test(t, no_user);
	tcase_add_test(t, no_mailbox);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
