/* SPDX-License-Identifier: ISC */
#include "spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

#define CHUNK		(64u << 10)

static const char *const folder_names[SPOOL_FOLDERS] = {
	[SPOOL_INCOMING] = "incoming",	[SPOOL_ACTIVE] = "active",
	[SPOOL_DEFERRED] = "deferred",	[SPOOL_HOLD] = "hold",
	[SPOOL_CORRUPT] = "corrupt",	[SPOOL_UNUSED] = "free",
	[SPOOL_MAILDROP] = "maildrop",
};

const char *
spool_folder_name(enum spool_folder f)
{
	return folder_names[f];
}

bool
spool_open(struct spool *s, const char *queue_directory, const char **what)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

	*what = queue_directory;
	for (unsigned i = 0; i < SPOOL_FOLDERS; i++)
		s->folder[i] = -1;
	if ((s->dir = open(queue_directory, flags & ~O_NOFOLLOW)) < 0)
		return false;
	for (unsigned i = 0; i < SPOOL_FOLDERS; i++) {
		*what = folder_names[i];
		s->folder[i] = openat(s->dir, folder_names[i], flags);
		/* maildrop/ is 1730: whoever only reads the queue needs not see into it */
		if (s->folder[i] < 0 && i != SPOOL_MAILDROP) {
			int saved = errno;

			spool_close(s);
			errno = saved;
			return false;
		}
	}
	*what = "";
	return true;
}

void
spool_close(struct spool *s)
{
	for (unsigned i = 0; i < SPOOL_FOLDERS; i++)
		if (s->folder[i] >= 0)
			(void)close(s->folder[i]);
	if (s->dir >= 0)
		(void)close(s->dir);
	s->dir = -1;
}

int
spool_lock(const struct spool *s, const char *name, bool wait)
{
	char file[64];
	int fd, saved;

	(void)snprintf(file, sizeof(file), "%s.lock", name);
	fd = openat(s->dir, file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) != 0)
		if (errno != EINTR) {
			saved = errno;
			(void)close(fd);
			errno = saved;
			return -1;
		}
	return fd;
}

