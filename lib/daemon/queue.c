/* SPDX-License-Identifier: ISC */
#include "daemon/queue.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/common.h"
#include "fiber/fiber.h"

bool
queue_prepare(struct spool *s, const char *name, struct jail *jail)
{
	static struct jail_path paths[2];
	const char *what;

	if (!spool_open(s, common.queue_directory, &what)) {
		log_error("open queue %s: %s: %s", common.queue_directory, what, strerror(errno));
		return false;
	}
	/*
	 * What a predecessor wrote and may not have synced is made durable before it is relied on: what
	 * is read here is what a power cut leaves.  Once before too, while the predecessor still works.
	 */
	(void)syncfs(s->dir);
	if (spool_lock(s, name, true) < 0) {
		log_error("lock queue %s: %s", common.queue_directory, strerror(errno));
		return false;
	}
	if (syncfs(s->dir) != 0) {
		log_error("sync queue %s: %s", common.queue_directory, strerror(errno));
		return false;
	}
	/* None of its folders is a link, and files come into them by rename: all are on this one's disk. */
	if (common.sync_together)
		fiber_sync_together(s->dir);
	paths[0] = (struct jail_path){ common.queue_directory, PATH_READ | PATH_WRITE };
	jail->paths = paths;
	return true;
}
