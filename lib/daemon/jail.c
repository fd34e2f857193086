/* SPDX-License-Identifier: ISC */
/*
 * Landlock by its three system calls, seccomp by libseccomp.  Constants that older kernel headers
 * lack are defined here.
 */
#include "daemon/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef WITH_SECCOMP
#include <seccomp.h>
#endif

#include "base/log.h"

/* Rights by the ABI that brought them; values are the kernel's. */
#define FS_EXECUTE	(1ULL << 0)
#define FS_WRITE_FILE	(1ULL << 1)
#define FS_READ_FILE	(1ULL << 2)
#define FS_READ_DIR	(1ULL << 3)
#define FS_REMOVE_DIR	(1ULL << 4)
#define FS_REMOVE_FILE	(1ULL << 5)
#define FS_MAKE_DIR	(1ULL << 7)
#define FS_MAKE_REG	(1ULL << 8)
#define FS_ABI1		((1ULL << 13) - 1)
#define FS_REFER	(1ULL << 13)	/* ABI 2 */
#define FS_TRUNCATE	(1ULL << 14)	/* ABI 3 */
#define FS_IOCTL_DEV	(1ULL << 15)	/* ABI 5 */
#define NET_BIND	(1ULL << 0)	/* ABI 4 */
#define NET_CONNECT	(1ULL << 1)
#define SCOPE_ABSTRACT	(1ULL << 0)	/* ABI 6 */
#define SCOPE_SIGNAL	(1ULL << 1)

#define ABI_LEAST	2	/* Debian 12's own kernel has it */
#define ABI_NET		4
#define ABI_IOCTL	5
#define ABI_SCOPE	6
#define ABI_KNOWN	6

/* As the newest kernel knows it; older ones take the first part. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static struct jail_facts facts = { .dumpable = true };

struct jail_facts
jail_facts(void)
{
	return facts;
}

static int
landlock_abi(unsigned cap)
{
	long abi = syscall(__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 0)
		return 0;
	if (abi > ABI_KNOWN)
		abi = ABI_KNOWN;
	return cap != 0 && abi > (long)cap ? (int)cap : (int)abi;
}

static uint64_t
handled_fs(int abi)
{
	return FS_ABI1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
	    (abi >= ABI_IOCTL ? FS_IOCTL_DEV : 0);
}

static uint64_t
rights_of(unsigned rights, bool folder, uint64_t handled)
{
	uint64_t r = 0;

	if (rights & (PATH_READ | PATH_WRITE))
		r |= FS_READ_FILE | FS_READ_DIR;
	if (rights & PATH_WRITE)
		r |= FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |
		    FS_REFER | FS_TRUNCATE;
	if (rights & PATH_EXEC)
		r |= FS_EXECUTE | FS_READ_FILE;
	if (!folder)
		r &= FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE;
	return r & handled;
}

static bool
add_path(int ruleset, const struct jail_path *p, uint64_t handled)
{
	struct landlock_path_beneath_attr rule = { 0 };
	struct stat st;
	bool ok;

	rule.parent_fd = open(p->path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
	ok = fstat(rule.parent_fd, &st) == 0;
	rule.allowed_access = rights_of(p->rights, ok && S_ISDIR(st.st_mode), handled);
	ok = ok && syscall(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	(void)close(rule.parent_fd);
	return ok;
}

static bool
close_landlock(const struct jail *j, int abi)
{
	struct ruleset set = { .fs = handled_fs(abi) };
	size_t size = abi >= ABI_SCOPE ? sizeof(set) : abi >= ABI_NET ? 16 : 8;
	int fd;
	bool ok = true;

	if (abi >= ABI_NET)
		set.net = NET_BIND | ((j->calls & JAIL_CONNECT) ? 0 : NET_CONNECT);
	if (abi >= ABI_SCOPE)
		set.scoped = SCOPE_ABSTRACT | ((j->calls & JAIL_EXEC) ? 0 : SCOPE_SIGNAL);
	fd = (int)syscall(__NR_landlock_create_ruleset, &set, size, 0);
	if (fd < 0)
		return false;
	for (const struct jail_path *p = j->paths; p != NULL && p->path != NULL && ok; p++)
		if (!(ok = add_path(fd, p, set.fs)))
			log_error("jail: landlock: %s: %s", p->path, strerror(errno));
	ok = ok && syscall(__NR_landlock_restrict_self, fd, 0) == 0;
	(void)close(fd);
	facts.landlock_abi = ok ? abi : 0;
	facts.landlock_net = ok && abi >= ABI_NET;
	facts.landlock_scope = ok && abi >= ABI_SCOPE;
	return ok;
}

#ifdef WITH_SECCOMP

#define CALL(name)	SCMP_SYS(name)
#define CALLS_END	(-1)

/* What every program may do: memory, time, waiting, and descriptors it already has. */
static const int floor_calls[] = {
	CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(pread64), CALL(pwrite64),
	CALL(preadv), CALL(pwritev), CALL(preadv2), CALL(pwritev2),
	CALL(recvmsg), CALL(sendmsg), CALL(recvmmsg), CALL(sendmmsg), CALL(recvfrom), CALL(sendto),
	CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2),
	CALL(eventfd2), CALL(timerfd_create), CALL(timerfd_settime), CALL(poll), CALL(ppoll),
	CALL(select), CALL(pselect6), CALL(pipe2), CALL(socketpair),
	CALL(close), CALL(close_range), CALL(dup), CALL(dup2), CALL(dup3), CALL(fcntl), CALL(lseek),
	CALL(fstat), CALL(fstatfs), CALL(fsync), CALL(fdatasync),
	CALL(munmap), CALL(mremap), CALL(brk), CALL(madvise), CALL(mincore), CALL(mlock),
	CALL(munlock), CALL(mlock2), CALL(msync), CALL(futex), CALL(futex_waitv), CALL(sched_yield),
	CALL(set_robust_list), CALL(get_robust_list), CALL(rseq), CALL(membarrier),
	CALL(set_tid_address), CALL(sched_getaffinity), CALL(getcpu),
	CALL(clock_gettime), CALL(clock_getres), CALL(clock_nanosleep), CALL(nanosleep),
	CALL(gettimeofday), CALL(time), CALL(getrandom), CALL(sysinfo), CALL(uname), CALL(times),
	CALL(getrusage), CALL(getrlimit), CALL(getpid), CALL(getppid), CALL(gettid), CALL(getuid),
	CALL(geteuid), CALL(getgid), CALL(getegid), CALL(getresuid), CALL(getresgid), CALL(getgroups),
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigpending),
	CALL(sigaltstack), CALL(restart_syscall), CALL(exit), CALL(exit_group),
	CALL(getsockopt), CALL(setsockopt), CALL(getsockname), CALL(getpeername), CALL(shutdown),
	CALLS_END
};

