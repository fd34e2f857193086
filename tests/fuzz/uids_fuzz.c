/* SPDX-License-Identifier: ISC */
/*
 * uids_fuzz - whatever posthorn-uids holds, the mailbox opens, and UIDs stay in order and unique.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/tmp/posthorn-uids.XXXXXX";
static int dir = -1;

static void
clean(void)
{
	static const char *const files[] = { "cur/1.x:2,S", "cur/2.y:2,", "posthorn-uids",
		"posthorn-uids.bad", "posthorn-lock", "posthorn-store", "posthorn-validity" };
	static const char *const folders[] = { "cur", "new", "tmp" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(dir, files[i], 0);
	for (size_t i = 0; i < 3; i++)
		unlinkat(dir, folders[i], AT_REMOVEDIR);
	rmdir(root);
}

static void
begin(void)
{
	if (dir >= 0)
		return;
	if (mkdtemp(root) == NULL || (dir = open(root, O_RDONLY | O_DIRECTORY)) < 0)
		abort();
	mkdirat(dir, "cur", 0700);
	mkdirat(dir, "new", 0700);
	mkdirat(dir, "tmp", 0700);
	close(openat(dir, "cur/1.x:2,S", O_CREAT | O_WRONLY, 0600));
	close(openat(dir, "cur/2.y:2,", O_CREAT | O_WRONLY, 0600));
	atexit(clean);
	/* Thousands of warnings help nobody. */
	log_open(open("/dev/null", O_WRONLY), LOG_PLAIN, "uids_fuzz");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store *s;
	struct box *m;
	int fd;

	begin();
	fd = openat(dir, "posthorn-uids", O_CREAT | O_WRONLY | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || store_open(dir, STR("."), false, &s))
		abort();
	close(fd);
	if (mailbox_open(s, STR("INBOX"), false, &m) == STORE_OK) {
		if (mailbox_count(m) != 2 || mailbox_msg(m, 0)->uid >= mailbox_msg(m, 1)->uid ||
		    mailbox_msg(m, 1)->uid >= mailbox_uidnext(m) || mailbox_uidvalidity(m) == 0)
			abort();
		mailbox_close(m);
	}
	store_close(s);
	return 0;
}
