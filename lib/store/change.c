/* SPDX-License-Identifier: ISC */
/*
 * change - flags, expunge, copy, append.
 *
 * In each the order is what keeps mail and UIDs safe: text on disk, then the UID on disk, then the
 * name, then the folder; only then STORE_OK.  A crash in between costs a UID or leaves a file in
 * tmp/, nothing else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/panic.h"
#include "fiber/fiber.h"
#include "store/mailbox.h"

#define LOCK_FILE	"posthorn-lock"
#define YIELD_EVERY	512
#define COPY_BLOCK	65536

static void
breathe(size_t i)
{
	if ((i + 1) % YIELD_EVERY == 0 && fiber_running())
		fiber_yield();
}

static enum store_result
sync_folder(struct store *s, int fd, const char *what)
{
	errno = sync_full(fd);
	return errno == 0 ? STORE_OK : store_fail(s, "cannot sync %s", what);
}

static uint32_t
flags_after(uint32_t had, enum store_set how, uint32_t flags)
{
	return how == STORE_REPLACE ? flags : how == STORE_ADD ? had | flags : had & ~flags;
}

/* Give one file the name its new flags ask for; true when something changed. */
static bool
set_one(struct box *m, size_t i, enum store_set how, uint32_t flags, struct buf *name,
    enum store_result *r)
{
	for (int pass = 0; pass < 2; pass++) {
		struct store_msg *msg = msg_at(m, i);
		uint32_t want = flags_after(msg->flags, how, flags);

		if (msg->gone)
			return false;
		if (want == msg->flags)
			return false;
		buf_reset(name);
		file_name(name, file_base(msg->file), want);
		if (renameat(msg_dir(m, msg), msg->file, m->f.cur, buf_z(name)) == 0) {
			free(msg->file);
			msg->file = mem_str(buf_z(name));
			msg->flags = want;
			msg->in_new = false;
			return true;
		}
		/* A reader without our lock renamed or removed it: look where it is now. */
		if (errno != ENOENT || (*r = mailbox_scan(m, true)) != STORE_OK) {
			if (*r == STORE_OK)
				*r = store_fail(m->s, "cannot rename a message");
			return false;
		}
	}
	return false;
}

enum store_result
mailbox_set_flags(struct box *m, const size_t *at, size_t n, enum store_set how, uint32_t flags)
{
	enum store_result r = STORE_OK;
	struct buf name = { 0 };
	bool any = false;
	int lock = lock_take(m->f.dir, LOCK_FILE, MAILDIR_LOCK_MS);

	if (lock < 0)
		return store_fail(m->s, "cannot lock \"%s\"", m->name);
	/* Others' changes first, so that ours add to them; what they did stays marked. */
	r = mailbox_follow(m, true);
	for (size_t i = 0; i < n && r == STORE_OK; i++) {
		any |= set_one(m, at[i], how, flags, &name, &r);
		breathe(i);
	}
	if (any && r == STORE_OK)
		r = sync_folder(m->s, m->f.cur, "cur");
	buf_free(&name);
	close(lock);
	return r;
}

/*
 * Remove one file that has all the flags `having`.  A name holds the flags, so what is removed by its
 * name has those of the view; where it is no longer there, another took its flags away, or it.
 */
static enum store_result
remove_one(struct box *m, size_t i, uint32_t having, bool *in_new)
{
	for (int pass = 0; pass < 3; pass++) {
		const struct store_msg *msg = msg_at(m, i);
		enum store_result r;

		if (msg->gone || (msg->flags & having) != having)
			return STORE_OK;
		if (unlinkat(msg_dir(m, msg), msg->file, 0) == 0) {
			*in_new |= msg_dir(m, msg) == m->f.new;
			msg_gone(m, i);
			return STORE_OK;
		}
		if (errno != ENOENT)
			break;
		if ((r = mailbox_scan(m, true)) != STORE_OK)
			return r;
		/* A reader without our lock is at it. */
		errno = EBUSY;
	}
	return store_fail(m->s, "cannot remove a message");
}

