/* SPDX-License-Identifier: ISC */
/*
 * router - every table and every address decision.
 *
 * Runs as:  its own user; reads /etc, the folders of its tables and of :include: files; may ask
 *           the system's user database by Unix socket.
 * Started by: master, several copies: table libraries block, so each serves one question at a time.
 * Talks to: smtpd and qmgr, who ask; it asks nobody.
 * Trusts:   its tables. Never an address.
 * If taken over: can misdirect mail and read what any user may read in its folders; cannot open the
 *           queue or a mailbox, connect to another host, write a file, or run code as a user.
 */
#include <grp.h>
#include <pwd.h>

#include "base/vec.h"
#include "conf/lines.h"
#include "daemon/service.h"
#include "router/router.h"
#include "table/table.h"

#define FRESH_MS	5	/* a changed table is noticed within; spares nine stat calls a question */

#define ROUTER_STACK	(512u << 10)	/* libc's user database and Berkeley DB want room */

static struct vec paths;		/* struct jail_path */
static struct pool *path_pool;

/* The folder of an absolute file name becomes visible. */
static void
add_folder(struct str file)
{
	ptrdiff_t slash = str_rchr(file, '/');
	struct jail_path *p;
	const char *dir;

	if (file.n == 0 || file.p[0] != '/')
		return;
	dir = pool_str(path_pool, str_sub(file, 0, slash == 0 ? 1 : (size_t)slash)).p;
	for (size_t i = 0; i < paths.n; i++)
		if (strcmp(((struct jail_path *)vec_at(&paths, i))->path, dir) == 0)
			return;
	p = vec_push(&paths);
	*p = (struct jail_path){ dir, PATH_READ };
}

static void
add_spec(const char *spec)
{
	struct str type, name;

	table_split(str_of(spec), NULL, &type, &name);
	add_folder(name);
}

static void
add_tables(const struct tables *t)
{
	for (size_t i = 0; i < t->n; i++)
		add_spec(table_name(t->v[i]));
}

static void
add_members(struct strs members)
{
	for (size_t i = 0; i < members.n; i++)
		if (table_is_spec(members.v[i]))
			add_spec(pool_str(path_pool, members.v[i]).p);
}

/* The folders of the :include: files in a list, and in those files, which may include more. */
static void
see_list(struct str list, unsigned depth)
{
	struct pool *pool = pool_new();
	struct buf line = { .limit = TABLE_VALUE_MAX };
	struct alias_item item;
	struct lines in;
	struct str text;
	unsigned at;

	while (alias_next(&list, pool, &item)) {
		if (item.kind != ALIAS_INCLUDE)
			continue;
		add_folder(item.text);
		if (depth >= INCLUDE_DEPTH_MAX || item.text.n == 0 || item.text.p[0] != '/' ||
		    !conf_slurp(pool, pool_str(pool, item.text).p, INCLUDE_FILE_MAX, &text))
			continue;
		in = lines_of(text);
		while (lines_next(&in, &line, &at))
			if (str_find(buf_str(&line), STR(":")) >= 0)
				see_list(buf_str(&line), depth + 1);
	}
	buf_free(&line);
	pool_free(pool);
}

static void
see_alias(void *arg, struct str key, struct str value)
{
	(void)arg;
	(void)key;
	see_list(value, 0);
}

/* Everything this process will ever open has to be named before the jail closes. */
static bool
prepare(struct jail *jail)
{
	table_fresh(FRESH_MS);
	path_pool = pool_new();
	paths = vec_of(sizeof(struct jail_path));
	router_open();
	add_folder(STR("/etc/passwd"));
	add_folder(STR("/run/nscd/socket"));
	add_folder(pool_printf(path_pool, "%s/main.cf", common.config_directory));
	add_tables(&router.alias_maps);
	add_tables(&router.virtual_alias_maps);
	add_tables(&router.mailbox_maps);
	add_tables(&router.uid_maps);
	add_tables(&router.gid_maps);
	add_tables(&router.local_recipients);
	add_tables(&router.relay_recipients);
	add_tables(&router.transports);
	add_members(common.mydestination);
	add_members(router_conf.virtual_alias_domains);
	add_members(router_conf.virtual_mailbox_domains);
	add_members(router_conf.relay_domains);
	for (size_t i = 0; i < router.alias_maps.n; i++)
		(void)table_each(router.alias_maps.v[i], see_alias, NULL, NULL);
	*(struct jail_path *)vec_push(&paths) = (struct jail_path){ NULL, 0 };
	jail->paths = paths.p;
	/* libc loads its user database modules now: the jail takes no new code. */
	(void)getpwnam("root");
	(void)getpwnam("no-such-user-here");
	(void)getgrnam("root");
	return true;
}

static void
on_resolve(struct ipc_req *r, const void *msg)
{
	struct resolved out;

	answer_resolve(msg, &out, ipc_pool(r));
	ipc_reply(r, &out);
}

static void
on_check(struct ipc_req *r, const void *msg)
{
	struct checked out;

	answer_check(msg, &out, ipc_pool(r));
	ipc_reply(r, &out);
}

static void
on_complete(struct ipc_req *r, const void *msg)
{
	struct completed out;

	answer_complete(msg, &out, ipc_pool(r));
	ipc_reply(r, &out);
}

static const struct ipc_op ops[] = {
	{ &resolve_msg, &resolved_msg, on_resolve, PEER_BIT(PEER_QMGR) },
	{ &check_msg, &checked_msg, on_check, PEER_BIT(PEER_SMTPD) },
	{ &complete_msg, &completed_msg, on_complete, PEER_BIT(PEER_SMTPD) },
	{ NULL, NULL, NULL, 0 }
};

int
main(int argc, char **argv)
{
	static const struct service service = {
		.name = "router",
		.peer = PEER_ROUTER,
		.params = router_params,
		.needs = { .name = "router", .calls = JAIL_READ | JAIL_UNIX },
		.ops = ops,
		.stack = ROUTER_STACK,
		.prepare = prepare,
	};

	return service_main(&service, argc, argv);
}