static const int accept_calls[] = { CALL(accept), CALL(accept4), CALLS_END };
static const int connect_calls[] = { CALL(connect), CALL(bind), CALLS_END };
static const int unix_calls[] = { CALL(connect), CALLS_END };
static const int read_calls[] = {
	CALL(openat2), CALL(getdents64), CALL(newfstatat), CALL(stat), CALL(lstat), CALL(statx),
	CALL(readlink), CALL(readlinkat), CALL(access), CALL(faccessat), CALL(faccessat2),
	CALL(statfs), CALL(getcwd), CALL(fchdir), CALL(flock), CALL(inotify_init1),
	CALL(inotify_add_watch), CALL(inotify_rm_watch), CALL(fadvise64), CALLS_END
};
static const int write_calls[] = {
	CALL(open), CALL(openat), CALL(rename), CALL(renameat), CALL(renameat2), CALL(unlink),
	CALL(unlinkat), CALL(mkdir), CALL(mkdirat), CALL(rmdir), CALL(link), CALL(linkat),
	CALL(ftruncate), CALL(fallocate), CALL(fchmod), CALL(fchown), CALL(utimensat), CALL(sync_file_range),
	CALL(copy_file_range), CALL(umask), CALL(syncfs), CALLS_END
};
static const int exec_calls[] = {
	CALL(execve), CALL(execveat), CALL(clone), CALL(clone3), CALL(fork), CALL(vfork), CALL(wait4),
	CALL(waitid), CALL(kill), CALL(tgkill), CALL(setsid), CALL(setpgid), CALL(chdir), CALL(mprotect),
	CALL(mmap), CALL(prctl), CALL(arch_prctl), CALL(prlimit64), CALLS_END
};

static const struct call_class {
	unsigned bit;
	const int *calls;
} classes[] = {
	{ 0, floor_calls },
	{ JAIL_ACCEPT, accept_calls },
	{ JAIL_CONNECT, connect_calls },
	{ JAIL_UNIX, unix_calls },
	{ JAIL_READ | JAIL_WRITE, read_calls },
	{ JAIL_WRITE, write_calls },
	{ JAIL_EXEC, exec_calls },
};

