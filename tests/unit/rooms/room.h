/* SPDX-License-Identifier: ISC */
/*
 * room - start real programs of the suite for a test, jail and all, without master.
 *
 * A test makes a folder with a main.cf, connects programs with socket pairs as master would, and
 * talks to them through lib/ask.
 */
#ifndef ROOMS_ROOM_H
#define ROOMS_ROOM_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "ipc/peer.h"
#include "unit/unit.h"
#include "wire/peers.h"

#define ROOM_FDS	8

/* -p and -f arguments: "keyd=FD"; the descriptor is closed here after the start. */
struct room_fd {
	char option;		/* 'p' or 'f'; 0 ends the list */
	const char *name;
	int fd;
};

/* A new temporary folder. */
static inline const char *
room_dir(void)
{
	static char dir[64];

	unit_folder(dir, sizeof(dir));
	return dir;
}

static inline void
room_file(const char *dir, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert(fputs(text, f) >= 0);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void
room_pair(int pair[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
	    0);
}

/* Start BUILDDIR/NAME/NAME with this folder; it dies with the test. */
static inline pid_t
room_start(const char *name, const char *dir, const struct room_fd *fds)
{
	char path[300], args[ROOM_FDS][40];
	const char *argv[2 * ROOM_FDS + 8] = { path, "-c", dir, "-n", name };
	unsigned n = 5;
	sigset_t term;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", BUILDDIR, name, name);
	/* libcheck's own handler of SIGTERM ends the whole group: it must not run in the child. */
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		(void)signal(SIGTERM, SIG_DFL);
	(void)sigprocmask(SIG_UNBLOCK, &term, NULL);
	for (unsigned i = 0; fds[i].option != 0; i++) {
		if (pid != 0) {
			(void)close(fds[i].fd);
			continue;
		}
		(void)fcntl(fds[i].fd, F_SETFD, 0);
		(void)snprintf(args[i], sizeof(args[i]), "%s=%d", fds[i].name, fds[i].fd);
		argv[n++] = fds[i].option == 'p' ? "-p" : "-f";
		argv[n++] = args[i];
	}
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The leak checker traces the process, which the jail forbids. */
		(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
		(void)execv(path, (char **)(uintptr_t)argv);
		perror(path);
		_exit(127);
	}
	return pid;
}

static inline void
room_stop(pid_t pid)
{
	int status;

	(void)kill(pid, SIGTERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* One whose peers have gone may be on its way out when the signal comes. */
	ck_assert_msg(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM),
	    "ended with status %x", status);
}

#endif
