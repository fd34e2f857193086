/* SPDX-License-Identifier: ISC */
/*
 * deliver - one message into new/, once.
 *
 * tmp/BASE is written and synced, renamed to new/BASE,S=…,W=…, and new/ synced.  A delivery that
 * comes again finds its first copy in new/ by its full name, and in cur/ by the base, and compares
 * the bytes; cur/ is read only when it changed after the message arrived in the queue.
 */
#include "store/deliver.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/panic.h"
#include "fiber/fiber.h"
#include "store/maildir.h"

#define SLACK_S		2	/* clock steps of file systems */
#define TICK_US		100000	/* longer than their clocks stand still */
#define TRIES		9	/* other messages under the same base */
#define COMPARE_BLOCK	32768
#define LARGE		65536	/* bytes: others' syncs do not wait for it */
#define STALE_S		(36 * 3600)	/* a file in tmp this old is nobody's any more (maildir(5)) */
#define SWEEP_EVERY	64		/* deliveries to one look at tmp, on average */

struct delivery {
	struct store *s;
	struct folder f;
	char *base;
	char *temp;
	int fd;
	struct textout text;
};

/*
 * Take away what deliveries that died left in tmp/, ours and others'.  What APPEND and COPY write there
 * has the date of its message; when it came is the time of its last change.
 */
static void
sweep(struct delivery *d)
{
	int fd = beneath(d->f.tmp, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int64_t now = clock_wall();
	const struct dirent *e;
	struct stat st;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' && fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !S_ISDIR(st.st_mode) && st.st_mtim.tv_sec < now - STALE_S &&
		    st.st_ctim.tv_sec < now - STALE_S)
			unlinkat(fd, e->d_name, 0);
	closedir(dir);
}

static bool
base_ok(struct str base)
{
	for (size_t i = 0; i < base.n; i++)
		if (!ch_alnum(base.p[i]) && strchr("._-", base.p[i]) == NULL)
			return false;
	return base.n > 0 && base.n <= DELIVER_BASE_LIMIT && base.p[0] != '.';
}

