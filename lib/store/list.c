/* SPDX-License-Identifier: ISC */
/*
 * list - mailboxes by name: list, make, remove, subscribe (rename.c has the rest).
 *
 * All changes hold the store's lock.  A mailbox appears and disappears by one rename: it is made
 * under a name that is no mailbox ("..make.X") and goes away under another ("..gone.X"), so no
 * crash leaves half a mailbox.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "base/panic.h"
#include "proto/mutf7.h"
#include "store/mailbox.h"

#define STORE_LOCK	"posthorn-store"
#define SUBSCRIPTIONS	"subscriptions"
#define SUBSCRIPTIONS_LIMIT	(STORE_MAILBOXES * (STORE_NAME_LIMIT + 1))

int
store_take(struct store *s, enum store_result *r)
{
	int lock = lock_take(s->root, STORE_LOCK, MAILDIR_LOCK_MS);

	if (lock < 0)
		*r = store_fail(s, "cannot lock the mail folder");
	return lock;
}

enum store_result
store_bad_name(struct store *s)
{
	snprintf(s->why, sizeof(s->why), "not a possible mailbox name");
	return STORE_NAME;
}

enum store_result
store_sync(struct store *s)
{
	errno = sync_full(s->root);
	return errno == 0 ? STORE_OK : store_fail(s, "cannot sync the mail folder");
}

bool
store_there(struct store *s, const char *disk)
{
	struct stat st;

	return fstatat(s->root, disk, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* --- list --- */

struct names {
	struct pool *pool;
	struct map *known;		/* struct store_entry *, by name */
	struct vec all;			/* struct store_entry * */
};

static struct store_entry *
entry(struct names *l, struct str name)
{
	struct store_entry *e;

	if (name_is_inbox(name))
		name = STR("INBOX");
	if ((e = map_get(l->known, name)) != NULL)
		return e;
	e = pool_alloc(l->pool, sizeof(*e));
	e->name = pool_str(l->pool, name);
	map_put(l->known, e->name, e);
	*(struct store_entry **)vec_push(&l->all) = e;
	return e;
}

static int
by_name(const void *a, const void *b)
{
	const struct store_entry *x = *(struct store_entry *const *)a;
	const struct store_entry *y = *(struct store_entry *const *)b;
	bool ix = str_eq(x->name, STR("INBOX")), iy = str_eq(y->name, STR("INBOX"));

	if (ix != iy)
		return ix ? -1 : 1;
	return str_cmp(x->name, y->name);
}

static enum store_result
read_folders(struct store *s, struct names *l)
{
	int fd = beneath(s->root, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct buf name = { 0 };

	if (d == NULL) {
		enum store_result r = store_fail(s, "cannot read the mail folder");

		if (fd >= 0)
			close(fd);
		return r;
	}
	while ((e = readdir(d)) != NULL && l->all.n < STORE_MAILBOXES) {
		buf_reset(&name);
		if (e->d_name[0] == '.' && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) &&
		    folder_mail_name(&name, str_of(e->d_name)) && store_there(s, e->d_name))
			entry(l, buf_str(&name))->exists = true;
	}
	closedir(d);
	buf_free(&name);
	return STORE_OK;
}

static void
read_subscribed(struct store *s, struct names *l)
{
	struct buf text = { 0 }, name = { 0 };
	struct str rest, line;

	read_whole(s->root, SUBSCRIPTIONS, SUBSCRIPTIONS_LIMIT, &text);
	rest = buf_str(&text);
	while (str_cut(&rest, '\n', &line) && l->all.n < STORE_MAILBOXES) {
		buf_reset(&name);
		if (mutf7_decode(&name, line) && store_name_ok(buf_str(&name)))
			entry(l, buf_str(&name))->subscribed = true;
	}
	buf_free(&text);
	buf_free(&name);
}

enum store_result
store_list(struct store *s, struct pool *pool, struct store_entry **list, size_t *n)
{
	struct names l = { pool, map_new(), vec_of(sizeof(struct store_entry *)) };
	enum store_result r = STORE_OK;

	entry(&l, STR("INBOX"))->exists = true;
	r = read_folders(s, &l);
	read_subscribed(s, &l);
	/* The levels above; the list grows while it is walked. */
	for (size_t i = 0; i < l.all.n; i++) {
		struct store_entry *e = *(struct store_entry **)vec_at(&l.all, i);
		ptrdiff_t end = str_rchr(e->name, STORE_SEPARATOR);

		if (end > 0 && e->exists)
			entry(&l, str_sub(e->name, 0, (size_t)end))->children = true;
		else if (end > 0 && e->children)
			entry(&l, str_sub(e->name, 0, (size_t)end))->children = true;
	}
	vec_sort(&l.all, by_name);
	*n = l.all.n;
	*list = pool_array(pool, l.all.n, sizeof(**list));
	for (size_t i = 0; i < l.all.n; i++)
		(*list)[i] = **(struct store_entry **)vec_at(&l.all, i);
	map_free(l.known);
	vec_free(&l.all);
	return r;
}

bool
store_exists(struct store *s, struct str name)
{
	struct buf disk = { 0 };
	bool ok = folder_disk_name(&disk, name) && store_there(s, buf_z(&disk));

	buf_free(&disk);
	return ok;
}

/* --- make --- */

