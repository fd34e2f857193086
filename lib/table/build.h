/* SPDX-License-Identifier: ISC */
/*
 * build - make a table file from its source: postmap, postalias, newaliases.
 *
 * The new file is written aside in the same folder, made durable, renamed over the old one, and the
 * folder made durable: a reader and a crash see the old table or the new one, whole (security H15).
 * A type without a file of its own (texthash:) is only read through, so that its mistakes are told.
 */
#ifndef TABLE_BUILD_H
#define TABLE_BUILD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct build;

/*
 * Begin to make the table `spec` ("type:/path"; the path absolute).  With `merge` it begins with
 * what the old table holds.  The new file has owner and mode of the source where there is one, else
 * mode 0644.  NULL with the reason.
 */
struct build *build_begin(struct str spec, const char *default_type, bool merge, struct buf *why);

enum build_put { BUILD_NEW, BUILD_REPLACED, BUILD_DUPLICATE };

/* Add a pair.  A key that is there already is replaced, or left alone (DUPLICATE). */
enum build_put build_put(struct build *b, struct str key, struct str value, bool replace);

/* Take a key out; false when it is not there. */
bool build_del(struct build *b, struct str key);

/* Put the new table in place, or forget it; both end `b`.  False with the reason. */
bool build_commit(struct build *b, struct buf *why);
void build_abort(struct build *b);

#endif
