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
	CONF_TIME,	/* int64_t *: milliseconds; suffix ms, s, m, h, d, w; without one: that of the
			 * default, as in Postfix, where `maximal_queue_lifetime = 5` means days */
	CONF_LIST,	/* struct strs *: split at blanks and commas, expanded; { } groups stay whole */
	CONF_MATCH,	/* the same, and a member that is an absolute path stands for the members in
			 * that file (read once, now): mydestination, mynetworks */
	CONF_WORD,	/* unsigned *: one of the words in `min` ("may|encrypt|none"), as its number */
};

struct conf_param {
	const char *name;
	enum conf_type type;
	void *value;		/* where it goes; NULL: known, checked, shown, used by nobody here */
	const char *def;	/* default, as it would stand in main.cf; NULL: found out (myhostname) */
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

/* The same from a text that stands for DIR/main.cf: for tests and fuzzers. */
struct conf *conf_of_text(const char *dir, struct str text, const struct strs *overrides);

/*
 * The texts that `c` was read from until now, in a memory file that nobody can change any more:
 * main.cf, master.cf and the lists that settings name, as far as they were looked at (conf_check
 * looks at all).  -1 with errno.  The caller closes it.
 */
int conf_snapshot(const struct conf *c);

/*
 * As conf_read, but the files that the snapshot holds are what they were when it was made; others
 * are read from disk.  `fd` stays the caller's, and its position is left alone.
 */
struct conf *conf_of_snapshot(int fd, const char *dir, const struct strs *overrides);

/* Everything that points into it ends with it. */
void conf_free(struct conf *c);

/* The folder it was read from, absolute. */
const char *conf_dir(const struct conf *c);

/*
 * Put the values of these rows (ending in CONF_END) in place.  Everything points into `c` and lives
 * as long.  A bad value keeps the default and becomes a finding; false when there was one.
 */
bool conf_load(struct conf *c, const struct conf_param *rows);

/*
 * The same for settings that exist once for each transport: the names of the rows are suffixes
 * ("_destination_concurrency_limit"), the value is that of TRANSPORT_suffix where it is set, else
 * the default of the row of that name ("local_destination_concurrency_limit") where there is one, else
 * that of the suffix ("$default_destination_concurrency_limit").
 */
bool conf_load_transport(struct conf *c, struct str transport, const struct conf_param *rows);

/* The value of one name, expanded, from file, override or the known default; NULL when unknown. */
const char *conf_get(struct conf *c, const char *name);

/* Is the name set in main.cf or by an override (not just by default)? */
bool conf_is_set(const struct conf *c, const char *name);

/* Append the value of `text` with every $name expanded; unknown names are empty and a finding. */
void conf_expand(struct conf *c, struct buf *out, struct str text);

/* Add a finding; the same one twice is kept once.  `file` is copied. */
void conf_report(struct conf *c, enum conf_grade grade, const char *file, unsigned line,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/*
 * Look at the whole configuration: the values of all rows of the suite, the names that nothing
 * knows, the names with no meaning here, and master.cf with the -o of each of its services.
 * Programs do not call this (they would all repeat it); master, `posthorn check` and tests do.
 */
void conf_check(struct conf *c);

/* All that was found so far, in order of file and line. */
const struct conf_finding *conf_findings(const struct conf *c, size_t *n);

/* Is one of them an error? */
bool conf_broken(const struct conf *c);

/* The whole of a file, a NUL behind it, in the pool; false with errno (EFBIG beyond `max`). */
bool conf_slurp(struct pool *pool, const char *path, size_t max, struct str *out);

/* "note", "warning", "error". */
const char *conf_grade_word(enum conf_grade g);

/* What main.cf (or an override) sets, in order, one entry a name: for postconf. */
struct conf_setting {
	const char *name;
	const char *value;	/* as written, continuation lines joined */
	const char *file;
	unsigned line;		/* 0: an override */
};

const struct conf_setting *conf_settings(const struct conf *c, size_t *n);

/* The row of a name, or NULL. */
const struct conf_param *conf_row(struct str name);

/* What the default of a row would be, as text not expanded (myhostname and mydomain found out). */
const char *conf_default(struct conf *c, const struct conf_param *row);

/* The known name nearest to `name`, or NULL when none is near. */
const char *conf_nearest(struct str name);

/*
 * Is it SERVICE_suffix with one of the suffixes that exist once for each transport?  *row is that of
 * the suffix, NULL when it has no effect here.
 */
bool conf_is_pattern(struct str name, struct str *service, const struct conf_param **row);

/* Does this program, run as a service, read the setting? */
bool conf_reads(struct str program, struct str name);

/* Every row of the suite (conf/all.c), for postconf, the manual page, `posthorn check`. */
const struct conf_param *conf_all(size_t *n);

#endif
