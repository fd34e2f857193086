/* SPDX-License-Identifier: ISC */
#include "sendmail/dropper.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/panic.h"

extern char **environ;

#define PATH_ROOM	1024

bool
tool_path(const char *name, char *out, size_t room)
{
	char self[PATH_ROOM];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;
	int len;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL) {
			*slash = '\0';
			len = snprintf(out, room, "%s/%s", self, name);
			if (len > 0 && (size_t)len < room && access(out, X_OK) == 0)
				return true;
		}
	}
	len = snprintf(out, room, "%s/%s", SBINDIR, name);
	return len > 0 && (size_t)len < room;
}

static bool
start(struct dropper *d)
{
	char path[PATH_ROOM], name[] = "postdrop", dash_c[] = "-c";
	char *plain[] = { name, NULL };
	char *with[] = { name, dash_c, (char *)(uintptr_t)d->config, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], err;

	if (!tool_path("postdrop", path, sizeof(path)) || pipe2(ends, O_CLOEXEC) < 0)
		return false;
	if (posix_spawn_file_actions_init(&actions) != 0 ||
	    posix_spawn_file_actions_adddup2(&actions, ends[0], 0) != 0)
		fatal("out of memory");
	err = posix_spawn(&d->pid, path, &actions, NULL, d->config == NULL ? plain : with, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(ends[0]);
	if (err != 0) {
		(void)close(ends[1]);
		d->pid = 0;
		errno = err;
		return false;
	}
	d->fd = ends[1];
	return true;
}

static void
send_bytes(struct dropper *d, const char *p, size_t n)
{
	while (n > 0 && !d->broken) {
		ssize_t w = write(d->fd, p, n);

		if (w > 0) {
			p += w;
			n -= (size_t)w;
		} else if (w < 0 && errno != EINTR) {
			d->broken = true;
		}
	}
}

static void
send_record(struct dropper *d, char type, struct str data)
{
	char head[DROP_HEAD];

	drop_head(head, type, (uint32_t)data.n);
	send_bytes(d, head, sizeof(head));
	send_bytes(d, data.p, data.n);
}

static int
dropper_open(void *arg, const struct drop *env)
{
	struct buf packed = { .limit = DROP_ENVELOPE_MAX };
	struct dropper *d = arg;
	size_t nfds = 0;
	int err = 0;

	*d = (struct dropper){ .config = d->config, .fd = -1 };
	if (!ipc_pack(&packed, &drop_msg, env, NULL, &nfds)) {
		err = EMSGSIZE;
	} else if (!start(d)) {
		err = errno;
	} else {
		send_bytes(d, DROP_MAGIC, DROP_MAGIC_N);
		send_record(d, DROP_ENVELOPE, buf_str(&packed));
	}
	buf_free(&packed);
	return err;
}

static void
dropper_add(void *arg, struct str data)
{
	struct dropper *d = arg;

	while (data.n > 0 && !d->broken) {
		struct str piece = str_sub(data, 0, DROP_PIECE_MAX);

		send_record(d, DROP_CONTENT, piece);
		d->total += piece.n;
		data = str_sub(data, piece.n, data.n);
	}
}

static int
finish(struct dropper *d)
{
	int status;

	(void)close(d->fd);
	while (waitpid(d->pid, &status, 0) < 0)
		if (errno != EINTR)
			return EX_OSERR;
	d->pid = 0;
	if (!WIFEXITED(status))
		return EX_SOFTWARE;
	if (WEXITSTATUS(status) == 127)
		return EX_UNAVAILABLE;
	return WEXITSTATUS(status);
}

static int
dropper_commit(void *arg)
{
	struct dropper *d = arg;
	char total[8];
	int status;

	drop_total(total, d->total);
	send_record(d, DROP_END, str_n(total, sizeof(total)));
	status = finish(d);
	/* It did not read all of it, so whatever it says, it has not kept the message. */
	return d->broken && status == EX_OK ? EX_SOFTWARE : status;
}

/* Without its last record postdrop keeps nothing. */
static void
dropper_abort(void *arg)
{
	(void)finish(arg);
}

struct taker
dropper_taker(struct dropper *d)
{
	return (struct taker){ d, dropper_open, dropper_add, dropper_commit, dropper_abort };
}
