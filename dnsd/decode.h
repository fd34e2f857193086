/* SPDX-License-Identifier: ISC */
/*
 * decode - resource data from the wire to a record (RFC 1035 3.3, RFC 6698 2.1).
 *
 * Pure: bytes in, record or refusal out.  The bytes were written by strangers.
 */
#ifndef DNSD_DECODE_H
#define DNSD_DECODE_H

#include <stdbool.h>

#include "base/pool.h"
#include "wire/dns.h"

/*
 * One record of the type; texts in `pool`.  False for data that is not exactly one such record, or
 * whose name may not stand in a log or a header.  Names are uncompressed, as libunbound gives them.
 */
bool decode_rdata(unsigned type, struct str rdata, struct dns_record *out, struct pool *pool);

/*
 * A domain name that is all of `wire` as lower-case text without the last dot; the root is "".
 * False for a name that breaks the limits or holds other bytes than dns_name_ok allows.
 */
bool decode_name(struct str wire, struct str *out, struct pool *pool);

/* How many records of the type an answer may have. */
size_t decode_limit(unsigned type);

/*
 * Order MX records by preference, equal ones by chance (RFC 5321 5.1).
 */
void decode_order_mx(struct dns_record *v, size_t n);

#endif
