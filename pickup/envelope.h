/* SPDX-License-Identifier: ISC */
/*
 * envelope - from what a local user handed in to what the queue needs: complete addresses, the
 * Received field, and the fields every message must have.
 */
#ifndef PICKUP_ENVELOPE_H
#define PICKUP_ENVELOPE_H

#include "base/pool.h"
#include "mail/header.h"
#include "wire/drop.h"

/*
 * Fill `env` from the checked record of a maildrop file and from what was seen in its header.
 * Everything lives in `p`.  `eightbit`: the content has bytes above 127; `addresses`: the fields of
 * its header that hold addresses (ENVELOPE_ADDRESSES), as they are.
 */
#define ENVELOPE_ADDRESSES (HEADER_FROM | HEADER_TO | HEADER_SENDER | HEADER_RESENT_FROM | HEADER_RESENT_TO)

void envelope_build(struct envelope *env, const struct drop *d, const struct header_watch *seen,
    bool eightbit, struct str addresses, struct str origin, struct pool *p);

#endif
