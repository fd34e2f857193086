/* SPDX-License-Identifier: ISC */
/*
 * uids - the UID file.
 */
#include "store/uids.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/scan.h"
#include "fiber/fiber.h"

#define UIDS_FILE	"posthorn-uids"
#define UIDS_HEAD	"posthorn-uids 1 "
#define UIDS_LIMIT	((size_t)256 << 20)	/* bytes of the file */
#define TAKE_OVER_LIMIT	65536			/* bytes of dovecot-keywords */
#define UIDS_SLACK	1000			/* dead records before a rewrite is worth it */

void
uids_init(struct uids *u)
{
	*u = (struct uids){ .next = 1, .recent = 1 };
	u->by_base = map_new();
	u->recs = vec_of(sizeof(struct uid_rec *));
	u->keywords = vec_of(sizeof(struct str));
	u->pending.limit = UIDS_LIMIT;
}

/* Back to an empty list. */
static void
forget(struct uids *u)
{
	for (size_t i = 0; i < u->recs.n; i++) {
		struct uid_rec *rec = *(struct uid_rec **)vec_at(&u->recs, i);

		free(rec->base);
		free(rec);
	}
	vec_reset(&u->recs);
	for (size_t i = 0; i < u->keywords.n; i++)
		free((char *)((struct str *)vec_at(&u->keywords, i))->p);
	vec_reset(&u->keywords);
	map_free(u->by_base);
	u->by_base = map_new();
	u->validity = 0;
	u->next = u->recent = 1;
	u->ino = 0;
	u->end = 0;
}

void
uids_free(struct uids *u)
{
	if (u->by_base == NULL)
		return;
	forget(u);
	map_free(u->by_base);
	vec_free(&u->recs);
	vec_free(&u->keywords);
	buf_free(&u->pending);
	u->by_base = NULL;
}

/* So much more of the file is known; it ends in a whole line. */
static void
known(struct uids *u, struct str lines)
{
	if (lines.n < UIDS_TAIL)
		return;
	memcpy(u->tail, lines.p + lines.n - UIDS_TAIL, UIDS_TAIL);
	u->end += (off_t)lines.n;
}

static void
add_coded(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '%')
			buf_addc(out, s.p[i]);
		else
			buf_addf(out, "%%%02X", (unsigned char)s.p[i]);
	}
}

static bool
read_coded(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '%') {
			buf_addc(out, s.p[i]);
			continue;
		}
		if (s.n - i < 3 || hex_digit(s.p[i + 1]) < 0 || hex_digit(s.p[i + 2]) < 0)
			return false;
		buf_addc(out, (char)(hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2])));
		i += 2;
	}
	return true;
}

/* End the line that began at `start` of `out` with its checksum. */
static void
end_line(struct buf *out, size_t start)
{
	struct str line = str_sub(buf_str(out), start, out->n);

	buf_addf(out, " %08x\n", (unsigned)hash_crc32c(0, line.p, line.n));
}

/* The line without its checksum; false when that is wrong. */
static bool
check_line(struct str *line)
{
	struct buf sum = { 0 };
	bool ok;

	if (line->n < 10 || line->p[line->n - 9] != ' ')
		return false;
	buf_addf(&sum, "%08x", (unsigned)hash_crc32c(0, line->p, line->n - 9));
	ok = str_eq(buf_str(&sum), str_sub(*line, line->n - 8, 8));
	buf_free(&sum);
	line->n -= 9;
	return ok;
}

static struct uid_rec *
note(struct uids *u, uint32_t uid, uint64_t size, struct str base)
{
	struct uid_rec *rec = map_get(u->by_base, base);

	if (rec == NULL) {
		rec = mem_zero(1, sizeof(*rec));
		rec->base = mem_alloc(base.n + 1);
		memcpy(rec->base, base.p, base.n);
		rec->base[base.n] = '\0';
		map_put(u->by_base, base, rec);
		*(struct uid_rec **)vec_push(&u->recs) = rec;
	}
	rec->uid = uid;
	rec->size = size;
	if (uid >= u->next)
		u->next = uid + 1;
	return rec;
}

/* Letters that are passed over have no name. */
static void
note_keyword(struct uids *u, size_t index, struct str name)
{
	char *copy = mem_alloc(name.n + 1);

	memcpy(copy, name.p, name.n);
	copy[name.n] = '\0';
	while (u->keywords.n < index)
		*(struct str *)vec_push(&u->keywords) = str_n(NULL, 0);
	*(struct str *)vec_push(&u->keywords) = str_n(copy, name.n);
}

static bool
number(struct str *line, uint64_t max, uint64_t *out)
{
	struct str word;

	return str_cut(line, ' ', &word) && str_u64(word, max, out);
}

