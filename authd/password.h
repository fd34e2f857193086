/* SPDX-License-Identifier: ISC */
/*
 * password - crypt(3), at the same cost for everyone.
 */
#ifndef AUTHD_PASSWORD_H
#define AUTHD_PASSWORD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#define PASSWORD_CACHE	4096	/* right passwords remembered */

/*
 * Prepare; `ttl` says how long a right password is remembered (0: not at all).  Computes the hash
 * that unknown users are compared with, which takes as long as one check.
 */
void password_init(msec_t ttl);

/*
 * Is it the password behind `hash`?  `user` only keeps the memory of two users apart.  An empty
 * hash means an unknown user: the answer is no and takes as long as any other.
 *
 * A right password is remembered as two SipHashes, under keys of this process, of user, hash and
 * password together: a new hash in the file makes the memory worthless, and nothing in it helps
 * anyone who does not already own this process.
 */
bool password_check(struct str user, struct str hash, struct str password);

/* Append a new yescrypt hash of the password; false when crypt(3) cannot. */
bool password_hash(struct buf *out, struct str password);

#endif
