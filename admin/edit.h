/* SPDX-License-Identifier: ISC */
/*
 * edit - change logical lines of main.cf and master.cf and leave every other byte alone.
 */
#ifndef ADMIN_EDIT_H
#define ADMIN_EDIT_H

#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"

/* A logical line with its comments in between, or a stretch that counts for nothing. */
struct edit_part {
	struct str text;	/* whole physical lines */
	struct str line;	/* joined; empty: blank lines and comments */
	bool changed;
};

struct edit {
	struct pool *pool;
	const char *path;	/* NULL: a text of no file */
	int lock;		/* held against other editors; -1: not */
	struct vec parts;	/* struct edit_part */
};

/*
 * Read the file, whose name must stay; fatal when it cannot be read.  To `change` it waits for other
 * editors, and they for it, until edit_free, which leaves the file alone.
 */
struct edit *edit_open(const char *path, bool change);
void edit_free(struct edit *e);

/* The same of a text, which is copied; it cannot be saved. */
struct edit *edit_of_text(struct str whole);

/* Put `text` (without the last line break) in place of part `i`; empty removes it. */
void edit_replace(struct edit *e, size_t i, struct str text);

/* Write # before each line of part `i`. */
void edit_comment(struct edit *e, size_t i);

/* Add lines at the end. */
void edit_append(struct edit *e, struct str text);

/* Write the file anew: aside, synced, renamed, mode and owner kept.  Fatal when that fails. */
void edit_save(struct edit *e);

#endif
