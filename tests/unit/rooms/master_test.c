/* SPDX-License-Identifier: ISC */
/* What master decides: from master.cf to its services, back-off, limits, and who may have a worker. */
#include "unit/unit.h"

#include <string.h>

#include "master/rules.h"

/* --- master.cf to services --- */

static const struct {
	const char *line;
	const char *program;		/* NULL: master starts nothing for it */
	const char *user;		/* NULL: mail_owner */
	unsigned want;
} lines[] = {
	{ "smtp inet n - y - - smtpd", "smtpd", "posthorn-net", 2 },
	{ "127.0.0.1:2525 inet n - y - 7 smtpd", "smtpd", "posthorn-net", 7 },
	{ "2525 inet n - y - 0 smtpd", "smtpd", "posthorn-net", 2 },
	{ "2525 inet n - y - 100000 smtpd", "smtpd", "posthorn-net", 64 },
	{ "submission inet n - y - - smtpd", "smtpd", "posthorn-submit", 2 },
	{ "[::1]:submission inet n - y - - smtpd", "smtpd", "posthorn-submit", 2 },
	{ "10587 inet n - y - - smtpd -o smtpd_submission=yes", "smtpd", "posthorn-submit", 2 },
	{ "10587 inet n - y - - smtpd -o { smtpd_submission = yes }", "smtpd", "posthorn-submit", 2 },
	{ "10587 inet n - y - - smtpd -o smtpd_submission=no", "smtpd", "posthorn-net", 2 },
	{ "tlsd-smtp unix - - y - - tlsd", "tlsd", "posthorn-tlsout", 1 },
	{ "qmgr unix n - n 300 1 qmgr", "qmgr", NULL, 1 },
	{ "cleanup unix n - y - 5 cleanup", "cleanup", NULL, 1 },
	{ "local unix - n n - 50 local", "local", NULL, 0 },
	{ "imap unix - n n - - imapd", "imapd", NULL, 0 },
	{ "proxymap unix - - n - - proxymap", NULL, NULL, 0 },
	{ "x unix - - n - - no-such-program", NULL, NULL, 0 },
};

