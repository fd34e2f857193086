/* SPDX-License-Identifier: ISC */
/*
 * mailbox - a view of one folder, and how it follows the folder.
 */
#include "store/mailbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/panic.h"
#include "base/scan.h"
#include "fiber/fiber.h"

#define LOCK_FILE	"posthorn-lock"
#define RACY_NS		50000000	/* a folder's time this fresh may hide another change */
#define EXCLUSIVE_MS	5000		/* a session that just broke off still has to notice */
#define YIELD_EVERY	512		/* files between two turns of other fibers */

/* A file met in a scan. */
struct found {
	char *file;
	struct uid_rec *rec;
	bool in_new;
};

struct store_msg *
msg_at(const struct box *m, size_t i)
{
	return vec_at(&m->msgs, i);
}

int
msg_dir(const struct box *m, const struct store_msg *msg)
{
	return msg->in_new ? m->f.new : m->f.cur;
}

void
msg_gone(struct box *m, size_t i)
{
	if (!msg_at(m, i)->gone)
		m->gone++;
	msg_at(m, i)->gone = true;
}

static void
found_free(struct vec *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(((struct found *)vec_at(v, i))->file);
	vec_free(v);
}

/*
 * Add the files of new/ or cur/.  Those in cur/ should end in ":2," and flags, those in new/ should
 * not; but some mail readers put one with flags into new/, and files without are found in cur/.
 */
static enum store_result
collect(struct box *m, int dir, bool in_new, struct vec *found)
{
	int fd = beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (d == NULL) {
		enum store_result r = store_fail(m->s, "cannot read %s of \"%s\"",
		    in_new ? "new" : "cur", m->name);

		if (fd >= 0)
			close(fd);
		return r;
	}
	while ((e = readdir(d)) != NULL) {
		struct found *f;

		if (e->d_name[0] == '.' || (e->d_type != DT_REG && e->d_type != DT_UNKNOWN))
			continue;
		f = vec_push(found);
		f->file = mem_str(e->d_name);
		f->rec = uids_get(&m->uids, file_base(e->d_name));
		f->in_new = in_new;
	}
	closedir(d);
	return STORE_OK;
}

/* The number a name begins with; 0 for none. */
static uint64_t
leading(const char *name)
{
	struct scan in = scan_of(str_of(name));
	uint64_t n = 0;

	scan_number(&in, UINT64_MAX, &n);
	return n;
}

/* New files get UIDs in order of the time their names begin with, then of the name. */
static int
by_arrival(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	uint64_t tx, ty;

	if ((x->rec != NULL) != (y->rec != NULL))
		return x->rec != NULL ? -1 : 1;
	if (x->rec != NULL)
		return 0;
	tx = leading(x->file);
	ty = leading(y->file);
	if (tx != ty)
		return tx < ty ? -1 : 1;
	return strcmp(x->file, y->file);
}

/* By UID; of two files with one base that in cur/ first. */
static int
by_uid(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->rec->uid != y->rec->uid)
		return x->rec->uid < y->rec->uid ? -1 : 1;
	return (int)x->in_new - (int)y->in_new;
}

/*
 * Read the UIDs.  RFC 3501 2.3.1.1: where they have another UIDVALIDITY than those the reader was told
 * (the file was lost, or replaced by a restore), its mailbox is gone; another one stands in its place.
 */
static enum store_result
load(struct box *m)
{
	enum store_result r = uids_load(m->s, &m->f, &m->uids);

	if (r != STORE_OK)
		return r;
	if (m->validity == 0)
		m->validity = m->uids.validity;
	if (m->validity == m->uids.validity)
		return STORE_OK;
	errno = ENOENT;
	return store_fail(m->s, "the UIDs of \"%s\" were made anew", m->name);
}

static enum store_result
assign(struct box *m, struct vec *found)
{
	vec_sort(found, by_arrival);
	for (size_t i = 0; i < found->n; i++) {
		struct found *f = vec_at(found, i);
		struct str base = file_base(f->file);

		if (f->rec == NULL)
			f->rec = uids_get(&m->uids, base);
		if (f->rec == NULL)
			f->rec = uids_add(&m->uids, base, file_size(base));
		if (f->rec == NULL) {
			errno = EOVERFLOW;
			return store_fail(m->s, "no more UIDs in \"%s\"", m->name);
		}
	}
	vec_sort(found, by_uid);
	return uids_flush(m->s, &m->f, &m->uids, true);
}