static bool
allow(scmp_filter_ctx ctx, const int *calls)
{
	for (; *calls != CALLS_END; calls++)
		if (*calls >= 0 && seccomp_rule_add(ctx, SCMP_ACT_ALLOW, *calls, 0) != 0)
			return false;
	return true;
}

/* Rules that look at arguments. */
static bool
allow_some(scmp_filter_ctx ctx, unsigned calls)
{
	bool ok = true;

#define RULE(call, n, ...)	\
	(ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(call), n, __VA_ARGS__) == 0)
	/* No memory that can be executed. */
	RULE(mmap, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	RULE(mprotect, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* Threads, but no processes; glibc falls back to clone when clone3 is missing. */
	RULE(clone, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	/* Signals to this process alone: abort. */
	RULE(tgkill, 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	RULE(kill, 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	RULE(prctl, 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
	RULE(prctl, 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_VMA));
	RULE(prlimit64, 2, SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0));
	RULE(ioctl, 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD));
	RULE(ioctl, 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO));
	/* glibc's fstat is newfstatat with an empty path. */
	if (!(calls & (JAIL_READ | JAIL_WRITE)))
		RULE(newfstatat, 1, SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
	if ((calls & JAIL_READ) && !(calls & JAIL_WRITE)) {
		RULE(openat, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
		RULE(open, 1, SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
	}
	if (calls & JAIL_CONNECT) {
		RULE(socket, 1, SCMP_A0(SCMP_CMP_EQ, AF_INET));
		RULE(socket, 1, SCMP_A0(SCMP_CMP_EQ, AF_INET6));
	}
	if (calls & JAIL_UNIX)
		RULE(socket, 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
#undef RULE
	return ok;
}

static bool
close_seccomp(const struct jail *j)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool ok = ctx != NULL;

	for (size_t i = 0; ok && i < sizeof(classes) / sizeof(classes[0]); i++)
		if (classes[i].bit == 0 || (j->calls & classes[i].bit) != 0)
			ok = allow(ctx, classes[i].calls);
	if (ok && !(j->calls & JAIL_EXEC))
		ok = allow_some(ctx, j->calls) &&
		    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0) == 0;
	if (ok && j->extra_calls != NULL)
		ok = allow(ctx, j->extra_calls);
	ok = ok && seccomp_load(ctx) == 0;
	if (ctx != NULL)
		seccomp_release(ctx);
	facts.seccomp = ok;
	return ok;
}

#else

/* Whoever built it so meant it: no error; jail_describe says what is missing. */
static bool
close_seccomp(const struct jail *j)
{
	(void)j;
	return true;
}

#endif

bool
jail_close(const struct jail *j, unsigned mode, unsigned max_abi)
{
	int abi;

	if (mode == 2)
		return true;
	facts.no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	facts.dumpable = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0;
	abi = landlock_abi(max_abi);
	if (abi < ABI_LEAST || !close_landlock(j, abi)) {
		if (mode == 0 || !j->quiet)
			log_warn("jail: no Landlock: %s (ABI %d)", abi < ABI_LEAST ?
			    "the kernel's is too old, or switched off" : strerror(errno), abi);
		if (mode == 0 && abi < ABI_LEAST)
			log_error("jail: %s needs Landlock ABI %d; set sandbox = try to go without",
			    j->name, ABI_LEAST);
		if (mode == 0)
			return false;
	}
	if (!close_seccomp(j)) {
		if (mode == 0 || !j->quiet)
			log_warn("jail: no seccomp filter: %s", strerror(errno));
		if (mode == 0) {
			log_error("jail: %s needs seccomp; set sandbox = try to go without", j->name);
			return false;
		}
	}
	return facts.no_new_privs || mode != 0;
}

void
jail_describe(struct buf *out, const struct jail_facts *f)
{
	buf_addz(out, f->seccomp ? "seccomp" : "no seccomp");
	if (f->landlock_abi > 0)
		buf_addf(out, ", landlock %d (files%s%s)", f->landlock_abi,
		    f->landlock_net ? ", tcp" : "", f->landlock_scope ? ", scope" : "");
	else
		buf_addz(out, ", no landlock");
	if (f->no_new_privs)
		buf_addz(out, ", no_new_privs");
	if (!f->dumpable)
		buf_addz(out, ", not dumpable");
}