/* Remove the files at once; they are marked gone.  The caller holds the lock. */
static enum store_result
remove_all(struct box *m, const size_t *at, size_t n, uint32_t having)
{
	enum store_result r = STORE_OK;
	bool in_new = false;

	for (size_t i = 0; i < n && r == STORE_OK; i++) {
		r = remove_one(m, at[i], having, &in_new);
		breathe(i);
	}
	if (r == STORE_OK && n > 0)
		r = sync_folder(m->s, m->f.cur, "cur");
	if (r == STORE_OK && in_new)
		r = sync_folder(m->s, m->f.new, "new");
	return r;
}

enum store_result
mailbox_expunge(struct box *m, const size_t *at, size_t n, uint32_t having)
{
	enum store_result r;
	int lock = lock_take(m->f.dir, LOCK_FILE, MAILDIR_LOCK_MS);

	if (lock < 0)
		return store_fail(m->s, "cannot lock \"%s\"", m->name);
	r = remove_all(m, at, n, having);
	close(lock);
	return r;
}

/* --- append --- */

struct appender {
	struct store *s;
	struct folder f;
	char *temp;		/* in tmp/ */
	int fd;
	struct textout text;
};

enum store_result
append_begin(struct store *s, struct str name, struct appender **out)
{
	struct appender *a = mem_zero(1, sizeof(*a));
	struct buf temp = { 0 };
	enum store_result r;

	a->s = s;
	a->fd = -1;
	a->f = FOLDER_NONE;
	r = folder_open(s, name, &a->f);
	if (r == STORE_OK) {
		file_fresh(&temp);
		a->temp = mem_str(buf_z(&temp));
		a->fd = beneath(a->f.tmp, a->temp, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (a->fd < 0)
			r = store_fail(s, "cannot make a file in tmp");
	}
	buf_free(&temp);
	textout_begin(&a->text, a->fd);
	if (r != STORE_OK) {
		append_abort(a);
		a = NULL;
	}
	*out = a;
	return r;
}

bool
append_write(struct appender *a, struct str data)
{
	return textout_write(&a->text, data);
}

bool
append_had_nul(const struct appender *a)
{
	return a->text.nul;
}

void
append_abort(struct appender *a)
{
	if (a == NULL)
		return;
	if (a->fd >= 0) {
		if (fiber_running())
			fiber_forget(a->fd);
		close(a->fd);
		unlinkat(a->f.tmp, a->temp, 0);
	}
	textout_free(&a->text);
	folder_close(a->s, &a->f);
	free(a->temp);
	free(a);
}

/* Text and date on disk; what close reports counts too. */
static enum store_result
settle(struct appender *a, int64_t date)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_sec = (time_t)date } };
	int error = textout_end(&a->text) ? 0 : a->text.error;

	if (a->text.nul)
		return STORE_NAME;
	if (error == 0 && date >= 0 && futimens(a->fd, times) < 0)
		error = errno;
	if (error == 0)
		error = sync_full(a->fd);
	errno = error;
	return error == 0 ? STORE_OK : store_fail(a->s, "cannot write a message");
}

/* Name it under the lock: UID first, then the file. */
static enum store_result
publish(struct appender *a, struct str base, uint32_t flags, struct strs keywords, uint32_t *validity,
    uint32_t *uid)
{
	struct uids u;
	struct buf name = { 0 };
	struct uid_rec *rec = NULL;
	enum store_result r;

	uids_init(&u);
	r = uids_load(a->s, &a->f, &u);
	for (size_t i = 0; r == STORE_OK && i < keywords.n; i++) {
		int index = str_ieq(keywords.v[i], STR("$Forwarded")) ? -1 :
		    uids_keyword(&u, &a->f, keywords.v[i]);

		if (index >= 0)
			flags |= 1u << (STORE_KEYWORD0 + index);
		else if (str_ieq(keywords.v[i], STR("$Forwarded")))
			flags |= STORE_FORWARDED;
	}
	if (r == STORE_OK && (rec = uids_add(&u, base, a->text.wire)) == NULL)
		r = STORE_LIMIT;
	if (r == STORE_OK) {
		*uid = rec->uid;
		*validity = u.validity;
		r = uids_flush(a->s, &a->f, &u, true);
	}
	if (r == STORE_OK) {
		file_name(&name, base, flags);
		if (renameat(a->f.tmp, a->temp, a->f.cur, buf_z(&name)) < 0)
			r = store_fail(a->s, "cannot name a message");
	}
	uids_free(&u);
	buf_free(&name);
	return r;
}

