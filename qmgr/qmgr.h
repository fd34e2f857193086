/* SPDX-License-Identifier: ISC */
/*
 * qmgr - what its files share: messages, recipients, jobs, destinations, agents.
 *
 *	scan.c		reads the queue at start; takes new messages from cleanup
 *	index.c		all messages in memory, by ID and by when they are due
 *	active.c	takes due messages up: content, routes, expansions, jobs
 *	sched.c		jobs wait per destination; windows, fairness, dead destinations
 *	forwarded.c	Delivered-To of those whose .forward made a recipient
 *	agents.c	connections to agents, deliveries under way, results
 *	pass.c		when all jobs of a message came back: notices, expiry, next try, end
 *	show.c		the public sockets
 *	reason.c	why recipients wait, each text once
 *
 * A message is idle (in the heap, with a time), ready (in the list of new ones) or active.  While
 * it is active `open` counts recipients in jobs and `hands` the fibers that work on it; the last
 * one to leave ends the pass.
 */
#ifndef QMGR_QMGR_H
#define QMGR_QMGR_H

#include <sys/types.h>

#include "base/clock.h"
#include "base/vec.h"
#include "fiber/fiber.h"
#include "ipc/ipc.h"
#include "qmgr/window.h"
#include "spool/log.h"
#include "wire/deliver.h"
#include "wire/route.h"

struct reason {
	struct str dsn, text, diag, remote;
};

enum rcpt_state {
	RCPT_TODO,		/* to be routed in this pass */
	RCPT_OPEN,		/* in a job */
	RCPT_DEFERRED,
	RCPT_SENT,
	RCPT_BOUNCED,
	RCPT_EXPANDED,
	RCPT_NOTIFIED,
};

struct rcpt {
	struct str addr, orig, orcpt;
	struct str sender;		/* when `owned` */
	const struct reason *why;	/* of the last attempt, held; NULL: none yet */
	uint32_t parent;		/* UINT32_MAX: of the envelope */
	uint8_t state;
	uint8_t notify;
	bool owned;
	bool expanded;			/* router has expanded it: not again */
	bool routed;			/* went to a job in this pass */
	bool dirty;			/* state is not in the log */
	bool relayed;			/* SENT, by smtp */
};

struct message {
	struct spool_place place;
	struct str sender, maildrop;
	struct rcpt *rcpts;		/* number = place */
	unsigned nrcpts, room;
	uint64_t size;
	int64_t arrival_us, active_us;
	int64_t next_us;		/* wall time of the next attempt, for the log */
	msec_t due;
	size_t heap_at;			/* 1 + place in the heap; 0: not in it */
	size_t active_at;		/* 1 + place among the active ones; 0: not active */
	struct message *next;		/* in the list of new messages */
	struct pool *keep;		/* recipients: as long as the message */
	struct pool *work;		/* envelope and content while active; NULL: not read */
	const struct envelope *env;	/* in `work`, else one that is empty */
	struct str content;
	int fd;				/* of a large message, while active; -1 */
	unsigned open;
	unsigned hands;
	unsigned using;			/* fibers that read `work` */
	struct fiber_queue turn;	/* for the log, and to expand */
	bool logging, expanding;
	bool ending;			/* it leaves the queue: nothing new may begin */
	unsigned operators;		/* fibers that carry out an operator's word */
	bool active, held, expire, deleted;
	bool hold_new;			/* held, and the log does not say so yet */
	bool looped;			/* ENV_LOOPED: its recipients fail, untried */
	bool verified;
	bool tried;			/* was put off before: new mail goes first */
	bool ready;			/* in the list of new messages */
	bool twin;			/* a second hand-over: drop it */
	bool gone;			/* its file is missing or was set aside: forget it */
};

/* index.c */
struct message *index_find(struct str id);
struct message *index_add(const struct spool_place *place);
void index_remove(struct message *m);
size_t index_count(void);
bool index_walk(size_t *at, struct message **m);
void index_done(struct str maildrop);		/* … by a qmgr before us */
bool index_recent(struct str key);		/* done lately: ID or maildrop name */
void index_ready(struct message *m);		/* new: as soon as there is room */
void index_due(struct message *m, msec_t due);
struct message *index_next(bool old_too);	/* take the next message that is due, or NULL */
void index_rest(struct message *m);		/* due never: on hold */
msec_t index_when(bool old_too);		/* when the next one is due */
struct message *index_twin(struct str maildrop, const struct message *but);

/* scan.c */
extern struct spool spool;
extern unsigned free_files;			/* in free/, about */
void scan_run(void *arg);
void scan_finished(void);			/* before anything arrives: what was done before we started */
bool scan_done_yet(void);
void on_arrive(struct ipc_req *r, const void *msg);
bool rcpt_add(struct message *m, const struct rcpt *r);

