/* SPDX-License-Identifier: ISC */
/*
 * spawn - from fork to exec: descriptors, groups, uid, limits, a clean environment.
 *
 * Everything that can be prepared is prepared before fork; the child only makes system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "ipc/frame.h"
#include "master/master.h"

#define OPEN_FILES	65536

struct plan {
	struct vec argv;		/* const char *, NULL last */
	struct vec keep;		/* int: descriptors that survive exec */
	gid_t groups[2];
	unsigned ngroups;
};

static void
add(struct plan *plan, const char *word)
{
	*(const char **)vec_push(&plan->argv) = word;
}

static void
add_fd(struct plan *plan, struct pool *pool, const char *option, const char *name, int fd)
{
	add(plan, option);
	add(plan, pool_printf(pool, "%s%s%d", name == NULL ? "" : name, name == NULL ? "" : "=",
	    fd).p);
	*(int *)vec_push(&plan->keep) = fd;
}

/* Files that master opens for a program, so that it needs no right to open them itself. */
static const struct handed {
	unsigned peer;
	const char *name;	/* -f name= */
	const char *param;	/* of main.cf: the path */
} handed_files[] = {
	{ PEER_KEYD, "key0", "smtpd_tls_key_file" },
	{ PEER_TLSD, "cert0", "smtpd_tls_cert_file" },
};

/* Sockets for callers outside that a program gets. */
static const struct named {
	unsigned peer;
	const char *name;
	const char *path;	/* below run_directory */
	int type;
	unsigned mode;
} named_sockets[] = {
	{ PEER_PICKUP, "pickup", "public/pickup", SOCK_STREAM, 0666 },
	{ PEER_QMGR, "showq", "public/showq", SOCK_STREAM, 0666 },
	{ PEER_QMGR, "qmgr", "public/qmgr", SOCK_SEQPACKET, 0666 },
};

static void
hand_files(struct plan *plan, struct pool *pool, const struct program *program, int *opened,
    unsigned *nopened)
{
	for (size_t i = 0; i < sizeof(handed_files) / sizeof(handed_files[0]); i++) {
		const struct handed *h = &handed_files[i];
		const char *path;
		int fd;

		if (h->peer != program->peer)
			continue;
		path = conf_get(master.conf, h->param);
		if (path == NULL || path[0] == '\0' || strcmp(path, "none") == 0)
			continue;
		if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0) {
			log_warn("%s: %s = %s: %s", program->name, h->param, path, strerror(errno));
			continue;
		}
		opened[(*nopened)++] = fd;
		add_fd(plan, pool, "-f", h->name, fd);
	}
	for (size_t i = 0; i < sizeof(named_sockets) / sizeof(named_sockets[0]); i++) {
		const struct named *n = &named_sockets[i];
		int fd;

		if (n->peer == program->peer && (fd = listen_named(n->path, n->type, n->mode)) >= 0)
			add_fd(plan, pool, "-f", n->name, fd);
	}
}

static void
make_plan(struct plan *plan, struct pool *pool, struct service_line *s, const struct program *program,
    uid_t uid, gid_t gid, bool virtual_box, struct str mailbox, int control)
{
	add(plan, pool_printf(pool, "%s/%s", common.daemon_directory, program->name).p);
	add(plan, "-c");
	add(plan, master.conf_dir);
	add(plan, "-n");
	add(plan, s == NULL ? program->name : s->name.p);
	for (size_t i = 0; s != NULL && i < s->overrides.n; i++) {
		add(plan, "-o");
		add(plan, s->overrides.v[i].p);
	}
	add_fd(plan, pool, "-m", NULL, control);
	add_fd(plan, pool, "-f", "log", master.log_fd);
	add_fd(plan, pool, "-f", "conf", master.snapshot_fd);
	for (size_t i = 0; s != NULL && i < s->listeners.n; i++)
		add_fd(plan, pool, "-l", NULL, *(int *)vec_at(&s->listeners, i));
	if (s == NULL) {
		add(plan, "-w");
		add(plan, pool_printf(pool, "%u:%u:%s:%.*s", (unsigned)uid, (unsigned)gid,
		    virtual_box ? "virtual" : "system", STR_ARG(mailbox)).p);
	}
	if (s != NULL && s->args.n > 0 && str_eq(s->args.v[0], STR("-v")))
		add(plan, "-v");
	plan->groups[plan->ngroups++] = gid;
	if (s != NULL && s->group != 0)
		plan->groups[plan->ngroups++] = s->group;
}

