/* SPDX-License-Identifier: ISC */
/*
 * mailbox - a view of one folder: what the parts of the driver share.
 */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include <time.h>

#include "store/uids.h"

struct box {
	struct store *s;
	struct folder f;
	char *name;
	bool readonly;
	struct uids uids;
	uint32_t validity;		/* of the UIDs in the view; 0: none were read yet */
	struct vec msgs;		/* struct store_msg, by UID */
	size_t gone, changed, recent;	/* how many are marked */
	size_t changed_from;		/* where mailbox_next_changed goes on */
	struct timespec cur_time, new_time;	/* of the folders at the last scan */
	bool scanned, racy;		/* racy: they may change again without a new time */
	int exclusive;			/* descriptor of POP3's lock, or -1 */
	struct vec sizes;		/* uint32_t: indexes whose size was learnt */
};

/* Message `i` of the view, which must exist. */
struct store_msg *msg_at(const struct box *m, size_t i);

/* Mark a message gone; say so once. */
void msg_gone(struct box *m, size_t i);

/* The path of a message: its folder descriptor and file name. */
int msg_dir(const struct box *m, const struct store_msg *msg);

/*
 * Look again, whatever the folders' times say, with the lock held (`locked`) or taken here.
 */
enum store_result mailbox_scan(struct box *m, bool locked);

/* The same, but only when the folders' times say that something happened. */
enum store_result mailbox_follow(struct box *m, bool locked);

/* The flag bits of `flags` in the keywords of another mailbox, kept in `f`; makes them there. */
uint32_t flags_translate(const struct uids *from, struct uids *to, const struct folder *f,
    uint32_t flags);

#endif
