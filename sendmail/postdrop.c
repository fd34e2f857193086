/* SPDX-License-Identifier: ISC */
/*
 * postdrop - put a message from a local user into maildrop/.
 *
 * Runs as:  the caller, with the group that may write into maildrop/ (setgid; nothing else is).
 * Talks to: whoever called it, by standard input (wire/drop.h); pickup, by connecting to its
 *           trigger socket and closing again.
 * Trusts:   nothing the caller says or is: environment, descriptors, limits, working directory,
 *           signals.  A configuration of the caller's own choice is used with the caller's own
 *           rights only, unless the installed main.cf lists it in alternate_config_directories
 *           and root owns it (an old entry may lead to a folder that somebody else made since).
 * If taken over: can add files to maildrop/, which pickup checks in full and treats as sent by the
 *           owner of the file, and remove those of the same user.  Files of others cannot be read
 *           (mode 0604: the group may not) nor removed (the folder is sticky).
 *
 * Works whether or not the suite is running.  Exit 0 is a promise: the file is on stable storage.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/panic.h"
#include "conf/common.h"
#include "conf/room_postdrop.h"
#include "daemon/jail.h"
#include "io/settle.h"
#include "mail/queue_id.h"
#include "wire/drop.h"

#define INPUT		65536
#define NAME_TRIES	20

struct output {
	int dir;			/* maildrop/, O_PATH */
	int fd;
	char name[QUEUE_ID_MAX + 1];
	struct buf buf;
};

static volatile sig_atomic_t interrupted;
static const char *unlisted;	/* the configuration for which the group was dropped */

static void
on_signal(int signo)
{
	(void)signo;
	interrupted = 1;
}

/*
 * Make the process ours: three descriptors, no environment, signals that end the transfer in order
 * instead of the process (security C1, C4).
 */
static void
begin(void)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGALRM, SIGXCPU };
	struct sigaction stop = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };
	sigset_t none;

	if (!settle(-1))
		_exit(EX_OSERR);
	(void)clearenv();
	(void)umask(0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGXFSZ, &ignore, NULL);
	(void)sigaction(SIGTSTP, &ignore, NULL);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		(void)sigaction(ends[i], &stop, NULL);
}

/* Go on as the caller and nobody else; must work (security C5). */
static void
drop_group(void)
{
	gid_t gid = getgid(), r, e, s;

	if (setresgid(gid, gid, gid) != 0 || getresgid(&r, &e, &s) != 0 || r != gid || e != gid ||
	    s != gid)
		_exit(EX_OSERR);
}

/* Does the installed configuration list this folder? */
static bool
is_listed(const char *dir)
{
	struct strs none = { NULL, 0 };
	struct conf *c = conf_read(CONFDIR, &none);
	bool found = false;

	(void)conf_load(c, postdrop_params);
	for (size_t i = 0; i < postdrop_conf.alternates.n && !found; i++)
		found = str_eq(postdrop_conf.alternates.v[i], str_of(dir));
	conf_free(c);
	return found;
}

/* The folder, held open, when nobody but root may change what is in it; else -1. */
static int
hold_roots(const char *dir)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != 0 ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

static void
configure(const char *config)
{
	struct strs none = { NULL, 0 };
	const char *dir = config == NULL ? CONFDIR : config;
	const struct conf_finding *f;
	struct conf *c;
	char held[32];
	int fd = -1;
	size_t n;

	if (getegid() != getgid() && strcmp(dir, CONFDIR) != 0) {
		if (is_listed(dir) && (fd = hold_roots(dir)) >= 0) {
			(void)snprintf(held, sizeof(held), "/proc/self/fd/%d", fd);
			dir = held;
		} else {
			drop_group();
			unlisted = dir;
		}
	}
	c = conf_read(dir, &none);	/* whose texts may lead through `fd`: it stays */
	(void)conf_common(c);
	/* A mistake in main.cf is no reason to refuse mail; but what is meant for one queue must not go
	 * to another because the file is not there, or has lost the line that says which. */
	if (config == NULL || strcmp(config, CONFDIR) == 0 || !conf_broken(c) ||
	    conf_is_set(c, "queue_directory"))
		return;
	f = conf_findings(c, &n);
	log_error("%s/main.cf does not say where its queue is: %s", config, n > 0 ? f[0].text : "");
	exit(EX_UNAVAILABLE);
}

