/* SPDX-License-Identifier: ISC */
/*
 * queue_id - names of messages in the queue, in the form Postfix calls long.
 *
 * Seconds (6 or more digits), microseconds (4 digits), "z", and a number that tells apart what was
 * made by different files; digits of base 52 without vowels, the last part in base 51 without "z".
 * The part before "z" only ever grows, whatever the clock does, so names sort by age and none is
 * used twice.
 */
#ifndef MAIL_QUEUE_ID_H
#define MAIL_QUEUE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define QUEUE_ID_MAX	24
#define QUEUE_ID_MIN	12

/* Where the last name stood; all zero is a fresh one. */
struct queue_id_clock {
	int64_t last_us;
};

/*
 * The next name: its time is `now_us` (wall, microseconds since 1970), or one more than the last
 * when the clock did not move on.  `number` is free (the inode or pool number of the file).
 */
struct str queue_id_next(struct queue_id_clock *c, int64_t now_us, uint64_t number,
    char out[QUEUE_ID_MAX + 1]);

/* Never give a name up to and including this moment again: what a start finds in the queue. */
void queue_id_seen(struct queue_id_clock *c, int64_t us);

/* Is it such a name?  `us` (may be NULL) gets its time. */
bool queue_id_parse(struct str id, int64_t *us);

#endif
