/* SPDX-License-Identifier: ISC */
/*
 * master - start, limit, restart and stop all others.
 *
 * Runs as:  root (or the user of a private instance); the only program that ever does.
 * Started by: `posthorn start`, systemd, or a container's init.
 * Talks to: its children, in small fixed messages; `posthorn`, on a socket that checks who calls.
 * Trusts:   the configuration; that a child is who it started.  It reads no mail and no network data.
 * If taken over: everything is lost; therefore it is small, links libc alone and does no parsing of
 *           anything a stranger wrote.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "io/settle.h"
#include "ipc/frame.h"
#include "master/master.h"

#define STOP_STAGE_MS	10000	/* each stage may take this long */
#define RELOAD_GRACE_MS	(3600 * 1000)	/* old sessions may go on for an hour */
#define OPEN_FILES	65536

struct master master = { .tool_fd = -1, .log_fd = -1, .ready_fd = -1, .snapshot_fd = -1 };

static int lock_fd = -1, pid_fd = -1;

/* Tell systemd, when it started us (sd_notify(3)). */
static void
notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    (n = strlen(path)) >= sizeof(at.sun_path))
		return;
	memcpy(at.sun_path, path, n);
	if (path[0] == '@')
		at.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&at,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	(void)close(fd);
}

static int
open_run(const char *name, mode_t mode)
{
	struct str path = pool_printf(master.pool, "%s/%s", common.run_directory, name);
	int fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0)
		fatal("%s: %s", path.p, strerror(errno));
	return fd;
}

/*
 * run_directory/master.lock, locked for our whole life: one master an instance.  master.pid is for
 * everyone to read, and who can read a file can lock it.
 */
static void
take_lock(void)
{
	char pid[24];
	int n;

	(void)mkdir(common.run_directory, 0755);
	lock_fd = open_run("master.lock", 0600);
	if (flock(lock_fd, LOCK_EX | LOCK_NB) != 0)
		fatal("%s/master.lock is locked: this instance runs already", common.run_directory);
	pid_fd = open_run("master.pid", 0644);
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(pid_fd, 0) != 0 || pwrite(pid_fd, pid, (size_t)n, 0) != n)
		fatal("%s/master.pid: %s", common.run_directory, strerror(errno));
}

static void
make_public(void)
{
	struct str path = pool_printf(master.pool, "%s/public", common.run_directory);

	if (mkdir(path.p, 0755) != 0 && errno != EEXIST)
		fatal("%s: %s", path.p, strerror(errno));
}

static void
stop_stage(void)
{
	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *p = *(struct process **)vec_at(&master.processes, i);

		if (p->program->stage <= master.stage)
			child_stop(p, STOP_STAGE_MS);
	}
}

static bool
stage_over(void)
{
	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *p = *(struct process **)vec_at(&master.processes, i);

		if (p->program->stage <= master.stage)
			return false;
	}
	return true;
}

void
master_stop(void)
{
	if (master.stopping)
		return;
	master.stopping = true;
	master.stage = 0;
	notify("STOPPING=1");
	stop_stage();
}

bool
master_reload(void)
{
	char text[80];

	if (master.stopping || !services_load())
		return false;
	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)clock_ms() * 1000);
	notify(text);
	(void)log_begin();
	log_info("reload -- version %s, configuration %s", common.mail_version, master.conf_dir);
	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *p = *(struct process **)vec_at(&master.processes, i);

		log_tell(p);
		child_stop(p, p->program->kind == PROGRAM_SINGLE ? STOP_STAGE_MS : RELOAD_GRACE_MS);
		child_outlived(p);
	}
	children_fill();
	notify("READY=1");
	return true;
}

static void
got_signal(int fd)
{
	struct signalfd_siginfo si;

	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo == SIGHUP) {
			(void)master_reload();
		} else if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT) {
			log_info("terminating on signal %u", si.ssi_signo);
			master_stop();
		}
}

static int
catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGCHLD, SIG_DFL);		/* whoever started us may have ignored it */
	(void)signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Who started us need not wait for the end of our standard error any more: the log has taken over. */
