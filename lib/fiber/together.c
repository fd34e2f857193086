/* SPDX-License-Identifier: ISC */
/*
 * Only on file systems whose syncfs is known to write everything out and wait for it, and only where
 * it reports write errors (Linux 5.8).  An error does not say which file it is about: sync.c then
 * asks each file by itself, and the file that failed says so, because its descriptor was open.
 */
#include "fiber/together.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fiber/fiber.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC	0x58465342
#endif

#define SLOW_US		20000		/* faster than this is never too slow */
#define HANG_US		100000		/* this long is enough by itself */
#define STRIKES		3		/* slow ones in a row that are enough */
#define SIDE_BY_SIDE	4		/* files that separate calls sync in the time of one, about */
#define REST_MIN	10000		/* ms without it after that; doubled each time … */
#define REST_MAX	640000		/* … up to this */

static int volume = -1;
static dev_t device;
static bool in_place;
static msec_t rest_until;
static msec_t rest = REST_MIN;
static unsigned strikes;
static int64_t single_us;		/* what one file by itself takes, smoothed */

/* Does syncfs tell of errors here? */
static bool
kernel_tells(void)
{
	struct utsname u;
	unsigned major, minor;

	return uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	    (major > 5 || (major == 5 && minor >= 8));
}

void
fiber_sync_together(int dir)
{
	struct statfs fs;
	struct stat st;

	if (volume >= 0)
		(void)close(volume);
	volume = -1;
	if (dir < 0 || !kernel_tells() || fstatfs(dir, &fs) != 0 || fstat(dir, &st) != 0)
		return;
	if (fs.f_type != EXT4_SUPER_MAGIC && fs.f_type != XFS_SUPER_MAGIC &&
	    fs.f_type != BTRFS_SUPER_MAGIC)
		return;
	/* XFS may share blocks between files, btrfs writes to other ones always. */
	in_place = fs.f_type == EXT4_SUPER_MAGIC;
	device = st.st_dev;
	rest_until = 0;
	rest = REST_MIN;
	volume = fcntl(dir, F_DUPFD_CLOEXEC, 0);
}

bool
together_ready(void)
{
	return volume >= 0 && (rest_until == 0 || clock_ms() >= rest_until);
}

bool
together_in_place(void)
{
	return volume >= 0 && in_place;
}

bool
together_holds(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == device;
}

int
together_sync(void)
{
	return syncfs(volume) == 0 ? 0 : errno;
}

void
together_single(int64_t us)
{
	single_us += (us - single_us) / 8;
}

/* Too slow: separate calls would have been sooner done, so others' writes were in the way. */
void
together_took(int64_t us, unsigned files)
{
	if (us < SLOW_US || us < single_us * files / SIDE_BY_SIDE) {
		strikes = 0;
		rest = REST_MIN;
		return;
	}
	if (++strikes < STRIKES && us < HANG_US)
		return;
	strikes = 0;
	rest_until = deadline_in(rest);
	rest = rest * 2 > REST_MAX ? REST_MAX : rest * 2;
}
