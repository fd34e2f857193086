/* SPDX-License-Identifier: ISC */
/*
 * inject - what would someone own who had taken over this process?
 *
 *	inject PID PROBE ...
 *
 * Stops the process where it waits in a system call, makes it do others in its own name, behind its
 * own filter and view of files, and prints for each probe "ok" or the error's name:
 *
 *	open:PATH	open for reading (a folder too)
 *	write:PATH	create or open for writing
 *	connect:PORT	TCP to 127.0.0.1
 *	exec		execve of a program that does not exist (ENOENT: it may start programs)
 *	kill:PID	signal 0
 *
 * Then lets it go on.  Needs the right to trace it (root).  x86-64 only; exit 77 where it cannot.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIP		77
#define RED_ZONE	1024	/* below the stack pointer, left alone */
#define SCRATCH		512	/* for a path or an address */
#define ATTEMPTS	200

#if defined(__x86_64__)

static pid_t pid;
static struct user_regs_struct home;	/* where it was */

static bool
poke(uint64_t at, const void *data, size_t n)
{
	unsigned char word[SCRATCH] = { 0 };
	long value;

	memcpy(word, data, n);
	for (size_t i = 0; i < n; i += sizeof(long)) {
		memcpy(&value, word + i, sizeof(value));
		if (ptrace(PTRACE_POKEDATA, pid, at + i, value) != 0)
			return false;
	}
	return true;
}

/* One system call in its name: its result, negative errno on failure. */
static long
call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct user_regs_struct r = home;
	int status;

	r.rip = home.rip - 2;
	r.rax = (uint64_t)number;
	r.orig_rax = (uint64_t)-1;
	r.rdi = a;
	r.rsi = b;
	r.rdx = c;
	r.r10 = d;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &r) != 0 ||
	    ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0 || waitpid(pid, &status, __WALL) != pid)
		return -ESRCH;
	if (!WIFSTOPPED(status)) {
		printf("gone ");
		return -ESRCH;
	}
	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) != 0)
		return -ESRCH;
	return (long)r.rax;
}

/* Stop it inside a system call. */
static bool
attach(void)
{
	int status;
	long text;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) != 0)
			return false;
		if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
			return false;
		if (ptrace(PTRACE_GETREGS, pid, NULL, &home) != 0)
			return false;
		errno = 0;
		text = ptrace(PTRACE_PEEKTEXT, pid, home.rip - 2, NULL);
		if (errno == 0 && (text & 0xffff) == 0x050f)
			return true;
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
		usleep(5000);
	}
	errno = EAGAIN;
	return false;
}

static long
probe(const char *what)
{
	uint64_t at = (home.rsp - RED_ZONE - SCRATCH) & ~(uint64_t)15;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *arg = strchr(what, ':') != NULL ? strchr(what, ':') + 1 : "";
	size_t n = strlen(arg) + 1;
	long r, fd;

	if (n > SCRATCH)
		return -ENAMETOOLONG;
	if (strncmp(what, "open:", 5) == 0 || strncmp(what, "write:", 6) == 0) {
		poke(at, arg, n);
		r = call(SYS_openat, (uint64_t)(long)AT_FDCWD, at,
		    what[0] == 'o' ? O_RDONLY | O_NONBLOCK : O_WRONLY | O_CREAT | O_NONBLOCK, 0600);
		if (r >= 0)
			call(SYS_close, (uint64_t)r, 0, 0, 0);
		return r;
	}
	if (strncmp(what, "connect:", 8) == 0) {
		to.sin_port = htons((uint16_t)strtoul(arg, NULL, 10));
		fd = call(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0);
		if (fd < 0)
			return fd;
		poke(at, &to, sizeof(to));
		r = call(SYS_connect, (uint64_t)fd, at, sizeof(to), 0);
		call(SYS_close, (uint64_t)fd, 0, 0, 0);
		return r;
	}
	if (strcmp(what, "exec") == 0) {
		poke(at, "/nonexistent", sizeof("/nonexistent"));
		r = call(SYS_execve, at, 0, 0, 0);
		return r == -ENOENT ? 0 : r;
	}
	if (strncmp(what, "kill:", 5) == 0)
		return call(SYS_kill, strtoul(arg, NULL, 10), 0, 0, 0);
	return -EINVAL;
}

int
main(int argc, char **argv)
{
	if (argc < 3)
		return 64;
	pid = (pid_t)strtoul(argv[1], NULL, 10);
	if (!attach()) {
		perror("inject: attach");
		return SKIP;
	}
	for (int i = 2; i < argc; i++) {
		long r = probe(argv[i]);

		printf("%s %s\n", argv[i], r >= 0 ? "ok" : strerrorname_np((int)-r));
	}
	ptrace(PTRACE_SETREGS, pid, NULL, &home);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return 0;
}

#else

int
main(void)
{
	fprintf(stderr, "inject: not written for this processor\n");
	return SKIP;
}

#endif
