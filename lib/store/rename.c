/* SPDX-License-Identifier: ISC */
/*
 * rename - a mailbox and all below it, under another name.
 *
 * Each level is a folder of its own beside the others, so a tree takes many renames.  What is going
 * to be renamed is written down first, in one file that appears whole:
 *
 *	posthorn-rename		a line "FROM TAB TO" for each folder, names as on disk
 *
 * Who opens the store after a crash and finds it finishes the work.  A folder is never renamed over
 * another, so doing it again changes nothing, and UIDs go along inside the folders.  When one rename
 * fails those before it are taken back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "store/mailbox.h"

#define JOURNAL		"posthorn-rename"
#define JOURNAL_LIMIT	((size_t)STORE_MAILBOXES * 2 * (STORE_NAME_LIMIT + 2))

struct pair {
	const char *from, *to;	/* as on disk */
};

/* The new mailbox took nothing: away with it, unless a delivery found it meanwhile. */
static void
give_up(struct store *s, struct str name)
{
	char why[MAILDIR_WHY];
	struct store_counts n;

	/* What failed before is what the caller asks for. */
	memcpy(why, s->why, sizeof(why));
	if (store_status(s, name, false, &n) == STORE_OK && n.messages == 0)
		store_delete(s, name);
	memcpy(s->why, why, sizeof(why));
}

/*
 * RENAME of INBOX: a new mailbox that takes over the messages (RFC 3501 6.3.5).  They are there, on
 * disk, before they go here, so a crash in between leaves them in both.
 */
static enum store_result
rename_inbox(struct store *s, struct str to)
{
	struct box *m = NULL;
	enum store_result r = store_create(s, to);
	uint32_t validity, *uids;
	size_t *at, n;

	if (r != STORE_OK)
		return r;
	if ((r = mailbox_open(s, STR("INBOX"), false, &m)) != STORE_OK) {
		give_up(s, to);
		return r;
	}
	n = mailbox_count(m);
	at = mem_zero(n + 1, sizeof(*at));
	uids = mem_zero(n + 1, sizeof(*uids));
	for (size_t i = 0; i < n; i++)
		at[i] = i;
	r = n == 0 ? STORE_OK : mailbox_copy(m, at, n, to, true, &validity, uids);
	free(at);
	free(uids);
	mailbox_close(m);
	if (r != STORE_OK)
		give_up(s, to);
	return r;
}

/* --- a tree --- */

/* One folder; never over another. */
static bool
move_folder(struct store *s, const char *from, const char *to)
{
	if (store_there(s, to)) {
		errno = EEXIST;
		return false;
	}
	return renameat(s->root, from, s->root, to) == 0;
}

static enum store_result
write_journal(struct store *s, const struct vec *pairs)
{
	struct buf text = { .limit = JOURNAL_LIMIT };
	enum store_result r;

	for (size_t i = 0; i < pairs->n; i++) {
		const struct pair *p = vec_at(pairs, i);

		buf_addf(&text, "%s\t%s\n", p->from, p->to);
	}
	r = buf_ok(&text) ? write_whole(s, s->root, JOURNAL, buf_str(&text)) : STORE_LIMIT;
	buf_free(&text);
	return r;
}

static enum store_result
move_all(struct store *s, const struct vec *pairs)
{
	enum store_result r = pairs->n > 1 ? write_journal(s, pairs) : STORE_OK;
	size_t i = 0;

	for (; r == STORE_OK && i < pairs->n; i++) {
		const struct pair *p = vec_at(pairs, i);

		if (!move_folder(s, p->from, p->to)) {
			r = store_fail(s, "cannot rename %s", p->from);
			break;
		}
	}
	if (r == STORE_OK)
		r = store_sync(s);
	while (r != STORE_OK && i-- > 0) {
		const struct pair *p = vec_at(pairs, i);

		if (!move_folder(s, p->to, p->from))
			log_error("mail folder: cannot rename %s back to %s", p->to, p->from);
	}
	/*
	 * What makes or removes a folder later syncs this with it; but a rename that was refused must
	 * not be finished after a crash.
	 */
	if (pairs->n > 1)
		unlinkat(s->root, JOURNAL, 0);
	if (r != STORE_OK)
		sync_full(s->root);
	return r;
}

