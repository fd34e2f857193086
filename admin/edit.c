/* SPDX-License-Identifier: ISC */
#include "admin/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/panic.h"
#include "conf/conf.h"
#include "conf/lines.h"

#define FILE_MAX	(4u << 20)

static void
add_part(struct edit *e, struct str text, struct str line)
{
	struct edit_part *p;

	if (text.n == 0)
		return;
	p = vec_push(&e->parts);
	p->text = text;
	p->line = line;
}

/* Bytes of the first physical line, line break included. */
static size_t
line_length(struct str s)
{
	ptrdiff_t at = str_chr(s, '\n');

	return at < 0 ? s.n : (size_t)at + 1;
}

struct edit *
edit_of_text(struct str whole)
{
	struct pool *pool = pool_new();
	struct edit *e = pool_alloc(pool, sizeof(*e));
	struct str text = pool_str(pool, whole);
	struct buf logical = { 0 };
	size_t from = 0, until = 0;	/* of the part being read; `until`: where its last line ends */

	e->pool = pool;
	e->path = NULL;
	e->lock = -1;
	e->parts = vec_of(sizeof(struct edit_part));
	for (size_t at = 0; at < text.n; ) {
		struct str one = str_sub(text, at, line_length(str_sub(text, at, text.n)));
		struct str seen = str_trim(one);
		bool nothing = seen.n == 0 || seen.p[0] == '#';

		if (!nothing && (!ch_blank(one.p[0]) || logical.n == 0)) {
			/* A new logical line; what lies between belongs to nobody. */
			if (logical.n > 0)
				add_part(e, str_sub(text, from, until - from),
				    pool_str(pool, buf_str(&logical)));
			else
				until = from;
			add_part(e, str_sub(text, until, at - until), STR(""));
			buf_reset(&logical);
			from = at;
		}
		at += one.n;
		if (!nothing) {
			if (logical.n > 0)
				buf_addc(&logical, ' ');
			buf_add(&logical, str_trim(one));
			until = at;
		}
	}
	if (logical.n > 0)
		add_part(e, str_sub(text, from, until - from), pool_str(pool, buf_str(&logical)));
	else
		until = from;
	add_part(e, str_sub(text, until, text.n), STR(""));
	buf_free(&logical);
	return e;
}

/* The file, locked against other editors; whoever had it before may have put another in its place. */
static int
lock(const char *path)
{
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		struct stat here, there;

		if (fd < 0 || flock(fd, LOCK_EX) != 0 || fstat(fd, &here) != 0)
			fatal("open %s: %s", path, strerror(errno));
		if (stat(path, &there) == 0 && here.st_ino == there.st_ino && here.st_dev == there.st_dev)
			return fd;
		(void)close(fd);
	}
}

struct edit *
edit_open(const char *path, bool change)
{
	struct pool *pool = pool_new();
	int fd = change ? lock(path) : -1;
	struct str text;
	struct edit *e;

	if (!conf_slurp(pool, path, FILE_MAX, &text))
		fatal("open %s: %s", path, strerror(errno));
	e = edit_of_text(text);
	e->path = path;
	e->lock = fd;
	pool_free(pool);
	return e;
}

void
edit_free(struct edit *e)
{
	vec_free(&e->parts);
	if (e->lock >= 0)
		(void)close(e->lock);
	pool_free(e->pool);
}

/* A copy with a line break behind it; a NUL in a file is no end of it. */
static struct str
whole_line(struct edit *e, struct str text)
{
	struct buf out = { 0 };
	struct str copy;

	buf_add(&out, text);
	buf_addc(&out, '\n');
	copy = pool_str(e->pool, buf_str(&out));
	buf_free(&out);
	return copy;
}

void
edit_replace(struct edit *e, size_t i, struct str text)
{
	struct edit_part *p = vec_at(&e->parts, i);

	p->line = text;
	p->text = text.n == 0 ? STR("") : whole_line(e, text);
}

void
edit_comment(struct edit *e, size_t i)
{
	struct edit_part *p = vec_at(&e->parts, i);
	struct str rest = p->text, one;
	struct buf out = { 0 };

	while (rest.n > 0) {
		one = str_sub(rest, 0, line_length(rest));
		rest = str_sub(rest, one.n, rest.n);
		buf_addc(&out, '#');
		buf_add(&out, one);
	}
	p->text = pool_str(e->pool, buf_str(&out));
	p->line = STR("");
	buf_free(&out);
}

void
edit_append(struct edit *e, struct str text)
{
	struct edit_part *last;

	if (e->parts.n > 0) {
		last = vec_at(&e->parts, e->parts.n - 1);
		if (last->text.n > 0 && last->text.p[last->text.n - 1] != '\n')
			last->text = whole_line(e, last->text);
	}
	add_part(e, whole_line(e, text), pool_str(e->pool, text));
}

static bool
write_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s = str_sub(s, (size_t)n, s.n);
	}
	return true;
}

void
edit_save(struct edit *e)
{
	const char *temp = pool_printf(e->pool, "%s.tmp", e->path).p;
	const char *slash = strrchr(e->path, '/');
	const char *dir = slash == NULL ? "." :
	    pool_str(e->pool, str_n(e->path, (size_t)(slash - e->path) + 1)).p;
	struct stat st;
	bool ok;
	int fd, dir_fd;

	if (stat(e->path, &st) != 0)
		fatal("%s: %s", e->path, strerror(errno));
	/* The lock is ours: one that lies there was left by an editor that died. */
	(void)unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, st.st_mode & 0777);
	if (fd < 0)
		fatal("%s: %s", temp, strerror(errno));
	ok = geteuid() != 0 || fchown(fd, st.st_uid, st.st_gid) == 0;
	ok = ok && fchmod(fd, st.st_mode & 07777) == 0;
	for (size_t i = 0; ok && i < e->parts.n; i++)
		ok = write_all(fd, ((struct edit_part *)vec_at(&e->parts, i))->text);
	ok = ok && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	if (!ok || rename(temp, e->path) != 0) {
		int saved = errno;

		(void)unlink(temp);
		fatal("%s: %s", e->path, strerror(saved));
	}
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || fsync(dir_fd) != 0)
		fatal("%s: %s", dir, strerror(errno));
	(void)close(dir_fd);
}
