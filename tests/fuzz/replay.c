/* SPDX-License-Identifier: ISC */
/*
 * replay - the main of every fuzzer that is not built with libFuzzer.
 *
 * Runs LLVMFuzzerTestOneInput over each file of seeds/NAME (NAME from the program's own name,
 * NAME_fuzz; or the folders and files given), over every beginning of it, and over copies with one
 * byte changed.  Each input ends where a page ends and the next page cannot be read, so a parser
 * that looks one byte too far dies here without a sanitizer too.
 */
#include <sys/mman.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEED_MAX	(1 << 20)	/* longest seed */
#define PREFIX_MAX	1024		/* beginnings are tried up to this length */
#define FLIP_MAX	512		/* bytes changed per seed */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *guard;		/* first byte that cannot be read */

static void
guard_open(void)
{
	uint8_t *area;

	area = mmap(NULL, SEED_MAX + 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || mprotect(area + SEED_MAX, 65536, PROT_NONE) != 0) {
		perror("replay: mmap");
		exit(1);
	}
	guard = area + SEED_MAX;
}

static void
one(const uint8_t *data, size_t n)
{
	memcpy(guard - n, data, n);
	LLVMFuzzerTestOneInput(guard - n, n);
}

static void
flips(uint8_t *data, size_t n)
{
	static const uint8_t odd[] = { 0x00, 0xff, '\r', '\n', '"', '\\', '(', '<' };
	size_t step = n > FLIP_MAX ? n / FLIP_MAX : 1;

	for (size_t i = 0; i < n; i += step) {
		uint8_t keep = data[i];

		data[i] = odd[i % sizeof(odd)];
		one(data, n);
		data[i] = keep ^ 1;
		one(data, n);
		data[i] = keep;
	}
}

static bool
seed(const char *path)
{
	static uint8_t data[SEED_MAX];
	ssize_t got;
	size_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		perror(path);
		return false;
	}
	while (n < sizeof(data) && (got = read(fd, data + n, sizeof(data) - n)) > 0)
		n += (size_t)got;
	close(fd);
	for (size_t i = 0; i < n && i <= PREFIX_MAX; i++)
		one(data, i);
	one(data, n);
	flips(data, n);
	return true;
}

/* Replay a file, or every file of a folder; the number of seeds, or -1. */
static int
replay(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char name[4096];
	int seeds = 0;

	if (d == NULL)
		return seed(path) ? 1 : -1;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (!seed(name)) {
			closedir(d);
			return -1;
		}
		seeds++;
	}
	closedir(d);
	return seeds;
}

/* TESTDIR/fuzz/seeds/NAME for a program NAME_fuzz. */
static void
seeds_of(const char *argv0, char *path, size_t size)
{
	const char *base = strrchr(argv0, '/') ? strrchr(argv0, '/') + 1 : argv0;
	const char *end = strstr(base, "_fuzz");
	int n = end != NULL ? (int)(end - base) : (int)strlen(base);

	snprintf(path, size, "%s/fuzz/seeds/%.*s", TESTDIR, n, base);
}

int
main(int argc, char **argv)
{
	char path[4096];
	int total = 0, n;

	guard_open();
	if (argc < 2) {
		seeds_of(argv[0], path, sizeof(path));
		total = replay(path);
	}
	for (int i = 1; i < argc; i++) {
		n = replay(argv[i]);
		total = n < 0 || total < 0 ? -1 : total + n;
	}
	printf("%s: %d seeds\n", argv[0], total);
	return total > 0 ? 0 : 1;
}
