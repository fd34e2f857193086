/* SPDX-License-Identifier: ISC */
/*
 * home - where the mail of a worker's user is.
 *
 * A virtual mailbox lies below virtual_mailbox_base, a system user's in the home folder under
 * mail_storage ("Maildir/").  Workers call this before their jail closes, as that user.
 */
#ifndef STORE_HOME_H
#define STORE_HOME_H

#include <pwd.h>
#include <sys/types.h>

#include "store/store.h"

/*
 * The system user of a worker: the one of this uid, with a home folder, and with this group as its
 * own.  qmgr and authd name uid and group, and master, which asks no name service while it serves,
 * takes any group that no service has; so it is here, as that user and before anything is read from
 * anyone, that a worker in a group of another's ends.  NULL, with the reason logged.  The answer
 * lives until the next question to the name service.
 */
const struct passwd *home_user(uid_t uid, gid_t gid);

/*
 * Open (make) the mail of the user `uid`: `mailbox` is relative to `base` when `virtual_box`, else a
 * user name, and the mail is in `storage` below that user's home.  `path` gets the absolute name,
 * for the jail.  NULL, with the reason logged, when there is none.
 */
struct store *home_open(uid_t uid, gid_t gid, const char *mailbox, bool virtual_box,
    const char *base, const char *storage, struct buf *path);

/*
 * Is another folder at `path` now than the one that is open (put aside for a restore, say)?  While
 * there is none, it is not.
 */
bool home_replaced(const struct store *s, const char *path);

#endif
