/* SPDX-License-Identifier: ISC */
/*
 * tool - answer `posthorn status|reload|stop` on the named control socket.
 *
 * One short exchange a caller, checked by SO_PEERCRED: root and the owner of this instance only.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/frame.h"
#include "master/master.h"

#define CALLER_MS	1000	/* a caller that says nothing in this time is dropped */

static char room[IPC_FRAME];

static const char *
state_word(enum process_state s)
{
	return s == PROCESS_READY ? "ready" : s == PROCESS_STARTING ? "starting" : "stopping";
}

static void
one_text(struct buf *out, const struct process *p)
{
	buf_addf(out, "%-10s %-14s %7d %8s %7llds %5u  %s\n", p->program->name,
	    p->service != NULL ? p->service->name.p : p->mailbox, (int)p->pid,
	    state_word(p->state), (long long)((clock_ms() - p->started) / 1000),
	    p->service != NULL ? p->service->restarts : 0, p->jail);
}

static void
json_str(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s != '\0'; s++)
		if (*s == '"' || *s == '\\' || !ch_print(*s))
			buf_addf(out, "\\u%04x", (unsigned char)*s);
		else
			buf_addc(out, *s);
	buf_addc(out, '"');
}

static void
one_json(struct buf *out, const struct process *p, bool first)
{
	buf_addf(out, "%s{\"program\":", first ? "" : ",");
	json_str(out, p->program->name);
	buf_addz(out, ",\"service\":");
	json_str(out, p->service != NULL ? p->service->name.p : p->mailbox);
	buf_addf(out, ",\"pid\":%d,\"uid\":%u,\"state\":\"%s\",\"uptime_s\":%lld,\"restarts\":%u,"
	    "\"worker\":%s,\"jail\":", (int)p->pid, (unsigned)p->uid, state_word(p->state),
	    (long long)((clock_ms() - p->started) / 1000),
	    p->service != NULL ? p->service->restarts : 0, p->mailbox != NULL ? "true" : "false");
	json_str(out, p->jail);
	buf_addz(out, "}");
}

static void
status(struct buf *out, bool json)
{
	long long up = (clock_ms() - master.started) / 1000;

	if (json)
		buf_addf(out, "{\"mail_name\":\"Posthorn\",\"version\":\"%s\",\"pid\":%d,"
		    "\"uptime_s\":%lld,\"ready\":%s,\"processes\":[", common.mail_version,
		    (int)getpid(), up, children_ready() ? "true" : "false");
	else
		buf_addf(out, "Posthorn %s, master pid %d, up %lld s, %s\n\n%-10s %-14s %7s %8s %8s "
		    "%5s  %s\n", common.mail_version, (int)getpid(), up,
		    children_ready() ? "all programs ready" : "not all programs ready", "PROGRAM",
		    "SERVICE", "PID", "STATE", "UP", "DIED", "JAIL");
	for (size_t i = 0; i < master.processes.n; i++) {
		struct process *p = *(struct process **)vec_at(&master.processes, i);

		if (json)
			one_json(out, p, i == 0);
		else
			one_text(out, p);
	}
	if (json)
		buf_addz(out, "]}\n");
}

/* A thousand processes are more text than a datagram holds.  -1 with errno. */
static int
memory_file(struct str text)
{
	int fd = memfd_create("posthorn status", MFD_CLOEXEC);

	if (fd >= 0 && (write(fd, text.p, text.n) != (ssize_t)text.n || lseek(fd, 0, SEEK_SET) != 0)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void
answer(int fd, uint32_t call, const struct ctl_tool *ask)
{
	struct buf text = { 0 }, out = { .limit = FRAME_ROOM };
	struct ctl_tool_reply reply = { .ok = true, .fd = -1 };
	struct frame f = { .kind = FRAME_REPLY, .call = call };
	int fds[IPC_FDS];
	size_t nfds = 0;

	switch (ask->verb) {
	case CTL_STATUS:
		status(&text, ask->json);
		reply.fd = memory_file(buf_str(&text));
		reply.ok = reply.fd >= 0;
		buf_reset(&text);
		break;
	case CTL_RELOAD:
		reply.ok = master_reload();
		buf_addz(&text, reply.ok ? "reloaded\n" :
		    "the new configuration has errors; nothing was changed; the log and "
		    "`posthorn check` say which\n");
		break;
	case CTL_STOP:
		master_stop();
		buf_addf(&text, "stopping, master pid %d\n", (int)getpid());
		break;
	default:
		reply.ok = false;
		buf_addz(&text, "unknown request\n");
	}
	reply.text = buf_str(&text);
	if (ipc_pack(&out, &ctl_tool_reply_msg, &reply, fds, &nfds)) {
		f.payload = buf_str(&out);
		f.total = (uint32_t)out.n;
		(void)frame_send(fd, &f, fds, nfds);
	}
	if (reply.fd >= 0)
		(void)close(reply.fd);
	buf_free(&text);
	buf_free(&out);
}

static void
serve_caller(int fd)
{
	struct pollfd wait = { fd, POLLIN, 0 };
	struct pool *pool = pool_new();
	struct ucred who;
	socklen_t len = sizeof(who);
	struct ctl_tool ask;
	struct frame f;
	int fds[IPC_FDS];
	size_t nfds;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 ||
	    (who.uid != 0 && who.uid != getuid())) {
		log_warn("control socket: refused uid %u", (unsigned)who.uid);
	} else if (poll(&wait, 1, CALLER_MS) == 1 &&
	    frame_recv(fd, room, &f, fds, &nfds) == 1) {
		if (f.kind == FRAME_REQUEST &&
		    ipc_unpack(f.payload, &ctl_tool_msg, &ask, fds, nfds, pool))
			answer(fd, f.call, &ask);
		frame_close_fds(fds, nfds);
	}
	pool_free(pool);
}

void
tool_serve(void)
{
	int fd = accept4(master.tool_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	serve_caller(fd);
	(void)close(fd);
}
