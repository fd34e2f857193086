/* SPDX-License-Identifier: ISC */
/*
 * control - master and its children, master and `posthorn`; ids 1 to 19.
 *
 * Small messages only (one datagram each), so master needs no loop of fibers to read them.
 */
#ifndef WIRE_CONTROL_H
#define WIRE_CONTROL_H

#include "ipc/message.h"

/* master → child: a connection to another program. */
struct ctl_connect {
	uint64_t peer;		/* PEER_ of the other end */
	bool asking;		/* this end asks (a peer it named); else it is asked */
	int fd;
};

/* child → master: jail closed, serving. */
struct ctl_ready {
	struct str jail;	/* what is active, for `posthorn status` */
};

/* master → child: stop; sessions may go on for `grace_ms`. */
struct ctl_stop {
	uint64_t grace_ms;
	bool idle;		/* those that have nothing under way end now */
	bool ends;		/* the suite stops: nobody comes after you */
};

/* master → child: log to this descriptor from now on. */
struct ctl_log {
	int fd;
};

/* qmgr, authd → master: a connection to the worker of this user and mailbox. */
struct ctl_worker {
	uint64_t worker;	/* PEER_LOCAL, PEER_POP3D, PEER_IMAPD */
	uint64_t uid, gid;
	struct str mailbox;	/* user name, or relative name below virtual_mailbox_base */
	bool virtual_box;
};

struct ctl_worker_reply {
	int fd;			/* -1: none, see text */
	struct str text;
};

/*
 * worker → master: nothing to do for max_idle; master answers with ctl_stop or forgets it.  `replaced`:
 * it cannot serve whoever comes next, who needs another; master stops it.
 */
struct ctl_idle {
	uint64_t sessions;	/* 0 */
	bool replaced;
};

/* posthorn → master, by the named control socket. */
enum { CTL_STATUS = 1, CTL_RELOAD, CTL_STOP };

struct ctl_tool {
	uint64_t verb;
	bool json;
};

struct ctl_tool_reply {
	bool ok;
	struct str text;
	int fd;			/* a file with the text, which may be long; -1: none */
};

extern const struct ipc_msg ctl_connect_msg, ctl_ready_msg, ctl_stop_msg, ctl_log_msg,
    ctl_worker_msg, ctl_worker_reply_msg, ctl_idle_msg, ctl_tool_msg, ctl_tool_reply_msg;

#endif
