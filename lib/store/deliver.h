/* SPDX-License-Identifier: ISC */
/*
 * deliver - put one message into a mailbox, once.
 *
 * The delivery agent names each delivery with a base name that never changes (queue ID and
 * recipient number), so that a delivery repeated after a crash finds its first copy, under whatever
 * flags a reader has given it since, and does not make a second one.
 *
 *	deliver_begin(store, STR("INBOX"), base, &d);
 *	while (…)
 *		deliver_write(d, bytes);
 *	r = deliver_end(d, arrival_us);
 *
 * No UID is assigned here, and no lock is taken: readers do that when they see the message.
 */
#ifndef STORE_DELIVER_H
#define STORE_DELIVER_H

#include "store/store.h"

#define DELIVER_BASE_LIMIT	100	/* bytes of a base name */

struct delivery;

/*
 * Begin a message for the mailbox `name`, which is made when it is missing.  `base` holds letters,
 * digits, ".", "_", "-" only, at most DELIVER_BASE_LIMIT bytes, else STORE_NAME.  store_why tells
 * more than the result.
 */
enum store_result deliver_begin(struct store *s, struct str name, struct str base,
    struct delivery **out);

/* Text in pieces of any size; CRLF becomes LF.  A failure sticks and shows at the end. */
void deliver_write(struct delivery *d, struct str data);

/*
 * Keep it: STORE_OK when it, or the first copy of the same delivery, is on stable storage.
 * `since_us` is when the message arrived in the queue (wall time, microseconds): a mailbox that
 * nobody has touched since then need not be searched.  *again (may be NULL): the first copy was
 * there.  Frees `d`.
 */
enum store_result deliver_end(struct delivery *d, int64_t since_us, bool *again);

/* Forget it.  NULL is fine. */
void deliver_abort(struct delivery *d);

#endif
