/* SPDX-License-Identifier: ISC */
/*
 * logfile - where everybody's lines go: one descriptor, made here and passed on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "master/master.h"

#define SYSLOG	"/dev/log"

static struct stat heard;	/* the syslog socket that we are connected to; all zero: none */

/* -1 when nobody listens there. */
static int
open_syslog(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = SYSLOG };
	int fd;

	memset(&heard, 0, sizeof(heard));
	if (stat(SYSLOG, &heard) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	memset(&heard, 0, sizeof(heard));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static int
open_log(void)
{
	int fd;

	if (common.maillog_file[0] == '\0') {
		/* No syslog on this machine (yet): mail goes on without, and log_follow looks again. */
		fd = open_syslog();
		return fd >= 0 ? fd : open("/dev/null", O_WRONLY | O_CLOEXEC);
	}
	if (strcmp(common.maillog_file, "/dev/stdout") == 0)
		return fcntl(1, F_DUPFD_CLOEXEC, 3);
	return open(common.maillog_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
	    O_NOCTTY, 0640);
}

static void
use(int fd)
{
	char tag[100];

	if (master.log_fd >= 0)
		(void)close(master.log_fd);
	master.log_fd = fd;
	(void)snprintf(tag, sizeof(tag), "%s/master", common.syslog_name);
	log_facility(common_facility());
	log_open(fd, common.maillog_file[0] == '\0' ? LOG_SYSLOG : LOG_FILE, tag);
}

bool
log_begin(void)
{
	int fd = open_log();

	if (fd < 0) {
		log_error("%s: %s", common.maillog_file, strerror(errno));
		return false;
	}
	use(fd);
	return true;
}

void
log_tell(struct process *p)
{
	struct ctl_log to = { master.log_fd };

	child_send(p, &ctl_log_msg, &to);
}

void
log_follow(void)
{
	struct stat now;
	int fd;

	if (common.maillog_file[0] != '\0' || stat(SYSLOG, &now) != 0 ||
	    (now.st_dev == heard.st_dev && now.st_ino == heard.st_ino &&
	    now.st_ctim.tv_sec == heard.st_ctim.tv_sec && now.st_ctim.tv_nsec == heard.st_ctim.tv_nsec))
		return;
	if ((fd = open_syslog()) < 0)
		return;
	use(fd);
	for (size_t i = 0; i < master.processes.n; i++)
		log_tell(*(struct process **)vec_at(&master.processes, i));
}