enum store_result
append_end(struct appender *a, uint32_t flags, struct strs keywords, int64_t date, uint32_t *validity,
    uint32_t *uid)
{
	struct buf base = { 0 };
	enum store_result r = settle(a, date);
	int lock = -1;

	if (r == STORE_OK && (lock = lock_take(a->f.dir, LOCK_FILE, MAILDIR_LOCK_MS)) < 0)
		r = store_fail(a->s, "cannot lock the mailbox");
	if (r == STORE_OK) {
		buf_addf(&base, "%s,S=%llu,W=%llu", a->temp, (unsigned long long)a->text.disk,
		    (unsigned long long)a->text.wire);
		r = publish(a, buf_str(&base), flags, keywords, validity, uid);
	}
	if (lock >= 0)
		close(lock);
	if (r == STORE_OK)
		r = sync_folder(a->s, a->f.cur, "cur");
	buf_free(&base);
	append_abort(a);
	return r;
}

/* --- copy and move --- */

/* One message on its way into another mailbox. */
struct copy {
	char *temp;		/* its name in tmp/ there; "" once it has its own */
	char *base;
	uint32_t flags;
	bool linked;
};

/* The long way, where the system refuses a second name for the file. */
static int
copy_bytes(int from_dir, const char *from, int to_dir, const char *to)
{
	int in = beneath(from_dir, from, O_RDONLY, 0), out = -1, error = 0;
	char *block = mem_alloc(COPY_BLOCK);
	struct stat st;
	ssize_t n = 0;

	if (in < 0 || fstat(in, &st) < 0 ||
	    (out = beneath(to_dir, to, O_WRONLY | O_CREAT | O_EXCL, 0600)) < 0)
		error = errno;
	while (error == 0 && (n = read(in, block, COPY_BLOCK)) > 0)
		for (ssize_t done = 0, w; error == 0 && done < n; done += w)
			if ((w = write(out, block + done, (size_t)(n - done))) < 0)
				error = errno;
	if (error == 0 && n < 0)
		error = errno;
	if (error == 0) {
		struct timespec times[2] = { st.st_atim, st.st_mtim };

		error = futimens(out, times) < 0 ? errno : sync_full(out);
	}
	if (in >= 0)
		close(in);
	if (out >= 0) {
		if (fiber_running())
			fiber_forget(out);
		close(out);
	}
	free(block);
	errno = error;
	return error == 0 ? 0 : -1;
}

