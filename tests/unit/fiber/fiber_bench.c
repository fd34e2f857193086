/* SPDX-License-Identifier: ISC */
/*
 * fiber_bench - what a switch, a fiber, a turn on a connection and an idle connection cost.
 * Prints, asserts nothing; the README of lib/fiber has figures of one machine.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "io/stream.h"

#define SWITCHES	2000000
#define FIBERS		500000
#define TURNS		200000
#define BUSY		100
#define IDLE		4000
#define LINE		1000

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu_s(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* Resident memory of this process, in KB. */
static long
rss_kb(void)
{
	long pages = 0, skip;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%ld %ld", &skip, &pages) != 2)
		pages = 0;
	if (f != NULL)
		fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
yields(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < SWITCHES / 100; i++)
		fiber_yield();
}

static void
switches(void *arg)
{
	double t = now_s();
	int i;
	struct fiber *f[100];

	(void)arg;
	for (i = 0; i < 100; i++)
		fiber_keep(f[i] = fiber_start(yields, NULL, "yield"));
	for (i = 0; i < 100; i++)
		fiber_join(f[i], NEVER);
	printf("switch                      %6.0f ns (with its share of the loop)\n",
	    (now_s() - t) / SWITCHES * 1e9);
}

static void
nothing(void *arg)
{
	(void)arg;
}

static void
lives(void *arg)
{
	double t = now_s();
	int i;

	(void)arg;
	for (i = 0; i < FIBERS; i++) {
		fiber_start(nothing, NULL, "nothing");
		if (i % 64 == 63)
			fiber_yield();
	}
	fiber_yield();
	printf("a fiber's life              %6.0f ns\n", (now_s() - t) / FIBERS * 1e9);
}

/* As much stack as a session's deepest calls may use. */
static void
deep(void)
{
	volatile char frame[20000];
	size_t i;

	for (i = 0; i < sizeof(frame); i += 1000)
		frame[i] = 1;
}

static void
answer(void *arg)
{
	struct stream *s = arg;
	struct str line;

	while (stream_getline(s, &line, LINE) == IO_OK) {
		if (str_start(line, STR("EHLO")))
			deep();
		stream_deadline(s, deadline_in(300000));
		stream_printf(s, "250 2.1.0 %.*s Ok\r\n", STR_ARG(line));
	}
	stream_close(s);
}

static void
question(void *arg)
{
	struct stream *s = arg;
	struct str line;
	int i;

	for (i = 0; i < TURNS / BUSY; i++) {
		stream_printf(s, "NOOP %d\r\n", i);
		if (stream_getline(s, &line, LINE) != IO_OK)
			abort();
	}
	stream_close(s);
}

static void
turns(void *arg)
{
	double t = cpu_s();
	struct fiber *f[BUSY];
	unsigned long long rounds = fiber_stats().rounds;
	int i, fd[2];

	(void)arg;
	for (i = 0; i < BUSY; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
			abort();
		fiber_start(answer, stream_open(fd[0]), "answer");
		fiber_keep(f[i] = fiber_start(question, stream_open(fd[1]), "question"));
	}
	for (i = 0; i < BUSY; i++)
		fiber_join(f[i], NEVER);
	printf("a turn, both ends, %d at once %4.1f us of CPU, %.2f rounds of the loop\n", BUSY,
	    (cpu_s() - t) / TURNS * 1e6, (double)(fiber_stats().rounds - rounds) / TURNS);
}

static void
idle(void *arg)
{
	struct stream *s[IDLE];
	struct str line;
	long before, after;
	int i, fd[2];

	(void)arg;
	before = rss_kb();
	for (i = 0; i < IDLE; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
			abort();
		s[i] = stream_open(fd[1]);
		fiber_start(answer, stream_open(fd[0]), "answer");
	}
	for (i = 0; i < IDLE; i++) {
		stream_printf(s[i], "EHLO %d\r\n", i);
		if (stream_getline(s[i], &line, LINE) != IO_OK)
			abort();
	}
	after = rss_kb();
	printf("an idle connection          %6.1f KB resident (%d of them, both ends' streams)\n",
	    (double)(after - before) / IDLE, IDLE);
	fiber_sleep(deadline_in(3000));
	printf("the same 3 s later          %6.1f KB\n", (double)(rss_kb() - before) / IDLE);
	for (i = 0; i < IDLE; i++)
		stream_close(s[i]);
}

#define SYNCS	2000
#define SYNCERS	50

static void
sync_some(void *arg)
{
	char name[] = "/var/tmp/fiber_bench.XXXXXX";
	int fd = mkstemp(name), i;

	(void)arg;
	unlink(name);
	for (i = 0; i < SYNCS / SYNCERS; i++)
		if (pwrite(fd, "x", 1, 0) != 1 || fiber_sync(fd) != 0)
			abort();
	close(fd);
}

static void
syncs(void *arg)
{
	double t = now_s(), c = cpu_s();
	struct fiber *f[SYNCERS];
	int i;

	(void)arg;
	for (i = 0; i < SYNCERS; i++)
		fiber_keep(f[i] = fiber_start(sync_some, NULL, "sync"));
	for (i = 0; i < SYNCERS; i++)
		fiber_join(f[i], NEVER);
	printf("fiber_sync, %d at once      %6.0f /s, %.0f us of CPU each\n", SYNCERS,
	    SYNCS / (now_s() - t), (cpu_s() - c) / SYNCS * 1e6);
}

int
main(void)
{
	fiber_run(switches, NULL);
	fiber_run(lives, NULL);
	fiber_run(turns, NULL);
	fiber_stack_size((size_t)128 << 10);	/* `idle` itself has a large frame */
	fiber_run(idle, NULL);
	fiber_run(syncs, NULL);
	return 0;
}