/* Take one checked line. */
static bool
take_line(struct uids *u, struct str line)
{
	uint64_t uid, size;
	struct str kind;
	struct buf base = { 0 };
	bool ok = false;

	if (!str_cut(&line, ' ', &kind) || kind.n != 1)
		return false;
	if (kind.p[0] == 'N' && number(&line, UINT32_MAX, &uid)) {
		ok = true;
		if (uid > u->next)
			u->next = (uint32_t)uid;
	} else if (kind.p[0] == 'R' && number(&line, UINT32_MAX, &uid)) {
		ok = true;
		if (uid > u->recent)
			u->recent = (uint32_t)uid;
	} else if (kind.p[0] == 'M' && number(&line, UINT32_MAX - 1, &uid) &&
	    number(&line, UINT64_MAX, &size) && uid > 0 && read_coded(&base, line)) {
		ok = true;
		note(u, (uint32_t)uid, size, buf_str(&base));
	} else if (kind.p[0] == 'S' && number(&line, UINT32_MAX, &uid) &&
	    number(&line, UINT64_MAX, &size)) {
		size_t lo = 0, hi = u->recs.n;

		/* Records stand in order of UID. */
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;
			struct uid_rec *rec = *(struct uid_rec **)vec_at(&u->recs, mid);

			if (rec->uid == uid)
				rec->size = size;
			if (rec->uid < uid)
				lo = mid + 1;
			else
				hi = mid;
		}
		ok = true;
	} else if (kind.p[0] == 'K' && number(&line, STORE_KEYWORDS - 1, &uid) &&
	    uid >= u->keywords.n && line.n > 0) {
		ok = true;
		note_keyword(u, (size_t)uid, line);
	}
	buf_free(&base);
	return ok;
}

/*
 * Take all whole lines of `text`, which stood at offset u->end; gives how many bytes of it hold.
 * What follows the last good line is a torn tail.
 */
static size_t
take_text(struct uids *u, struct str text)
{
	size_t good = 0;
	unsigned bad = 0;

	for (size_t at = 0; at < text.n;) {
		ptrdiff_t nl = str_chr(str_sub(text, at, text.n), '\n');
		struct str line;

		if (nl < 0)
			break;
		line = str_sub(text, at, (size_t)nl);
		at += (size_t)nl + 1;
		if (check_line(&line) && take_line(u, line)) {
			good = at;
			if (bad > 0)
				log_warn("%u damaged lines in " UIDS_FILE " skipped", bad);
			bad = 0;
		} else {
			bad++;
		}
	}
	return good;
}

/* The first line; its length, 0 when it is not ours. */
static size_t
take_head(struct uids *u, struct str text)
{
	struct str line, head = STR(UIDS_HEAD);
	uint64_t validity;
	ptrdiff_t nl = str_chr(text, '\n');

	if (nl < 0)
		return 0;
	line = str_sub(text, 0, (size_t)nl);
	if (!check_line(&line) || !str_start(line, head) ||
	    !str_u64(str_sub(line, head.n, line.n), UINT32_MAX, &validity) || validity == 0)
		return 0;
	u->validity = (uint32_t)validity;
	return (size_t)nl + 1;
}

static void
add_head(struct buf *out, uint32_t validity)
{
	size_t start = out->n;

	buf_addf(out, UIDS_HEAD "%lu", (unsigned long)validity);
	end_line(out, start);
}

static void
add_keyword(struct buf *out, size_t index, struct str name)
{
	size_t start = out->n;

	if (name.n == 0)
		return;
	buf_addf(out, "K %zu ", index);
	buf_add(out, name);
	end_line(out, start);
}

/*
 * Is it still the file that was read up to u->end?  Numbers of inodes are used again, so what stands
 * at its beginning and where we stopped must be the same too.
 */
static bool
same_file(const struct uids *u, int fd, const struct stat *st)
{
	struct buf head = { 0 };
	char got[sizeof(UIDS_HEAD) + 32];
	bool same = st->st_ino == u->ino && u->end > 0 && st->st_size >= u->end;

	add_head(&head, u->validity);
	same = same && head.n <= sizeof(got) &&
	    pread(fd, got, head.n, 0) == (ssize_t)head.n && memcmp(got, head.p, head.n) == 0 &&
	    pread(fd, got, UIDS_TAIL, u->end - UIDS_TAIL) == UIDS_TAIL &&
	    memcmp(got, u->tail, UIDS_TAIL) == 0;
	buf_free(&head);
	return same;
}

