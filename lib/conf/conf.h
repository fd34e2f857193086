/* SPDX-License-Identifier: ISC */
/*
 * conf - main.cf: settings as rows.
 *
 * A setting is one row: name, kind, where its value goes, default, range, one sentence.  From the
 * rows come the values, postconf's output, the manual's table and the checks.  A program hands its
 * rows to conf_load; the rows shared by several programs are in conf/common.h.
 *
 * The syntax is Postfix's: `name = value`, comments, continuation lines that begin with a blank,
 * `$name`, `${name}`, `$(name)`, `${name?text}`, `${name:text}`, `${name?{text}:{text}}`.
 * Later lines win, with a warning.  `-o name=value` from master.cf wins over the file.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"

enum conf_type {
	CONF_END,
	CONF_STR,	/* const char **: expanded text */
	CONF_RAW,	/* const char **: text as written, not expanded */
	CONF_BOOL,	/* bool *: yes or no */
	CONF_INT,	/* uint64_t *: a number inside min and max */
	CONF_BYTES,	/* uint64_t *: bytes; suffix k, M, G allowed */
	CONF_TIME,	/* int64_t *: milliseconds; suffix ms, s, m, h, d, w; without one: seconds */
	CONF_LIST,	/* struct strs *: split at blanks and commas, expanded; { } groups stay whole */
	CONF_WORD,	/* unsigned *: one of the words in `min` ("may|encrypt|none"), as its number */
};

struct conf_param {
	const char *name;
	enum conf_type type;
	void *value;		/* where it goes; NULL: known, checked, shown, used by nobody here */
	const char *def;	/* default, as it would stand in main.cf */
	const char *min;	/* INT, BYTES, TIME: least value as text; WORD: the words; else NULL */
	const char *max;	/* INT, BYTES, TIME: most; else NULL */
	const char *text;	/* one sentence for people */
};

/* One thing found in a configuration. */
enum conf_grade { CONF_NOTE, CONF_WARNING, CONF_ERROR };

struct conf_finding {
	enum conf_grade grade;
	const char *file;
	unsigned line;		/* 0: the file as a whole */
	const char *text;	/* what and, for a name, the nearest known one */
};

struct conf;

/*
 * Read DIR/main.cf.  Always gives a conf, whatever was wrong: a file that cannot be read is a
 * finding of grade CONF_ERROR.  `overrides` ("name=value") come from master.cf's -o.
 */
struct conf *conf_read(const char *dir, const struct strs *overrides);
void conf_free(struct conf *c);

/* The folder it was read from, absolute. */
const char *conf_dir(const struct conf *c);

/*
 * Put the values of these rows (ending in CONF_END) in place.  Everything points into `c` and lives
 * as long.  A bad value keeps the default and becomes a finding; false when there was one.
 */
bool conf_load(struct conf *c, const struct conf_param *rows);

/* The value of one name, expanded, from file, override or the known default; NULL when unknown. */
const char *conf_get(struct conf *c, const char *name);

/* Is the name set in main.cf or by an override (not just by default)? */
bool conf_is_set(const struct conf *c, const char *name);

/* Append the value of `text` with every $name expanded; unknown names are empty and a finding. */
void conf_expand(struct conf *c, struct buf *out, struct str text);

/* All that was found so far, in order of file and line. */
const struct conf_finding *conf_findings(const struct conf *c, size_t *n);

/* Is one of them an error? */
bool conf_broken(const struct conf *c);

/* Every row of the suite (conf/all.c), for postconf, the manual page, `posthorn check`. */
const struct conf_param *conf_all(size_t *n);

#endif
