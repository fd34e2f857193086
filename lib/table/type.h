/* SPDX-License-Identifier: ISC */
/* type - what a kind of table provides; one file each.  A new kind is a row in table.c. */
#ifndef TABLE_TYPE_H
#define TABLE_TYPE_H

#include <sys/types.h>

#include "table/table.h"

struct table_type {
	struct str name;
	const char *suffix;	/* what the file has behind the name; NULL: no file */
	/*
	 * Make ready: gives the state, or NULL with `why`.  `path` is the file (with suffix), or
	 * the name itself.
	 */
	void *(*open)(const char *path, unsigned flags, struct buf *why);
	enum table_result (*get)(void *state, struct str key, struct buf *value, struct buf *why);
	enum table_result (*each)(void *state, void (*see)(void *, struct str, struct str),
	    void *arg, struct buf *why);
	void (*close)(void *state);
};

extern const struct table_type table_texthash, table_inline, table_static, table_unix;
#ifdef WITH_DB
extern const struct table_type table_hash, table_btree;
#endif

#endif
