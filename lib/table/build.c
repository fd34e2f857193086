/* SPDX-License-Identifier: ISC */
#include "table/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/panic.h"
#include "base/pool.h"
#include "table/db.h"
#include "table/table.h"

struct build {
	struct pool *pool;
	struct map *pairs;	/* key -> struct str *; what the file will hold */
	struct str type;
	const char *source;	/* the name without suffix */
	const char *path;	/* the file; NULL: the type has none of its own */
	const char *temp;
	int lock;		/* on the old file, so that two merges do not lose each other's */
};

static void
take(void *arg, struct str key, struct str value)
{
	(void)build_put(arg, key, value, true);
}

/* Lock the old file; again when another build replaced it meanwhile. */
static void
lock_old(struct build *b)
{
	struct stat held, now;

	for (;;) {
		b->lock = open(b->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (b->lock < 0 || flock(b->lock, LOCK_EX) != 0)
			return;
		if (fstat(b->lock, &held) == 0 && stat(b->path, &now) == 0 &&
		    held.st_ino == now.st_ino && held.st_dev == now.st_dev)
			return;
		close(b->lock);
	}
}

static bool
merge_old(struct build *b, struct str spec, struct buf *why)
{
	struct table *old;
	enum table_result r;

	if (access(b->path, F_OK) != 0)
		return true;
	old = table_open(spec, NULL, TABLE_EXACT);
	r = table_each(old, take, b, why);
	table_close(old);
	return r == TABLE_FOUND;
}

struct build *
build_begin(struct str spec, const char *default_type, bool merge, struct buf *why)
{
	struct pool *pool = pool_new();
	struct build *b = pool_alloc(pool, sizeof(*b));
	struct str type, name;

	table_split(str_trim(spec), default_type, &type, &name);
	b->pool = pool;
	b->pairs = map_new();
	b->lock = -1;
	b->type = pool_str(pool, type);
	b->source = pool_str(pool, name).p;
	if (str_eq(type, STR("hash")) || str_eq(type, STR("btree")))
		b->path = pool_printf(pool, "%s.db", b->source).p;
	else if (!str_eq(type, STR("texthash")) || merge) {
		buf_addf(why, "a table of type %.*s is not made by this command", STR_ARG(type));
		build_abort(b);
		return NULL;
	}
	if (!table_type_known(type)) {
		buf_addf(why, "unsupported table type: %.*s", STR_ARG(type));
		build_abort(b);
		return NULL;
	}
	if (b->path != NULL) {
		if (name.n == 0 || name.p[0] != '/') {
			buf_addf(why, "%s: want an absolute file name", b->source);
			build_abort(b);
			return NULL;
		}
		b->temp = pool_printf(pool, "%s.%ld.tmp", b->path, (long)getpid()).p;
		lock_old(b);
		spec = pool_printf(pool, "%.*s:%s", STR_ARG(type), b->source);
		if (merge && !merge_old(b, spec, why)) {
			build_abort(b);
			return NULL;
		}
	}
	return b;
}

enum build_put
build_put(struct build *b, struct str key, struct str value, bool replace)
{
	struct str *v = map_get(b->pairs, key);
	enum build_put r = v == NULL ? BUILD_NEW : replace ? BUILD_REPLACED : BUILD_DUPLICATE;

	if (r == BUILD_DUPLICATE)
		return r;
	if (v == NULL) {
		v = pool_alloc(b->pool, sizeof(*v));
		map_put(b->pairs, key, v);
	}
	*v = pool_str(b->pool, value);
	return r;
}

bool
build_del(struct build *b, struct str key)
{
	return map_del(b->pairs, key) != NULL;
}

void
build_abort(struct build *b)
{
	if (b == NULL)
		return;
	if (b->lock >= 0)
		close(b->lock);
	map_free(b->pairs);
	pool_free(b->pool);
}

#ifdef WITH_DB
static int
by_key(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* All pairs into a new file, in order of keys: one source gives one file, byte for byte. */
static bool
write_db(struct build *b, unsigned mode, struct buf *why)
{
	DB *db = bdb_open(b->temp, str_eq(b->type, STR("btree")) ? DB_BTREE : DB_HASH, true, mode,
	    why);
	size_t n = map_count(b->pairs), at = 0;
	struct str *keys = mem_zero(n + 1, sizeof(*keys));
	bool ok = db != NULL;

	for (size_t i = 0; i < n; i++)
		(void)map_next(b->pairs, &at, &keys[i], NULL);
	qsort(keys, n, sizeof(*keys), by_key);
	for (size_t i = 0; ok && i < n; i++)
		ok = bdb_put(db, keys[i], *(struct str *)map_get(b->pairs, keys[i]), why);
	free(keys);
	if (db != NULL && !bdb_close(db) && ok) {
		buf_addf(why, "%s: cannot write it", b->temp);
		ok = false;
	}
	return ok;
}
#else
static bool
write_db(struct build *b, unsigned mode, struct buf *why)
{
	(void)mode;
	buf_addf(why, "%s: built without Berkeley DB", b->path);
	return false;
}
#endif

/* Durable, with the owner of its source, under its name. */
static bool
settle(struct build *b, const struct stat *source, bool owned)
{
	char *slash = strrchr(b->path, '/');
	struct str dir = str_n(b->path, slash == b->path ? 1 : (size_t)(slash - b->path));
	int fd = open(b->temp, O_RDWR | O_CLOEXEC | O_NOFOLLOW), dir_fd;
	bool ok;

	if (fd < 0)
		return false;
	ok = !owned || geteuid() != 0 || fchown(fd, source->st_uid, source->st_gid) == 0;
	ok = ok && fsync(fd) == 0;
	close(fd);
	if (!ok || rename(b->temp, b->path) != 0)
		return false;
	dir_fd = open(pool_str(b->pool, dir).p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = dir_fd >= 0 && fsync(dir_fd) == 0;
	if (dir_fd >= 0)
		close(dir_fd);
	return ok;
}

bool
build_commit(struct build *b, struct buf *why)
{
	struct stat source = { 0 };
	bool owned, ok = true;

	if (b->path != NULL) {
		owned = stat(b->source, &source) == 0;
		(void)unlink(b->temp);
		ok = write_db(b, owned ? source.st_mode & 0666 : 0644, why);
		if (ok && !settle(b, &source, owned)) {
			buf_addf(why, "%s: %s", b->path, strerror(errno));
			ok = false;
		}
		if (!ok)
			(void)unlink(b->temp);
	}
	build_abort(b);
	return ok;
}
