/* SPDX-License-Identifier: ISC */
/*
 * lock - one holder at a time, over all processes.
 *
 * flock(2): the lock belongs to the open file, ends with its last descriptor, and works on every
 * local file system.  A file that serves as a lock is never removed, so two holders can never
 * stand on two files of one name.
 */
#ifndef IO_LOCK_H
#define IO_LOCK_H

#include <stdbool.h>

#include "base/clock.h"

/* Take the lock now; false with errno, EWOULDBLOCK when another holds it. */
bool lock_try(int fd);

/* Wait for it, in a fiber or outside; false with errno: EWOULDBLOCK after the deadline, ECANCELED. */
bool lock_wait(int fd, msec_t deadline);

/* Let it go; closing the descriptor does the same. */
void lock_free(int fd);

/*
 * Open (make, mode 0600) the lock file `name` in the folder `dir`: a descriptor, or -1 with errno.
 * Never follows a link, refuses what is no regular file.
 */
int lock_open(int dir, const char *name);

#endif