/* Put a second name for each message into the target's tmp/. */
static enum store_result
link_all(struct box *m, const size_t *at, size_t n, struct folder *to, struct copy *copies)
{
	struct buf name = { 0 };
	enum store_result r = STORE_OK;

	for (size_t i = 0; i < n && r == STORE_OK; i++) {
		struct store_msg *msg = msg_at(m, at[i]);
		struct stat st;

		if (msg->gone) {
			r = STORE_ABSENT;
			break;
		}
		buf_reset(&name);
		file_fresh(&name);
		copies[i].temp = mem_str(buf_z(&name));
		if (linkat(msg_dir(m, msg), msg->file, to->tmp, copies[i].temp, 0) < 0 &&
		    (errno == ENOENT ||
		    copy_bytes(msg_dir(m, msg), msg->file, to->tmp, copies[i].temp) < 0)) {
			r = store_fail(m->s, "cannot copy a message");
			break;
		}
		copies[i].linked = true;
		copies[i].flags = msg->flags;
		if (fstatat(to->tmp, copies[i].temp, &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = store_fail(m->s, "cannot copy a message");
		buf_addf(&name, ",S=%llu", (unsigned long long)st.st_size);
		if (file_size(file_base(msg->file)) > 0)
			buf_addf(&name, ",W=%llu",
			    (unsigned long long)file_size(file_base(msg->file)));
		copies[i].base = mem_str(buf_z(&name));
		breathe(i);
	}
	buf_free(&name);
	return r;
}

/* UIDs on disk, then names, then the folder. */
static enum store_result
publish_all(struct box *m, struct folder *to, struct copy *copies, const size_t *at, size_t n,
    uint32_t *validity, uint32_t *uids)
{
	struct uids u;
	struct buf name = { 0 };
	enum store_result r;

	uids_init(&u);
	r = uids_load(m->s, to, &u);
	for (size_t i = 0; i < n && r == STORE_OK; i++) {
		struct uid_rec *rec = uids_add(&u, str_of(copies[i].base), msg_at(m, at[i])->size);

		if (rec == NULL)
			r = STORE_LIMIT;
		else
			uids[i] = rec->uid;
		copies[i].flags = flags_translate(&m->uids, &u, to, copies[i].flags);
	}
	*validity = u.validity;
	if (r == STORE_OK)
		r = uids_flush(m->s, to, &u, true);
	for (size_t i = 0; i < n && r == STORE_OK; i++) {
		buf_reset(&name);
		file_name(&name, str_of(copies[i].base), copies[i].flags);
		if (renameat(to->tmp, copies[i].temp, to->cur, buf_z(&name)) < 0) {
			r = store_fail(m->s, "cannot name a copy");
			break;
		}
		free(copies[i].temp);
		copies[i].temp = mem_str("");
		breathe(i);
	}
	if (r == STORE_OK)
		r = sync_folder(m->s, to->cur, "cur");
	uids_free(&u);
	buf_free(&name);
	return r;
}

/* After a failure no copy may stay. */
static void
undo(struct folder *to, struct copy *copies, size_t n)
{
	struct buf name = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (!copies[i].linked)
			continue;
		if (copies[i].temp[0] != '\0') {
			unlinkat(to->tmp, copies[i].temp, 0);
			continue;
		}
		buf_reset(&name);
		file_name(&name, str_of(copies[i].base), copies[i].flags);
		unlinkat(to->cur, buf_z(&name), 0);
	}
	buf_free(&name);
}

/* Copy with the target's lock held. */
static enum store_result
copy_locked(struct box *m, const size_t *at, size_t n, struct folder *to, uint32_t *validity,
    uint32_t *uids)
{
	struct copy *copies = mem_zero(n + 1, sizeof(*copies));
	enum store_result r = mailbox_follow(m, true);

	if (r == STORE_OK)
		r = link_all(m, at, n, to, copies);
	if (r == STORE_OK)
		r = publish_all(m, to, copies, at, n, validity, uids);
	if (r != STORE_OK)
		undo(to, copies, n);
	for (size_t i = 0; i < n; i++) {
		free(copies[i].temp);
		free(copies[i].base);
	}
	free(copies);
	return r;
}

enum store_result
mailbox_copy(struct box *m, const size_t *at, size_t n, struct str to, bool move,
    uint32_t *validity, uint32_t *uids)
{
	struct folder f;
	struct stat here, there;
	enum store_result r = folder_open(m->s, to, &f);
	int first = -1, second = -1;
	bool same;

	if (r != STORE_OK)
		return r;
	/* Two locks: always in the order of the folders' inode numbers. */
	if (fstat(m->f.dir, &here) < 0 || fstat(f.dir, &there) < 0) {
		r = store_fail(m->s, "cannot look at a mailbox");
		folder_close(m->s, &f);
		return r;
	}
	same = here.st_ino == there.st_ino && here.st_dev == there.st_dev;
	first = lock_take(here.st_ino < there.st_ino ? m->f.dir : f.dir, LOCK_FILE, MAILDIR_LOCK_MS);
	if (first >= 0 && !same)
		second = lock_take(here.st_ino < there.st_ino ? f.dir : m->f.dir, LOCK_FILE,
		    MAILDIR_LOCK_MS);
	if (first < 0 || (second < 0 && !same))
		r = store_fail(m->s, "cannot lock a mailbox");
	if (r == STORE_OK)
		r = copy_locked(m, at, n, &f, validity, uids);
	/* The target is on disk now: a crash from here on leaves both, never neither. */
	if (r == STORE_OK && move)
		r = remove_all(m, at, n, 0);
	if (first >= 0)
		close(first);
	if (second >= 0)
		close(second);
	folder_close(m->s, &f);
	return r;
}
