/* SPDX-License-Identifier: ISC */
/* db - hash: and btree:, Berkeley DB files that postmap and Postfix's postmap make. */
#include "table/db.h"

#ifdef WITH_DB
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/panic.h"
#include "table/type.h"

static const char safe_home[] = "/";

/* The library's own messages are the return values: say nothing to stderr. */
static void
quiet(const DB_ENV *env, const char *prefix, const char *text)
{
	(void)env;
	(void)prefix;
	(void)text;
}

DB *
bdb_open(const char *path, DBTYPE type, bool create, unsigned mode, struct buf *why)
{
	DB_ENV *env = NULL;
	DB *db = NULL;
	int e;

	ASSERT(path[0] == '/');
	if ((e = db_env_create(&env, 0)) == 0) {
		env->set_errcall(env, quiet);
		e = env->open(env, safe_home, DB_CREATE | DB_INIT_MPOOL | DB_PRIVATE, 0);
	}
	if (e == 0 && (e = db_create(&db, env, 0)) == 0)
		e = db->open(db, NULL, path, NULL, create ? type : DB_UNKNOWN,
		    create ? DB_CREATE | DB_EXCL : DB_RDONLY, (int)mode);
	if (e == 0)
		return db;
	buf_addf(why, "%s: %s", path, db_strerror(e));
	if (db != NULL)
		db->close(db, DB_NOSYNC);
	if (env != NULL)
		env->close(env, 0);
	return NULL;
}

bool
bdb_close(DB *db)
{
	DB_ENV *env = db->get_env(db);
	bool ok = db->close(db, 0) == 0;

	return env->close(env, 0) == 0 && ok;
}

/* `s` with a NUL behind it; free it. */
static DBT
with_nul(struct str s)
{
	char *p = mem_alloc(s.n + 1);
	DBT d = { 0 };

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	d.data = p;
	d.size = (u_int32_t)s.n + 1;
	return d;
}

bool
bdb_put(DB *db, struct str key, struct str value, struct buf *why)
{
	DBT k = with_nul(key), v = with_nul(value);
	int e = db->put(db, NULL, &k, &v, 0);

	free(k.data);
	free(v.data);
	if (e != 0)
		buf_addz(why, db_strerror(e));
	return e == 0;
}

static struct str
without_nul(const DBT *d)
{
	struct str s = str_n(d->data, d->size);

	if (s.n > 0 && s.p[s.n - 1] == '\0')
		s.n--;
	return s;
}

/* The file itself says whether it is a hash or a btree. */
static void *
open_any(const char *path, unsigned flags, struct buf *why)
{
	(void)flags;
	if (path[0] != '/') {
		buf_addf(why, "%s: want an absolute file name", path);
		return NULL;
	}
	return bdb_open(path, DB_UNKNOWN, false, 0, why);
}

static enum table_result
get(void *state, struct str key, struct buf *value, struct buf *why)
{
	DB *db = state;
	DBT k = with_nul(key), v = { 0 };
	int e = db->get(db, NULL, &k, &v, 0);

	if (e == DB_NOTFOUND) {
		k.size--;	/* some builders leave the NUL out */
		e = db->get(db, NULL, &k, &v, 0);
	}
	free(k.data);
	if (e == DB_NOTFOUND)
		return TABLE_ABSENT;
	if (e != 0) {
		if (why != NULL)
			buf_addf(why, "reading the database: %s", db_strerror(e));
		return TABLE_LATER;
	}
	if (value != NULL)
		buf_add(value, without_nul(&v));
	return TABLE_FOUND;
}

static enum table_result
each(void *state, void (*see)(void *, struct str, struct str), void *arg, struct buf *why)
{
	DB *db = state;
	DBC *c = NULL;
	DBT k = { 0 }, v = { 0 };
	int e = db->cursor(db, NULL, &c, 0);

	while (e == 0 && (e = c->get(c, &k, &v, DB_NEXT)) == 0)
		see(arg, without_nul(&k), without_nul(&v));
	if (c != NULL)
		c->close(c);
	if (e == DB_NOTFOUND)
		return TABLE_FOUND;
	if (why != NULL)
		buf_addf(why, "reading the database: %s", db_strerror(e));
	return TABLE_LATER;
}

static void
shut(void *state)
{
	(void)bdb_close(state);
}

const struct table_type table_hash = { STR_INIT("hash"), ".db", open_any, get, each, shut };
const struct table_type table_btree = { STR_INIT("btree"), ".db", open_any, get, each, shut };
#endif
