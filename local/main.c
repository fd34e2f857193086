/* SPDX-License-Identifier: ISC */
/*
 * local - put mail where its reader wants it.
 *
 * Runs as:  the recipient (a system user, or the owner of virtual mailboxes); reads and writes that
 *           user's home folder, or the folder of virtual mailboxes; no network, no programs.
 * Started by: master, when qmgr has mail for that user; ends when idle.
 * Talks to: qmgr.
 * Trusts:   qmgr for addresses and mailbox names as far as their limits go, the user's .forward
 *           when nobody else can have written it.  Never the message.
 * If taken over: can read and change that user's mail and files, and claim deliveries to that user
 *           that did not happen; nothing of any other user.
 */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask/agent.h"
#include "base/log.h"
#include "base/panic.h"
#include "conf/common.h"
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "io/file.h"
#include "local/local.h"
#include "store/home.h"

/* The folder below which all of the owner's mail is. */
static bool
find_root(const struct worker_facts *facts)
{
	const struct passwd *pw;

	owner.uid = facts->uid;
	owner.virtual_box = facts->virtual_box;
	if (facts->virtual_box) {
		owner.path = common.virtual_mailbox_base;
		if (owner.path[0] == '/')
			return true;
		log_error("virtual_mailbox_base is \"%s\", not an absolute path", owner.path);
		return false;
	}
	if ((pw = home_user(facts->uid, facts->gid)) == NULL)
		return false;
	owner.login = mem_str(pw->pw_name);
	owner.path = mem_str(pw->pw_dir);
	return true;
}

static bool
prepare(struct jail *jail)
{
	static struct jail_path paths[2];
	const struct worker_facts *facts = service_worker_facts();

	if (facts->mailbox == NULL) {
		log_error("started without a user to work for");
		return false;
	}
	if (geteuid() == 0 || geteuid() != facts->uid) {
		log_error("runs as uid %u, not as its user", (unsigned)geteuid());
		return false;
	}
	if (!find_root(facts))
		return false;
	/* A user's file-size limit is a mailbox that is full, not our end. */
	(void)signal(SIGXFSZ, SIG_IGN);
	/* Mail is the reader's alone, whatever umask the world has. */
	(void)umask(077);
	owner.root = file_open_folder(owner.path);
	owner.root_error = errno;
	if (common.sync_together)
		fiber_sync_together(owner.root);
	paths[0] = (struct jail_path){ owner.path, PATH_READ | PATH_WRITE };
	jail->paths = paths;
	return true;
}

int
main(int argc, char **argv)
{
	static const struct ipc_op ops[] = {
		{ &deliver_msg, NULL, on_deliver, PEER_BIT(PEER_QMGR) },
		{ &inflight_msg, &inflight_reply_msg, agent_on_inflight, PEER_BIT(PEER_QMGR) },
		{ NULL, NULL, NULL, 0 }
	};
	static const struct service local = {
		.name = "local",
		.peer = PEER_LOCAL,
		.needs = { .calls = JAIL_WRITE },
		.ops = ops,
		.prepare = prepare,
		.joined = agent_joined,
		.left = agent_left,
		.quit = agent_quit,
	};

	return service_main(&local, argc, argv);
}
