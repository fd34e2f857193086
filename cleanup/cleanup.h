/* SPDX-License-Identifier: ISC */
/* cleanup - what its files share. */
#ifndef CLEANUP_CLEANUP_H
#define CLEANUP_CLEANUP_H

#include "ipc/ipc.h"
#include "spool/intake.h"

extern struct spool spool;
extern struct intake *intake;

/* submit.c: the questions, as rows, and the end of a connection that had messages coming in. */
extern const struct ipc_op submit_ops[];
void submit_left(struct ipc *c);

/* Messages being written now. */
unsigned submit_busy(void);

/*
 * handover.c: tell qmgr of a message that is safe on disk.  Where that fails now, it is told later:
 * the file in incoming/ is the promise.
 */
struct spool_head;
void handover(const struct spool_head *h, uint64_t size, const struct envelope *env,
    struct str content);

/* Tell it about this one later, from the file. */
void handover_later(const char *id);

/* The fiber that does so, and a knock at its door when qmgr is there (again). */
void handover_run(void *arg);
void handover_wake(void);

#endif