/* Write the file from nothing: head, next UID, what is recent, keywords, records that were seen. */
static enum store_result
write_file(struct store *s, struct folder *f, struct uids *u)
{
	struct buf out = { .limit = UIDS_LIMIT };
	struct vec keep = vec_of(sizeof(struct uid_rec *));
	enum store_result r;
	struct stat st;
	size_t start;

	add_head(&out, u->validity);
	start = out.n;
	buf_addf(&out, "N %lu", (unsigned long)u->next);
	end_line(&out, start);
	start = out.n;
	buf_addf(&out, "R %lu", (unsigned long)u->recent);
	end_line(&out, start);
	for (size_t i = 0; i < u->keywords.n; i++)
		add_keyword(&out, i, *(struct str *)vec_at(&u->keywords, i));
	for (size_t i = 0; i < u->recs.n; i++) {
		struct uid_rec *rec = *(struct uid_rec **)vec_at(&u->recs, i);

		if (!rec->seen) {
			map_del(u->by_base, str_of(rec->base));
			free(rec->base);
			free(rec);
			continue;
		}
		*(struct uid_rec **)vec_push(&keep) = rec;
		start = out.n;
		buf_addf(&out, "M %lu %llu ", (unsigned long)rec->uid,
		    (unsigned long long)rec->size);
		add_coded(&out, str_of(rec->base));
		end_line(&out, start);
	}
	vec_free(&u->recs);
	u->recs = keep;
	r = write_whole(s, f->dir, UIDS_FILE, buf_str(&out));
	if (r == STORE_OK && fstatat(f->dir, UIDS_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		u->ino = st.st_ino;
		u->end = 0;
		known(u, buf_str(&out));
	} else {
		u->ino = 0;
	}
	buf_free(&out);
	return r;
}

/* May this stand among flags as it is (RFC 3501 9, atom)? */
static bool
keyword_ok(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f || strchr("(){%*\"\\]", name.p[i]) != NULL)
			return false;
	return name.n > 0 && name.n <= STORE_KEYWORD_LIMIT;
}

/*
 * The letters in the names of a mailbox that Dovecot kept mean what its dovecot-keywords says, a line
 * "INDEX NAME" each.  $Forwarded has a letter of its own here.
 */
static void
take_over(struct folder *f, struct uids *u)
{
	struct buf text = { .limit = TAKE_OVER_LIMIT };
	struct str names[STORE_KEYWORDS] = { { NULL, 0 } }, rest, line;
	uint64_t index;

	if (read_whole(f->dir, "dovecot-keywords", TAKE_OVER_LIMIT, &text)) {
		rest = buf_str(&text);
		while (str_cut(&rest, '\n', &line))
			if (number(&line, STORE_KEYWORDS - 1, &index) && keyword_ok(line) &&
			    !str_ieq(line, STR("$Forwarded")))
				names[index] = line;
		for (size_t i = 0; i < STORE_KEYWORDS; i++)
			if (names[i].n > 0 && uids_keyword(u, NULL, names[i]) < 0)
				note_keyword(u, i, names[i]);
	}
	buf_free(&text);
}

static enum store_result
new_file(struct store *s, struct folder *f, struct uids *u)
{
	enum store_result r;
	int lock = lock_take(s->root, "posthorn-store", MAILDIR_LOCK_MS);

	if (lock < 0)
		return store_fail(s, "cannot lock the mail folder");
	forget(u);
	r = next_validity(s, &u->validity);
	close(lock);
	if (r != STORE_OK)
		return r;
	take_over(f, u);
	return write_file(s, f, u);
}

enum store_result
uids_load(struct store *s, struct folder *f, struct uids *u)
{
	int fd = beneath(f->dir, UIDS_FILE, O_RDWR, 0);
	struct buf text = { .limit = UIDS_LIMIT };
	enum store_result r = STORE_OK;
	struct stat st;
	ssize_t n = 0;
	size_t good;

	if (fd < 0)
		return errno == ENOENT ? new_file(s, f, u) :
		    store_fail(s, "cannot open " UIDS_FILE);
	if (fstat(fd, &st) < 0 || st.st_size > (off_t)UIDS_LIMIT)
		goto bad;
	if (!same_file(u, fd, &st))
		forget(u);
	while (u->end + (off_t)text.n < st.st_size) {
		char *at = buf_room(&text, 65536);

		if (at == NULL || (n = pread(fd, at, 65536, u->end + (off_t)text.n)) <= 0)
			break;
		buf_grew(&text, (size_t)n);
	}
	if (n < 0)
		goto bad;
	good = u->end == 0 ? take_head(u, buf_str(&text)) : 0;
	if (u->end == 0 && good == 0) {
		log_warn(UIDS_FILE " is damaged: new UIDs for this mailbox");
		renameat(f->dir, UIDS_FILE, f->dir, UIDS_FILE ".bad");
		close(fd);
		buf_free(&text);
		return new_file(s, f, u);
	}
	good += take_text(u, str_sub(buf_str(&text), good, text.n));
	known(u, str_sub(buf_str(&text), 0, good));
	u->ino = st.st_ino;
	/* A torn tail: nobody was told of it, and nothing may be written behind it. */
	if (good < text.n && ftruncate(fd, u->end) < 0)
		goto bad;
	close(fd);
	buf_free(&text);
	return r;
bad:
	r = store_fail(s, "cannot read " UIDS_FILE);
	close(fd);
	buf_free(&text);
	return r;
}

