/* SPDX-License-Identifier: ISC */
/*
 * pickup - take what local users dropped into maildrop/.
 *
 * Runs as:  the mail owner, who owns maildrop/; sees maildrop/ and corrupt/, no network.
 * Started by: master, one process.
 * Talks to: cleanup; postdrop, which connects to the trigger socket and says nothing.
 * Trusts:   cleanup.  Never a file in maildrop/: its owner may have written anything.
 * If taken over: can read, forge and remove mail of local users before it is queued; no other mail.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/panic.h"
#include "base/vec.h"
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "io/net.h"
#include "mail/address.h"
#include "mail/queue_id.h"
#include "pickup/file.h"

#define SCAN_MS		60000	/* files whose trigger was missed */
#define WORKERS		32	/* files handed to cleanup at once: they share its commits */
#define ORIGIN_MAX	300

static int maildrop = -1, corrupt = -1;
static struct str origin;
static struct map *busy;		/* names being taken */
static struct map *stuck;		/* names that can be neither taken nor moved */
static unsigned working;
static bool poked;
static struct fiber_queue scanner;	/* the scanning fiber, while it waits */
static struct fiber_queue room;		/* … for a worker to end */

struct job {
	char name[QUEUE_ID_MAX + 1];
};

static void
remove_file(const char *name)
{
	if (unlinkat(maildrop, name, 0) != 0 && errno != ENOENT)
		log_warn("maildrop/%s: cannot remove: %s", name, strerror(errno));
}

/*
 * Out of the way, to be looked at.  What is no file (a link, a FIFO) goes altogether, and what
 * cannot go is not looked at again.
 */
static void
set_aside(const char *name)
{
	if (renameat(maildrop, name, corrupt, name) == 0) {
		log_warn("maildrop/%s: moved to corrupt", name);
	} else if (unlinkat(maildrop, name, 0) == 0) {
		log_warn("maildrop/%s: removed", name);
	} else {
		log_error("maildrop/%s: cannot move to corrupt: %s", name, strerror(errno));
		(void)map_put(stuck, str_of(name), &stuck);
	}
}

/*
 * It is queued.  The name's end is synced, for otherwise a power cut within the next seconds brings
 * it back when the message is long delivered and its queue file used again.
 */
static void
taken(const char *name)
{
	int e;

	remove_file(name);
	if ((e = fiber_sync_full(maildrop)) != 0)
		log_warn("maildrop: sync: %s", strerror(e));
}

static void
take(void *arg)
{
	struct job *job = arg;
	struct pool *p = pool_new();

	switch (file_take(maildrop, job->name, origin, p)) {
	case TAKEN_OK:
		taken(job->name);
		break;
	case TAKEN_STALE:
		log_warn("maildrop/%s: never finished: removed", job->name);
		remove_file(job->name);
		break;
	case TAKEN_BAD:
		set_aside(job->name);
		break;
	case TAKEN_LATER:
	case TAKEN_GONE:
		break;
	}
	pool_free(p);
	(void)map_del(busy, str_of(job->name));
	free(job);
	working--;
	(void)fiber_queue_wake(&room);
}

/* Names that postdrop gives; anything else is not ours and stays. */
static bool
is_ours(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (!ch_alnum(name[i]))
			return false;
	return n > 0 && n <= QUEUE_ID_MAX;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct job *)a)->name, ((const struct job *)b)->name);
}

