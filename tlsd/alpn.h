/* SPDX-License-Identifier: ISC */
/*
 * alpn - the list of protocols that a client offers (RFC 7301 3.1), as its bytes.
 */
#ifndef TLSD_ALPN_H
#define TLSD_ALPN_H

#include <stdbool.h>

#include "base/str.h"

/*
 * Is `want` offered?  Then `at` views it in the list.  What stands behind a name that is cut off, or
 * behind an empty one, is not looked at.
 */
bool alpn_find(struct str offered, struct str want, struct str *at);

#endif
