/* SPDX-License-Identifier: ISC */
/*
 * control - start, stop, reload, status: the verbs that talk to master.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/findings.h"
#include "admin/posthorn.h"
#include "base/clock.h"
#include "conf/common.h"
#include "conf/services.h"
#include "ipc/frame.h"
#include "wire/control.h"

#define ANSWER_MS	60000	/* master answers within; a reload may take a while */
#define START_MS	60000	/* all programs are ready within */
#define STOP_MS		60000

/*
 * A configuration that master would accept and programs can start with, or NULL with all that is wrong
 * shown: a queue that is not there would end them again and again after a reload that succeeded.  A
 * certificate that cannot be used is no reason to stop mail: it is warned of here, and TLS is not there
 * until it can.
 */
static struct conf *
load(const char *dir)
{
	struct conf *c = conf_read(dir, NULL);
	size_t own;

	check_everything(c, &own);
	if (!conf_broken(c)) {
		(void)show_findings(c, own, false);	/* master says its own */
		return c;
	}
	(void)show_findings(c, 0, false);
	conf_free(c);
	return NULL;
}

/*
 * Enough of it to find an instance that runs: an error elsewhere in main.cf is no reason to leave it
 * running.  But a file that lost its run_directory must not lead to another instance.
 */
static bool
locate(const char *dir)
{
	struct conf *c = conf_read(dir, NULL);

	(void)conf_common(c);
	if (!conf_broken(c) || conf_is_set(c, "run_directory") || strcmp(conf_dir(c), CONFDIR) == 0)
		return true;
	(void)show_findings(c, 0, false);
	conf_free(c);
	return false;
}

static int
connect_master(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/control", common.run_directory);
	if (n < 0 || (size_t)n >= sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	n = errno;
	if (fd >= 0)
		(void)close(fd);
	errno = n;
	return -1;
}

static int
not_allowed(void)
{
	return complain(EX_NOPERM, "not allowed to control this instance: be root, or the user who runs it");
}

static void
copy_out(int fd)
{
	char part[8192];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) > 0)
		fwrite(part, 1, (size_t)n, stdout);
	(void)close(fd);
}

/* One question; the answer's text goes to standard output.  Exit status. */
static int
ask(uint64_t verb, bool json, bool quiet)
{
	struct ctl_tool tool = { verb, json };
	struct ctl_tool_reply reply;
	struct pool *pool = pool_new();
	struct buf out = { 0 };
	struct frame f = { .kind = FRAME_REQUEST, .call = 1 };
	char *room = malloc(IPC_FRAME);
	int fd = connect_master(), fds[IPC_FDS], status = EX_UNAVAILABLE;
	struct pollfd wait = { fd, POLLIN, 0 };
	size_t nfds = 0;

	if (fd < 0 || room == NULL) {
		status = errno == EACCES || errno == EPERM ? not_allowed() : complain(EX_UNAVAILABLE,
		    "it is not running (%s/control: %s)", common.run_directory, strerror(errno));
	} else if (ipc_pack(&out, &ctl_tool_msg, &tool, NULL, &nfds)) {
		f.payload = buf_str(&out);
		f.total = (uint32_t)out.n;
		if (frame_send(fd, &f, NULL, 0) == 1 && poll(&wait, 1, ANSWER_MS) == 1 &&
		    frame_recv(fd, room, &f, fds, &nfds) == 1 &&
		    ipc_unpack(f.payload, &ctl_tool_reply_msg, &reply, fds, nfds, pool)) {
			if (!quiet || !reply.ok)
				fwrite(reply.text.p, 1, reply.text.n, reply.ok ? stdout : stderr);
			if (reply.fd >= 0)
				copy_out(reply.fd);
			status = reply.ok ? 0 : EX_CONFIG;
		} else {
			status = complain(EX_UNAVAILABLE, "master does not answer");
		}
	}
	if (fd >= 0)
		(void)close(fd);
	buf_free(&out);
	free(room);
	pool_free(pool);
	return status;
}

/* Is an instance running?  Its master.lock is locked then, which not everyone may look at. */
static enum { STOPPED, RUNNING, FORBIDDEN }
state(void)
{
	struct pool *pool = pool_new();
	struct str path = pool_printf(pool, "%s/master.lock", common.run_directory);
	int fd = open(path.p, O_RDONLY | O_CLOEXEC);
	bool forbidden = fd < 0 && errno == EACCES;
	bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;

	if (fd >= 0)
		(void)close(fd);
	pool_free(pool);
	return forbidden ? FORBIDDEN : locked ? RUNNING : STOPPED;
}

