/* SPDX-License-Identifier: ISC */
/*
 * cache - connections that wait for more mail.
 *
 * A connection is found again by its destination as qmgr names it, which saves the DNS as well, or
 * by its server's address, when another domain has the same server.
 */
#ifndef SMTP_CACHE_H
#define SMTP_CACHE_H

#include "smtp/session.h"

#define CACHE_MAX	200	/* idle connections of one process; the oldest goes first */

/* Take one out that is fit for more mail, or NULL. */
struct session *cache_take(struct str dest);
struct session *cache_take_addr(const struct net_addr *addr);

/*
 * The delivery is over: keep the connection for `dest`, or close it when it is broken, too old, or
 * had its share.
 */
void cache_put(struct session *c, struct str dest);

/* Close all; at the end of the program. */
void cache_clear(void);

#endif
