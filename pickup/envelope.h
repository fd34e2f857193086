/* SPDX-License-Identifier: ISC */
/*
 * envelope - from what a local user handed in to what the queue needs: complete addresses, the
 * Received field, and the fields every message must have.
 */
#ifndef PICKUP_ENVELOPE_H
#define PICKUP_ENVELOPE_H

#include "base/buf.h"
#include "base/pool.h"
#include "mail/header.h"
#include "wire/drop.h"

/* What passed by of a message: all zero is the start. */
struct seen {
	struct header_watch watch;
	struct buf line;		/* header line that has not ended yet */
	struct buf addresses;		/* the header's address fields, as they are */
	bool eightbit;			/* there was a byte above 127 */
};

/* The next piece of its content, wherever that was cut. */
void seen_add(struct seen *s, struct str piece);
void seen_free(struct seen *s);

/*
 * Fill `env` from the checked record of a maildrop file and from what was seen of its content.
 * Everything lives in `p`, but what is of `d`.
 */
void envelope_build(struct envelope *env, const struct drop *d, const struct seen *seen,
    struct str origin, struct pool *p);

#endif