static _Noreturn void give_up(struct output *out, int status, const char *why);

/* No permission: say what an administrator has to do about it. */
static _Noreturn void
not_allowed(struct output *out)
{
	if (unlisted != NULL)
		log_error("%s may not be handed mail by users other than its owner: "
		    "alternate_config_directories in %s/main.cf does not list it, or root does not own it",
		    unlisted, CONFDIR);
	give_up(out, EX_UNAVAILABLE, "no permission to write into maildrop");
}

/* Open maildrop/, then see nothing else. */
static void
enclose(struct output *out)
{
	static char path[1024];
	struct jail_path paths[] = { { path, PATH_WRITE }, { NULL, 0 } };
	struct jail jail = { .name = "postdrop", .calls = JAIL_WRITE | JAIL_UNIX,
		.paths = paths, .quiet = true };
	int n = snprintf(path, sizeof(path), "%s/maildrop", common.queue_directory);

	if (n < 0 || (size_t)n >= sizeof(path))
		exit(EX_CONFIG);
	out->dir = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out->dir < 0 || fchdir(out->dir) != 0) {
		bool denied = errno == EACCES;

		log_error("cannot use %s: %s", path, strerror(errno));
		if (denied)
			not_allowed(out);
		exit(EX_UNAVAILABLE);
	}
	if (!jail_close(&jail, common.sandbox, (unsigned)common.sandbox_landlock_abi))
		give_up(out, EX_TEMPFAIL, "cannot confine itself; nothing was queued");
}

/* Forget the message. */
static void
discard(struct output *out)
{
	if (out->fd >= 0 && unlinkat(out->dir, out->name, 0) != 0)
		log_warn("cannot remove %s: %s", out->name, strerror(errno));
}

static _Noreturn void
give_up(struct output *out, int status, const char *why)
{
	discard(out);
	log_error("%s", why);
	exit(status);
}

/* Exactly `n` bytes of standard input. */
static void
get(struct output *out, char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = interrupted ? -1 : read(STDIN_FILENO, to, n);

		if (interrupted)
			give_up(out, EX_TEMPFAIL, "interrupted");
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			give_up(out, EX_IOERR, "cannot read the message");
		if (got == 0)
			give_up(out, EX_DATAERR, "the message ends too early");
		to += got;
		n -= (size_t)got;
	}
}

