/* SPDX-License-Identifier: ISC */
/*
 * queue - what cleanup and qmgr are alike in: the queue directory is theirs, and all they see.
 */
#ifndef DAEMON_QUEUE_H
#define DAEMON_QUEUE_H

#include "daemon/jail.h"
#include "spool/spool.h"

/*
 * The first part of `prepare`: open the queue directory, wait until a predecessor has given up the
 * lock `name` (kept from then on), choose how its files are made durable, and let the jail show
 * that folder alone.  False, with the reason logged.
 */
bool queue_prepare(struct spool *s, const char *name, struct jail *jail);

#endif
