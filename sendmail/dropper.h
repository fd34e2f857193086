/* SPDX-License-Identifier: ISC */
/*
 * dropper - hand a message to postdrop: a child, a pipe, counted records (wire/drop.h).
 */
#ifndef SENDMAIL_DROPPER_H
#define SENDMAIL_DROPPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sendmail/letter.h"

struct dropper {
	const char *config;	/* set: the folder of its configuration; NULL: the default */
	pid_t pid;		/* 0: none */
	int fd;
	uint64_t total;
	bool broken;		/* the child went away: its status says why */
};

/*
 * The taker that starts postdrop for a message and gives its exit status.  An open fails with an
 * errno when postdrop cannot be started, and with EMSGSIZE when the envelope is beyond its limits.
 * `d` must outlive it.
 */
struct taker dropper_taker(struct dropper *d);

/*
 * Where a program of ours is: beside this one, else in SBINDIR.  `room` bytes at `out`; false when
 * it does not fit.
 */
bool tool_path(const char *name, char *out, size_t room);

#endif
