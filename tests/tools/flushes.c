/* SPDX-License-Identifier: ISC */
/*
 * flushes DIR STAT - does the device get a flush in each round of files written over in place?
 *
 * DIR is empty, on a file system of its own; STAT is /sys/block/DEVICE/stat of its device.  In every
 * round two files are renamed (or not), written over and made durable together, after somebody else's
 * fsync left the journal nothing to do.  Ends with 0 when each round flushed, says so when not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fiber/fiber.h"

#define FILES	2
#define ROUNDS	30
#define LENGTH	16384
#define FLUSHES	16	/* which number of STAT counts them */

static const char *stat_path;
static int dir, folder[2], file[FILES], done;

static _Noreturn void
give_up(const char *what)
{
	perror(what);
	exit(2);
}

static unsigned long long
flushes(void)
{
	unsigned long long n = 0;
	FILE *f = fopen(stat_path, "r");

	if (f == NULL)
		give_up(stat_path);
	for (int i = 0; i < FLUSHES; i++)
		if (fscanf(f, "%llu", &n) != 1)
			give_up("flushes are not counted");
	(void)fclose(f);
	return n;
}

static int
make(int at, const char *name)
{
	static const char zeros[LENGTH];
	int fd = openat(at, name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, zeros, LENGTH) != LENGTH || fsync(fd) != 0)
		give_up(name);
	return fd;
}

static void
sync_one(void *arg)
{
	if (fiber_sync_inside(*(int *)arg, 4096) != 0)
		give_up("sync");
	done++;
}

/* Whoever else writes to the file system, and commits what was begun. */
static void
neighbour(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = make(dir, "neighbour");
	if (ftruncate(fd, 0) != 0 || pwrite(fd, "x", 1, 0) != 1 || fsync(fd) != 0)
		give_up("neighbour");
}

static bool
a_round(int i, bool move)
{
	static const char *const names[FILES] = { "one", "two" };
	unsigned long long before;

	for (int k = 0; k < FILES; k++) {
		if (move && renameat(folder[i % 2], names[k], folder[(i + 1) % 2], names[k]) != 0)
			give_up("rename");
		if (pwrite(file[k], names[k], 3, i) != 3)
			give_up("write");
	}
	neighbour();
	for (int k = 0; !move && k < FILES; k++)	/* in the same tick of the clock, as a rule */
		if (pwrite(file[k], names[k], 3, i + 100) != 3)
			give_up("write");
	before = flushes();
	done = 0;
	for (int k = 0; k < FILES; k++)
		(void)fiber_start(sync_one, &file[k], "sync");
	while (done < FILES)
		(void)fiber_sleep(deadline_in(1));
	return flushes() > before;
}

static void
first(void *arg)
{
	int *bad = arg;

	for (int i = 0; i < ROUNDS; i++)
		*bad += !a_round(i, true);
	for (int i = 0; i < ROUNDS; i++)
		*bad += !a_round(i, false);
}

int
main(int argc, char **argv)
{
	int bad = 0;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: flushes DIR STAT\n");
		return 64;
	}
	stat_path = argv[2];
	dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	if (dir < 0 || mkdirat(dir, "a", 0700) != 0 || mkdirat(dir, "b", 0700) != 0)
		give_up(argv[1]);
	folder[0] = openat(dir, "a", O_RDONLY | O_DIRECTORY);
	folder[1] = openat(dir, "b", O_RDONLY | O_DIRECTORY);
	file[0] = make(folder[0], "one");
	file[1] = make(folder[0], "two");
	fiber_sync_together(dir);
	fiber_run(first, &bad);
	(void)printf("%d of %d rounds without a flush\n", bad, 2 * ROUNDS);
	return bad > 0;
}
