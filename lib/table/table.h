/* SPDX-License-Identifier: ISC */
/*
 * table - lookup tables by "type:name".
 *
 *	hash:/etc/posthorn/virtual	Berkeley DB, built by postmap (virtual.db); btree: likewise
 *	texthash:/etc/posthorn/virtual	the source file itself, read into memory
 *	inline:{ key=value, { key = long value } }
 *	static:value			the same answer to every key
 *	unix:passwd.byname		system users (getpwnam); unix:group.byname
 *	proxy:type:name			the same as type:name
 *
 * Opening always gives a table.  One that cannot be read answers LATER with the reason, and is
 * tried again at each lookup, so a table that is repaired works without a reload; a file that
 * changed is read anew.  Keys are folded to lower case unless TABLE_EXACT says otherwise.
 * Lookups may block: router and the map tools only.
 */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#define TABLE_FILE_MAX	(64u << 20)	/* bytes of a source file */
#define TABLE_VALUE_MAX	(1u << 20)	/* bytes of one value */
#define TABLE_KEY_MAX	4096		/* a longer key is in no table */

enum table_result {
	TABLE_FOUND,
	TABLE_ABSENT,
	TABLE_LATER,		/* cannot say now */
};

enum {
	TABLE_ALIASES = 1,	/* a text file is aliases(5): `name: value` */
	TABLE_EXACT = 2,	/* do not fold keys */
};

struct table;

/* `spec` is "type:name"; without a type `default_type` (NULL: "hash") goes before it. */
struct table *table_open(struct str spec, const char *default_type, unsigned flags);
void table_close(struct table *t);	/* NULL is fine */

/*
 * A change of a table's file is noticed at the next question (0, the default), or within `ms`: a busy
 * program need not look at each file for each question.
 */
void table_fresh(msec_t ms);

/* "type:name" as opened. */
const char *table_name(const struct table *t);

/*
 * The value of `key` is appended to `value` when FOUND; `why` gets the reason when LATER.  Either
 * may be NULL.
 */
enum table_result table_get(struct table *t, struct str key, struct buf *value, struct buf *why);

/* Hand every pair to `see`, in no order.  LATER when it cannot be read, ABSENT when the type has no list. */
enum table_result table_each(struct table *t, void (*see)(void *arg, struct str key,
    struct str value), void *arg, struct buf *why);

/* Names of the types there are, in order, NULL at the end; and whether one is among them. */
const char *const *table_types(void);
bool table_type_known(struct str type);

/* Does `word` name a table ("type:name") rather than a domain or a user? */
bool table_is_spec(struct str word);

/* The type and the name of a spec; `default_type` when it has no type.  proxy: is taken off. */
void table_split(struct str spec, const char *default_type, struct str *type, struct str *name);

/* Several tables, asked in order: the first that does not say ABSENT decides. */
struct tables {
	struct table **v;
	size_t n;
};

struct tables tables_open(struct strs specs, const char *default_type, unsigned flags);
void tables_close(struct tables *t);
enum table_result tables_get(const struct tables *t, struct str key, struct buf *value,
    struct buf *why);

#endif
