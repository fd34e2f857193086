/* SPDX-License-Identifier: ISC */
/*
 * jail - what the kernel still allows a program.
 *
 * Declared in the passport at the end of a main file: classes of system calls and the paths that
 * stay visible.  Closed in this order: no_new_privs, not dumpable, Landlock, seccomp.  It fails
 * closed (`sandbox = require`); `try` goes on with what the kernel has, `off` is for debugging
 * on strange kernels only.
 */
#ifndef DAEMON_JAIL_H
#define DAEMON_JAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Classes of system calls beyond the floor (memory, time, epoll, read, write, send, receive, threads). */
enum {
	JAIL_ACCEPT = 1,	/* accept connections on sockets that were handed over */
	JAIL_CONNECT = 2,	/* make and connect TCP and UDP sockets */
	JAIL_UNIX = 4,		/* make and connect Unix sockets (NSS, syslog) */
	JAIL_READ = 8,		/* open files for reading, list folders */
	JAIL_WRITE = 16,	/* make, rename, unlink, lock files; implies JAIL_READ */
	JAIL_EXEC = 32,		/* start programs */
};

/* Rights on a path and all below it. */
enum { PATH_READ = 1, PATH_WRITE = 2, PATH_EXEC = 4 };

struct jail_path {
	const char *path;	/* absolute; a path that does not exist is skipped */
	unsigned rights;
};

struct jail {
	const char *name;		/* program, for messages */
	unsigned calls;			/* JAIL_… */
	const struct jail_path *paths;	/* ends with path NULL; NULL: none */
	const int *extra_calls;		/* more system calls by number, ends with -1; NULL: none */
	bool quiet;			/* what `try` goes without is not logged: a caller would read it */
};

/* What is active, for `posthorn status`. */
struct jail_facts {
	bool no_new_privs;
	bool dumpable;
	bool seccomp;
	int landlock_abi;		/* 0: not active */
	bool landlock_net;		/* TCP bind and connect walls (ABI 4) */
	bool landlock_scope;		/* signals and abstract sockets (ABI 6) */
};

/*
 * Close the jail around this process, before any thread starts.  `mode` is common.sandbox (0
 * require, 1 try, 2 off), `max_abi` caps the Landlock ABI (0: no cap).  False, with the reason
 * logged, when something required is missing.
 */
bool jail_close(const struct jail *j, unsigned mode, unsigned max_abi);

/* What is active in this process now. */
struct jail_facts jail_facts(void);

/* "seccomp, landlock 7 (files, tcp, scope), no_new_privs". */
void jail_describe(struct buf *out, const struct jail_facts *f);

#endif
