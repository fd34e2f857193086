/* SPDX-License-Identifier: ISC */
#include "daemon/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/log.h"
#include "base/panic.h"
#include "base/vec.h"
#include "daemon/accept.h"
#include "fiber/fiber.h"
#include "wire/control.h"

#define ORPHAN_GRACE_MS	5000	/* sessions end this fast when master is gone */
#define RETIRE_MS	60000	/* a grace time this long lets sessions end by themselves */
#define REPLACE_MS	5000	/* master stops a worker that asks for it within */
#define CONTROL_MS	30000	/* master answers within */
#define LEAVE_MS	5000	/* for answers to what was asked before the end */
#define KEEP_STEP	(128 << 10)	/* bytes of memory asked for at once … */
#define KEEP_MOST	(2 << 20)	/* … and kept unused, at most */
#define ENDING_MS	60000	/* grace left when sessions are told to end */

struct named_fd {
	const char *name;
	int fd;
};

static struct {
	const struct service *s;
	const char *name;		/* in master.cf */
	const char *conf_dir;
	struct conf *conf;
	struct vec overrides;		/* struct str */
	struct vec listeners;		/* int */
	struct vec fds;			/* struct named_fd */
	struct vec peers;		/* struct named_fd: PEER=FD of a test */
	int control_fd;
	struct ipc *control;
	struct vec served;		/* struct ipc *: on which we are asked */
	bool one_session;		/* descriptor 0 is the session */
	bool verbose;
	struct worker_facts worker;
	bool retiring;			/* no new sessions */
	bool stopping;			/* sessions are asked to end that have nothing under way */
	bool hurried;			/* and all others too */
	msec_t grace_until;
	bool ending;			/* the suite stops */
	unsigned sessions;
	struct fiber_queue ended;	/* woken when a session ends */
	msec_t idle_since;
	struct idle *idle;		/* sessions that only wait for a command */
} me = { .control_fd = -1 };

const char *
service_name(void)
{
	return me.name;
}

struct conf *
service_conf(void)
{
	return me.conf;
}

int
service_fd(const char *name)
{
	for (size_t i = 0; i < me.fds.n; i++) {
		struct named_fd *f = vec_at(&me.fds, i);

		if (strcmp(f->name, name) == 0)
			return f->fd;
	}
	return -1;
}

bool
service_stopping(void)
{
	return me.stopping;
}

bool
service_ending(void)
{
	return me.ending;
}

bool
service_hurried(void)
{
	return me.hurried;
}

bool
service_retiring(void)
{
	return me.retiring;
}

bool
service_idle(struct idle *w, bool amid)
{
	if (amid ? me.hurried : me.stopping)
		return false;
	w->fiber = fiber_self();
	w->amid = amid;
	w->at = &me.idle;
	w->next = me.idle;
	if (w->next != NULL)
		w->next->at = &w->next;
	me.idle = w;
	return true;
}

void
service_busy(struct idle *w)
{
	*w->at = w->next;
	if (w->next != NULL)
		w->next->at = w->at;
}

enum io
service_getline(struct stream *s, struct str *line, size_t max, bool amid)
{
	struct idle wait;
	enum io r;

	if (!service_idle(&wait, amid))
		return IO_CANCEL;
	r = stream_getline(s, line, max);
	service_busy(&wait);
	return r;
}

unsigned
service_sessions(void)
{
	return me.sessions;
}

void
service_session_begin(void)
{
	me.sessions++;
}

void
service_session_end(void)
{
	ASSERT(me.sessions > 0);
	me.sessions--;
	me.idle_since = clock_ms();
	(void)fiber_queue_wake_all(&me.ended);
}

const struct worker_facts *
service_worker_facts(void)
{
	return &me.worker;
}

/* Command line. */

