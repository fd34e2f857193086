/* SPDX-License-Identifier: ISC */
/*
 * authd - who is this?
 *
 * Runs as:  posthorn-auth, group shadow; reads the users file and, for system users, /etc.
 * Started by: master.
 * Talks to: anvil (failed logins), master (for a user's worker), the workers (to open a session).
 * Trusts:   master and anvil.  smtpd and login for the address they say a client has; never for who
 *           the client is.
 * If taken over: has all password hashes and can open any session as any mailbox user.
 *
 * crypt(3) blocks, on purpose for many milliseconds: process_limit copies of authd work at once.
 */
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask/anvil.h"
#include "authd/password.h"
#include "authd/users.h"
#include "base/log.h"
#include "base/map.h"
#include "base/panic.h"
#include "conf/room_authd.h"
#include "daemon/service.h"
#include "wire/auth.h"

#define ANVIL_MS	500
#define DELAY_MS	1000		/* when anvil is away */
#define WORKER_MS	20000		/* a worker starts and takes a session within */

static struct map *workers;		/* "PEER:UID:MAILBOX" → struct ipc * */

/* Passwords. */

static struct str
shown(struct pool *pool, struct str user)
{
	return users_name_ok(user) ? pool_str(pool, user) : STR("");
}

/*
 * The whole question.  A refusal is held back by who asks, in the session of the client that waits for
 * it: here the refusals of strangers would take the room that a right password needs.
 */
static enum auth_status
authenticate(struct str service, struct str name, struct str password, struct str client,
    struct pool *pool, struct user *u, uint64_t *penalty_ms)
{
	struct anvil_counted n;
	enum users_result found;
	bool right;

	*u = (struct user){ .name = shown(pool, name) };
	found = users_find(name, pool, u);
	if (found == USERS_LATER)
		return AUTH_TEMP;
	if (found == USERS_ABSENT)
		*u = (struct user){ .name = shown(pool, name) };
	right = password_check(u->name, u->hash, password);
	if (u->hash.n > 0)
		explicit_bzero((char *)(uintptr_t)u->hash.p, u->hash.n);
	if (right)
		return AUTH_OK;
	if (!anvil_count(ANVIL_AUTH_FAIL, service, client, &n, deadline_in(ANVIL_MS)))
		n.penalty_ms = DELAY_MS;
	*penalty_ms = n.penalty_ms < AUTH_PENALTY_MAX ? n.penalty_ms : AUTH_PENALTY_MAX;
	return AUTH_FAIL;
}

static struct str
reason_of(enum auth_status status)
{
	switch (status) {
	case AUTH_OK:		return STR("");
	case AUTH_FAIL:		return STR("authentication failure");
	default:		return STR("temporary authentication failure");
	}
}

/* Requests hold passwords: nothing of one stays behind. */
static void
wipe(struct str secret)
{
	if (secret.n > 0)
		explicit_bzero((char *)(uintptr_t)secret.p, secret.n);
}

static void
on_check(struct ipc_req *r, const void *msg)
{
	const struct auth_check *q = msg;
	struct auth_checked a = { 0 };
	struct user u;

	a.status = authenticate(q->service, q->user, q->password, q->client_ip, ipc_pool(r), &u,
	    &a.penalty_ms);
	a.user = u.name;
	a.reason = reason_of((enum auth_status)a.status);
	if (a.status == AUTH_OK) {
		a.uid = u.uid;
		a.gid = u.gid;
		a.mailbox = u.mailbox;
	}
	wipe(q->password);
	ipc_reply(r, &a);
	if (a.status == AUTH_OK)
		anvil_note(ANVIL_AUTH_OK, q->service, q->client_ip);
}

/* Sessions. */

static struct str
worker_key(struct pool *pool, unsigned peer, const struct user *u)
{
	return pool_printf(pool, "%u:%u:%u:%d:%.*s", peer, u->uid, u->gid, u->virtual_box,
	    STR_ARG(u->mailbox));
}

/* The connection to this user's worker: the one we have, or a new one from master. */
static struct ipc *
worker_of(unsigned peer, const struct user *u, struct pool *pool, struct str *why)
{
	struct str key = worker_key(pool, peer, u);
	struct ipc *c = map_get(workers, key), *newer;

	if (c != NULL)
		return c;
	c = service_worker(peer, u->uid, u->gid, u->mailbox, u->virtual_box, pool, why,
	    deadline_in(WORKER_MS));
	if (c == NULL)
		return NULL;
	/* Another login of the same user may have been faster. */
	if ((newer = map_get(workers, key)) != NULL) {
		ipc_close(c);
		return newer;
	}
	map_put(workers, key, c);
	return c;
}

static void
left(struct ipc *c)
{
	size_t at = 0;
	struct str key;
	void *value;

	while (map_next(workers, &at, &key, &value))
		if (value == c)
			(void)map_del(workers, key);
}

