/* SPDX-License-Identifier: ISC */
/* The real router behind its jail: tables, changed tables, system users, what it may not do. */
#include "unit/rooms/room.h"

#include "ask/route.h"
#include "fiber/fiber.h"
#include "base/clock.h"

#define WAIT_MS	5000

static const char *dir;
static bool broke;

#define WANT(c)	do {								\
	if (!(c)) {								\
		fprintf(stderr, "line %d: not true: %s\n", __LINE__, #c);	\
		broke = true;							\
	}									\
} while (0)

static enum check_status
check(const char *addr, bool trusted, struct pool *pool)
{
	struct checked a;

	(void)fiber_sleep(deadline_in(20));	/* a changed table may have been written just now */
	return route_check_rcpt(str_of(addr), trusted, &a, pool, deadline_in(WAIT_MS));
}

static void
talk_smtpd(void)
{
	struct pool *pool = pool_new();
	struct str one = STR("root");
	struct strs out;

	WANT(check("alice@box.test", false, pool) == CHECK_OK);
	WANT(check("carol@box.test", false, pool) == CHECK_REFUSED);
	WANT(check("nobody@local.test", false, pool) == CHECK_OK);
	WANT(check("no.such.user@local.test", false, pool) == CHECK_REFUSED);
	WANT(check("x@far.test", false, pool) == CHECK_REFUSED);
	WANT(route_complete((struct strs){ &one, 1 }, &out, pool, deadline_in(WAIT_MS)));
	WANT(str_eq(out.v[0], STR("root@local.test")));
	/* A table that changes is seen; one that is gone is a temporary error. */
	room_file(dir, "boxes", "alice@box.test alice/\ncarol@box.test carol/\n");
	WANT(check("carol@box.test", false, pool) == CHECK_OK);
	WANT(rename(pool_printf(pool, "%s/boxes", dir).p, pool_printf(pool, "%s/gone", dir).p) == 0);
	WANT(check("carol@box.test", false, pool) == CHECK_LATER);
	WANT(rename(pool_printf(pool, "%s/gone", dir).p, pool_printf(pool, "%s/boxes", dir).p) == 0);
	WANT(check("carol@box.test", false, pool) == CHECK_OK);
	pool_free(pool);
}

static void
talk_qmgr(void)
{
	struct resolve_rcpt rcpts[] = {
		{ 0, STR("alice@box.test"), false }, { 1, STR("two@local.test"), false },
		{ 2, STR("x@far.test"), false }, { 3, STR("list@local.test"), false },
	};
	struct resolve q = { STR("s@far.test"), { rcpts, 4 } };
	struct pool *pool = pool_new();
	struct resolved a;

	route_resolve(&q, &a, pool, deadline_in(WAIT_MS));
	WANT(a.routes.n == 4);
	WANT(route_at(&a, 0)->action == ROUTE_DELIVER && route_at(&a, 0)->virtual_box);
	WANT(route_at(&a, 1)->action == ROUTE_EXPAND && route_at(&a, 1)->to.n == 2);
	WANT(route_at(&a, 2)->action == ROUTE_DELIVER);
	WANT(route_at(&a, 3)->action == ROUTE_LATER);
	/* What only smtpd may ask ends the connection of another. */
	WANT(check("alice@box.test", false, pool) == CHECK_LATER);
	pool_free(pool);
}

static int as_smtpd, as_qmgr;

/* As in every program: a connection that ended is nobody to ask any more. */
static void
gone(struct ipc *c, void *arg)
{
	(void)arg;
	peer_remove(PEER_ROUTER, c);
}

static void
both(void *arg)
{
	struct ipc *smtpd = ipc_open(as_smtpd, NULL, PEER_ROUTER, gone, NULL);
	struct ipc *qmgr = ipc_open(as_qmgr, NULL, PEER_ROUTER, gone, NULL);

	(void)arg;
	peer_add(PEER_ROUTER, smtpd);
	talk_smtpd();
	peer_remove(PEER_ROUTER, smtpd);
	peer_add(PEER_ROUTER, qmgr);
	talk_qmgr();
	ipc_close(smtpd);
	fiber_stop();
}

START_TEST(behind_its_jail)
{
	int a[2], b[2];
	pid_t pid;

	dir = room_dir();
	room_file(dir, "boxes", "alice@box.test alice/\n");
	room_file(dir, "aliases", "root: nobody\nlist: :include:/etc/no-such-list\n"
	    "two: root, a@far.test\n");
	room_file(dir, "main.cf", "sandbox = require\nmyhostname = mx.local.test\n"
	    "myorigin = local.test\nmydestination = local.test\nfirst_valid_uid = 1\n"
	    "alias_maps = texthash:$config_directory/aliases\n"
	    "virtual_mailbox_domains = box.test\n"
	    "virtual_mailbox_maps = texthash:$config_directory/boxes\n"
	    "virtual_uid_maps = static:5000\nvirtual_gid_maps = static:5000\n");
	room_pair(a);
	room_pair(b);
	pid = room_start("router", dir, (const struct room_fd[]){ { 'p', "smtpd", a[1] },
	    { 'p', "qmgr", b[1] }, { 0, NULL, 0 } });
	as_smtpd = a[0];
	as_qmgr = b[0];
	fiber_run(both, NULL);
	room_stop(pid);
	unit_remove(dir);
	ck_assert(!broke);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/router");
	TCase *t = tcase_create("router");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, behind_its_jail);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
