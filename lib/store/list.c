/* SPDX-License-Identifier: ISC */
/*
 * list - mailboxes by name: list, make, remove, rename, subscribe.
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

static int
take(struct store *s, enum store_result *r)
{
	int lock = lock_take(s->root, STORE_LOCK, MAILDIR_LOCK_MS);

	if (lock < 0)
		*r = store_fail(s, "cannot lock the mail folder");
	return lock;
}

static enum store_result
bad_name(struct store *s)
{
	snprintf(s->why, sizeof(s->why), "not a possible mailbox name");
	return STORE_NAME;
}

static enum store_result
sync_root(struct store *s)
{
	errno = sync_full(s->root);
	return errno == 0 ? STORE_OK : store_fail(s, "cannot sync the mail folder");
}

static bool
there(struct store *s, const char *disk)
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
		    folder_mail_name(&name, str_of(e->d_name)) && there(s, e->d_name))
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
	bool ok = folder_disk_name(&disk, name) && there(s, buf_z(&disk));

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

	if (there(s, disk)) {
		errno = EEXIST;
		return store_fail(s, "cannot make %s", disk);
	}
	aside(&temp, "make");
	r = folder_make(s, s->root, buf_z(&temp));
	if (r == STORE_OK && renameat(s->root, buf_z(&temp), s->root, disk) < 0)
		r = store_fail(s, "cannot make %s", disk);
	if (r == STORE_OK)
		r = sync_root(s);
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
		r = bad_name(s);
	} else if ((lock = take(s, &r)) >= 0) {
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

enum store_result
store_delete(struct store *s, struct str name)
{
	static const char *const parts[] = { "cur", "new", "tmp" };
	struct buf disk = { 0 }, gone = { 0 };
	enum store_result r = STORE_OK;
	int lock = -1, dir;

	if (!folder_disk_name(&disk, name))
		r = bad_name(s);
	else if (name_is_inbox(name))
		r = (errno = EPERM, store_fail(s, "cannot remove INBOX"));
	else
		lock = take(s, &r);
	if (lock >= 0) {
		aside(&gone, "gone");
		if (renameat(s->root, buf_z(&disk), s->root, buf_z(&gone)) < 0)
			r = store_fail(s, "cannot remove %s", buf_z(&disk));
		else
			r = sync_root(s);
		close(lock);
	}
	/* It is gone for good; clearing up may take its time and may fail. */
	if (lock >= 0 && r == STORE_OK &&
	    (dir = beneath(s->root, buf_z(&gone), O_RDONLY | O_DIRECTORY, 0)) >= 0) {
		for (size_t i = 0; i < 3; i++) {
			empty(dir, parts[i]);
			unlinkat(dir, parts[i], AT_REMOVEDIR);
		}
		close(dir);
		empty(s->root, buf_z(&gone));
		unlinkat(s->root, buf_z(&gone), AT_REMOVEDIR);
	}
	buf_free(&disk);
	buf_free(&gone);
	return r;
}

/* --- rename --- */

/* RENAME of INBOX: a new mailbox that takes over the messages (RFC 3501 6.3.5). */
static enum store_result
rename_inbox(struct store *s, struct str to)
{
	struct box *m = NULL;
	enum store_result r = store_create(s, to);
	uint32_t validity, *uids;
	size_t *at, n;

	if (r == STORE_OK)
		r = mailbox_open(s, STR("INBOX"), false, &m);
	if (r != STORE_OK)
		return r;
	n = mailbox_count(m);
	at = mem_zero(n + 1, sizeof(*at));
	uids = mem_zero(n + 1, sizeof(*uids));
	for (size_t i = 0; i < n; i++)
		at[i] = i;
	r = n == 0 ? STORE_OK : mailbox_copy(m, at, n, to, true, &validity, uids);
	free(at);
	free(uids);
	mailbox_close(m);
	return r;
}

/* Rename one folder on disk; never over another. */
static enum store_result
rename_folder(struct store *s, struct str from, struct str to)
{
	struct buf a = { 0 }, b = { 0 };
	enum store_result r = STORE_OK;

	if (!folder_disk_name(&a, from) || !folder_disk_name(&b, to))
		r = bad_name(s);
	else if (there(s, buf_z(&b)))
		r = (errno = EEXIST, store_fail(s, "cannot rename to %s", buf_z(&b)));
	else if (renameat(s->root, buf_z(&a), s->root, buf_z(&b)) < 0)
		r = store_fail(s, "cannot rename %s", buf_z(&a));
	buf_free(&a);
	buf_free(&b);
	return r;
}

/* The new name of `name`, which is `from` or below it. */
static struct str
moved(struct pool *pool, struct str name, struct str from, struct str to)
{
	return pool_printf(pool, "%.*s%.*s", STR_ARG(to), STR_ARG(str_sub(name, from.n, name.n)));
}

static bool
is_below(struct str name, struct str from)
{
	return name.n > from.n && str_start(name, from) && name.p[from.n] == STORE_SEPARATOR;
}

static enum store_result
rename_locked(struct store *s, struct pool *pool, struct str from, struct str to)
{
	struct store_entry *list;
	size_t n, found = 0;
	enum store_result r = store_list(s, pool, &list, &n);

	/* Every new name must be possible and free before the first one changes. */
	for (size_t i = 0; i < n && r == STORE_OK; i++) {
		struct str name = list[i].name;

		if (!list[i].exists || (!str_eq(name, from) && !is_below(name, from)))
			continue;
		found++;
		if (!store_name_ok(moved(pool, name, from, to)))
			r = bad_name(s);
		else if (store_exists(s, moved(pool, name, from, to)))
			r = (errno = EEXIST, store_fail(s, "cannot rename"));
	}
	if (r == STORE_OK && found == 0)
		r = (errno = ENOENT, store_fail(s, "cannot rename"));
	for (size_t i = 0; i < n && r == STORE_OK; i++) {
		struct str name = list[i].name;

		if (list[i].exists && (str_eq(name, from) || is_below(name, from)))
			r = rename_folder(s, name, moved(pool, name, from, to));
	}
	return r == STORE_OK ? sync_root(s) : r;
}

enum store_result
store_rename(struct store *s, struct str from, struct str to)
{
	enum store_result r = STORE_OK;
	struct pool *pool;
	int lock;

	if (!store_name_ok(from) || !store_name_ok(to) || is_below(to, from))
		return bad_name(s);
	if (name_is_inbox(to))
		return (errno = EEXIST, store_fail(s, "cannot rename to INBOX"));
	if (name_is_inbox(from))
		return rename_inbox(s, to);
	if ((lock = take(s, &r)) < 0)
		return r;
	pool = pool_new();
	r = rename_locked(s, pool, from, to);
	pool_free(pool);
	close(lock);
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
		return bad_name(s);
	if ((lock = take(s, &r)) < 0) {
		buf_free(&wire);
		return r;
	}
	read_whole(s->root, SUBSCRIPTIONS, SUBSCRIPTIONS_LIMIT, &text);
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
	if (out.n > SUBSCRIPTIONS_LIMIT)
		r = STORE_LIMIT;
	else if (had != on)
		r = write_whole(s, s->root, SUBSCRIPTIONS, buf_str(&out));
	close(lock);
	buf_free(&text);
	buf_free(&out);
	buf_free(&wire);
	return r;
}
