/* SPDX-License-Identifier: ISC */
/* db - a Berkeley DB file without its surprises; used by the tables and by the builder. */
#ifndef TABLE_DB_H
#define TABLE_DB_H

#ifdef WITH_DB
#include <db.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Open `path` (made anew when `create`).  The library would read a file DB_CONFIG in the current
 * folder (CVE-2017-10140); it gets a private environment at "/" instead, where only root writes.
 * NULL with the reason.  bdb_close tells whether everything reached the file.
 */
DB *bdb_open(const char *path, DBTYPE type, bool create, unsigned mode, struct buf *why);
bool bdb_close(DB *db);

/* Keys and values carry a NUL at their end, as Postfix writes them. */
bool bdb_put(DB *db, struct str key, struct str value, struct buf *why);
#endif
#endif
