/* SPDX-License-Identifier: ISC */
/*
 * home - where the mail of a worker's user is.
 */
#include "store/home.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "store/maildir.h"

const struct passwd *
home_user(uid_t uid, gid_t gid)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwuid(uid);
	if (pw == NULL)
		log_error("uid %u: %s", (unsigned)uid, errno == 0 ? "no such user" : strerror(errno));
	else if (pw->pw_gid != gid)
		log_error("group %u is not that of user \"%s\"", (unsigned)gid, pw->pw_name);
	else if (pw->pw_dir == NULL || pw->pw_dir[0] != '/')
		log_error("user \"%s\" has no home folder", pw->pw_name);
	else
		return pw;
	return NULL;
}

struct store *
home_open(uid_t uid, gid_t gid, const char *mailbox, bool virtual_box, const char *base,
    const char *storage, struct buf *path)
{
	struct store *s = NULL;
	struct str rel = str_of(virtual_box ? mailbox : storage);
	int dir;

	if (!virtual_box) {
		const struct passwd *pw = home_user(uid, gid);

		if (pw == NULL)
			return NULL;
		if (strcmp(pw->pw_name, mailbox) != 0) {
			log_error("uid %u is user \"%s\", not \"%s\"", (unsigned)uid, pw->pw_name,
			    mailbox);
			return NULL;
		}
		base = pw->pw_dir;
	}
	if (base == NULL || base[0] != '/' || rel.n == 0) {
		log_warn("virtual_mailbox_base or mailbox name is empty");
		return NULL;
	}
	if ((dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		log_warn("cannot open folder %s: %s", base, strerror(errno));
		return NULL;
	}
	if (store_open(dir, rel, true, &s) != STORE_OK) {
		log_warn("mailbox %s: %s", mailbox, store_why(s));
		store_close(s);
		s = NULL;
	}
	close(dir);
	buf_reset(path);
	buf_addf(path, "%s/%.*s", base, STR_ARG(rel));
	return s;
}

bool
home_replaced(const struct store *s, const char *path)
{
	struct stat at, open;

	return stat(path, &at) == 0 && fstat(s->root, &open) == 0 &&
	    (at.st_ino != open.st_ino || at.st_dev != open.st_dev);
}