START_TEST(service)
{
	struct conf *c = conf_of_text("/nonexistent", STR(""), NULL);
	struct pool *pool = pool_new();
	struct conf_service *line;
	struct service_line s;
	const char *user;
	size_t n;

	line = services_of_text(c, pool, str_of(lines[_i].line), &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(rules_service(line, &s), lines[_i].program != NULL);
	if (lines[_i].program != NULL) {
		ck_assert_str_eq(s.program->name, lines[_i].program);
		ck_assert_uint_eq(s.want, lines[_i].want);
		ck_assert(str_eq(s.name, line->name));
		ck_assert_uint_eq(s.overrides.n, line->overrides.n);
		ck_assert_int_eq(s.backoff_ms, 0);
		user = rules_user(s.program, line);
		ck_assert_int_eq(user == NULL, lines[_i].user == NULL);
		if (user != NULL)
			ck_assert_str_eq(user, lines[_i].user);
	}
	pool_free(pool);
	conf_free(c);
}
END_TEST

/* --- who answers whom --- */

static const struct {
	const char *services;		/* name:program … */
	const char *server, *asker;
	bool answers;
} ways[] = {
	{ "tlsd:tlsd", "tlsd", "smtpd", true },
	{ "tlsd:tlsd", "tlsd", "login", true },
	{ "tlsd:tlsd", "tlsd", "pickup", false },			/* never asks it */
	{ "tlsd:tlsd tlsd-smtp:tlsd", "tlsd-smtp", "smtp", true },
	{ "tlsd:tlsd tlsd-smtp:tlsd", "tlsd", "smtp", false },		/* it has its own */
	{ "tlsd:tlsd tlsd-smtp:tlsd", "tlsd-smtp", "smtpd", false },	/* another's */
	{ "tlsd:tlsd tlsd-smtp:tlsd", "tlsd", "smtpd", true },
	{ "tlsd:tlsd tlsd-login:tlsd", "tlsd-login", "smtp", false },
	{ "tlsd:tlsd my-tls:tlsd", "my-tls", "smtpd", true },		/* named for nobody */
	{ "tlsd-smtpd:smtpd tlsd:tlsd", "tlsd", "smtpd", true },	/* that is no tlsd */
	{ "smtp:smtp relay:smtp", "relay", "qmgr", true },
	{ "cleanup:cleanup", "cleanup", "smtpd", true },
	{ "cleanup:cleanup", "cleanup", "router", false },
};

static struct service_line *
add(struct vec *list, struct pool *pool, struct str name, struct str program)
{
	struct service_line *s = pool_alloc(pool, sizeof(*s));

	memset(s, 0, sizeof(*s));
	s->name = pool_str(pool, name);
	s->program = program_by_name(pool_str(pool, program).p);
	ck_assert_ptr_nonnull(s->program);
	*(struct service_line **)vec_push(list) = s;
	return s;
}

START_TEST(answers)
{
	struct vec list = vec_of(sizeof(struct service_line *));
	struct pool *pool = pool_new();
	struct service_line *s, *server = NULL;
	struct str rest = str_of(ways[_i].services), one, name;

	while (str_cut(&rest, ' ', &one)) {
		str_cut(&one, ':', &name);
		s = add(&list, pool, name, one);
		if (str_eq(name, str_of(ways[_i].server)))
			server = s;
	}
	ck_assert_ptr_nonnull(server);
	ck_assert_int_eq(rules_answers(&list, server, program_by_name(ways[_i].asker)),
	    ways[_i].answers);
	vec_free(&list);
	pool_free(pool);
}
END_TEST

/* --- back-off and limits --- */

static const struct {
	msec_t before, lived;
	bool shot;
	msec_t after;
} deaths[] = {
	{ 0, 0, false, 1000 },
	{ 1000, 9999, false, 2000 },
	{ 2000, 5, false, 4000 },
	{ 32000, 5, false, 60000 },
	{ 60000, 5, false, 60000 },
	{ INT64_MAX, 5, false, 60000 },
	{ 60000, 10000, false, 0 },
	{ 0, 3600000, false, 0 },
	{ 0, 5, true, 0 },		/* shot once: again at once */
	{ 1000, 5, true, 2000 },	/* no way around the back-off of one that fails */
	{ 8000, 20000, true, 0 },
};

START_TEST(backoff)
{
	ck_assert_int_eq(rules_backoff(deaths[_i].before, deaths[_i].lived, deaths[_i].shot),
	    deaths[_i].after);
}
END_TEST

static const struct {
	unsigned workers;
	uint64_t limit;
	enum room room;
} rooms[] = {
	{ 0, 1, ROOM_FREE },
	{ 1, 1, ROOM_TIGHT },
	{ 2, 1, ROOM_NONE },
	{ 999, 1000, ROOM_FREE },
	{ 1000, 1000, ROOM_TIGHT },
	{ 1250, 1000, ROOM_TIGHT },
	{ 1251, 1000, ROOM_NONE },
};

START_TEST(room)
{
	ck_assert_int_eq(rules_room(rooms[_i].workers, rooms[_i].limit), rooms[_i].room);
}
END_TEST

/* --- who may have a worker --- */

#define FEW	.worker = PEER_LOCAL, .mailbox = STR_INIT("alice")

static const struct {
	bool root;
	struct ctl_worker ask;
	const char *why;	/* its beginning; NULL: allowed */
} asked[] = {
	{ true, { FEW, .uid = 1000, .gid = 1000 }, NULL },
	{ true, { FEW, .uid = 4294967294, .gid = 1000 }, NULL },
	{ true, { FEW, .uid = 120, .gid = 120, .virtual_box = true }, NULL },	/* listed */
	{ true, { .worker = PEER_IMAPD, .mailbox = STR_INIT("a/b/"), .uid = 120, .gid = 120 }, NULL },
	{ true, { FEW, .uid = 999, .gid = 1000 }, "uid below first_valid_uid" },
	{ true, { FEW, .uid = 121, .gid = 1000 }, "uid below first_valid_uid" },
	{ true, { FEW, .uid = 0, .gid = 1000 }, "root owns no" },
	{ true, { FEW, .uid = 1000, .gid = 0 }, "root owns no" },
	{ true, { FEW, .uid = 4294967295, .gid = 1000 }, "no uid or gid" },
	{ true, { FEW, .uid = 1000, .gid = 4294967295 }, "no uid or gid" },
	{ true, { FEW, .uid = 1500, .gid = 1000 }, "that uid runs a service" },
	{ true, { FEW, .uid = 1000, .gid = 1501 }, "that group is a service's" },
	{ true, { FEW, .uid = 1000, .gid = 42 }, "that group is a service's" },	/* authd's second */
	{ true, { FEW, .uid = 1000, .gid = 77 }, "that group is a service's" },	/* postdrop */
	{ true, { FEW, .uid = 120, .gid = 42, .virtual_box = true }, "that group is a service's" },
	{ true, { .worker = PEER_SMTPD, .mailbox = STR_INIT("a"), .uid = 1000, .gid = 1000 },
	  "no such worker" },
	{ true, { .worker = PEER_NONE, .mailbox = STR_INIT("a"), .uid = 1000, .gid = 1000 },
	  "no such worker" },
	{ true, { .worker = PEER_LOCAL, .uid = 1000, .gid = 1000 }, "bad mailbox name" },
	{ true, { .worker = PEER_LOCAL, .mailbox = STR_INIT("/etc"), .uid = 1000, .gid = 1000 },
	  "bad mailbox name" },
	{ true, { .worker = PEER_POP3D, .mailbox = STR_INIT("a/../b"), .uid = 1000, .gid = 1000 },
	  "bad mailbox name" },
	{ false, { FEW, .uid = 2000, .gid = 9 }, NULL },
	{ false, { FEW, .uid = 1000, .gid = 1000 }, "this instance runs as an ordinary user" },
	{ false, { FEW, .uid = 0, .gid = 0 }, "this instance runs as an ordinary user" },
	{ false, { .worker = PEER_LOCAL, .mailbox = STR_INIT("/etc"), .uid = 2000, .gid = 9 },
	  "bad mailbox name" },
};

START_TEST(worker)
{
	struct vec list = vec_of(sizeof(struct service_line *));
	struct pool *pool = pool_new();
	struct str uids[] = { STR("x"), STR("120"), STR("4294967295") };
	struct worker_rules rules = { asked[_i].root, 2000, 1000, { uids, 3 }, &list, 77 };
	struct service_line *s;
	const char *why;

	s = add(&list, pool, STR("authd"), STR("authd"));
	s->uid = 1500;
	s->gid = 1501;
	s->group = 42;
	s = add(&list, pool, STR("smtp"), STR("smtpd"));
	s->uid = 1600;
	s->gid = 1600;
	why = rules_worker(&rules, &asked[_i].ask);
	if (asked[_i].why == NULL)
		ck_assert_msg(why == NULL, "refused: %s", why);
	else
		ck_assert_msg(why != NULL && strncmp(why, asked[_i].why, strlen(asked[_i].why)) == 0,
		    "want \"%s\", got \"%s\"", asked[_i].why, why == NULL ? "(allowed)" : why);
	vec_free(&list);
	pool_free(pool);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/master");
	TCase *t = tcase_create("rules");

	unit_add_rows(t, service, lines);
	unit_add_rows(t, answers, ways);
	unit_add_rows(t, backoff, deaths);
	unit_add_rows(t, room, rooms);
	unit_add_rows(t, worker, asked);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