static void
let_go_of_starter(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0)
		(void)dup2(null, 2);
	if (null > 2)
		(void)close(null);
}

static void
say_ready(void)
{
	static bool said;

	if (said || !children_ready())
		return;
	said = true;
	notify("READY=1");
	if (master.ready_fd < 0)
		return;
	let_go_of_starter();
	(void)!write(master.ready_fd, "r", 1);
	(void)close(master.ready_fd);
	master.ready_fd = -1;
}

static void
loop(int signals)
{
	struct vec polls = vec_of(sizeof(struct pollfd));

	while (!(master.stopping && master.processes.n == 0)) {
		msec_t left = deadline_left(children_next());

		vec_reset(&polls);
		*(struct pollfd *)vec_push(&polls) = (struct pollfd){ signals, POLLIN, 0 };
		*(struct pollfd *)vec_push(&polls) = (struct pollfd){ master.tool_fd, POLLIN, 0 };
		for (size_t i = 0; i < master.processes.n; i++) {
			struct process *p = *(struct process **)vec_at(&master.processes, i);

			*(struct pollfd *)vec_push(&polls) = (struct pollfd){ p->control, POLLIN, 0 };
		}
		if (poll(polls.p, polls.n, left > 60000 ? 60000 : (int)left) < 0 && errno != EINTR)
			fatal("poll: %s", strerror(errno));
		for (size_t i = 0; i + 2 < polls.n && i < master.processes.n; i++)
			if (((struct pollfd *)polls.p)[i + 2].revents != 0)
				child_read(*(struct process **)vec_at(&master.processes, i));
		got_signal(signals);
		children_reap();
		if (((struct pollfd *)polls.p)[1].revents != 0)
			tool_serve();
		children_end_idle();
		children_kill_late();
		while (master.stopping && master.stage < PROGRAM_STAGES && stage_over()) {
			master.stage++;
			stop_stage();
		}
		children_fill();
		services_sweep();
		log_follow();
		say_ready();
	}
	vec_free(&polls);
}

static void
arguments(int argc, char **argv)
{
	uint64_t fd;
	int c;

	master.conf_dir = CONFDIR;
	while ((c = getopt(argc, argv, "c:r:")) != -1) {
		if (c == 'c')
			master.conf_dir = optarg;
		else if (c == 'r' && str_u64(str_of(optarg), 65535, &fd))
			master.ready_fd = (int)fd;
		else
			fatal("usage: master [-c CONFIG_DIR] [-r FD]");
	}
	if (optind != argc)
		fatal("usage: master [-c CONFIG_DIR] [-r FD]");
	if ((master.conf_dir = realpath(master.conf_dir, NULL)) == NULL)
		fatal("the configuration folder: %s", strerror(errno));
	if (!settle(master.ready_fd))
		fatal("/dev/null: %s", strerror(errno));
	if (master.ready_fd >= 0)
		(void)fcntl(master.ready_fd, F_SETFD, FD_CLOEXEC);
}

static void
raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	if (geteuid() == 0 && files.rlim_max < OPEN_FILES)
		files.rlim_max = OPEN_FILES;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

int
main(int argc, char **argv)
{
	int signals;

	(void)umask(022);
	log_open(2, LOG_PLAIN, "master");
	arguments(argc, argv);
	master.root = geteuid() == 0;
	master.started = clock_ms();
	master.started_wall = clock_wall();
	master.services = vec_of(sizeof(struct service_line *));
	master.processes = vec_of(sizeof(struct process *));
	raise_limits();
	signals = catch_signals();
	if (!services_load())
		fatal("not started");
	take_lock();
	make_public();
	if ((master.tool_fd = listen_named("control", SOCK_SEQPACKET, 0600)) < 0)
		fatal("not started");
	if (!log_begin())
		fatal("not started");
	log_info("daemon started -- version %s, configuration %s", common.mail_version,
	    master.conf_dir);
	children_fill();
	loop(signals);
	log_info("stopped");
	if (ftruncate(pid_fd, 0) != 0)
		log_warn("master.pid: %s", strerror(errno));
	return 0;
}
