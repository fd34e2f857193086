/* SPDX-License-Identifier: ISC */
/*
 * source - the text files that tables are made from.
 *
 *	maps	key whitespace value
 *	aliases	name: value		(aliases(5); the name may stand in quotes)
 *
 * Logical lines as in main.cf.  What is wrong is told and skipped.
 */
#ifndef TABLE_SOURCE_H
#define TABLE_SOURCE_H

#include "base/str.h"

enum source_kind { SOURCE_MAP, SOURCE_ALIASES };

struct source_reader {
	enum source_kind kind;
	bool fold;			/* keys to lower case */
	void *arg;
	/* One pair; key and value are views that end with the call. */
	void (*pair)(void *arg, struct str key, struct str value, unsigned line);
	void (*warn)(void *arg, unsigned line, const char *text);	/* NULL: keep quiet */
};

/* Read all of `text`; calls `pair` and `warn` in order of lines. */
void source_read(struct str text, const struct source_reader *r);

#endif
