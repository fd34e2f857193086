/* SPDX-License-Identifier: ISC */
/*
 * box - a mailbox that several deliveries have open together.
 *
 * Deliveries to one mailbox that run at the same time share its open folders, so the sync of new/
 * that each needs is one call for all of a round.  A box is shared for a second at most: a mailbox
 * that was moved or made anew meanwhile is found again.
 */
#ifndef LOCAL_BOX_H
#define LOCAL_BOX_H

#include "store/store.h"

struct box;

/*
 * The mailbox at `path` below `root`, made when missing.  Always gives a box, to be given to
 * box_put; it may be used only on STORE_OK, and tells why otherwise.
 */
enum store_result box_get(int root, struct str path, struct box **out);
struct store *box_store(struct box *b);
void box_put(struct box *b);

#endif