struct uid_rec *
uids_get(const struct uids *u, struct str base)
{
	return map_get(u->by_base, base);
}

struct uid_rec *
uids_add(struct uids *u, struct str base, uint64_t size)
{
	size_t start = u->pending.n;
	struct uid_rec *rec;

	if (u->next >= UINT32_MAX - 1)
		return NULL;
	rec = note(u, u->next, size, base);
	buf_addf(&u->pending, "M %lu %llu ", (unsigned long)rec->uid, (unsigned long long)size);
	add_coded(&u->pending, base);
	end_line(&u->pending, start);
	return rec;
}

void
uids_size(struct uids *u, uint32_t uid, uint64_t size)
{
	size_t start = u->pending.n;

	buf_addf(&u->pending, "S %lu %llu", (unsigned long)uid, (unsigned long long)size);
	end_line(&u->pending, start);
}

/* The keyword bits of all names in a folder; false when it cannot be read. */
static bool
add_letters(int at, uint32_t *bits)
{
	int fd = beneath(at, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (d == NULL && fd >= 0)
		close(fd);
	if (d == NULL)
		return false;
	while ((e = readdir(d)) != NULL)
		*bits |= file_flags(e->d_name);
	closedir(d);
	return true;
}

/*
 * Where the file of UIDs was lost, or another server was here, names hold letters that nobody can tell
 * the meaning of.  A keyword must not take one of them: it would be on messages that never got it.
 */
static int
free_letter(const struct uids *u, const struct folder *f)
{
	uint32_t bits = 0;
	size_t i = u->keywords.n;

	if (i >= STORE_KEYWORDS || !add_letters(f->cur, &bits) || !add_letters(f->new, &bits))
		return -1;
	while (i < STORE_KEYWORDS && (bits & (1u << (STORE_KEYWORD0 + i))))
		i++;
	return i < STORE_KEYWORDS ? (int)i : -1;
}

int
uids_keyword(struct uids *u, const struct folder *f, struct str name)
{
	int index;

	if (name.n == 0)
		return -1;
	for (size_t i = 0; i < u->keywords.n; i++)
		if (str_ieq(*(struct str *)vec_at(&u->keywords, i), name))
			return (int)i;
	if (f == NULL || !keyword_ok(name) || (index = free_letter(u, f)) < 0)
		return -1;
	add_keyword(&u->pending, (size_t)index, name);
	note_keyword(u, (size_t)index, name);
	return index;
}

void
uids_told(struct uids *u)
{
	size_t start = u->pending.n;

	if (u->recent >= u->next)
		return;
	u->recent = u->next;
	buf_addf(&u->pending, "R %lu", (unsigned long)u->recent);
	end_line(&u->pending, start);
}

enum store_result
uids_flush(struct store *s, struct folder *f, struct uids *u, bool durable)
{
	enum store_result r = STORE_OK;
	size_t done = 0;
	int fd, error = 0;

	if (u->pending.n == 0)
		return STORE_OK;
	fd = beneath(f->dir, UIDS_FILE, O_WRONLY, 0);
	if (fd < 0 || !buf_ok(&u->pending))
		error = fd < 0 ? errno : EFBIG;
	while (error == 0 && done < u->pending.n) {
		ssize_t n = pwrite(fd, u->pending.p + done, u->pending.n - done, u->end + (off_t)done);

		if (n < 0)
			error = errno;
		else
			done += (size_t)n;
	}
	if (error == 0 && durable)
		error = sync_data(fd);
	if (error == 0) {
		known(u, buf_str(&u->pending));
	} else {
		/* What was given in memory is not on disk: read everything again next time. */
		if (fd >= 0 && ftruncate(fd, u->end) < 0)
			log_warn("cannot cut " UIDS_FILE " back");
		u->ino = 0;
		errno = error;
		r = store_fail(s, "cannot write " UIDS_FILE);
	}
	if (fd >= 0) {
		if (fiber_running())
			fiber_forget(fd);
		close(fd);
	}
	buf_reset(&u->pending);
	return r;
}

enum store_result
uids_tidy(struct store *s, struct folder *f, struct uids *u)
{
	size_t dead = 0;

	for (size_t i = 0; i < u->recs.n; i++)
		dead += !(*(struct uid_rec **)vec_at(&u->recs, i))->seen;
	if (dead < UIDS_SLACK || dead < u->recs.n / 2)
		return STORE_OK;
	return write_file(s, f, u);
}
