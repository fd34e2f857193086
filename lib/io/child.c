/* SPDX-License-Identifier: ISC */
/*
 * child - see child.h.
 *
 * Between fork and exec only calls that are safe there.  A pipe that closes at exec carries the
 * errno of an exec that failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "io/child.h"

#define POLL_FIRST_MS	1
#define POLL_MOST_MS	50
#define FIRST_FREE	10	/* descriptors below it are being arranged in the child */

static void
close_pair(int p[2])
{
	if (p[0] >= 0)
		close(p[0]);
	if (p[1] >= 0)
		close(p[1]);
}

/* Close everything from `from` on. */
static void
close_from(unsigned from)
{
	int fd, most;

	if (syscall(SYS_close_range, from, ~0U, 0) == 0)
		return;
	most = (int)sysconf(_SC_OPEN_MAX);
	for (fd = (int)from; fd < most; fd++)
		close(fd);
}

static void
signals_default(void)
{
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: does not return.  `tell` is the pipe for a failure. */
static void
become(const struct child_plan *plan, int in, int out, int tell)
{
	static char *const no_env[] = { NULL };
	int error, null;

	signals_default();
	setsid();
	/* Away from 0, 1, 2 first, so that no dup2 overwrites what the next one needs. */
	null = open("/dev/null", O_RDWR);
	if (in < 0)
		in = null;
	if (out < 0)
		out = null;
	in = fcntl(in, F_DUPFD, FIRST_FREE);
	out = fcntl(out, F_DUPFD, FIRST_FREE);
	tell = fcntl(tell, F_DUPFD, FIRST_FREE);
	if (in >= 0 && out >= 0 && tell >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 &&
	    dup2(out, 2) == 2 && dup2(tell, 3) == 3 && fcntl(3, F_SETFD, FD_CLOEXEC) == 0 &&
	    (plan->dir < 0 ? chdir("/") : fchdir(plan->dir)) == 0) {
		close_from(4);
		tell = 3;
		execve(plan->path, plan->argv, plan->env != NULL ? plan->env : no_env);
	}
	error = errno;
	if (write(tell, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* The errno of a failed exec, or 0. */
static int
exec_error(int fd)
{
	int error = 0;
	ssize_t n;

	while ((n = read(fd, &error, sizeof(error))) < 0 && errno == EINTR)
		;
	return n == (ssize_t)sizeof(error) ? error : 0;
}

bool
child_start(const struct child_plan *plan, struct child *c)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, tell[2] = { -1, -1 }, error;
	pid_t pid = -1;

	*c = (struct child){ -1, -1, -1 };
	if ((!plan->pipe_in || pipe2(in, O_CLOEXEC) == 0) &&
	    (!plan->pipe_out || pipe2(out, O_CLOEXEC) == 0) && pipe2(tell, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		become(plan, plan->pipe_in ? in[0] : plan->in, plan->pipe_out ? out[1] : plan->out, tell[1]);
	error = errno;
	if (pid > 0) {
		close(tell[1]);
		tell[1] = -1;
		error = exec_error(tell[0]);
	}
	close_pair(tell);
	if (pid < 0 || error != 0) {
		close_pair(in);
		close_pair(out);
		if (pid > 0)
			waitpid(pid, NULL, 0);
		errno = error;
		return false;
	}
	if (plan->pipe_in) {
		close(in[0]);
		c->in = in[1];
	}
	if (plan->pipe_out) {
		close(out[1]);
		c->out = out[0];
	}
	c->pid = pid;
	return true;
}

/* Sleep until it may have ended; false when the fiber was cancelled. */
static bool
nap(int pidfd, msec_t ms, msec_t deadline)
{
	struct timespec t = { .tv_sec = 0, .tv_nsec = (long)ms * 1000000 };

	if (!fiber_running()) {
		nanosleep(&t, NULL);
		return true;
	}
	if (pidfd >= 0)
		return fiber_wait_read(pidfd, deadline) != WAKE_CANCEL;
	return fiber_sleep(deadline_first(deadline, deadline_in(ms))) != WAKE_CANCEL;
}

bool
child_wait(struct child *c, msec_t deadline, int *status)
{
	int pidfd = fiber_running() ? (int)syscall(SYS_pidfd_open, c->pid, 0) : -1;
	msec_t ms = POLL_FIRST_MS;
	bool ended = false;
	pid_t r;

	for (;;) {
		r = waitpid(c->pid, status, WNOHANG);
		ended = r == c->pid;
		if (ended || (r < 0 && errno != EINTR) || deadline_left(deadline) == 0)
			break;
		if (!nap(pidfd, ms, deadline))
			break;
		if (pidfd >= 0)
			fiber_drained_read(pidfd);
		ms = ms * 2 > POLL_MOST_MS ? POLL_MOST_MS : ms * 2;
	}
	if (pidfd >= 0) {
		fiber_forget(pidfd);
		close(pidfd);
	}
	if (ended)
		c->pid = -1;
	return ended;
}

void
child_kill(struct child *c)
{
	if (c->pid <= 0)
		return;
	kill(-c->pid, SIGKILL);
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	c->pid = -1;
}

void
child_close(struct child *c)
{
	if (c->in >= 0) {
		fiber_forget(c->in);
		close(c->in);
	}
	if (c->out >= 0) {
		fiber_forget(c->out);
		close(c->out);
	}
	c->in = c->out = -1;
}
