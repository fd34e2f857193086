/* SPDX-License-Identifier: ISC */
/*
 * mutf7 - mailbox names on the wire and in Maildir++ folders: modified UTF-7 (RFC 3501 5.1.3).
 */
#ifndef PROTO_MUTF7_H
#define PROTO_MUTF7_H

#include "base/buf.h"
#include "base/scan.h"
#include "base/str.h"

/* The next character of UTF-8 text; false at the end and for anything RFC 3629 does not allow. */
bool utf8_next(struct scan *in, uint32_t *c);

/* Append UTF-8 `name` in modified UTF-7; false, with `out` as it was, when it is no UTF-8. */
bool mutf7_encode(struct buf *out, struct str name);

/*
 * Append `wire` as UTF-8.  Strict: what mutf7_encode would write otherwise, or not at all, is
 * refused, so each name has one spelling.  False leaves `out` as it was.
 */
bool mutf7_decode(struct buf *out, struct str wire);

#endif
