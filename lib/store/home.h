/* SPDX-License-Identifier: ISC */
/*
 * home - where the mail of a worker's user is.
 *
 * A virtual mailbox lies below virtual_mailbox_base, a system user's in the home folder under
 * mail_storage ("Maildir/").  Workers call this before their jail closes, as that user.
 */
#ifndef STORE_HOME_H
#define STORE_HOME_H

#include <sys/types.h>

#include "store/store.h"

/*
 * Open (make) the mail of the user `uid`: `mailbox` is relative to `base` when `virtual_box`, else a
 * user name, and the mail is in `storage` below that user's home.  `path` gets the absolute name,
 * for the jail.  NULL, with the reason logged, when there is none.
 */
struct store *home_open(uid_t uid, const char *mailbox, bool virtual_box, const char *base,
    const char *storage, struct buf *path);

#endif