bool
spool_list(const struct spool *s, enum spool_folder f, size_t max, struct vec *names)
{
	int fd = openat(s->folder[f], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;
	DIR *d;

	if (fd < 0)
		return false;
	if ((d = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return false;
	}
	while (names->n < max && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);
		struct spool_name *to;

		if (e->d_name[0] == '.' || n > LIMIT_QUEUE_ID)
			continue;
		to = vec_push(names);
		to->inode = e->d_ino;
		memcpy(to->name, e->d_name, n + 1);
	}
	(void)closedir(d);
	return true;
}

bool
spool_move(const struct spool *s, enum spool_folder from, enum spool_folder to, const char *id)
{
	return from == to || renameat(s->folder[from], id, s->folder[to], id) == 0;
}

bool
spool_pwrite(int fd, struct str data, uint64_t at)
{
	while (data.n > 0) {
		ssize_t n = pwrite(fd, data.p, data.n, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return false;
		data = str_sub(data, (size_t)n, data.n);
		at += (uint64_t)n;
	}
	return true;
}

/* Read up to `n` bytes at `at`; gives how many, fewer only at the end of the file; -1 with errno. */
static ssize_t
pread_all(int fd, char *to, size_t n, uint64_t at)
{
	size_t done = 0;

	while (done < n) {
		ssize_t k = pread(fd, to + done, n - done, (off_t)(at + done));

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		if (k == 0)
			break;
		done += (size_t)k;
	}
	return (ssize_t)done;
}

/* A part of the file as a view in the pool; cut short at the end of the file. */
static bool
read_part(int fd, uint64_t at, size_t n, struct pool *pool, struct str *out)
{
	char *p = pool_alloc(pool, n + 1);
	ssize_t k = pread_all(fd, p, n, at);

	*out = str_n(p, k < 0 ? 0 : (size_t)k);
	return k >= 0;
}

/* CRC-32C of `n` bytes from `at`; false when they cannot be read. */
static bool
sum_part(int fd, uint64_t at, uint64_t n, struct pool *pool, uint32_t *sum)
{
	char *p = pool_alloc(pool, CHUNK);

	while (n > 0) {
		size_t want = n < CHUNK ? (size_t)n : CHUNK;

		if (pread_all(fd, p, want, at) != (ssize_t)want)
			return false;
		*sum = hash_crc32c(*sum, p, want);
		at += want;
		n -= want;
	}
	return true;
}

static enum spool_verdict
read_small(int fd, size_t size, bool verify, struct pool *pool, struct spool_file *f)
{
	struct str data;

	if (!read_part(fd, 0, size, pool, &data))
		return SPOOL_ERROR;
	return spool_parse(data, verify, pool, f);
}

static enum spool_verdict
read_large(int fd, uint64_t size, bool verify, struct pool *pool, struct spool_file *f)
{
	struct str head, envelope, log;
	enum spool_verdict v;
	uint64_t log_at;
	uint32_t sum = 0;

	*f = (struct spool_file){ .file_size = size };
	if (!read_part(fd, 0, SPOOL_HEAD, pool, &head))
		return SPOOL_ERROR;
	if ((v = spool_head_unpack(head, &f->head)) != SPOOL_GOOD)
		return v;
	log_at = spool_log_at(&f->head);
	if (log_at > size)
		return SPOOL_BAD;
	if (!read_part(fd, spool_envelope_at(&f->head), f->head.envelope_len, pool, &envelope) ||
	    !read_part(fd, log_at, size - log_at < SPOOL_LOG_MAX ? size - log_at : SPOOL_LOG_MAX,
	    pool, &log))
		return SPOOL_ERROR;
	v = spool_parse_parts(envelope, log, pool, f);
	if (v != SPOOL_GOOD || !verify)
		return v;
	if (!sum_part(fd, SPOOL_HEAD, f->head.content_len, pool, &sum))
		return SPOOL_BAD;
	return hash_crc32c(sum, envelope.p, envelope.n) == f->head.sum ? SPOOL_GOOD : SPOOL_BAD;
}

enum spool_verdict
spool_read_fd(int fd, unsigned what, struct pool *pool, struct spool_file *f)
{
	struct stat st;
	enum spool_verdict v;

	*f = (struct spool_file){ 0 };
	if (fstat(fd, &st) != 0)
		return SPOOL_ERROR;
	if (!S_ISREG(st.st_mode))
		return SPOOL_BAD;
	if (st.st_size <= SPOOL_SMALL_FILE)
		v = read_small(fd, (size_t)st.st_size, what & SPOOL_READ_VERIFY, pool, f);
	else
		v = read_large(fd, (uint64_t)st.st_size, what & SPOOL_READ_VERIFY, pool, f);
	if (v == SPOOL_GOOD && (what & SPOOL_READ_CONTENT) && f->content.n == 0 &&
	    f->head.content_len <= LIMIT_SMALL &&
	    !read_part(fd, SPOOL_HEAD, f->head.content_len, pool, &f->content))
		return SPOOL_ERROR;
	if (f->content.n > LIMIT_SMALL || !(what & SPOOL_READ_CONTENT))
		f->content = STR("");
	return v;
}

static int
open_read(const struct spool *s, enum spool_folder where, const char *id)
{
	return openat(s->folder[where], id, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

enum spool_verdict
spool_read(const struct spool *s, enum spool_folder where, const char *id, unsigned what,
    struct pool *pool, struct spool_file *f, int *fd)
{
	int file = open_read(s, where, id);
	enum spool_verdict v;

	*f = (struct spool_file){ 0 };
	if (fd != NULL)
		*fd = -1;
	if (file < 0)
		return errno == ENOENT ? SPOOL_MISSING : SPOOL_ERROR;
	v = spool_read_fd(file, what, pool, f);
	if (v == SPOOL_GOOD && strcmp(f->head.id, id) != 0)
		v = SPOOL_BAD;
	if (v == SPOOL_GOOD && fd != NULL)
		*fd = file;
	else
		(void)close(file);
	return v;
}

bool
spool_adopt(const struct spool *s, enum spool_folder where, const char *name,
    char id[LIMIT_QUEUE_ID + 1])
{
	struct pool *pool = pool_new();
	struct spool_file f;
	int fd = open_read(s, where, name);
	bool ok = fd >= 0 && spool_read_fd(fd, SPOOL_READ_VERIFY, pool, &f) == SPOOL_GOOD;

	if (fd >= 0)
		(void)close(fd);
	if (ok)
		memcpy(id, f.head.id, sizeof(f.head.id));
	pool_free(pool);
	return ok && ((where == SPOOL_INCOMING && strcmp(name, id) == 0) ||
	    renameat2(s->folder[where], name, s->folder[SPOOL_INCOMING], id, RENAME_NOREPLACE) == 0);
}

bool
spool_read_done(const struct spool *s, enum spool_folder where, const char *name,
    struct pool *pool, struct spool_file *f)
{
	int fd = open_read(s, where, name);
	struct stat st;
	struct str data = STR(""), parts;
	bool ok = fd >= 0 && fstat(fd, &st) == 0 && st.st_size <= SPOOL_SMALL_FILE &&
	    read_part(fd, 0, (size_t)st.st_size, pool, &data);

	*f = (struct spool_file){ 0 };
	if (fd >= 0)
		(void)close(fd);
	if (!ok || spool_head_unpack(data, &f->head) != SPOOL_FREE || spool_log_at(&f->head) > data.n)
		return false;
	parts = str_sub(data, SPOOL_HEAD, f->head.content_len + f->head.envelope_len);
	return hash_crc32c(0, parts.p, parts.n) == f->head.sum && ipc_unpack(str_sub(data,
	    spool_envelope_at(&f->head), f->head.envelope_len), &envelope_msg, &f->env, NULL, 0, pool);
}

enum spool_verdict
spool_read_head(const struct spool *s, enum spool_folder where, const char *id, struct spool_head *h)
{
	int file = open_read(s, where, id);
	char sector[SPOOL_HEAD];
	ssize_t n;

	*h = (struct spool_head){ 0 };
	if (file < 0)
		return errno == ENOENT ? SPOOL_MISSING : SPOOL_ERROR;
	n = pread_all(file, sector, sizeof(sector), 0);
	(void)close(file);
	return n < 0 ? SPOOL_ERROR : spool_head_unpack(str_n(sector, (size_t)n), h);
}
