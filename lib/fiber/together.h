/* SPDX-License-Identifier: ISC */
/*
 * together - what one file system allows for many files at once; sync.c alone includes it.
 *
 * syncfs waits for everything that was written to a file system.  For many files it costs a fraction
 * of an fdatasync for each: one wait, one flush of the device.  It also waits for what others wrote
 * there, so it is left alone for a while whenever it took long.
 */
#ifndef FIBER_TOGETHER_H
#define FIBER_TOGETHER_H

#include <stdbool.h>

#include "base/clock.h"

#define TOGETHER_HERE	2	/* files, when the loop would have to sync one after the other */
#define TOGETHER_MIN	8	/* files, where threads sync them side by side: fewer are done sooner so */
#define TOGETHER_HOLD	20	/* ms that a round waits for the one before it, at most */

/* Is there a file system to sync as a whole, and did that go fast lately?  The loop's side. */
bool together_ready(void);

/* Are bytes written over files of it durable where they are, once written out and flushed? */
bool together_in_place(void);

/* Is `fd` on it? */
bool together_holds(int fd);

/* Write out all of it: 0 or an errno.  Any thread may call it. */
int together_sync(void);

/* What the loop learns from that, for `files` of them, and from a file that was synced by itself. */
void together_took(int64_t us, unsigned files);
void together_single(int64_t us);

#endif