_Noreturn static void
run_master(const char *dir, int ready)
{
	char path[4096], fd[16];
	int null = open("/dev/null", O_RDWR);
	bool to_stdout = strcmp(common.maillog_file, "/dev/stdout") == 0;

	(void)snprintf(path, sizeof(path), "%s/master", common.daemon_directory);
	(void)snprintf(fd, sizeof(fd), "%d", ready);
	(void)setsid();
	(void)dup2(null, 0);
	if (!to_stdout)
		(void)dup2(null, 1);
	(void)execl(path, path, "-c", dir, "-r", fd, (char *)NULL);
	_exit(complain(EX_OSERR, "%s: %s", path, strerror(errno)));
}

int
verb_start(const char *dir, int argc, char **argv)
{
	struct conf *c;
	struct pollfd wait = { .events = POLLIN };
	int pair[2], status;
	char got;
	pid_t pid;

	(void)argv;
	if (argc > 0)
		return complain(EX_USAGE, "start takes no words");
	if ((c = load(dir)) == NULL)
		return complain(EX_CONFIG, "not started: the configuration has errors");
	if (state() == FORBIDDEN)
		return not_allowed();
	if (state() == RUNNING)
		return complain(EX_TEMPFAIL, "it is running already");
	if (pipe(pair) != 0)
		return complain(EX_OSERR, "pipe: %s", strerror(errno));
	(void)fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	if ((pid = fork()) == 0) {
		(void)close(pair[0]);
		run_master(conf_dir(c), pair[1]);
	}
	(void)close(pair[1]);
	if (pid < 0)
		return complain(EX_OSERR, "fork: %s", strerror(errno));
	wait.fd = pair[0];
	if (poll(&wait, 1, START_MS) != 1)
		return complain(EX_TEMPFAIL, "started (pid %d), but not all programs are ready after "
		    "%d s; `posthorn status` and the log say which", (int)pid, START_MS / 1000);
	if (read(pair[0], &got, 1) == 1)
		return 0;
	for (int i = 0; i < 20 && waitpid(pid, &status, WNOHANG) == 0; i++)
		(void)poll(NULL, 0, 50);
	if (state() == RUNNING)
		return complain(EX_TEMPFAIL, "started (pid %d), but a program ends again and again; "
		    "`posthorn status` says which, the log (%s) why", (int)pid,
		    common.maillog_file[0] != '\0' ? common.maillog_file : "syslog");
	return complain(EX_UNAVAILABLE, "it did not start; %s%s",
	    common.maillog_file[0] != '\0' ? "see above and " : "see above and the system's mail log",
	    common.maillog_file);
}

int
verb_stop(const char *dir, int argc, char **argv)
{
	msec_t until = deadline_in(STOP_MS);
	int status;

	(void)argv;
	if (argc > 0)
		return complain(EX_USAGE, "stop takes no words");
	if (!locate(dir))
		return complain(EX_CONFIG, "the configuration has errors");
	if (state() == FORBIDDEN)
		return not_allowed();
	if (state() == STOPPED)
		return complain(EX_UNAVAILABLE, "it is not running");
	if ((status = ask(CTL_STOP, false, true)) != 0)
		return status;
	while (state() == RUNNING) {
		if (deadline_left(until) == 0)
			return complain(EX_TEMPFAIL, "it has not ended after %d s", STOP_MS / 1000);
		(void)poll(NULL, 0, 20);
	}
	return 0;
}

int
verb_reload(const char *dir, int argc, char **argv)
{
	(void)argv;
	if (argc > 0)
		return complain(EX_USAGE, "reload takes no words");
	if (load(dir) == NULL)
		return complain(EX_CONFIG, "not reloaded: the configuration has errors");
	return ask(CTL_RELOAD, false, true);
}

int
verb_status(const char *dir, int argc, char **argv)
{
	bool json = argc == 1 && strcmp(argv[0], "--json") == 0;

	if (argc > (json ? 1 : 0))
		return complain(EX_USAGE, "usage: posthorn status [--json]");
	if (!locate(dir))
		return complain(EX_CONFIG, "the configuration has errors");
	return ask(CTL_STATUS, json, false);
}