/* reason.c */
const struct reason *reason_hold(const struct reason *r);	/* the shared one of these texts */
void reason_drop(const struct reason *r);			/* NULL is fine */
bool reason_same(const struct reason *a, const struct reason *b);
size_t reason_count(void);

/* active.c */
extern struct fiber_queue pump_door;
extern unsigned active_count;
extern const struct envelope no_envelope;
void pump_run(void *arg);
void pump_wake(void);
void active_leave(struct message *m);		/* its pass is over */
void active_sweep(int64_t before_us);		/* files of those active longer go to active/ */
void reroute(struct message *m);
void let_others(msec_t *since);			/* in a long loop: yield when a moment has passed */
bool work_load(struct message *m);		/* false: deferred or gone */
void work_use(struct message *m);		/* it must not be dropped … */
void work_unuse(struct message *m);		/* … but may be now */
void work_drop(struct message *m);
bool work_room(size_t n);			/* may content of this size stay in memory? */
void work_took(size_t n);
bool log_dirty(struct message *m, bool deferred_too, bool sync);
bool log_records(struct message *m, const struct spool_record *v, size_t n, bool sync);
bool expand_rcpt(struct message *m, uint32_t num, const struct strs *to, bool by_router,
    bool has_owner, struct str owner);
void rcpt_settle(struct message *m, uint32_t num, enum rcpt_state state, struct reason why);
void log_rcpt(struct message *m, const struct rcpt *r, unsigned status, const struct reason *why);

/* sched.c */
struct transport;
struct agent;

/* Messages with jobs at a destination, in turns. */
struct line {
	struct entry *first, *last;
};

struct dest {
	struct transport *transport;
	struct str key, nexthop, mailbox;
	bool worker, virtual_box;
	uid_t uid;
	gid_t gid;
	struct window window;
	unsigned busy;
	unsigned nqueued;
	struct line lines[2];		/* of new messages, of those that were tried before */
	unsigned turn;
	bool doubtful;			/* nothing went there of late, and it is mail that was put off */
	bool failed;			/* was dead, and nothing went there since */
	bool listed[2];			/* in its transport's list of those that may send; of the doubtful */
	struct dest *next[2];
	msec_t dead_until;		/* 0: alive */
	struct reason dead_why;
	msec_t used;
};

struct job {
	struct job *next;
	struct message *m;
	struct dest *dest;		/* NULL: of an earlier qmgr */
	struct str sender;
	uint32_t forwarder;		/* of all its recipients; UINT32_MAX: none */
	uint32_t *nums;
	unsigned n;
	unsigned tries;
	uint64_t serial;
	struct agent *agent;
	bool flying;
	bool doubtful;			/* counted so in its transport */
};

struct str dest_transport(const struct dest *d);
void sched_add(struct message *m, uint32_t num, const struct route *route);
void sched_flush(void);				/* forget that destinations are dead */
void sched_kick(void);				/* send what may go */
void sched_begin(void);
void sched_run(void *arg);			/* housekeeping */
void sched_back(struct job *j, unsigned hop, const struct reason *why);
void sched_again(struct job *j);		/* the delivery never happened: queue it again */
void job_free(struct job *j);
size_t sched_dests(void);

/* forwarded.c */
uint32_t forwarder_of(const struct message *m, uint32_t num);
struct strs forwarded_fields(const struct message *m, uint32_t num, struct pool *pool);

/* agents.c */
void agents_joined(struct ipc *c);
void agents_left(struct ipc *c);
void agents_send(struct job *j);		/* in a fiber of its own */
void on_result(struct ipc_req *r, const void *msg);
bool agents_elsewhere(struct message *m, uint32_t num);	/* then it is RCPT_OPEN now */
bool agents_asked(void);			/* all agents said what they have in flight */
size_t agents_flying(void);			/* deliveries that agents have now */

/* pass.c */
void pass_hold(struct message *m);		/* one more hand on it */
void pass_leave(struct message *m);		/* the last one ends the pass, in a fiber of its own */
void pass_leave_here(struct message *m);	/* the same in this fiber: over when it returns */
bool pass_last(const struct message *m);	/* would leaving end it? */
bool pass_all_sent(const struct message *m);	/* and nobody wants to hear of it */
void message_retry(struct message *m);		/* due now */
unsigned pass_busy(void);			/* passes that are just ending */
void pass_sweep(void *arg);			/* the fiber that moves files after their messages */

/* show.c */
void show_learn(void);				/* names of users; before the jail */
void show_start(void);

#endif