/*
 * There is no room to give UIDs: what has one can still be read, and removed.  The others are left
 * for the next look.
 */
static enum store_result
leave_out(struct box *m, struct vec *found)
{
	enum store_result r = load(m);

	for (size_t i = found->n; r == STORE_OK && i-- > 0;) {
		struct found *f = vec_at(found, i);

		if ((f->rec = uids_get(&m->uids, file_base(f->file))) == NULL) {
			free(f->file);
			vec_remove(found, i);
		}
	}
	if (r == STORE_OK) {
		vec_sort(found, by_uid);
		m->racy = true;
	}
	return r;
}

/* What was new is ours now: new/BASE → cur/BASE:2, with the flags it had. */
static bool
take_new(struct box *m, struct vec *found)
{
	struct buf name = { 0 };
	bool any = false;

	for (size_t i = 0; i < found->n; i++) {
		struct found *f = vec_at(found, i);

		if (!f->in_new)
			continue;
		buf_reset(&name);
		file_name(&name, file_base(f->file), file_flags(f->file));
		/* Someone else did, we may not, or two names have one base: it stays where it is. */
		if (!rename_free(m->f.new, f->file, m->f.cur, buf_z(&name)))
			continue;
		free(f->file);
		f->file = mem_str(buf_z(&name));
		f->in_new = false;
		any = true;
		if ((i + 1) % YIELD_EVERY == 0)
			fiber_running() ? fiber_yield() : (void)0;
	}
	buf_free(&name);
	return any;
}

/* A message that was in the view before. */
static void
update(struct box *m, struct store_msg *msg, struct found *f)
{
	uint32_t flags = file_flags(f->file);

	if (strcmp(msg->file, f->file) != 0) {
		free(msg->file);
		msg->file = f->file;
		f->file = NULL;
	}
	if (msg->flags != flags && !msg->changed) {
		msg->changed = true;
		m->changed++;
	}
	msg->flags = flags;
	msg->in_new = f->in_new;
}

/* Bring the view up to date with what was found; both are in order of UID. */
static void
merge(struct box *m, struct vec *found)
{
	size_t i = 0, had = m->msgs.n;
	uint32_t last = 0;

	for (size_t k = 0; k < found->n; k++) {
		struct found *f = vec_at(found, k);
		struct store_msg *msg;

		if (f->rec->uid == last)
			continue;
		last = f->rec->uid;
		for (; i < had && msg_at(m, i)->uid < last; i++)
			msg_gone(m, i);
		if (i < had && msg_at(m, i)->uid == last) {
			update(m, msg_at(m, i++), f);
			continue;
		}
		/* A UID below those we know comes back only when a file was put back by hand. */
		if (had > 0 && last < msg_at(m, had - 1)->uid)
			continue;
		msg = vec_push(&m->msgs);
		msg->uid = last;
		msg->flags = file_flags(f->file);
		msg->recent = last >= m->uids.recent;
		m->recent += msg->recent;
		msg->size = f->rec->size;
		msg->date = -1;
		msg->file = f->file;
		msg->in_new = f->in_new;
		f->file = NULL;
	}
	for (; i < had; i++)
		msg_gone(m, i);
}

/*
 * Has a UID of the view another file now?  An older posthorn-uids was put back, and its next numbers
 * were given a second time.
 */
static bool
confused(const struct box *m, const struct vec *found)
{
	for (size_t i = 0, k = 0; i < m->msgs.n && k < found->n;) {
		const struct store_msg *msg = msg_at(m, i);
		const struct found *f = vec_at(found, k);

		if (msg->uid == f->rec->uid &&
		    !str_eq(file_base(msg->file), file_base(f->file)))
			return true;
		i += msg->uid <= f->rec->uid;
		k += msg->uid > f->rec->uid;
	}
	return false;
}

