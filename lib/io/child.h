/* SPDX-License-Identifier: ISC */
/*
 * child - run another program.
 *
 * The child gets descriptors 0, 1 and 2 and nothing else, the environment it is given and nothing
 * else, a session of its own, default signals.  No shell is ever involved.
 */
#ifndef IO_CHILD_H
#define IO_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/clock.h"

struct child {
	pid_t pid;
	int in;		/* we write, it reads; -1: it reads /dev/null or what was given */
	int out;	/* it writes, we read; -1: what was given */
};

struct child_plan {
	const char *path;		/* absolute */
	char *const *argv;
	char *const *env;		/* NULL: an empty one */
	int dir;			/* folder to start in, or -1: "/" */
	bool pipe_in;			/* make child.in; else `in`, or /dev/null for -1 */
	bool pipe_out;			/* make child.out for its 1 and 2; else `out`, or /dev/null */
	int in, out;			/* stay the caller's */
};

/* Start it.  False with errno, also when the program could not be executed. */
bool child_start(const struct child_plan *plan, struct child *c);

/*
 * Wait for its end, in a fiber or outside: *status as of waitpid.  False at the deadline or after
 * fiber_cancel; it runs on then.
 */
bool child_wait(struct child *c, msec_t deadline, int *status);

/* Kill it and all of its session's process group, and wait for it. */
void child_kill(struct child *c);

/* Close the pipes that are open. */
void child_close(struct child *c);

#endif
