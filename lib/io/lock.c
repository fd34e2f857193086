/* SPDX-License-Identifier: ISC */
/*
 * lock - see lock.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "io/file.h"
#include "io/lock.h"

#define POLL_FIRST_MS	1
#define POLL_MOST_MS	50

bool
lock_try(int fd)
{
	int r;

	while ((r = flock(fd, LOCK_EX | LOCK_NB)) != 0 && errno == EINTR)
		;
	return r == 0;
}

/* Sleep a while; false when the fiber was cancelled. */
static bool
pause_ms(msec_t ms)
{
	struct timespec t = { .tv_sec = 0, .tv_nsec = (long)ms * 1000000 };

	if (fiber_running())
		return fiber_sleep(deadline_in(ms)) != WAKE_CANCEL;
	nanosleep(&t, NULL);
	return true;
}

bool
lock_wait(int fd, msec_t deadline)
{
	msec_t ms = POLL_FIRST_MS;

	while (!lock_try(fd)) {
		if (errno != EWOULDBLOCK)
			return false;
		if (deadline_left(deadline) == 0) {
			errno = EWOULDBLOCK;
			return false;
		}
		if (!pause_ms(ms < deadline_left(deadline) ? ms : deadline_left(deadline))) {
			errno = ECANCELED;
			return false;
		}
		ms = ms * 2 > POLL_MOST_MS ? POLL_MOST_MS : ms * 2;
	}
	return true;
}

void
lock_free(int fd)
{
	flock(fd, LOCK_UN);
}

int
lock_open(int dir, const char *name)
{
	return file_open(dir, name, O_RDWR | O_CREAT, 0600);
}