/* Is something of the view missing in what was found? */
static bool
missing(const struct box *m, const struct vec *found)
{
	for (size_t i = 0; i < m->uids.recs.n; i++)
		(*(struct uid_rec **)vec_at(&m->uids.recs, i))->seen = false;
	for (size_t i = 0; i < found->n; i++)
		((struct found *)vec_at(found, i))->rec->seen = true;
	for (size_t i = 0; i < m->msgs.n; i++) {
		const struct store_msg *msg = msg_at(m, i);
		const struct uid_rec *rec = uids_get(&m->uids, file_base(msg->file));

		if (!msg->gone && (rec == NULL || !rec->seen))
			return true;
	}
	return false;
}

/* Remember the folders' times; to be called before they are read. */
static void
mark(struct box *m)
{
	struct stat cur, new;
	struct timespec now;
	int64_t age_cur, age_new;

	if (fstat(m->f.cur, &cur) < 0 || fstat(m->f.new, &new) < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	m->cur_time = cur.st_mtim;
	m->new_time = new.st_mtim;
	age_cur = (now.tv_sec - cur.st_mtim.tv_sec) * 1000000000LL + now.tv_nsec -
	    cur.st_mtim.tv_nsec;
	age_new = (now.tv_sec - new.st_mtim.tv_sec) * 1000000000LL + now.tv_nsec -
	    new.st_mtim.tv_nsec;
	m->racy = age_cur < RACY_NS || age_new < RACY_NS;
}

static bool
unchanged(const struct box *m)
{
	struct stat cur, new;

	if (!m->scanned || m->racy || fstat(m->f.cur, &cur) < 0 || fstat(m->f.new, &new) < 0)
		return false;
	return cur.st_mtim.tv_sec == m->cur_time.tv_sec &&
	    cur.st_mtim.tv_nsec == m->cur_time.tv_nsec &&
	    new.st_mtim.tv_sec == m->new_time.tv_sec &&
	    new.st_mtim.tv_nsec == m->new_time.tv_nsec;
}

/*
 * RFC 3501 2.3.2: what this session will tell is recent in no other.  A disk that takes nothing
 * more costs that mark only: the mailbox can still be read, and emptied.
 */
static void
tell_others(struct box *m)
{
	uids_told(&m->uids);
	uids_flush(m->s, &m->f, &m->uids, false);
}

static enum store_result
scan_locked(struct box *m)
{
	struct vec found = vec_of(sizeof(struct found));
	enum store_result r = load(m);

	/*
	 * Mail readers that know no lock may rename a file while the folder is read, so that it is
	 * met twice or not at all.  What is missing is looked for once more.
	 */
	for (int pass = 0; r == STORE_OK && pass < 2; pass++) {
		mark(m);
		found_free(&found);
		found = vec_of(sizeof(struct found));
		r = collect(m, m->f.new, true, &found);
		if (r == STORE_OK)
			r = collect(m, m->f.cur, false, &found);
		if (r == STORE_OK && (r = assign(m, &found)) == STORE_FULL)
			r = leave_out(m, &found);
		if (r == STORE_OK && !missing(m, &found))
			break;
	}
	if (r == STORE_OK && confused(m, &found)) {
		errno = ENOENT;
		r = store_fail(m->s, "the UIDs of \"%s\" are older ones", m->name);
	}
	if (r == STORE_OK) {
		/* Our own renames hide what others do meanwhile: look again next time. */
		if (!m->readonly && take_new(m, &found))
			m->racy = true;
		merge(m, &found);
		m->scanned = true;
		if (!m->readonly)
			tell_others(m);
		r = uids_tidy(m->s, &m->f, &m->uids);
	}
	/* The times that were noted are of a look that came to nothing. */
	if (r != STORE_OK)
		m->racy = true;
	found_free(&found);
	return r;
}

enum store_result
mailbox_scan(struct box *m, bool locked)
{
	enum store_result r;
	int lock = -1;

	if (!locked && (lock = lock_take(m->f.dir, LOCK_FILE, MAILDIR_LOCK_MS)) < 0)
		return store_fail(m->s, "cannot lock \"%s\"", m->name);
	r = scan_locked(m);
	if (lock >= 0)
		close(lock);
	return r;
}

enum store_result
mailbox_open(struct store *s, struct str name, bool readonly, struct box **out)
{
	struct box *m = mem_zero(1, sizeof(*m));
	enum store_result r;

	m->s = s;
	m->readonly = readonly;
	m->exclusive = -1;
	m->name = mem_alloc(name.n + 1);
	memcpy(m->name, name.p, name.n);
	m->name[name.n] = '\0';
	m->msgs = vec_of(sizeof(struct store_msg));
	m->sizes = vec_of(sizeof(uint32_t));
	uids_init(&m->uids);
	m->f = FOLDER_NONE;
	r = folder_open(s, name, &m->f);
	if (r == STORE_OK)
		r = mailbox_scan(m, false);
	if (r != STORE_OK) {
		mailbox_close(m);
		m = NULL;
	}
	*out = m;
	return r;
}

/* Keep the sizes that were learnt, for the next reader; losing them costs time only. */
static void
keep_sizes(struct box *m)
{
	int lock;

	if (m->sizes.n == 0 || (lock = lock_take(m->f.dir, LOCK_FILE, 0)) < 0)
		return;
	if (load(m) == STORE_OK) {
		for (size_t i = 0; i < m->sizes.n; i++) {
			const struct store_msg *msg = msg_at(m, ((uint32_t *)m->sizes.p)[i]);
			const struct uid_rec *rec = uids_get(&m->uids, file_base(msg->file));

			/* An older file may have been put back, where the number is another's. */
			if (rec != NULL && rec->uid == msg->uid)
				uids_size(&m->uids, msg->uid, msg->size);
		}
		uids_flush(m->s, &m->f, &m->uids, false);
	}
	close(lock);
	vec_reset(&m->sizes);
}

void
mailbox_close(struct box *m)
{
	if (m == NULL)
		return;
	if (m->f.dir >= 0)
		keep_sizes(m);
	for (size_t i = 0; i < m->msgs.n; i++)
		free(msg_at(m, i)->file);
	vec_free(&m->msgs);
	vec_free(&m->sizes);
	uids_free(&m->uids);
	if (m->exclusive >= 0)
		close(m->exclusive);
	folder_close(m->s, &m->f);
	free(m->name);
	free(m);
}

enum store_result
mailbox_follow(struct box *m, bool locked)
{
	struct stat st;

	if (fstat(m->f.dir, &st) == 0 && st.st_nlink == 0)
		return STORE_ABSENT;
	/* Those who read UIDs without looking at the folder may have met it: see load. */
	if (m->uids.validity != 0 && m->uids.validity != m->validity)
		return STORE_ABSENT;
	return unchanged(m) ? STORE_OK : mailbox_scan(m, locked);
}

enum store_result
mailbox_poll(struct box *m)
{
	return mailbox_follow(m, false);
}

void
mailbox_sweep(struct box *m, struct vec *gone)
{
	size_t keep = 0;

	if (m->gone == 0)
		return;
	keep_sizes(m);
	for (size_t i = 0; i < m->msgs.n; i++) {
		struct store_msg *msg = msg_at(m, i);

		if (msg->gone) {
			*(uint32_t *)vec_push(gone) = (uint32_t)keep;
			m->changed -= msg->changed;
			m->recent -= msg->recent;
			free(msg->file);
		} else {
			*msg_at(m, keep++) = *msg;
		}
	}
	while (m->msgs.n > keep)
		vec_pop(&m->msgs);
	vec_reset(&m->sizes);
	m->gone = 0;
	m->changed_from = 0;
}

bool
mailbox_next_changed(struct box *m, size_t *i)
{
	if (m->changed == 0)
		return false;
	/* Once round the view at most. */
	for (size_t n = 0; n < m->msgs.n; n++, m->changed_from++) {
		struct store_msg *msg;

		if (m->changed_from >= m->msgs.n)
			m->changed_from = 0;
		msg = msg_at(m, m->changed_from);
		if (!msg->changed)
			continue;
		msg->changed = false;
		m->changed--;
		*i = m->changed_from;
		return true;
	}
	return false;
}

bool
mailbox_exclusive(struct box *m)
{
	if (m->exclusive < 0)
		m->exclusive = lock_take(m->f.dir, "posthorn-pop3", EXCLUSIVE_MS);
	return m->exclusive >= 0;
}

size_t
mailbox_count(const struct box *m)
{
	return m->msgs.n;
}

const struct store_msg *
mailbox_msg(const struct box *m, size_t i)
{
	return msg_at(m, i);
}

size_t
mailbox_find(const struct box *m, uint32_t uid)
{
	size_t lo = 0, hi = m->msgs.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (msg_at(m, mid)->uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint32_t
mailbox_uidvalidity(const struct box *m)
{
	return m->validity;
}

uint32_t
mailbox_uidnext(const struct box *m)
{
	return m->uids.next;
}

size_t
mailbox_recent(const struct box *m)
{
	return m->recent;
}

bool
mailbox_readonly(const struct box *m)
{
	return m->readonly;
}

struct str
mailbox_name(const struct box *m)
{
	return str_of(m->name);
}

struct strs
mailbox_keywords(const struct box *m)
{
	return (struct strs){ m->uids.keywords.p, m->uids.keywords.n };
}

uint32_t
mailbox_keyword(struct box *m, struct str name, bool create)
{
	int lock, index;

	if (str_ieq(name, STR("$Forwarded")))
		return STORE_FORWARDED;
	index = uids_keyword(&m->uids, NULL, name);
	if (index < 0 && create && !m->readonly &&
	    (lock = lock_take(m->f.dir, LOCK_FILE, MAILDIR_LOCK_MS)) >= 0) {
		if (load(m) == STORE_OK) {
			index = uids_keyword(&m->uids, &m->f, name);
			if (uids_flush(m->s, &m->f, &m->uids, true) != STORE_OK)
				index = -1;
		}
		close(lock);
	}
	return index < 0 ? 0 : 1u << (STORE_KEYWORD0 + index);
}

uint32_t
flags_translate(const struct uids *from, struct uids *to, const struct folder *f, uint32_t flags)
{
	uint32_t out = flags & ((1u << STORE_KEYWORD0) - 1);

	for (size_t i = 0; i < from->keywords.n; i++) {
		int index;

		if (!(flags & (1u << (STORE_KEYWORD0 + i))))
			continue;
		index = uids_keyword(to, f, *(struct str *)vec_at(&from->keywords, i));
		if (index >= 0)
			out |= 1u << (STORE_KEYWORD0 + index);
	}
	return out;
}

enum store_result
mailbox_size(struct box *m, size_t i, uint64_t *size)
{
	enum store_result r;
	struct text *t;

	*size = msg_at(m, i)->size;
	if (*size > 0)
		return STORE_OK;
	if ((r = text_open(m, i, &t)) != STORE_OK)
		return r;
	/* What could not be read to its end is not remembered. */
	if (!text_size(t, size))
		r = STORE_FAILED;
	text_close(t);
	if (*size > 0) {
		/* Opening it may have looked at the folder, which moves messages in memory. */
		msg_at(m, i)->size = *size;
		*(uint32_t *)vec_push(&m->sizes) = (uint32_t)i;
	}
	return r;
}

int64_t
mailbox_date(struct box *m, size_t i)
{
	struct store_msg *msg = msg_at(m, i);
	struct stat st;

	if (msg->date < 0 && fstatat(msg_dir(m, msg), msg->file, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	    (errno != ENOENT || mailbox_scan(m, false) != STORE_OK || msg_at(m, i)->gone ||
	    fstatat(msg_dir(m, msg_at(m, i)), msg_at(m, i)->file, &st, AT_SYMLINK_NOFOLLOW) < 0))
		return 0;
	msg = msg_at(m, i);
	if (msg->date < 0)
		msg->date = st.st_mtim.tv_sec < 0 ? 0 : (int64_t)st.st_mtim.tv_sec;
	return msg->date;
}

enum store_result
store_status(struct store *s, struct str name, bool sizes, struct store_counts *out)
{
	struct box *m;
	enum store_result r = mailbox_open(s, name, true, &m);

	*out = (struct store_counts){ 0 };
	if (r != STORE_OK)
		return r;
	out->messages = (uint32_t)m->msgs.n;
	out->recent = (uint32_t)m->recent;
	out->uidvalidity = m->validity;
	out->uidnext = m->uids.next;
	for (size_t i = 0; i < m->msgs.n; i++) {
		const struct store_msg *msg = msg_at(m, i);
		uint64_t size = 0;

		out->unseen += !(msg->flags & STORE_SEEN);
		out->deleted += (msg->flags & STORE_DELETED) != 0;
		if (sizes)
			mailbox_size(m, i, &size);
		out->size += size;
	}
	mailbox_close(m);
	return STORE_OK;
}