enum store_result
deliver_begin(struct store *s, struct str name, struct str base, struct delivery **out)
{
	struct delivery *d;
	struct buf temp = { 0 };
	enum store_result r;
	static uint32_t salt;

	*out = NULL;
	if (!base_ok(base)) {
		snprintf(s->why, sizeof(s->why), "not a possible file name");
		return STORE_NAME;
	}
	d = mem_zero(1, sizeof(*d));
	d->s = s;
	d->fd = -1;
	d->f = FOLDER_NONE;
	r = folder_open(s, name, &d->f);
	if (r == STORE_ABSENT && ((r = store_create(s, name)) == STORE_OK || r == STORE_EXISTS))
		r = folder_open(s, name, &d->f);
	if (r == STORE_OK) {
		/* Two workers may try the same delivery: each writes a file of its own. */
		if (salt == 0)
			random_bytes(&salt, sizeof(salt));
		buf_addf(&temp, "%.*s.%08x", STR_ARG(base), (unsigned)++salt);
		d->temp = mem_str(buf_z(&temp));
		d->base = mem_alloc(base.n + 1);
		memcpy(d->base, base.p, base.n);
		d->base[base.n] = '\0';
		d->fd = beneath(d->f.tmp, d->temp, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (d->fd < 0)
			r = store_fail(s, "cannot make a file in tmp");
	}
	textout_begin(&d->text, d->fd);
	buf_free(&temp);
	if (r == STORE_OK && salt % SWEEP_EVERY == 0)
		sweep(d);
	if (r != STORE_OK) {
		deliver_abort(d);
		d = NULL;
	}
	*out = d;
	return r;
}

void
deliver_write(struct delivery *d, struct str data)
{
	textout_write(&d->text, data);
	/* A NUL is kept as it came; readers see 0x80. */
	d->text.nul = false;
}

void
deliver_abort(struct delivery *d)
{
	if (d == NULL)
		return;
	if (d->fd >= 0) {
		if (fiber_running())
			fiber_forget(d->fd);
		close(d->fd);
		if (d->temp != NULL)
			unlinkat(d->f.tmp, d->temp, 0);
	}
	textout_free(&d->text);
	folder_close(d->s, &d->f);
	free(d->base);
	free(d->temp);
	free(d);
}

/* Does this file hold the very bytes of ours? */
static bool
same_text(struct delivery *d, int dir, const char *file)
{
	int fd = beneath(dir, file, O_RDONLY | O_NONBLOCK, 0);
	char *a = mem_alloc(COMPARE_BLOCK), *b = mem_alloc(COMPARE_BLOCK);
	struct stat st;
	bool same = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == d->text.disk;

	for (off_t at = 0; same && (uint64_t)at < d->text.disk;) {
		ssize_t n = pread(d->fd, a, COMPARE_BLOCK, at);

		same = n > 0 && pread(fd, b, (size_t)n, at) == n && memcmp(a, b, (size_t)n) == 0;
		at += n;
	}
	/* The first copy may have been named and not yet synced when the crash came. */
	if (same)
		same = sync_full(fd) == 0;
	if (fd >= 0) {
		if (fiber_running())
			fiber_forget(fd);
		close(fd);
	}
	free(a);
	free(b);
	return same;
}

/* Look through cur/, last changed `at`, for a copy with this base. */
static bool
in_cur(struct delivery *d, struct timespec at)
{
	size_t n = strlen(d->base);
	int fd = beneath(d->f.cur, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int64_t now_us = clock_wall_us();
	const struct dirent *e;
	bool found = false, bare = true;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && (e = readdir(dir)) != NULL) {
		bare = bare && e->d_name[0] == '.';
		found = strncmp(e->d_name, d->base, n) == 0 && strchr(",:-", e->d_name[n]) != NULL &&
		    same_text(d, d->f.cur, e->d_name);
	}
	closedir(dir);
	if (bare && d->f.cur == d->s->inbox.cur && at.tv_sec < (now_us - TICK_US) / 1000000)
		d->s->bare = at;
	return found;
}

/* May cur/ hold something that came since?  It may, while it changed so lately, unless it is empty. */
static bool
cur_touched(struct delivery *d, int64_t since_us, struct timespec *at)
{
	const struct timespec *bare = &d->s->bare;
	struct stat st = { .st_mtim = { 0, 0 } };
	bool known = fstat(d->f.cur, &st) == 0;

	*at = st.st_mtim;
	if (known && d->f.cur == d->s->inbox.cur && bare->tv_sec != 0 &&
	    bare->tv_sec == at->tv_sec && bare->tv_nsec == at->tv_nsec)
		return false;
	return !known || at->tv_sec + SLACK_S >= since_us / 1000000;
}

/* Give it its name in new/, unless a copy is there. */
static enum store_result
place(struct delivery *d, bool *again)
{
	struct buf name = { 0 };
	enum store_result r = STORE_EXISTS;

	for (int i = 0; i < TRIES && r == STORE_EXISTS && !*again; i++) {
		buf_reset(&name);
		buf_addz(&name, d->base);
		if (i > 0)
			buf_addf(&name, "-%d", i);
		buf_addf(&name, ",S=%llu,W=%llu", (unsigned long long)d->text.disk,
		    (unsigned long long)d->text.wire);
		if (rename_free(d->f.tmp, d->temp, d->f.new, buf_z(&name))) {
			free(d->temp);
			d->temp = NULL;
			r = STORE_OK;
		} else if (errno == EEXIST) {
			*again = same_text(d, d->f.new, buf_z(&name));
			errno = EEXIST;
			r = store_fail(d->s, "cannot name the message in new");
		} else {
			r = store_fail(d->s, "cannot name the message in new");
		}
	}
	buf_free(&name);
	return *again ? STORE_OK : r;
}

enum store_result
deliver_end(struct delivery *d, int64_t since_us, bool *again)
{
	bool had = false;
	struct timespec at;
	enum store_result r = STORE_OK;
	int error = textout_end(&d->text) ? 0 : d->text.error;

	if (error == 0 && d->text.disk > LARGE && fiber_running())
		error = fiber_write_out(d->fd);
	if (error == 0)
		error = sync_full(d->fd);
	if (error != 0) {
		errno = error;
		r = store_fail(d->s, "cannot write the message");
	}
	if (r == STORE_OK && cur_touched(d, since_us, &at))
		had = in_cur(d, at);
	if (r == STORE_OK && !had)
		r = place(d, &had);
	if (r == STORE_OK && (error = sync_full(d->f.new)) == 0 && had)
		error = sync_full(d->f.cur);
	if (r == STORE_OK && error != 0) {
		errno = error;
		r = store_fail(d->s, "cannot sync the mailbox");
	}
	if (again != NULL)
		*again = had;
	deliver_abort(d);
	return r;
}
