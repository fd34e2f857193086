/* SPDX-License-Identifier: ISC */
#include "base/clock.h"

#include <time.h>

static int64_t
read_clock(clockid_t id, int64_t per_second)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * per_second + t.tv_nsec / (1000000000 / per_second);
}

msec_t
clock_ms(void)
{
	return read_clock(CLOCK_MONOTONIC, 1000);
}

int64_t
clock_us(void)
{
	return read_clock(CLOCK_MONOTONIC, 1000000);
}

msec_t
deadline_in(msec_t ms)
{
	msec_t now = clock_ms();

	return ms > NEVER - now ? NEVER : now + ms;
}

msec_t
deadline_left(msec_t deadline)
{
	msec_t now;

	if (deadline == NEVER)
		return NEVER;
	now = clock_ms();
	return deadline > now ? deadline - now : 0;
}

msec_t
deadline_first(msec_t a, msec_t b)
{
	return a < b ? a : b;
}

int64_t
clock_wall_us(void)
{
	return read_clock(CLOCK_REALTIME, 1000000);
}

int64_t
clock_wall(void)
{
	return read_clock(CLOCK_REALTIME, 1);
}