static char *const *
environment(struct pool *pool)
{
	static const char *const pass[] = { "TZ", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS",
		"LSAN_OPTIONS" };
	char **env = pool_array(pool, sizeof(pass) / sizeof(pass[0]) + 2, sizeof(*env));
	unsigned n = 0;

	env[n++] = (char *)(uintptr_t)"PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	for (size_t i = 0; i < sizeof(pass) / sizeof(pass[0]); i++)
		if (getenv(pass[i]) != NULL)
			env[n++] = (char *)(uintptr_t)pool_printf(pool, "%s=%s", pass[i],
			    getenv(pass[i])).p;
	return env;
}

/* Are we this user, in these groups and no others, for good? */
static bool
is_become(const struct plan *plan, uid_t uid, gid_t gid)
{
	gid_t rg, eg, sg, have[sizeof(plan->groups) / sizeof(plan->groups[0])];
	int n = getgroups((int)(sizeof(have) / sizeof(have[0])), have);
	uid_t r, e, s;

	if (n < 0 || (unsigned)n != plan->ngroups)
		return false;
	for (int i = 0; i < n; i++)
		if (have[i] != plan->groups[0] && have[i] != plan->groups[plan->ngroups - 1])
			return false;
	return getresgid(&rg, &eg, &sg) == 0 && rg == gid && eg == gid && sg == gid &&
	    getresuid(&r, &e, &s) == 0 && r == uid && e == uid && s == uid && uid != 0 &&
	    setuid(0) != 0;
}

/* Nothing but the asked-for identity, whatever the calls say (security C5). */
static void
become(const struct plan *plan, uid_t uid, gid_t gid)
{
	if (setgroups(plan->ngroups, plan->groups) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0 || !is_become(plan, uid, gid))
		_exit(126);
}

static void
limits(const struct program *program)
{
	struct rlimit core = { 0, 0 }, all = { RLIM_INFINITY, RLIM_INFINITY }, files;

	(void)setrlimit(RLIMIT_CORE, &core);
	/* keyd locks all of its memory. */
	if (master.root && program->peer == PEER_KEYD)
		(void)setrlimit(RLIMIT_MEMLOCK, &all);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		if (master.root && files.rlim_max < OPEN_FILES)
			files.rlim_max = OPEN_FILES;
		files.rlim_cur = files.rlim_max > OPEN_FILES ? OPEN_FILES : files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

_Noreturn static void
child(const struct program *program, const struct plan *plan, char *const *env, uid_t uid,
    gid_t gid, pid_t parent)
{
	const char *path = *(const char *const *)plan->argv.p;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			(void)signal(sig, SIG_DFL);
	limits(program);
	(void)setsid();
	if (master.root)
		become(plan, uid, gid);
	for (size_t i = 0; i < plan->keep.n; i++)
		(void)fcntl(((const int *)plan->keep.p)[i], F_SETFD, 0);
	/* Standard input, output and error are nobody's: what a program has to say goes to the log. */
	for (int fd = 0; fd <= 2; fd++)
		(void)dup2(null, fd);
	if (chdir("/") != 0 || getppid() != parent)
		_exit(125);
	execve(path, (char *const *)plan->argv.p, env);
	_exit(127);
}

struct process *
spawn(struct service_line *s, const struct program *program, uid_t uid, gid_t gid,
    bool virtual_box, struct str mailbox)
{
	struct pool *pool = pool_new();
	struct plan plan = { .argv = vec_of(sizeof(char *)), .keep = vec_of(sizeof(int)) };
	int opened[8], pair[2];
	unsigned nopened = 0;
	struct process *p;
	char *const *env;
	pid_t pid, self = getpid();

	if (!frame_pair(pair)) {
		log_error("socket pair: %s", strerror(errno));
		pool_free(pool);
		return NULL;
	}
	make_plan(&plan, pool, s, program, uid, gid, virtual_box, mailbox, pair[1]);
	hand_files(&plan, pool, program, opened, &nopened);
	add(&plan, NULL);
	env = environment(pool);
	if ((pid = fork()) == 0)
		child(program, &plan, env, uid, gid, self);
	(void)close(pair[1]);
	frame_close_fds(opened, nopened);
	vec_free(&plan.argv);
	vec_free(&plan.keep);
	pool_free(pool);
	if (pid < 0) {
		log_error("fork: %s", strerror(errno));
		(void)close(pair[0]);
		return NULL;
	}
	p = mem_zero(1, sizeof(*p));
	p->pid = pid;
	p->service = s;
	p->program = program;
	p->control = pair[0];
	p->started = p->used = clock_ms();
	p->kill_at = p->idle_at = NEVER;
	p->generation = master.generation;
	p->uid = uid;
	p->gid = gid;
	p->virtual_box = virtual_box;
	p->mailbox = s == NULL ? strndup(mailbox.p, mailbox.n) : NULL;
	*(struct process **)vec_push(&master.processes) = p;
	return p;
}