/* All names, oldest first. */
static void
list_names(struct vec *names)
{
	int fd = openat(maildrop, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (d == NULL) {
		log_error("cannot list maildrop: %s", strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		struct job *job;

		if (!is_ours(e->d_name) || map_get(busy, str_of(e->d_name)) != NULL ||
		    map_get(stuck, str_of(e->d_name)) != NULL)
			continue;
		job = vec_push(names);
		memcpy(job->name, e->d_name, strlen(e->d_name) + 1);	/* is_ours knows it fits */
	}
	(void)closedir(d);
	vec_sort(names, by_name);
}

static void
scan(void)
{
	struct vec names = vec_of(sizeof(struct job));

	list_names(&names);
	for (size_t i = 0; i < names.n && !service_stopping(); i++) {
		struct job *job;

		while (working >= WORKERS)
			if (fiber_queue_wait(&room, NEVER) == WAKE_CANCEL)
				break;
		job = mem_alloc(sizeof(*job));
		*job = *(struct job *)vec_at(&names, i);
		(void)map_put(busy, str_of(job->name), job);
		working++;
		(void)fiber_start(take, job, "file");
	}
	vec_free(&names);
}

static void
scan_forever(void *arg)
{
	(void)arg;
	while (!service_stopping()) {
		poked = false;
		scan();
		if (!poked && fiber_queue_wait(&scanner, deadline_in(SCAN_MS)) == WAKE_CANCEL)
			break;
	}
}

static void
poke(void)
{
	poked = true;
	(void)fiber_queue_wake(&scanner);
}

/* Whoever connects wants maildrop/ looked at; nothing is read. */
static void
serve(int fd)
{
	(void)close(fd);
	poke();
}

static void
accept_pokes(void *arg)
{
	int fd = service_fd("pickup"), one;
	struct net_addr who;

	(void)arg;
	while (fd >= 0 && !service_stopping()) {
		one = net_accept(fd, &who, NEVER);
		if (one < 0 && errno == ECANCELED)
			break;
		if (one >= 0)
			serve(one);
		else
			(void)fiber_sleep(deadline_in(1000));
	}
}

static void
start(void)
{
	(void)fiber_start(scan_forever, NULL, "scan");
	if (service_fd("pickup") >= 0)
		(void)fiber_start(accept_pokes, NULL, "accept");
}

/* Finish what cleanup has been given. */
static void
stop(void)
{
	poke();
	while (working > 0)
		if (fiber_queue_wait(&room, NEVER) == WAKE_CANCEL)
			break;
}

/* myorigin, or the first line of the file it names. */
static bool
learn_origin(void)
{
	static char text[ORIGIN_MAX];
	FILE *f;

	origin = str_of(common.myorigin);
	if (str_start(origin, STR("/"))) {
		f = fopen(common.myorigin, "re");
		if (f == NULL || fgets(text, sizeof(text), f) == NULL)
			text[0] = '\0';
		if (f != NULL)
			(void)fclose(f);
		origin = str_trim(str_of(text));
	}
	if (!domain_ok(origin, true)) {
		log_error("myorigin = %s is no domain", common.myorigin);
		return false;
	}
	return true;
}

static int
open_folder(const char *name, char *path, size_t room_n)
{
	int n = snprintf(path, room_n, "%s/%s", common.queue_directory, name);
	int fd = n < 0 || (size_t)n >= room_n ? -1 :
	    open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		log_error("cannot open %s/%s: %s", common.queue_directory, name, strerror(errno));
	return fd;
}

static bool
prepare(struct jail *jail)
{
	static char path_maildrop[1024], path_corrupt[1024];
	static const struct jail_path paths[] = {
		{ path_maildrop, PATH_WRITE }, { path_corrupt, PATH_WRITE }, { NULL, 0 }
	};

	maildrop = open_folder("maildrop", path_maildrop, sizeof(path_maildrop));
	corrupt = open_folder("corrupt", path_corrupt, sizeof(path_corrupt));
	busy = map_new();
	stuck = map_new();
	jail->paths = paths;
	return maildrop >= 0 && corrupt >= 0 && learn_origin();
}

int
main(int argc, char **argv)
{
	static const unsigned char peers[] = { PEER_CLEANUP, PEER_NONE };
	static const struct service pickup = {
		.name = "pickup",
		.peer = PEER_PICKUP,
		.needs = { .calls = JAIL_WRITE | JAIL_ACCEPT },
		.peers = peers,
		.prepare = prepare,
		.start = start,
		.serve = serve,
		.stop = stop,
	};

	return service_main(&pickup, argc, argv);
}
