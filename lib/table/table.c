/* SPDX-License-Identifier: ISC */
#include "table/table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/panic.h"
#include "base/pool.h"
#include "conf/lines.h"
#include "table/type.h"

/* In alphabetical order. */
static const struct table_type *const types[] = {
#ifdef WITH_DB
	&table_btree,
	&table_hash,
#endif
	&table_inline,
	&table_static,
	&table_texthash,
	&table_unix,
};

#define TYPES	(sizeof(types) / sizeof(types[0]))

static msec_t fresh_ms;		/* see table_fresh */

struct table {
	struct pool *pool;
	const char *spec;
	struct str type_name;
	const struct table_type *type;	/* NULL: there is no such type */
	const char *path;
	unsigned flags;
	void *state;			/* NULL: not open */
	struct stat seen;		/* of the file behind `state` */
	msec_t fresh_until;		/* the file is not looked at again before */
};

const char *const *
table_types(void)
{
	static const char *names[TYPES + 1];

	for (size_t i = 0; i < TYPES; i++)
		names[i] = types[i]->name.p;
	return names;
}

static const struct table_type *
find_type(struct str name)
{
	for (size_t i = 0; i < TYPES; i++)
		if (str_eq(types[i]->name, name))
			return types[i];
	return NULL;
}

bool
table_type_known(struct str type)
{
	return find_type(type) != NULL;
}

/* Bytes of "type" before the colon, 0 when there is none; a / or [ or { ends the search. */
static size_t
type_length(struct str word)
{
	size_t n = 0;

	while (n < word.n && (ch_alnum(word.p[n]) || word.p[n] == '_' || word.p[n] == '-'))
		n++;
	return n > 0 && n < word.n && word.p[n] == ':' ? n : 0;
}

bool
table_is_spec(struct str word)
{
	return type_length(word) > 0;
}

void
table_split(struct str spec, const char *default_type, struct str *type, struct str *name)
{
	size_t n = type_length(spec);

	*type = n > 0 ? str_sub(spec, 0, n) : str_of(default_type != NULL ? default_type : "hash");
	*name = n > 0 ? str_sub(spec, n + 1, spec.n) : spec;
	if (n > 0 && (str_eq(*type, STR("proxy")) || str_eq(*type, STR("proxywrite"))))
		table_split(*name, default_type, type, name);
}

struct table *
table_open(struct str spec, const char *default_type, unsigned flags)
{
	struct pool *pool = pool_new();
	struct table *t = pool_alloc(pool, sizeof(*t));
	struct str type, name;

	table_split(str_trim(spec), default_type, &type, &name);
	t->pool = pool;
	t->flags = flags;
	t->type_name = pool_str(pool, type);
	t->type = find_type(type);
	t->spec = pool_printf(pool, "%.*s:%.*s", STR_ARG(type), STR_ARG(name)).p;
	t->path = pool_printf(pool, "%.*s%s", STR_ARG(name),
	    t->type != NULL && t->type->suffix != NULL ? t->type->suffix : "").p;
	return t;
}

static void
let_go(struct table *t)
{
	if (t->state != NULL)
		t->type->close(t->state);
	t->state = NULL;
}

void
table_close(struct table *t)
{
	if (t == NULL)
		return;
	let_go(t);
	pool_free(t->pool);
}

const char *
table_name(const struct table *t)
{
	return t->spec;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void
table_fresh(msec_t ms)
{
	fresh_ms = ms;
}

/* Open, or open again what changed; false with the reason. */
static bool
ready(struct table *t, struct buf *why)
{
	struct stat now;

	if (t->type == NULL) {
		if (why != NULL)
			buf_addf(why, "%s: unsupported table type \"%.*s\"", t->spec,
			    STR_ARG(t->type_name));
		return false;
	}
	/* A busy router does not look at each file for each question. */
	if (t->state != NULL && clock_ms() < t->fresh_until)
		return true;
	t->fresh_until = deadline_in(fresh_ms);
	if (t->type->suffix != NULL) {
		if (stat(t->path, &now) != 0) {
			if (why != NULL)
				buf_addf(why, "%s is unavailable: cannot open %s: %s", t->spec,
				    t->path, strerror(errno));
			let_go(t);
			return false;
		}
		if (t->state != NULL && !same_file(&now, &t->seen))
			let_go(t);
		t->seen = now;
	}
	if (t->state == NULL) {
		struct buf reason = { 0 };

		t->state = t->type->open(t->path, t->flags, &reason);
		if (t->state == NULL && why != NULL)
			buf_addf(why, "%s is unavailable: %s", t->spec, buf_z(&reason));
		buf_free(&reason);
	}
	return t->state != NULL;
}

enum table_result
table_get(struct table *t, struct str key, struct buf *value, struct buf *why)
{
	char folded[TABLE_KEY_MAX];

	if (!ready(t, why))
		return TABLE_LATER;
	if (key.n > sizeof(folded))
		return TABLE_ABSENT;
	if (!(t->flags & TABLE_EXACT)) {
		for (size_t i = 0; i < key.n; i++)
			folded[i] = ch_lower(key.p[i]);
		key.p = folded;
	}
	return t->type->get(t->state, key, value, why);
}

enum table_result
table_each(struct table *t, void (*see)(void *, struct str, struct str), void *arg,
    struct buf *why)
{
	if (!ready(t, why))
		return TABLE_LATER;
	if (t->type->each == NULL)
		return TABLE_ABSENT;
	return t->type->each(t->state, see, arg, why);
}

struct tables
tables_open(struct strs specs, const char *default_type, unsigned flags)
{
	struct tables t = { mem_zero(specs.n + 1, sizeof(struct table *)), specs.n };

	for (size_t i = 0; i < specs.n; i++)
		t.v[i] = table_open(specs.v[i], default_type, flags);
	return t;
}

void
tables_close(struct tables *t)
{
	for (size_t i = 0; i < t->n; i++)
		table_close(t->v[i]);
	free(t->v);
	*t = (struct tables){ NULL, 0 };
}

enum table_result
tables_get(const struct tables *t, struct str key, struct buf *value, struct buf *why)
{
	for (size_t i = 0; i < t->n; i++) {
		enum table_result r = table_get(t->v[i], key, value, why);

		if (r != TABLE_ABSENT)
			return r;
	}
	return TABLE_ABSENT;
}