static int
fd_arg(const char *text)
{
	uint64_t fd;

	if (!str_u64(str_of(text), 65535, &fd))
		fatal("bad descriptor number \"%s\"", text);
	(void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	return (int)fd;
}

static void
add_named(struct vec *v, char *text)
{
	char *eq = strchr(text, '=');
	struct named_fd *f;

	if (eq == NULL)
		fatal("\"%s\" is not NAME=FD", text);
	*eq = '\0';
	f = vec_push(v);
	f->name = text;
	f->fd = fd_arg(eq + 1);
}

/* -w uid:gid:virtual|system:mailbox, what master says to a worker. */
static void
worker_arg(char *text)
{
	struct str rest = str_of(text), uid, gid, kind;
	uint64_t u, g;

	if (!str_cut(&rest, ':', &uid) || !str_cut(&rest, ':', &gid) ||
	    !str_cut(&rest, ':', &kind) || rest.n == 0 ||
	    !str_u64(uid, UINT32_MAX, &u) || !str_u64(gid, UINT32_MAX, &g))
		fatal("bad worker \"%s\"", text);
	me.worker.uid = (uid_t)u;
	me.worker.gid = (gid_t)g;
	me.worker.virtual_box = str_eq(kind, STR("virtual"));
	me.worker.mailbox = rest.p;
}

static void
usage(const char *name)
{
	fatal("usage: %s -c CONFIG_DIR -n SERVICE [-o name=value] (started by master)", name);
}

/* What `$service_name` means from here on. */
static void
take_name(const char *name)
{
	static struct buf setting;

	me.name = name;
	buf_reset(&setting);
	buf_addf(&setting, "service_name=%s", name);
	*(struct str *)vec_push(&me.overrides) = buf_str(&setting);
}

static void
arguments(int argc, char **argv)
{
	int c;

	me.overrides = vec_of(sizeof(struct str));
	me.listeners = vec_of(sizeof(int));
	me.fds = vec_of(sizeof(struct named_fd));
	me.peers = vec_of(sizeof(struct named_fd));
	me.served = vec_of(sizeof(struct ipc *));
	me.name = me.s->name;
	me.conf_dir = CONFDIR;
	while ((c = getopt(argc, argv, "c:n:o:m:l:f:p:w:v")) != -1)
		switch (c) {
		case 'c':
			me.conf_dir = optarg;
			break;
		case 'n':
			take_name(optarg);
			break;
		case 'o':
			*(struct str *)vec_push(&me.overrides) = str_of(optarg);
			break;
		case 'm':
			me.control_fd = fd_arg(optarg);
			break;
		case 'l':
			*(int *)vec_push(&me.listeners) = fd_arg(optarg);
			break;
		case 'f':
			add_named(&me.fds, optarg);
			break;
		case 'p':
			add_named(&me.peers, optarg);
			break;
		case 'w':
			worker_arg(optarg);
			break;
		case 'v':
			me.verbose = true;
			break;
		default:
			usage(me.s->name);
		}
}

/* Parameters and the log. */

static void
open_log(void)
{
	int fd = service_fd("log");
	char tag[100];

	(void)snprintf(tag, sizeof(tag), "%s/%s", common.syslog_name, me.s->name);
	if (fd >= 0)
		log_open(fd, common.maillog_file[0] == '\0' ? LOG_SYSLOG : LOG_FILE, tag);
	else
		log_open(2, LOG_PLAIN, me.s->name);
	log_facility(common_facility());
	log_verbose(me.verbose);
}

static void
parameters(void)
{
	struct strs overrides = { me.overrides.p, me.overrides.n };
	const struct conf_finding *f;
	int fd = service_fd("conf");	/* what master accepted; files may have changed since */
	size_t n;
	bool ok;

	if (fd >= 0) {
		me.conf = conf_of_snapshot(fd, me.conf_dir, &overrides);
		(void)close(fd);
	} else {
		me.conf = conf_read(me.conf_dir, &overrides);
	}
	ok = conf_common(me.conf);
	if (me.s->params != NULL)
		ok = conf_load(me.conf, me.s->params) && ok;
	open_log();
	if (ok && !conf_broken(me.conf))
		return;
	f = conf_findings(me.conf, &n);
	for (size_t i = 0; i < n; i++)
		if (f[i].grade == CONF_ERROR)
			log_error("%s:%u: %s", f[i].file, f[i].line, f[i].text);
	fatal("the configuration has errors; `posthorn check` lists all");
}

/* Connections to other programs. */

static void
conn_ended(struct ipc *c, void *arg)
{
	bool asking = arg != NULL;

	if (asking)
		peer_remove(ipc_peer(c), c);
	for (size_t i = 0; i < me.served.n; i++)
		if (*(struct ipc **)vec_at(&me.served, i) == c) {
			vec_remove(&me.served, i);
			break;
		}
	(void)fiber_queue_wake_all(&me.ended);
	if (me.s->left != NULL)
		me.s->left(c);
}

static struct ipc *
join(int fd, unsigned peer, bool asking)
{
	struct ipc *c = ipc_open(fd, me.s->ops, peer, conn_ended, asking ? &me : NULL);

	if (me.s->joined != NULL)
		me.s->joined(c);
	if (asking)
		peer_add(peer, c);
	else
		*(struct ipc **)vec_push(&me.served) = c;
	return c;
}

struct ipc *
service_worker(unsigned worker, uid_t uid, gid_t gid, struct str mailbox, bool virtual_box,
    struct pool *pool, struct str *why, msec_t deadline)
{
	struct ctl_worker ask = { worker, uid, gid, mailbox, virtual_box };
	struct ctl_worker_reply got;
	enum ipc_result r = IPC_GONE;

	if (me.control != NULL)
		r = ipc_call(me.control, &ctl_worker_msg, &ask, &ctl_worker_reply_msg, &got, pool,
		    deadline_first(deadline, deadline_in(CONTROL_MS)));
	if (r != IPC_DONE) {
		*why = STR("master does not answer");
		return NULL;
	}
	if (got.fd < 0) {
		*why = got.text;
		return NULL;
	}
	return join(got.fd, worker, false);
}

/* The end, in two degrees: a reload lets sessions go on, a stop asks them to end. */

static void
wait_sessions(void)
{
	while (me.sessions > 0 && deadline_left(me.grace_until) > 0)
		(void)fiber_queue_wait(&me.ended, me.grace_until);
}

/*
 * Answer what was asked of us until now and say goodbye, so that those who ask know what to ask our
 * successor.  qmgr does not: a result it has not read stays with its agent.
 */
static void
leave_askers(void)
{
	msec_t until = deadline_in(LEAVE_MS);

	if (me.s->peer == PEER_QMGR)
		return;
	for (size_t i = 0; i < me.served.n; i++)
		ipc_bye(*(struct ipc **)vec_at(&me.served, i), until);
	while (me.served.n > 0 && deadline_left(until) > 0)
		(void)fiber_queue_wait(&me.ended, until);
}

/* Wake the sessions that are to end out of their wait for a command. */
static void
end_idle(void)
{
	for (struct idle *w = me.idle; w != NULL; w = w->next)
		if (me.hurried || (me.stopping && !w->amid))
			fiber_cancel(w->fiber);
}

static void
hurry(void)
{
	bool first = !me.hurried;

	me.stopping = me.hurried = true;
	if (first && me.s->quit != NULL)
		me.s->quit();
	end_idle();
}

static void
finish(void *arg)
{
	(void)arg;
	while (!me.stopping && me.sessions > 0 && deadline_left(me.grace_until) > 0)
		(void)fiber_queue_wait(&me.ended, me.grace_until);
	if (deadline_left(me.grace_until) == 0) {
		me.grace_until = deadline_in(ORPHAN_GRACE_MS);
		hurry();
	}
	me.stopping = true;
	end_idle();
	if (me.s->stop != NULL)
		me.s->stop();
	wait_sessions();
	if (me.sessions > 0 && !me.hurried) {
		me.grace_until = deadline_in(ORPHAN_GRACE_MS);
		hurry();
		wait_sessions();
	}
	if (me.sessions > 0)
		log_info("%u sessions did not end in time", me.sessions);
	leave_askers();
	fiber_stop();
}

static void
begin_stop(msec_t grace_ms, bool idle)
{
	bool first = !me.retiring;
	msec_t until = deadline_in(grace_ms);

	if (!first && until >= me.grace_until && (me.stopping || !idle))
		return;
	me.grace_until = first ? until : deadline_first(until, me.grace_until);
	me.retiring = true;
	me.stopping = me.stopping || idle;
	if (grace_ms < RETIRE_MS)
		hurry();
	else
		end_idle();
	(void)fiber_queue_wake_all(&me.ended);
	if (!first)
		return;
	accept_stop();
	(void)fiber_start(finish, NULL, "stop");
}

static void
on_term(void *arg)
{
	(void)arg;
	me.ending = true;
	begin_stop(ORPHAN_GRACE_MS, true);
}

static void
on_ctl_connect(struct ipc_req *r, const void *msg)
{
	const struct ctl_connect *m = msg;

	(void)r;
	if (m->fd >= 0)
		(void)join(m->fd, (unsigned)m->peer, m->asking);
}

static void
on_ctl_stop(struct ipc_req *r, const void *msg)
{
	const struct ctl_stop *m = msg;

	(void)r;
	me.ending = me.ending || m->ends;
	begin_stop((msec_t)m->grace_ms, m->idle);
}

static void
on_ctl_log(struct ipc_req *r, const void *msg)
{
	const struct ctl_log *m = msg;
	int old = log_get_fd();

	(void)r;
	if (m->fd < 0)
		return;
	log_fd(m->fd);
	if (old > 2)
		(void)close(old);
}

static const struct ipc_op control_ops[] = {
	{ &ctl_connect_msg, NULL, on_ctl_connect, PEER_BIT(PEER_MASTER) },
	{ &ctl_stop_msg, NULL, on_ctl_stop, PEER_BIT(PEER_MASTER) },
	{ &ctl_log_msg, NULL, on_ctl_log, PEER_BIT(PEER_MASTER) },
	{ NULL, NULL, NULL, 0 }
};

static void
control_ended(struct ipc *c, void *arg)
{
	(void)c;
	(void)arg;
	me.control = NULL;
	if (!me.retiring)
		log_info("master is gone, finishing");
	begin_stop(ORPHAN_GRACE_MS, true);
}

/* A worker with nothing to do says so; master then stops it. */
static void
watch_idle(void *arg)
{
	struct ctl_idle idle = { 0 };

	(void)arg;
	for (;;) {
		msec_t at = me.idle_since + common.max_idle_ms;

		if (fiber_sleep(at) == WAKE_CANCEL || me.retiring || me.control == NULL)
			return;
		if (me.sessions > 0)
			me.idle_since = clock_ms();
		if (clock_ms() < me.idle_since + common.max_idle_ms)
			continue;
		(void)ipc_send(me.control, &ctl_idle_msg, &idle, deadline_in(CONTROL_MS));
		me.idle_since = clock_ms();
	}
}

void
service_replace(void)
{
	struct ctl_idle msg = { .sessions = me.sessions, .replaced = true };
	msec_t until = deadline_in(REPLACE_MS);

	if (me.control == NULL)
		return;
	(void)ipc_send(me.control, &ctl_idle_msg, &msg, until);
	while (!me.stopping && deadline_left(until) > 0)
		(void)fiber_queue_wait(&me.ended, until);
}

static void
say_ready(void)
{
	struct jail_facts f = jail_facts();
	struct buf jail = { .limit = 200 };
	struct ctl_ready ready;

	jail_describe(&jail, &f);
	ready.jail = buf_str(&jail);
	(void)ipc_send(me.control, &ctl_ready_msg, &ready, deadline_in(CONTROL_MS));
	buf_free(&jail);
}

static void
one_session(void *arg)
{
	(void)arg;
	me.s->serve(0);
	begin_stop(ORPHAN_GRACE_MS, true);
}

static void
first(void *arg)
{
	(void)arg;
	fiber_signal(SIGTERM, on_term, NULL);
	fiber_signal(SIGINT, on_term, NULL);
	me.idle_since = clock_ms();
	for (size_t i = 0; i < me.peers.n; i++) {
		struct named_fd *f = vec_at(&me.peers, i);

		(void)join(f->fd, peer_by_name(f->name), true);
	}
	if (me.control_fd >= 0)
		me.control = ipc_open(me.control_fd, control_ops, PEER_MASTER, control_ended, NULL);
	if (me.s->start != NULL)
		me.s->start();
	if (me.one_session) {
		(void)fiber_start(one_session, NULL, "session");
		return;
	}
	for (size_t i = 0; i < me.listeners.n && me.s->serve != NULL; i++)
		accept_start(*(int *)vec_at(&me.listeners, i), me.s->serve);
	if (me.control != NULL) {
		say_ready();
		if (me.worker.mailbox != NULL)
			(void)fiber_start(watch_idle, NULL, "idle");
	}
}

static bool
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void
print_passport(const struct service *s)
{
	static const char *const calls[] = { "accept", "connect", "unix", "read", "write", "exec" };

	(void)printf("program %s\nasks", peer_name(s->peer));
	for (size_t i = 0; s->peers != NULL && s->peers[i] != PEER_NONE; i++)
		(void)printf(" %s", peer_name(s->peers[i]));
	(void)printf("\ncalls");
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (s->needs.calls & 1u << i)
			(void)printf(" %s", calls[i]);
	(void)printf("\n");
	for (const struct ipc_op *op = s->ops; op != NULL && op->request != NULL; op++) {
		(void)printf("serves %s", op->request->name);
		for (unsigned p = 0; p < PEER_COUNT; p++)
			if (op->peers & PEER_BIT(p))
				(void)printf(" %s", peer_name(p));
		(void)printf("\n");
	}
}

/*
 * Messages come and go: memory given back to the kernel after each burst is faulted in again, page by
 * page, in the next.
 */
static void
keep_memory(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_TOP_PAD, KEEP_STEP);
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_MOST);
#endif
}

int
service_main(const struct service *s, int argc, char **argv)
{
	struct jail jail = s->needs;

	if (argc == 2 && strcmp(argv[1], "--passport") == 0) {
		print_passport(s);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	me.s = s;
	log_open(2, LOG_PLAIN, s->name);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(077);
	keep_memory();
	arguments(argc, argv);
	parameters();
	me.one_session = me.control_fd < 0 && s->serve != NULL && is_socket(0);
	if (me.control_fd < 0 && !me.one_session && me.peers.n == 0)
		usage(s->name);
	jail.name = s->name;
	if (me.listeners.n > 0)
		jail.calls |= JAIL_ACCEPT;
	if (s->prepare != NULL && !s->prepare(&jail))
		return 1;
	if (!jail_close(&jail, common.sandbox, (unsigned)common.sandbox_landlock_abi))
		return 1;
	if (s->stack != 0)
		fiber_stack_size(s->stack);
	fiber_run(first, NULL);
	return 0;
}
