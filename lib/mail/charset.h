/* SPDX-License-Identifier: ISC */
/*
 * charset - text in the charsets of old mail, as UTF-8: for looking into it.
 *
 * UTF-8, US-ASCII and the one-byte charsets; not those of East Asia, which have no letters with
 * case but many bytes.
 */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Append `text` in UTF-8.  What is called UTF-8 or US-ASCII passes as it is, valid or not.  False,
 * with nothing appended, for a charset nobody here knows.
 */
bool charset_add(struct buf *out, struct str charset, struct str text);

#endif
