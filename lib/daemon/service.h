/* SPDX-License-Identifier: ISC */
/*
 * service - the one entry of every program.
 *
 * main() of a program is its passport: a `struct service` and a call of service_main, which reads
 * parameters, does libc's one-time loads, closes the jail, connects to master, tells it "ready",
 * serves, follows reload and stop, and lets sessions finish within a grace time.
 *
 * Command line, as master makes it:
 *	PROGRAM -c CONFIG_DIR -n SERVICE [-o name=value]... [-m FD] [-l FD]... [-f NAME=FD]...
 * -m control socket to master, -l listening sockets, -f descriptors by name (keys, spool, …); "conf"
 * is the configuration as master accepted it (conf_snapshot), instead of the files in CONFIG_DIR.
 * Without -m, a socket on descriptor 0 is served as one session and the program exits: tests need
 * no master.  Connections to other programs may be handed in with -p PEER=FD for such a test.
 */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/pool.h"
#include "conf/common.h"
#include "conf/conf.h"
#include "daemon/jail.h"
#include "io/stream.h"
#include "ipc/peer.h"
#include "wire/peers.h"

struct service {
	const char *name;
	unsigned peer;				/* which PEER_ this program is */
	const struct conf_param *params;	/* its own rows (lib/conf/room_NAME.c); NULL: none */
	struct jail needs;			/* `paths` may be filled in by prepare */
	const unsigned char *peers;		/* programs it asks, ends with PEER_NONE; NULL: none */
	const struct ipc_op *ops;		/* what others may ask it; NULL: nothing */
	size_t stack;				/* bytes of a fiber's stack; 0: the default */

	/*
	 * After parameters, before the jail: open files and folders, load tables, warm up NSS.  No
	 * fibers yet.  May change `jail->paths`.  False ends the program (it has logged why).
	 */
	bool (*prepare)(struct jail *jail);
	/* In a fiber, jail closed: start what runs by itself.  NULL: nothing. */
	void (*start)(void);
	/* One client from greeting to close, in its own fiber; owns `fd`.  NULL: no listeners. */
	void (*serve)(int fd);
	/* A connection from another program came (went).  NULL: nothing to do. */
	void (*joined)(struct ipc *c);
	void (*left)(struct ipc *c);
	/* Stop was asked for, or the last session after a reload has ended: finish what is
	 * committing; called once, in a fiber.  NULL: nothing. */
	void (*stop)(void);
	/* The suite stops, and nobody is left to wait for; once, must not wait.  NULL: nothing. */
	void (*quit)(void);
};

/*
 * Never returns to main's caller but with the exit status.  With `--passport` as its one argument
 * the program prints its passport and ends: "program NAME", "asks NAME...", "calls NAME...", and for
 * each message it serves "serves MESSAGE NAME..." with those who may send it.
 */
int service_main(const struct service *s, int argc, char **argv);

/* The name in master.cf: "smtp", "submission", "relay"; the configuration. */
const char *service_name(void);
struct conf *service_conf(void);

/* A descriptor master handed over under this name (-f NAME=FD), or -1. */
int service_fd(const char *name);

/*
 * Are sessions to end that have nothing under way?  They look between transactions and say 421 or BYE.
 * After a reload it stays false: new sessions go to other processes, those that are open end by
 * themselves; until so many reloads have come after that master wants no more processes of that time.
 */
bool service_stopping(void);

/* Is nobody to come after this process, because the suite stops? */
bool service_ending(void);

/* The same for those in a transaction: true only when the suite stops, or the grace time is over. */
bool service_hurried(void);

/* Does this process take nothing new, as another has taken its place or the suite stops? */
bool service_retiring(void);

/*
 * Around a wait for the peer's next command, in a session's fiber: service_stopping, once true, ends
 * such a wait at once (WAKE_CANCEL, IO_CANCEL); `amid` a transaction only service_hurried does.  Any
 * other wait goes on to its end.  service_idle is false, and the caller does not wait, when that is
 * so already.  `w` is the caller's until service_busy.
 */
struct idle {
	struct fiber *fiber;
	bool amid;
	struct idle *next, **at;
};
bool service_idle(struct idle *w, bool amid);
void service_busy(struct idle *w);

/* stream_getline for the next command, with that around it: IO_CANCEL when it ended the wait. */
enum io service_getline(struct stream *s, struct str *line, size_t max, bool amid);

/* Sessions now open by `serve`, and a way for ipc-driven sessions (pop3d, imapd) to count too. */
unsigned service_sessions(void);
void service_session_begin(void);
void service_session_end(void);

/*
 * Ask master for the worker (PEER_LOCAL, PEER_POP3D, PEER_IMAPD) that runs as this user for this
 * mailbox; qmgr and authd only.  `mailbox` is a user name, or, with `virtual_box`, a
 * relative name below virtual_mailbox_base.  Gives a connection (ops = this service's) or NULL with *why (in `pool`).
 * The connection ends when the worker does: then ask again.
 */
struct ipc *service_worker(unsigned worker, uid_t uid, gid_t gid, struct str mailbox,
    bool virtual_box, struct pool *pool, struct str *why, msec_t deadline);

/*
 * In a worker, in a fiber: it cannot serve whoever comes next, so have master stop it and start another
 * one for them.  Returns when service_stopping is true, or a few seconds later.
 */
void service_replace(void);

/* In a worker: whose it is.  `mailbox` as above; `virtual_box`: below virtual_mailbox_base. */
struct worker_facts {
	uid_t uid;
	gid_t gid;
	const char *mailbox;
	bool virtual_box;
};
const struct worker_facts *service_worker_facts(void);

#endif
