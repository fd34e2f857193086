/* SPDX-License-Identifier: ISC */
#include "authd/users.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/panic.h"
#include "wire/session.h"

#define NSS_ROOM	16384

static struct {
	const char *file;
	const char *domain;
	bool system_users;
	uint32_t least_uid;

	char *text;		/* the file as read; lines view it */
	size_t text_n;
	struct map *lines;	/* name in lower case → its line (struct str *) */
	struct pool *pool;
	struct stat seen;
} me;

bool
users_name_ok(struct str name)
{
	if (name.n == 0 || name.n > SESSION_USER_MAX || name.p[0] == '-' || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!ch_print(name.p[i]) || name.p[i] == ' ' || name.p[i] == ':' ||
		    name.p[i] == '/')
			return false;
	return true;
}

/* Relative, no "..", nothing hidden in it: master and the worker check again. */
static bool
mailbox_ok(struct str box)
{
	struct str part, rest = box;

	if (box.n == 0 || box.n > SESSION_MAILBOX_MAX || box.p[0] == '/')
		return false;
	while (str_cut(&rest, '/', &part)) {
		if (part.n == 0 || str_eq(part, STR(".")) || str_eq(part, STR("..")))
			return false;
		for (size_t i = 0; i < part.n; i++)
			if (!ch_print(part.p[i]))
				return false;
	}
	return true;
}

/* line = name "@" domain ":" hash ":" uid ":" gid ":" mailbox */
bool
users_parse(struct str line, struct user *out)
{
	struct str uid, gid;
	uint64_t u, g;

	*out = (struct user){ .virtual_box = true };
	if (line.n > USERS_LINE_MAX || !str_cut(&line, ':', &out->name) ||
	    !str_cut(&line, ':', &out->hash) || !str_cut(&line, ':', &uid) ||
	    !str_cut(&line, ':', &gid))
		return false;
	out->mailbox = line;
	if (!users_name_ok(out->name) || str_chr(out->name, '@') <= 0 || out->hash.n == 0 ||
	    out->hash.n >= USERS_HASH_MAX || !mailbox_ok(out->mailbox) ||
	    !str_u64(uid, UINT32_MAX - 1, &u) || !str_u64(gid, UINT32_MAX - 1, &g) || u == 0)
		return false;
	out->uid = (uint32_t)u;
	out->gid = (uint32_t)g;
	return true;
}

static struct str
lower(struct pool *pool, struct str s)
{
	struct str copy = pool_str(pool, s);
	char *p = pool_alloc(pool, copy.n + 1);

	for (size_t i = 0; i < copy.n; i++)
		p[i] = ch_lower(copy.p[i]);
	return str_n(p, copy.n);
}

/* The mailbox file. */

static void
forget(void)
{
	if (me.text != NULL)
		explicit_bzero(me.text, me.text_n);
	free(me.text);
	map_free(me.lines);
	pool_free(me.pool);
	me.text = NULL;
	me.lines = NULL;
	me.pool = NULL;
}

void
users_free(void)
{
	forget();
	memset(&me, 0, sizeof(me));
}

static void
index_lines(void)
{
	struct str rest = str_n(me.text, me.text_n), line;
	unsigned number = 0;

	me.lines = map_new();
	me.pool = pool_new();
	while (str_cut(&rest, '\n', &line)) {
		struct user u;
		struct str *at;

		number++;
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (!users_parse(line, &u)) {
			log_warn("%s:%u: not NAME@DOMAIN:HASH:UID:GID:MAILBOX/, skipped", me.file,
			    number);
			continue;
		}
		at = pool_alloc(me.pool, sizeof(*at));
		*at = line;
		map_put(me.lines, lower(me.pool, u.name), at);
	}
}

static bool
read_all(int fd, const struct stat *st)
{
	size_t n = (size_t)st->st_size, at = 0;
	char *text = mem_alloc(n + 1);
	ssize_t got = 0;

	while (at < n && (got = read(fd, text + at, n - at)) > 0)
		at += (size_t)got;
	if (got < 0) {
		free(text);
		return false;
	}
	forget();
	me.text = text;
	me.text_n = at;
	me.seen = *st;
	index_lines();
	return true;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Read the file again when it is another one than last time.  A missing file has no users. */
static bool
refresh(void)
{
	struct stat st;
	bool ok;
	int fd;

	if (me.file == NULL || me.file[0] == '\0')
		return true;
	if (me.lines != NULL && stat(me.file, &st) == 0 && same_file(&st, &me.seen))
		return true;
	fd = open(me.file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT) {
		forget();
		return true;
	}
	ok = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= (off_t)USERS_FILE_MAX && read_all(fd, &st);
	if (!ok)
		log_error("%s: cannot be read", me.file);
	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static bool
find_mailbox(struct str name, struct pool *pool, struct user *out)
{
	const struct str *line = me.lines != NULL ? map_get(me.lines, name) : NULL;

	if (line == NULL || !users_parse(pool_str(pool, *line), out))
		return false;
	out->name = name;
	return true;
}

/* System users. */

static bool
account_open(const struct spwd *sp)
{
	long today = (long)(clock_wall() / 86400);

	return sp->sp_expire <= 0 || sp->sp_expire > today;
}

static bool
find_system(struct str name, struct pool *pool, struct user *out)
{
	char *room = pool_alloc(pool, NSS_ROOM);
	const char *z = pool_str(pool, name).p;
	struct passwd pw, *gotpw = NULL;
	struct spwd sp, *gotsp = NULL;

	if (!me.system_users || name.n > 64)
		return false;
	if (getpwnam_r(z, &pw, room, NSS_ROOM, &gotpw) != 0 || gotpw == NULL ||
	    pw.pw_uid == 0 || pw.pw_uid < me.least_uid)
		return false;
	*out = (struct user){ .name = name, .uid = pw.pw_uid, .gid = pw.pw_gid, .mailbox = name };
	room = pool_alloc(pool, NSS_ROOM);
	if (getspnam_r(z, &sp, room, NSS_ROOM, &gotsp) != 0 || gotsp == NULL || !account_open(&sp))
		return false;
	out->hash = pool_str(pool, str_of(sp.sp_pwdp));
	explicit_bzero(room, NSS_ROOM);
	/* An empty field would mean: no password needed.  Not over a network. */
	return out->hash.n > 0 && out->hash.n < USERS_HASH_MAX;
}

enum users_result
users_find(struct str name, struct pool *pool, struct user *out)
{
	struct str full = lower(pool, name);
	ptrdiff_t at = str_rchr(full, '@');

	if (!users_name_ok(name))
		return USERS_ABSENT;
	if (!refresh())
		return USERS_LATER;
	if (at < 0)
		full = pool_printf(pool, "%.*s@%s", STR_ARG(full), me.domain);
	if (find_mailbox(full, pool, out))
		return USERS_FOUND;
	if (at >= 0) {
		if (!str_ieq(str_sub(name, (size_t)at + 1, name.n), str_of(me.domain)))
			return USERS_ABSENT;
		name = str_sub(name, 0, (size_t)at);
	}
	return find_system(pool_str(pool, name), pool, out) ? USERS_FOUND : USERS_ABSENT;
}

void
users_init(const char *file, const char *domain, bool system_users, uint32_t least_uid)
{
	users_free();
	me.file = file;
	me.domain = domain;
	me.system_users = system_users;
	me.least_uid = least_uid;
}