/* Pass the session on; a worker that just ended is replaced once. */
static enum auth_status
open_session(const struct auth_login *q, const struct user *u, struct pool *pool, struct str *why)
{
	unsigned peer = q->protocol == SESSION_POP3 ? PEER_POP3D : PEER_IMAPD;
	struct session s = { .fd = q->fd, .protocol = q->protocol, .user = u->name, .tag = q->tag,
		.method = q->method, .unread = q->unread, .client_ip = q->client_ip,
		.client_port = q->client_port, .server_ip = q->server_ip,
		.server_port = q->server_port, .tls = q->tls };
	struct session_accepted a;
	enum ipc_result r = IPC_GONE;

	*why = STR("no worker");
	for (unsigned try = 0; try < 2 && r == IPC_GONE; try++) {
		struct ipc *c = worker_of(peer, u, pool, why);

		if (c == NULL)
			return AUTH_UNAVAILABLE;
		r = ipc_call(c, &session_msg, &s, &session_accepted_msg, &a, pool,
		    deadline_in(WORKER_MS));
		/* One that has just been told to end may still say so. */
		if (r == IPC_UNREAD || (r == IPC_DONE && !a.ok && a.ending))
			r = IPC_GONE;
		if (r == IPC_GONE)
			left(c);
	}
	if (r != IPC_DONE) {
		*why = STR("the worker does not answer");
		return AUTH_UNAVAILABLE;
	}
	*why = a.reason;
	return a.ok ? AUTH_OK : AUTH_UNAVAILABLE;
}

static void
on_login(struct ipc_req *r, const void *msg)
{
	const struct auth_login *q = msg;
	struct pool *pool = ipc_pool(r);
	struct str service = q->protocol == SESSION_POP3 ? STR("pop3") : STR("imap");
	struct auth_logged a = { 0 };
	struct user u;
	bool right;

	a.status = authenticate(service, q->user, q->password, q->client_ip, pool, &u,
	    &a.penalty_ms);
	right = a.status == AUTH_OK;
	a.reason = reason_of((enum auth_status)a.status);
	wipe(q->password);
	if (right)
		a.status = q->fd < 0 ? AUTH_TEMP : open_session(q, &u, pool, &a.reason);
	if (a.status == AUTH_UNAVAILABLE)
		log_warn("no session for %.*s: %.*s", STR_ARG(u.name), STR_ARG(a.reason));
	a.user = u.name;
	a.reason = str_sub(a.reason, 0, 200);
	ipc_reply(r, &a);
	if (q->fd >= 0)
		(void)close(q->fd);
	if (right)
		anvil_note(ANVIL_AUTH_OK, service, q->client_ip);
}

/* authd --hash: a password on standard input, its hash on standard output. */
static int
hash_main(void)
{
	char line[AUTH_PASSWORD_MAX + 2];
	struct buf out = { 0 };
	size_t n = fread(line, 1, sizeof(line), stdin);
	struct str password = str_n(line, n);

	if (n > 0 && line[n - 1] == '\n')
		password.n--;
	if (password.n == 0 || password.n > AUTH_PASSWORD_MAX || str_chr(password, '\0') >= 0 ||
	    str_chr(password, '\n') >= 0) {
		log_error("a password has 1 to %d bytes in one line", AUTH_PASSWORD_MAX);
		return EX_DATAERR;
	}
	if (!password_hash(&out, password)) {
		log_error("crypt(3) cannot make a yescrypt hash");
		return EX_SOFTWARE;
	}
	explicit_bzero(line, sizeof(line));
	(void)printf("%s\n", buf_z(&out));
	buf_free(&out);
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

/* Paths that stay visible: folders, since these files are replaced by rename. */
static struct jail_path paths[3];

static bool
prepare(struct jail *jail)
{
	char *folder = mem_str(authd_conf.users_file), *slash = strrchr(folder, '/');
	unsigned n = 0;

	if (slash != NULL && slash != folder) {
		*slash = '\0';
		paths[n++] = (struct jail_path){ folder, PATH_READ };
	}
	if (authd_conf.system_users) {
		paths[n++] = (struct jail_path){ "/etc", PATH_READ };
		jail->calls |= JAIL_UNIX;
		/* Name service modules load now or never. */
		(void)getpwnam("root");
		(void)getspnam("root");
		endpwent();
		endspent();
	}
	jail->paths = paths;
	workers = map_new();
	password_init(authd_conf.cache_ttl_ms);
	users_init(authd_conf.users_file, authd_conf.domain, authd_conf.system_users,
	    (uint32_t)common.first_valid_uid);
	return true;
}

static const struct ipc_op ops[] = {
	{ &auth_check_msg, &auth_checked_msg, on_check, PEER_BIT(PEER_SMTPD) },
	{ &auth_login_msg, &auth_logged_msg, on_login, PEER_BIT(PEER_LOGIN) },
	{ NULL, NULL, NULL, 0 }
};

int
main(int argc, char **argv)
{
	static const unsigned char peers[] = { PEER_ANVIL, PEER_NONE };
	static const struct service authd = {
		.name = "authd",
		.peer = PEER_AUTHD,
		.params = authd_params,
		.needs = { .name = "authd", .calls = JAIL_READ },
		.peers = peers,
		.ops = ops,
		.stack = 256 << 10,	/* crypt(3) and name services */
		.prepare = prepare,
		.left = left,
	};

	if (argc > 1 && strcmp(argv[1], "--hash") == 0)
		return hash_main();
	return service_main(&authd, argc, argv);
}