static const char *
on_disk(struct pool *pool, struct str name)
{
	struct buf disk = { 0 };
	const char *p = NULL;

	if (folder_disk_name(&disk, name))
		p = pool_printf(pool, "%s", buf_z(&disk)).p;
	buf_free(&disk);
	return p;
}

/* Is it `from`, or below it? */
static bool
concerned(struct str name, struct str from)
{
	return str_start(name, from) && (name.n == from.n || name.p[from.n] == STORE_SEPARATOR);
}

/* Every new name must be possible and free before the first one changes. */
static enum store_result
plan(struct store *s, struct pool *pool, struct str from, struct str to, struct vec *pairs)
{
	struct store_entry *list;
	size_t n;
	enum store_result r = store_list(s, pool, &list, &n);

	for (size_t i = 0; i < n && r == STORE_OK; i++) {
		struct str name = list[i].name;
		struct pair *p;

		if (!list[i].exists || !concerned(name, from))
			continue;
		p = vec_push(pairs);
		p->from = on_disk(pool, name);
		p->to = on_disk(pool, pool_printf(pool, "%.*s%.*s", STR_ARG(to),
		    STR_ARG(str_sub(name, from.n, name.n))));
		if (p->from == NULL || p->to == NULL)
			r = store_bad_name(s);
		else if (store_there(s, p->to))
			r = (errno = EEXIST, store_fail(s, "cannot rename to %s", p->to));
	}
	if (r == STORE_OK && pairs->n == 0)
		r = (errno = ENOENT, store_fail(s, "cannot rename"));
	return r;
}

enum store_result
store_rename(struct store *s, struct str from, struct str to)
{
	struct vec pairs = vec_of(sizeof(struct pair));
	enum store_result r = STORE_OK;
	struct pool *pool;
	int lock;

	if (!store_name_ok(from) || !store_name_ok(to) ||
	    (to.n > from.n && concerned(to, from) && !name_is_inbox(from)))
		return store_bad_name(s);
	if (name_is_inbox(to))
		return (errno = EEXIST, store_fail(s, "cannot rename to INBOX"));
	if (name_is_inbox(from))
		return rename_inbox(s, to);
	if ((lock = store_take(s, &r)) < 0)
		return r;
	pool = pool_new();
	r = plan(s, pool, from, to, &pairs);
	if (r == STORE_OK)
		r = move_all(s, &pairs);
	pool_free(pool);
	vec_free(&pairs);
	close(lock);
	return r;
}

/* A name of the journal as a C string; false for one that is no mailbox on disk. */
static bool
journal_name(struct str name, char *out, size_t room)
{
	struct buf mail = { 0 };
	bool ok = name.n < room && folder_mail_name(&mail, name);

	if (ok)
		memcpy(out, name.p, name.n);
	out[ok ? name.n : 0] = '\0';
	buf_free(&mail);
	return ok;
}

void
rename_finish(struct store *s)
{
	struct buf text = { .limit = JOURNAL_LIMIT };
	char from[STORE_NAME_LIMIT + 2], to[STORE_NAME_LIMIT + 2];
	enum store_result r = STORE_OK;
	struct str rest, line, name;
	int lock;

	if (faccessat(s->root, JOURNAL, F_OK, 0) < 0 || (lock = store_take(s, &r)) < 0)
		return;
	/* With the lock: who was at it may have finished meanwhile. */
	if (read_whole(s->root, JOURNAL, JOURNAL_LIMIT, &text)) {
		rest = buf_str(&text);
		while (str_cut(&rest, '\n', &line))
			if (str_cut(&line, '\t', &name) && journal_name(name, from, sizeof(from)) &&
			    journal_name(line, to, sizeof(to)) && store_there(s, from) &&
			    !move_folder(s, from, to) && errno != EEXIST)
				r = store_fail(s, "cannot rename %s", from);
		if (r == STORE_OK)
			r = store_sync(s);
		if (r == STORE_OK)
			unlinkat(s->root, JOURNAL, 0);
		else
			log_warn("mail folder: a rename cannot be finished: %s", store_why(s));
	}
	buf_free(&text);
	close(lock);
}