static void
flush(struct output *out)
{
	size_t at = 0;

	while (at < out->buf.n) {
		ssize_t n = write(out->fd, out->buf.p + at, out->buf.n - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			give_up(out, EX_TEMPFAIL, errno == ENOSPC ? "the disk is full" :
			    "cannot write the message");
		at += (size_t)n;
	}
	buf_reset(&out->buf);
}

static void
put(struct output *out, char type, struct str data)
{
	char head[DROP_HEAD];

	drop_head(head, type, (uint32_t)data.n);
	buf_add(&out->buf, str_n(head, sizeof(head)));
	buf_add(&out->buf, data);
	if (out->buf.n > INPUT)
		flush(out);
}

/* A new file under a name that looks like a long queue ID. */
static void
create(struct output *out)
{
	struct queue_id_clock clock = { 0 };
	uint32_t number;

	for (unsigned i = 0; i < NAME_TRIES; i++) {
		random_bytes(&number, sizeof(number));
		(void)queue_id_next(&clock, clock_wall_us(), number, out->name);
		out->fd = openat(out->dir, out->name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0604);
		if (out->fd >= 0)
			return;
		if (errno != EEXIST)
			break;
	}
	if (errno == EACCES || errno == EPERM || errno == EROFS)
		not_allowed(out);
	give_up(out, EX_TEMPFAIL, "cannot make a file in maildrop");
}

/* The envelope: checked, completed with what only we know, written. */
static void
take_envelope(struct output *out, struct str packed)
{
	struct pool *p = pool_new();
	struct buf ours = { .limit = DROP_ENVELOPE_MAX };
	struct drop d;
	const char *why;
	size_t nfds = 0;

	if (!ipc_unpack(packed, &drop_msg, &d, NULL, 0, p))
		give_up(out, EX_DATAERR, "malformed envelope");
	if (!drop_ok(&d, p, &why))
		give_up(out, EX_DATAERR, why);
	create(out);
	d.uid = getuid();
	d.arrival_us = (uint64_t)clock_wall_us();
	d.name = str_of(out->name);
	if (!ipc_pack(&ours, &drop_msg, &d, NULL, &nfds))
		give_up(out, EX_DATAERR, "envelope too large");
	buf_add(&out->buf, STR(DROP_MAGIC));
	put(out, DROP_ENVELOPE, buf_str(&ours));
	buf_free(&ours);
	pool_free(p);
}

/* Read records up to the end mark, which stays in the buffer. */
static void
transfer(struct output *out)
{
	struct drop_walk walk = { .begun = false };
	char head[DROP_HEAD], *data;
	const char *why;
	uint32_t n;

	while (!walk.ended) {
		get(out, head, sizeof(head));
		if (!drop_walk_head(&walk, head, &n))
			give_up(out, EX_DATAERR, "malformed input");
		data = mem_alloc(n);
		get(out, data, n);
		if (!drop_walk_data(&walk, str_n(data, n), &why))
			give_up(out, EX_DATAERR, why);
		if (common.message_size_limit > 0 && walk.total > common.message_size_limit)
			give_up(out, EX_DATAERR, "message file too big");
		if (walk.type == DROP_ENVELOPE)
			take_envelope(out, str_n(data, n));
		else
			put(out, walk.type, str_n(data, n));
		free(data);
	}
}

/*
 * Does fsync of a new file make its first name durable on this file system?  The group may not read
 * maildrop/ (1730), so its folder cannot be opened to sync it; ext4, XFS and btrfs need no more
 * than the file (measured), elsewhere the whole file system is synced.
 */
static bool
name_is_durable(int fd)
{
	static const unsigned long known[] = { 0xEF53, 0x58465342, 0x9123683E, 0x01021994 };
	struct statfs s;

	if (fstatfs(fd, &s) != 0)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((unsigned long)s.f_type == known[i])
			return true;
	return false;
}

/* The promise.  From the last write on no signal may come between it and its exit status. */
static void
commit(struct output *out)
{
	sigset_t all;
	int dir;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	if (interrupted)
		give_up(out, EX_TEMPFAIL, "interrupted");
	flush(out);
	if (fsync(out->fd) != 0)
		give_up(out, EX_TEMPFAIL, "cannot make the message durable");
	dir = openat(out->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 ? fsync(dir) != 0 : !name_is_durable(out->fd) && syncfs(out->fd) != 0)
		give_up(out, EX_TEMPFAIL, "cannot make the message durable");
	if (close(out->fd) != 0)
		give_up(out, EX_TEMPFAIL, "cannot close the message");
}

/* Tell pickup, if there is one. */
static void
poke(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/public/pickup", common.run_directory);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(to.sun_path))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)connect(fd, (struct sockaddr *)&to, sizeof(to));
	(void)close(fd);
}

int
main(int argc, char **argv)
{
	static struct output out = { .dir = -1, .fd = -1 };
	const char *config = NULL;
	char magic[DROP_MAGIC_N];

	begin();
	log_open(STDERR_FILENO, LOG_PLAIN, "postdrop");
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-c") == 0 && i + 1 < argc) {
			config = argv[++i];
		} else if (strcmp(argv[i], "-r") != 0 && strcmp(argv[i], "-v") != 0) {
			log_error("usage: postdrop [-c config_dir] < records");
			return EX_USAGE;
		}
	}
	configure(config);
	enclose(&out);
	get(&out, magic, sizeof(magic));
	if (memcmp(magic, DROP_MAGIC, sizeof(magic)) != 0)
		give_up(&out, EX_DATAERR, "malformed input");
	transfer(&out);
	commit(&out);
	poke();
	return EX_OK;
}
