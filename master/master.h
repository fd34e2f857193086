/* SPDX-License-Identifier: ISC */
/*
 * master.h - what the files of master share: services, processes, and the calls between them.
 *
 * One process, one thread, one poll loop.  A service is a line of master.cf; a process is one child
 * of a service (or one worker of a user).  Nothing here reads mail or network data: children are
 * heard only in fixed small messages (wire/control.h).
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/vec.h"
#include "conf/common.h"
#include "conf/conf.h"
#include "conf/services.h"
#include "daemon/programs.h"
#include "wire/control.h"

enum process_state {
	PROCESS_STARTING,	/* forked, not ready */
	PROCESS_READY,
	PROCESS_STOPPING,	/* asked to end */
};

struct service_line {
	struct str name;		/* as in master.cf */
	const struct program *program;
	struct strs overrides;
	struct strs args;
	unsigned want;			/* processes */
	struct vec listeners;		/* int */
	uid_t uid;
	gid_t gid;
	gid_t group;			/* supplementary; 0: none */
	msec_t not_before;		/* back-off after quick deaths */
	msec_t backoff_ms;
	unsigned restarts;
};

struct process {
	pid_t pid;
	enum process_state state;
	struct service_line *service;	/* NULL for a worker */
	const struct program *program;
	int control;			/* our end of its control socket; -1: closed */
	msec_t started;
	msec_t kill_at;			/* SIGKILL then; NEVER */
	msec_t idle_at;			/* sessions with nothing under way are to end then; NEVER */
	bool idle_told;
	unsigned generation;
	char jail[201];
	/* Workers. */
	uid_t uid;
	gid_t gid;
	bool virtual_box;
	char *mailbox;
	msec_t used;			/* last request for it */
};

struct master {
	const char *conf_dir;
	struct conf *conf;
	int snapshot_fd;		/* the same, as every process started until the next reload gets it */
	struct pool *pool;		/* of this generation's configuration */
	struct vec services;		/* struct service_line * */
	gid_t setgid;			/* of setgid_group; 0: none */
	struct vec processes;		/* struct process * */
	struct vec named;		/* struct named_socket */
	bool root;
	bool stopping;
	unsigned stage;			/* of stopping */
	unsigned generation;
	int tool_fd;			/* named control socket, listening */
	int log_fd;
	int ready_fd;			/* -r: tell the starter; -1 */
	msec_t started;
	int64_t started_wall;
};

extern struct master master;

/* A configuration that a reload replaced; processes started under it still point into it. */
struct old_generation {
	unsigned number;
	struct conf *conf;
	struct pool *pool;
	struct vec services;
};

/* services.c: read both files into master.services; false, with everything logged, when bad. */
bool services_load(void);
/* Free what the last process of an old configuration has left behind. */
void services_sweep(void);

/* listen.c: sockets of one service, kept over reloads; false when one cannot be had. */
bool listen_service(struct service_line *s, struct conf_service *line);
/*
 * Around a load of the configuration: at the end of a good one the sockets that it no longer names
 * are closed, of a bad one those that were made for it.
 */
void listen_begin(void);
void listen_end(bool good);
/* A named socket for callers outside ("public/showq"); -1 when it cannot be made. */
int listen_named(const char *name, int type, unsigned mode);

/* logfile.c: open the log as the parameters say; false, with what failed said to the old one. */
bool log_begin(void);
/* Pass it on to one process. */
void log_tell(struct process *p);
/* A syslog that was started again, or at last, has a new socket: all change to it. */
void log_follow(void);

/* spawn.c: start a process of a service, or a worker; NULL when fork failed. */
struct process *spawn(struct service_line *s, const struct program *program, uid_t uid, gid_t gid,
    bool virtual_box, struct str mailbox);

/* children.c */
void child_send(struct process *p, const struct ipc_msg *m, const void *msg);
void child_reply(struct process *p, uint32_t call, const struct ipc_msg *m, const void *msg);
void child_read(struct process *p);
void child_stop(struct process *p, msec_t grace_ms);
/* After a reload: end the idle sessions of a process that has outlived too many of them. */
void child_outlived(struct process *p);
void children_connect(struct process *p);
void children_reap(void);
void children_fill(void);
bool children_ready(void);
msec_t children_next(void);
void children_end_idle(void);
void children_kill_late(void);

/* worker.c: answer a request for a worker. */
void worker_request(struct process *from, uint32_t call, const struct ctl_worker *ask);

/* tool.c: one caller on the control socket. */
void tool_serve(void);

/* main.c */
bool master_reload(void);
void master_stop(void);

#endif
