/* SPDX-License-Identifier: ISC */
/*
 * The jail from inside: a child closes it with the classes of a row and tries things.  It reports by
 * its exit status, since a jailed process has little else.
 */
#include "unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/jail.h"

#define BROKEN	90	/* exit statuses of a child beyond 0 and 1 */
#define SKIPPED	91

/* A build without seccomp has only what Landlock stops. */
#ifdef WITH_SECCOMP
#define FILTERED	true
#else
#define FILTERED	false
#endif

static char dir[64], file[100], listed[100];
static pid_t parent;

/* True when the kernel let it happen. */
static bool
try_open_etc(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
try_read(void)
{
	return open(file, O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
try_list(void)
{
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0;
}

static bool
try_write(void)
{
	return open(file, O_WRONLY | O_CLOEXEC) >= 0;
}

static bool
try_create(void)
{
	return open(listed, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
}

static bool
try_unlink(void)
{
	return unlink(file) == 0;
}

static bool
try_truncate(void)
{
	return truncate(file, 0) == 0;
}

static bool
try_symlink(void)
{
	return symlink("/etc/passwd", listed) == 0;
}

static bool
try_tcp(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool
try_raw(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0 || socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
}

static bool
try_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

/* Leaving a connected socket for another address: what authd could do with a client's. */
static bool
try_connect(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		fd = 100;		/* made before the jail was closed */
	return connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0 || errno == ECONNREFUSED;
}

static bool
try_bind(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return bind(101, (struct sockaddr *)&in, sizeof(in)) == 0;
}

static bool
try_accept(void)
{
	return accept(102, NULL, NULL) >= 0 || errno == EAGAIN;
}

static bool
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
try_exec(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
	return errno != EPERM && errno != EACCES;
}

static bool
try_kill(void)
{
	return kill(parent, 0) == 0;
}

static bool
try_kill_self(void)
{
	return kill(getpid(), 0) == 0;
}

static bool
try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool
try_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0) != MAP_FAILED;
}

static bool
try_code_later(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool
try_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

static bool
try_terminal(void)
{
	char c = 'x';

	return ioctl(0, TIOCSTI, &c) == 0 || errno != EPERM;
}

static bool
try_setuid(void)
{
	return setuid(getuid()) == 0;
}

static void *
nothing(void *arg)
{
	return arg;
}

static bool
try_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0;
}

static bool
try_memory(void)
{
	void *p = malloc(1 << 20);

	free(p);
	return p != NULL;
}

static bool
try_fstat(void)
{
	struct stat st;

	return fstat(0, &st) == 0;
}

enum { PATH_NONE, PATH_R, PATH_RW };
enum wall {
	NONE,		/* it works */
	FILTER,		/* seccomp */
	FILES,		/* Landlock, whatever seccomp says to it */
	TCP,		/* Landlock's TCP walls: newer kernels only */
};

static const struct row {
	const char *what;
	bool (*attempt)(void);
	unsigned calls;
	int path;		/* rights on the folder */
	enum wall wall;		/* what stops it */
} rows[] = {
	/* The floor: what every program may do, and what none may. */
	{ "memory", try_memory, 0, PATH_NONE, NONE },
	{ "threads", try_thread, 0, PATH_NONE, NONE },
	{ "fstat", try_fstat, 0, PATH_NONE, NONE },
	{ "signal to itself", try_kill_self, 0, PATH_NONE, NONE },
	{ "open", try_open_etc, 0, PATH_NONE, FILES },
	{ "fork", try_fork, 0, PATH_NONE, FILTER },
	{ "exec", try_exec, 0, PATH_NONE, FILES },
	{ "signal to another", try_kill, 0, PATH_NONE, FILTER },
	{ "ptrace", try_ptrace, 0, PATH_NONE, FILTER },
	{ "writable code", try_code, 0, PATH_NONE, FILTER },
	{ "code from data", try_code_later, 0, PATH_NONE, FILTER },
	{ "dumpable again", try_dumpable, 0, PATH_NONE, FILTER },
	{ "terminal input", try_terminal, 0, PATH_NONE, FILTER },
	{ "setuid", try_setuid, 0, PATH_NONE, FILTER },
	{ "TCP socket", try_tcp, 0, PATH_NONE, FILTER },
	{ "Unix socket", try_unix, 0, PATH_NONE, FILTER },
	{ "connect what it has", try_connect, 0, PATH_NONE, FILTER },
	{ "bind what it has", try_bind, 0, PATH_NONE, FILTER },
	{ "accept", try_accept, 0, PATH_NONE, FILTER },
	/* Classes give what they say and no more. */
	{ "accept", try_accept, JAIL_ACCEPT, PATH_NONE, NONE },
	{ "accept: socket", try_tcp, JAIL_ACCEPT, PATH_NONE, FILTER },
	{ "connect", try_connect, JAIL_CONNECT, PATH_NONE, NONE },
	{ "connect: raw", try_raw, JAIL_CONNECT, PATH_NONE, FILTER },
	{ "connect: Unix", try_unix, JAIL_CONNECT, PATH_NONE, FILTER },
	{ "connect: bind TCP", try_bind, JAIL_CONNECT, PATH_NONE, TCP },
	{ "connect: fork", try_fork, JAIL_CONNECT, PATH_NONE, FILTER },
	{ "unix", try_unix, JAIL_UNIX, PATH_NONE, NONE },
	{ "unix: TCP", try_tcp, JAIL_UNIX, PATH_NONE, FILTER },
	{ "unix: TCP it has", try_connect, JAIL_UNIX, PATH_NONE, TCP },
	{ "read", try_read, JAIL_READ, PATH_R, NONE },
	{ "read: list", try_list, JAIL_READ, PATH_R, NONE },
	{ "read: elsewhere", try_open_etc, JAIL_READ, PATH_R, FILES },
	{ "read: no path", try_read, JAIL_READ, PATH_NONE, FILES },
	{ "read: write", try_write, JAIL_READ, PATH_R, FILES },
	{ "read: write where it could", try_write, JAIL_READ, PATH_RW, FILTER },
	{ "read: create", try_create, JAIL_READ, PATH_RW, FILTER },
	{ "read: unlink", try_unlink, JAIL_READ, PATH_RW, FILTER },
	{ "read: truncate", try_truncate, JAIL_READ, PATH_RW, FILTER },
	{ "write", try_write, JAIL_WRITE, PATH_RW, NONE },
	{ "write: create", try_create, JAIL_WRITE, PATH_RW, NONE },
	{ "write: unlink", try_unlink, JAIL_WRITE, PATH_RW, NONE },
	{ "write: where it may read", try_write, JAIL_WRITE, PATH_R, FILES },
	{ "write: create where it may read", try_create, JAIL_WRITE, PATH_R, FILES },
	{ "write: elsewhere", try_open_etc, JAIL_WRITE, PATH_RW, FILES },
	{ "write: symlink", try_symlink, JAIL_WRITE, PATH_RW, FILTER },
	{ "write: exec", try_exec, JAIL_WRITE, PATH_RW, FILES },
	{ "write: fork", try_fork, JAIL_WRITE, PATH_RW, FILTER },
	{ "exec: fork", try_fork, JAIL_EXEC, PATH_NONE, NONE },
	{ "exec: what it cannot see", try_exec, JAIL_EXEC, PATH_NONE, FILES },
	{ "exec: open", try_open_etc, JAIL_EXEC, PATH_NONE, FILES },
};

static void
setup(void)
{
	int fd;

	parent = getpid();
	unit_folder(dir, sizeof(dir));
	(void)snprintf(file, sizeof(file), "%s/file", dir);
	(void)snprintf(listed, sizeof(listed), "%s/new", dir);
	ck_assert_int_ge(fd = open(file, O_WRONLY | O_CREAT, 0600), 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	(void)close(fd);
}

static void
teardown(void)
{
	(void)unlink(file);
	(void)unlink(listed);
	(void)rmdir(dir);
}

/* Sockets a program may have been handed. */
static void
hand_over(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)dup2(socket(AF_INET, SOCK_STREAM, 0), 100);
	(void)dup2(socket(AF_INET, SOCK_STREAM, 0), 101);
	if (bind(s, (struct sockaddr *)&in, sizeof(in)) != 0 || listen(s, 1) != 0)
		_exit(BROKEN);
	(void)dup2(s, 102);
}

/* 0: it worked; 1: it was refused. */
static int
in_jail(const struct row *r, unsigned abi)
{
	struct jail_path paths[2] = { { dir, PATH_READ | (r->path == PATH_RW ? PATH_WRITE : 0) } };
	struct jail j = { .name = "test", .calls = r->calls,
		.paths = r->path == PATH_NONE ? NULL : paths };
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		struct jail_facts f;

		hand_over();
		log_open(2, LOG_PLAIN, "jail");
		if (!jail_close(&j, 0, abi))
			_exit(SKIPPED);
		f = jail_facts();
		if (f.seccomp != FILTERED || !f.no_new_privs || f.dumpable || f.landlock_abi < 2 ||
		    (abi != 0 && f.landlock_abi > (int)abi))
			_exit(BROKEN);
		if ((r->wall == TCP && !f.landlock_net) || (r->wall == FILTER && !FILTERED))
			_exit(SKIPPED);
		_exit(r->attempt() ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "%s: the child was killed by signal %d", r->what,
	    WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* With all that this kernel has, and as on one that has only what we need at least. */
static void
row_at(const struct row *r, unsigned abi)
{
	int got = in_jail(r, abi);

	ck_assert_msg(got != BROKEN, "%s: the jail says it is not closed", r->what);
	if (got == SKIPPED)		/* a kernel or a build without; the room tests say so louder */
		return;
	ck_assert_msg((got == 0) == (r->wall == NONE), "%s (Landlock ABI %u) %s", r->what, abi,
	    got == 0 ? "worked" : "was refused");
}

START_TEST(attempt)
{
	row_at(&rows[_i], 0);
	/* A worked attempt may have used up the file. */
	teardown();
	setup();
	row_at(&rows[_i], 2);
}
END_TEST

START_TEST(off)
{
	struct jail j = { .name = "test" };

	ck_assert(jail_close(&j, 2, 0));
	ck_assert(!jail_facts().seccomp);
	ck_assert(try_open_etc());
}
END_TEST

START_TEST(describe)
{
	static const struct jail_facts all = { true, false, true, 6, true, true },
	    none = { false, true, false, 0, false, false };
	struct buf b = { 0 };

	jail_describe(&b, &all);
	ck_str_is(buf_str(&b), "seccomp, landlock 6 (files, tcp, scope), no_new_privs, not dumpable");
	buf_reset(&b);
	jail_describe(&b, &none);
	ck_str_is(buf_str(&b), "no seccomp, no landlock");
	buf_free(&b);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("jail");
	TCase *t = tcase_create("attempts");

	tcase_add_checked_fixture(t, setup, teardown);
	unit_add_rows(t, attempt, rows);
	tcase_add_test(t, off);
	tcase_add_test(t, describe);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
