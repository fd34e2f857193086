/* SPDX-License-Identifier: ISC */
/* unix - unix:passwd.byname and unix:group.byname, asked of the system. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "table/type.h"

#define UNIX_NAME_MAX	256

static char passwd, group;	/* their addresses are the states */

static void *
unix_open(const char *path, unsigned flags, struct buf *why)
{
	(void)flags;
	if (strcmp(path, "passwd.byname") == 0)
		return &passwd;
	if (strcmp(path, "group.byname") == 0)
		return &group;
	buf_addf(why, "no such table: unix:%s (passwd.byname, group.byname)", path);
	return NULL;
}

/* Absent, or an error that says so: these codes mean "not found" somewhere (getpwnam(3)). */
static enum table_result
missing(int error, struct buf *why)
{
	if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
		return TABLE_ABSENT;
	if (why != NULL)
		buf_addf(why, "system users: %s", strerror(error));
	return TABLE_LATER;
}

static enum table_result
unix_get(void *state, struct str key, struct buf *value, struct buf *why)
{
	char name[UNIX_NAME_MAX];
	struct passwd *pw;
	struct group *gr;

	if (key.n == 0 || key.n >= sizeof(name) || str_chr(key, '\0') >= 0)
		return TABLE_ABSENT;
	memcpy(name, key.p, key.n);
	name[key.n] = '\0';
	errno = 0;
	if (state == &group) {
		if ((gr = getgrnam(name)) == NULL)
			return missing(errno, why);
		if (value != NULL)
			buf_addf(value, "%s:x:%ju", gr->gr_name, (uintmax_t)gr->gr_gid);
		return TABLE_FOUND;
	}
	if ((pw = getpwnam(name)) == NULL)
		return missing(errno, why);
	if (value != NULL)
		buf_addf(value, "%s:x:%ju:%ju:%s:%s:%s", pw->pw_name, (uintmax_t)pw->pw_uid,
		    (uintmax_t)pw->pw_gid, pw->pw_gecos, pw->pw_dir, pw->pw_shell);
	return TABLE_FOUND;
}

static void
unix_close(void *state)
{
	(void)state;
}

const struct table_type table_unix = {
	STR_INIT("unix"), NULL, unix_open, unix_get, NULL, unix_close
};
