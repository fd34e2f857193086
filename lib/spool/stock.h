/* SPDX-License-Identifier: ISC */
/*
 * stock - the files of free/ that wait for new messages; intake.c alone includes it.
 *
 * A message in a file that is durable already, name, length and blocks, costs the disk one write and
 * one flush; in a new file also an inode, a folder and a map of blocks, each written elsewhere.  So
 * files that held a message are used again, and when few of them are left, blank ones are made ahead,
 * many at once, while nobody waits for them.
 *
 * A file made ahead holds zeros: until a message is written over them it is no message, and the next
 * cleanup removes it at its start.
 */
#ifndef SPOOL_STOCK_H
#define SPOOL_STOCK_H

#include "spool/spool.h"

struct stock;

/* `s` must outlive it.  Closing waits, in a fiber, for files that are being made. */
struct stock *stock_open(const struct spool *s);
void stock_close(struct stock *st);

/*
 * Rename a file of free/ to incoming/ID and give a descriptor to write `length` bytes to it, or -1 when
 * there is none.  `crowd` messages are being written now.  So many of its bytes as *inside says, from
 * the first on, may be written over in place: they are durable, whatever their values.
 */
int stock_take(struct stock *st, const char *id, size_t length, size_t crowd, size_t *inside);

#endif
