/* SPDX-License-Identifier: ISC */
#include "admin/alternate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/room_postdrop.h"

#define MARK	"# Made by posthorn init: which other configurations any user may hand mail in to.\n"
#define NAME	"alternate_config_directories"

/* The folder and those above it; as open(2). */
static int
open_folder(struct pool *pool, const char *path)
{
	char *part = (char *)(uintptr_t)pool_str(pool, str_of(path)).p;

	for (char *c = part + 1; *c != '\0'; c++)
		if (*c == '/') {
			*c = '\0';
			(void)mkdir(part, 0755);
			*c = '/';
		}
	(void)mkdir(part, 0755);
	return open(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The entries that still lead somewhere; is `etc` one of them? */
static bool
gather(struct buf *list, const char *etc)
{
	struct strs none = { NULL, 0 };
	struct conf *c = conf_read(CONFDIR, &none);
	struct pool *pool = pool_new();
	bool found = false;

	(void)conf_load(c, postdrop_params);
	for (size_t i = 0; i < postdrop_conf.alternates.n; i++) {
		struct str one = postdrop_conf.alternates.v[i];

		found = found || str_eq(one, str_of(etc));
		if (access(pool_printf(pool, "%.*s/main.cf", STR_ARG(one)).p, F_OK) == 0)
			buf_addf(list, "\n\t%.*s", STR_ARG(one));
	}
	pool_free(pool);
	conf_free(c);
	return found;
}

/* Nothing there, or a file that begins with our mark. */
static bool
is_ours(int dir)
{
	char start[sizeof(MARK) - 1];
	int fd = openat(dir, "main.cf", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool ours;

	if (fd < 0)
		return errno == ENOENT;
	ours = read(fd, start, sizeof(start)) == (ssize_t)sizeof(start) &&
	    memcmp(start, MARK, sizeof(start)) == 0;
	(void)close(fd);
	return ours;
}

bool
alternate_of(struct pool *pool, const char *etc, struct str *lines)
{
	int dir = open(etc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ours = dir < 0 || is_ours(dir);

	*lines = STR("");
	if (ours && dir >= 0 && conf_slurp(pool, pool_printf(pool, "%s/main.cf", etc).p, 1 << 20, lines))
		*lines = str_sub(*lines, sizeof(MARK) - 1, lines->n);
	if (dir >= 0)
		(void)close(dir);
	return ours;
}

/* Aside, synced, renamed. */
static bool
write_file(int dir, struct str text)
{
	int fd = openat(dir, "main.cf.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text.p, text.n) == (ssize_t)text.n && fchmod(fd, 0644) == 0 && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	return ok && renameat(dir, "main.cf.tmp", dir, "main.cf") == 0 && fsync(dir) == 0;
}

static bool
list(int dir, const char *etc)
{
	struct buf text = { 0 };
	bool ok = true;

	buf_addz(&text, MARK NAME " =");
	if (!gather(&text, etc)) {
		buf_addf(&text, "\n\t%s\n", etc);
		ok = is_ours(dir) && write_file(dir, buf_str(&text));
	}
	buf_free(&text);
	return ok;
}

static bool
same_folder(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool
alternate_list(const char *etc, const char **todo)
{
	static char text[4096];
	struct pool *pool;
	bool ok;
	int dir;

	if (same_folder(etc, CONFDIR))
		return true;
	pool = pool_new();
	dir = open_folder(pool, CONFDIR);
	/* Two that make instances at once wait for each other. */
	ok = dir >= 0 && flock(dir, LOCK_EX) == 0 && list(dir, etc);
	if (dir >= 0)
		(void)close(dir);
	pool_free(pool);
	(void)snprintf(text, sizeof(text), "only root can hand mail in to %s by sendmail until " NAME
	    " in %s/main.cf lists it", etc, CONFDIR);
	*todo = text;
	return ok;
}
