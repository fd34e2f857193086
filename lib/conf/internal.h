/* SPDX-License-Identifier: ISC */
/* internal - what the files of lib/conf share and nobody else needs. */
#ifndef CONF_INTERNAL_H
#define CONF_INTERNAL_H

#include "base/map.h"
#include "base/vec.h"
#include "conf/conf.h"

#define CONF_FILE_MAX	(4u << 20)	/* bytes of a configuration file */
#define CONF_VALUE_MAX	(1u << 20)	/* bytes of one expanded value */
#define CONF_DEPTH_MAX	50		/* $name inside $name inside … */
#define CONF_FINDINGS_MAX 2000		/* beyond that they are counted no more */

struct conf {
	struct pool *pool;
	const char *dir;
	const char *file;	/* DIR/main.cf */
	struct vec settings;	/* struct conf_setting, in order */
	struct map *index;	/* name -> its place in settings + 1, as a pointer */
	struct vec findings;	/* struct conf_finding */
	struct vec sources;	/* struct conf_source: the texts it was read from */
	void *snapshot;		/* mapped: sources point into it; NULL: none */
	size_t snapshot_size;
	bool asking_domain;	/* mydomain is being found out from myhostname */
};

/* One file as it was when it was first asked for. */
struct conf_source {
	struct str path;
	struct str text;
};

/*
 * The text of a file that belongs to the configuration: main.cf, master.cf, a list that a setting
 * names.  Each is read once for a conf, so all that is made from it is made from the same text.
 * False with errno.
 */
bool conf_source(struct conf *c, const char *path, size_t max, struct str *text);

/* From now on the file is this text; both must live as long as `c`. */
void conf_remember(struct conf *c, struct str path, struct str text);

/* Another conf from the same texts, with these overrides; it must end before `c`. */
struct conf *conf_like(const struct conf *c, const struct strs *overrides);

/*
 * Remember all that a snapshot holds, given as its bytes (which must live as long as `c`) or as its
 * descriptor.  False when it is none, or does not end where its last file ends; what stood before
 * the trouble is remembered.
 */
bool snapshot_take(struct conf *c, struct str in);
bool snapshot_open(struct conf *c, int fd);
void snapshot_close(struct conf *c);

/* Where a text came from: for findings. */
struct conf_place {
	const char *file;
	unsigned line;
};

/* The setting of a name, or NULL. */
const struct conf_setting *conf_setting_of(const struct conf *c, struct str name);

/* conf_expand with a place; false (with a finding) when a name loops or the text grows too large. */
bool conf_expand_at(struct conf *c, struct buf *out, struct str text, struct conf_place at);

/* Text of one value in its type; `to` NULL: only check.  On a bad one `why` is the finding. */
bool conf_value(struct conf *c, const struct conf_param *row, struct str text, struct conf_place at,
    void *to, struct buf *why);

/* Names that appear as $name in `text`, each handed to `see`. */
void conf_names_in(struct str text, void (*see)(void *arg, struct str name), void *arg);

/* A Postfix name and what becomes of it here (conf/postfix_names.c). */
enum foreign {
	FOREIGN_NONE,		/* no Postfix name at all */
	FOREIGN_IDLE,		/* accepted, has no effect: the note says why */
	FOREIGN_LATER,		/* not there yet */
	FOREIGN_OLD,		/* an old name without effect: `why` is what replaces it */
};

enum foreign conf_foreign(struct str name, const char **why);
size_t conf_foreign_count(void);
const char *conf_foreign_name(size_t i);

#endif