/* A name for a folder on its way in or out. */
static void
aside(struct buf *out, const char *what)
{
	buf_addf(out, "..%s.", what);
	file_fresh(out);
}

static enum store_result
create_locked(struct store *s, const char *disk)
{
	struct buf temp = { 0 };
	enum store_result r;

	if (store_there(s, disk)) {
		errno = EEXIST;
		return store_fail(s, "cannot make %s", disk);
	}
	aside(&temp, "make");
	r = folder_make(s, s->root, buf_z(&temp));
	if (r == STORE_OK && renameat(s->root, buf_z(&temp), s->root, disk) < 0)
		r = store_fail(s, "cannot make %s", disk);
	if (r == STORE_OK)
		r = store_sync(s);
	buf_free(&temp);
	return r;
}

enum store_result
store_create(struct store *s, struct str name)
{
	struct buf disk = { 0 };
	enum store_result r = STORE_OK;
	int lock;

	if (!folder_disk_name(&disk, name)) {
		r = store_bad_name(s);
	} else if ((lock = store_take(s, &r)) >= 0) {
		r = create_locked(s, buf_z(&disk));
		close(lock);
	}
	buf_free(&disk);
	return r;
}

/* --- remove --- */

/* Unlink everything in a folder of files. */
static void
empty(int dir, const char *name)
{
	int fd = beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(fd, e->d_name, 0);
	closedir(d);
}

/* A folder that went aside, with all in it. */
static void
clear(struct store *s, const char *disk)
{
	static const char *const parts[] = { "cur", "new", "tmp" };
	int dir = beneath(s->root, disk, O_RDONLY | O_DIRECTORY, 0);

	if (dir < 0)
		return;
	for (size_t i = 0; i < 3; i++) {
		empty(dir, parts[i]);
		unlinkat(dir, parts[i], AT_REMOVEDIR);
	}
	close(dir);
	empty(s->root, disk);
	unlinkat(s->root, disk, AT_REMOVEDIR);
}

/*
 * Clear up what went aside, now or before a crash.  A folder on its way in is only there while its
 * maker holds the lock, so with the lock all of them are left over; their names are picked first.
 */
static void
aside_names(struct store *s, struct pool *pool, struct vec *names)
{
	int fd = beneath(s->root, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (str_start(str_of(e->d_name), STR("..gone.")) ||
		    str_start(str_of(e->d_name), STR("..make.")))
			*(const char **)vec_push(names) = pool_printf(pool, "%s", e->d_name).p;
	if (d != NULL)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

enum store_result
store_delete(struct store *s, struct str name)
{
	struct buf disk = { 0 }, gone = { 0 };
	struct vec names = vec_of(sizeof(const char *));
	struct pool *pool = pool_new();
	enum store_result r = STORE_OK;
	int lock = -1;

	if (!folder_disk_name(&disk, name))
		r = store_bad_name(s);
	else if (name_is_inbox(name))
		r = (errno = EPERM, store_fail(s, "cannot remove INBOX"));
	else
		lock = store_take(s, &r);
	if (lock >= 0) {
		aside(&gone, "gone");
		if (renameat(s->root, buf_z(&disk), s->root, buf_z(&gone)) < 0)
			r = store_fail(s, "cannot remove %s", buf_z(&disk));
		else
			r = store_sync(s);
		aside_names(s, pool, &names);
		close(lock);
	}
	/* It is gone for good; clearing up may take its time and may fail. */
	for (size_t i = 0; i < names.n; i++)
		clear(s, *(const char **)vec_at(&names, i));
	vec_free(&names);
	pool_free(pool);
	buf_free(&disk);
	buf_free(&gone);
	return r;
}

/* --- subscribe --- */

enum store_result
store_subscribe(struct store *s, struct str name, bool on)
{
	struct buf text = { .limit = SUBSCRIPTIONS_LIMIT }, out = { 0 }, wire = { 0 };
	enum store_result r = STORE_OK;
	struct str rest, line;
	bool had = false;
	int lock;

	if (name_is_inbox(name))
		name = STR("INBOX");
	if (!store_name_ok(name) || !mutf7_encode(&wire, name))
		return store_bad_name(s);
	if ((lock = store_take(s, &r)) < 0) {
		buf_free(&wire);
		return r;
	}
	/* A list that is there and cannot be read must not be replaced by this name alone. */
	if (!read_whole(s->root, SUBSCRIPTIONS, SUBSCRIPTIONS_LIMIT, &text) && errno != ENOENT)
		r = store_fail(s, "cannot read " SUBSCRIPTIONS);
	rest = buf_str(&text);
	while (str_cut(&rest, '\n', &line)) {
		bool same = str_eq(line, buf_str(&wire));

		had |= same;
		if (line.n > 0 && (!same || on)) {
			buf_add(&out, line);
			buf_addc(&out, '\n');
		}
	}
	if (on && !had) {
		buf_add(&out, buf_str(&wire));
		buf_addc(&out, '\n');
	}
	if (r == STORE_OK && out.n > SUBSCRIPTIONS_LIMIT)
		r = STORE_LIMIT;
	else if (r == STORE_OK && had != on)
		r = write_whole(s, s->root, SUBSCRIPTIONS, buf_str(&out));
	close(lock);
	buf_free(&text);
	buf_free(&out);
	buf_free(&wire);
	return r;
}
