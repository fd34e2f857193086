/* SPDX-License-Identifier: ISC */
#include "io/settle.h"

#include <fcntl.h>
#include <unistd.h>

bool
settle(int keep)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd < 0)
		return false;
	(void)close(fd);
	if (keep > 3)
		(void)close_range(3, (unsigned)keep - 1, 0);
	(void)close_range(keep >= 3 ? (unsigned)keep + 1 : 3, ~0U, 0);
	return true;
}
