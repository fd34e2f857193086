/* SPDX-License-Identifier: ISC */
/* text - texthash: and inline:, tables in memory. */
#include <errno.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/panic.h"
#include "base/pool.h"
#include "conf/conf.h"
#include "conf/lines.h"
#include "table/source.h"
#include "table/type.h"

struct memory {
	struct pool *pool;
	struct map *map;	/* key -> struct str * */
};

static void
put(void *arg, struct str key, struct str value, unsigned line)
{
	struct memory *m = arg;
	struct str *v;

	(void)line;
	if (map_get(m->map, key) != NULL)	/* the first wins, as with postmap */
		return;
	v = pool_alloc(m->pool, sizeof(*v));
	*v = pool_str(m->pool, value);
	map_put(m->map, key, v);
}

static struct memory *
memory_new(void)
{
	struct pool *pool = pool_new();
	struct memory *m = pool_alloc(pool, sizeof(*m));

	m->pool = pool;
	m->map = map_new();
	return m;
}

static void
memory_close(void *state)
{
	struct memory *m = state;

	map_free(m->map);
	pool_free(m->pool);
}

static enum table_result
memory_get(void *state, struct str key, struct buf *value, struct buf *why)
{
	struct memory *m = state;
	struct str *v = map_get(m->map, key);

	(void)why;
	if (v == NULL)
		return TABLE_ABSENT;
	if (value != NULL)
		buf_add(value, *v);
	return TABLE_FOUND;
}

static enum table_result
memory_each(void *state, void (*see)(void *, struct str, struct str), void *arg, struct buf *why)
{
	struct memory *m = state;
	struct str key;
	size_t at = 0;
	void *v;

	(void)why;
	while (map_next(m->map, &at, &key, &v))
		see(arg, key, *(struct str *)v);
	return TABLE_FOUND;
}

static void *
text_open(const char *path, unsigned flags, struct buf *why)
{
	struct memory *m;
	struct source_reader r = {
		.kind = flags & TABLE_ALIASES ? SOURCE_ALIASES : SOURCE_MAP,
		.fold = !(flags & TABLE_EXACT), .pair = put,
	};
	struct pool *pool = pool_new();
	struct str text;

	if (!conf_slurp(pool, path, TABLE_FILE_MAX, &text)) {
		buf_addf(why, "cannot read %s: %s", path, strerror(errno));
		pool_free(pool);
		return NULL;
	}
	m = memory_new();
	r.arg = m;
	source_read(text, &r);
	pool_free(pool);
	return m;
}

/* { key=value, { key = value with blanks } } */
static void *
inline_open(const char *path, unsigned flags, struct buf *why)
{
	struct memory *m = memory_new();
	struct str rest = lines_unbrace(str_of(path)), pair, key;

	if (path[0] != '{') {
		buf_addz(why, "want inline:{ key=value, … }");
		memory_close(m);
		return NULL;
	}
	while (lines_word(&rest, true, &pair)) {
		struct buf folded = { 0 };

		pair = lines_unbrace(pair);
		if (str_chr(pair, '=') <= 0) {
			buf_addf(why, "\"%.*s\" is not key=value", STR_ARG(pair));
			memory_close(m);
			return NULL;
		}
		str_cut(&pair, '=', &key);
		key = str_trim(key);
		for (size_t i = 0; i < key.n; i++)
			buf_addc(&folded, flags & TABLE_EXACT ? key.p[i] : ch_lower(key.p[i]));
		put(m, buf_str(&folded), str_trim(pair), 0);
		buf_free(&folded);
	}
	return m;
}

static void *
static_open(const char *path, unsigned flags, struct buf *why)
{
	struct memory *m = memory_new();
	struct str *v = pool_alloc(m->pool, sizeof(*v));

	(void)flags;
	(void)why;
	*v = pool_str(m->pool, lines_unbrace(str_of(path)));
	map_put(m->map, STR(""), v);
	return m;
}

static enum table_result
static_get(void *state, struct str key, struct buf *value, struct buf *why)
{
	(void)key;
	return memory_get(state, STR(""), value, why);
}

const struct table_type table_texthash = {
	STR_INIT("texthash"), "", text_open, memory_get, memory_each, memory_close
};
const struct table_type table_inline = {
	STR_INIT("inline"), NULL, inline_open, memory_get, memory_each, memory_close
};
const struct table_type table_static = {
	STR_INIT("static"), NULL, static_open, static_get, NULL, memory_close
};
