/* SPDX-License-Identifier: ISC */
/*
 * dropper - hand a message to postdrop: a child, a pipe, counted records (wire/drop.h).
 */
#ifndef SENDMAIL_DROPPER_H
#define SENDMAIL_DROPPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/drop.h"

struct dropper {
	pid_t pid;		/* 0: none */
	int fd;
	uint64_t total;
	bool broken;		/* the child went away: its status says why */
};

/*
 * Start postdrop and send the envelope.  False when it could not be started (errno) or the envelope
 * is beyond its limits (EMSGSIZE).
 */
bool dropper_open(struct dropper *d, const char *config, const struct drop *env);

/* Send content. */
void dropper_add(struct dropper *d, struct str data);

/* All was sent: wait for the child and give its sysexits status; 0 means it is on disk. */
int dropper_commit(struct dropper *d);

/* Nothing is to be kept. */
void dropper_abort(struct dropper *d);

/*
 * Where a program of ours is: beside this one, else in SBINDIR.  `room` bytes at `out`; false when
 * it does not fit.
 */
bool tool_path(const char *name, char *out, size_t room);

#endif
