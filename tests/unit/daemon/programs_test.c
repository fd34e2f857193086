/* SPDX-License-Identifier: ISC */
/* master's table of programs: found by name and number, their users, nothing that makes no sense. */
#include "unit/unit.h"

#include <string.h>

#include "daemon/programs.h"

static const struct {
	const char *program, *service, *user;
} users[] = {
	{ "smtpd", "smtp", "posthorn-net" },
	{ "smtpd", "submission", "posthorn-submit" },
	{ "smtpd", "smtps", "posthorn-submit" },
	{ "tlsd", "tlsd", "posthorn-tls" },
	{ "tlsd", "tlsd-smtp", "posthorn-tlsout" },
	{ "tlsd", "tlsd-login", "posthorn-tlslog" },
	{ "login", "submission", "posthorn-login" },
	{ "qmgr", "qmgr", NULL },
};

START_TEST(user)
{
	const struct program *p = program_by_name(users[_i].program);
	const char *got;

	ck_assert_ptr_nonnull(p);
	got = program_user(p, users[_i].service);
	if (users[_i].user == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_str_eq(got, users[_i].user);
}
END_TEST

START_TEST(found)
{
	ck_assert_ptr_null(program_by_name("smtp-sink"));
	ck_assert_ptr_null(program_by_name(""));
	ck_assert_ptr_null(program_by_peer(PEER_NONE));
	ck_assert_ptr_null(program_by_peer(PEER_MASTER));
	for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
		const struct program *p = program_by_peer(peer);

		if (p == NULL)
			continue;
		ck_assert_str_eq(p->name, peer_name(peer));
		ck_assert_uint_eq(peer_by_name(p->name), peer);
		ck_assert_ptr_eq(program_by_name(p->name), p);
		ck_assert_uint_lt(p->stage, PROGRAM_STAGES);
		/* Nobody asks itself or a worker: those are asked for. */
		for (unsigned q = 0; q < PEER_COUNT; q++)
			if (p->asks & PEER_BIT(q)) {
				ck_assert_ptr_nonnull(program_by_peer(q));
				ck_assert_int_ne(program_by_peer(q)->kind, PROGRAM_WORKER);
				ck_assert_uint_ne(q, peer);
				/* Who is asked ends later, or at the same time. */
				ck_assert_msg(program_by_peer(q)->stage >= p->stage || q == PEER_QMGR,
				    "%s ends before %s, which asks it", peer_name(q), p->name);
			}
	}
}
END_TEST

START_TEST(every_user_once)
{
	const char *name;

	for (unsigned i = 0; (name = program_user_at(i)) != NULL; i++) {
		ck_assert_uint_lt(i, 100);
		ck_assert_int_eq(strncmp(name, "posthorn-", 9), 0);
		for (unsigned k = 0; k < i; k++)
			ck_assert_str_ne(program_user_at(k), name);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("programs");
	TCase *t = tcase_create("table");

	unit_add_rows(t, user, users);
	tcase_add_test(t, found);
	tcase_add_test(t, every_user_once);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
