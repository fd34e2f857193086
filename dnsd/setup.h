/* SPDX-License-Identifier: ISC */
/*
 * setup - dnsd's settings in the words of unbound.conf.
 */
#ifndef DNSD_SETUP_H
#define DNSD_SETUP_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf/room_dnsd.h"

/*
 * Append the configuration.  Each value is checked first, so none can end its quotes; false with
 * `*why` (a literal) and `*what` for the first bad one.
 */
bool setup_text(struct buf *out, const struct dnsd_conf *c, const char **why, struct str *what);

/*
 * Is this version of libunbound one we trust with DNSSEC (security N2)?  Below it the words for some
 * of our limits are not known, and nobody mends KeyTrap and the NSEC3 attack any more.
 */
bool setup_version_ok(struct str version);

/* Is dnsd_forwarders one file in the form of resolv.conf?  Then its path, else NULL. */
const char *setup_resolv_conf(const struct dnsd_conf *c);

#endif
