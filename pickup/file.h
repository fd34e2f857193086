/* SPDX-License-Identifier: ISC */
/*
 * file - one file of maildrop/: read it, check it, hand it to cleanup.
 *
 * Whoever owns the file may have written anything into it: every record is checked as if it came
 * from the network (security C3, C7).
 */
#ifndef PICKUP_FILE_H
#define PICKUP_FILE_H

#include <stdbool.h>

#include "base/pool.h"
#include "base/str.h"

enum taken {
	TAKEN_OK,		/* queued: the file may go */
	TAKEN_LATER,		/* cleanup is away, or the file is being written */
	TAKEN_STALE,		/* unfinished for a day: its writer died, nobody was promised anything */
	TAKEN_BAD,		/* damaged, forged, or refused by cleanup */
	TAKEN_GONE,		/* it is not there (any more), or no regular file of ours */
};

/*
 * Submit the file `name` of the folder `dir`.  `origin` is the domain that addresses without one
 * get.  Waits for the disk; logs what happened.
 */
enum taken file_take(int dir, const char *name, struct str origin, struct pool *p);

#endif
