/* SPDX-License-Identifier: ISC */
/*
 * rules - what master decides from its arguments alone: how many, as whom, connected to whom, when
 * again, and which uid may have a worker.
 */
#ifndef MASTER_RULES_H
#define MASTER_RULES_H

#include "master/master.h"

#define QUICK_DEATH_MS	10000	/* who lives shorter is restarted later and later */

/* How many processes of a service run; `maxproc` as in master.cf. */
unsigned rules_processes(const struct program *p, unsigned maxproc);

/* The user of a service when master is root; NULL: mail_owner. */
const char *rules_user(const struct program *p, const struct conf_service *line);

/*
 * A service from its line: all but uid, gids and listeners, which need the machine.  False when no
 * program of ours is meant.
 */
bool rules_service(const struct conf_service *line, struct service_line *s);

/*
 * Does this service answer that asking program?  Where a service is named for the asker
 * ("tlsd-smtpd"), only that one; else those named for nobody.  `services`: struct service_line *.
 */
bool rules_answers(const struct vec *services, const struct service_line *server,
    const struct program *asker);

/*
 * How long the next start waits after a death: 0 when the process lived long enough, or was ready
 * and shot (SIGKILL: somebody's will, no fault of it) for the first time; else 1, 2, 4 … 60 seconds.
 */
msec_t rules_backoff(msec_t before, msec_t lived, bool shot);

/* For one more worker: is there room, only until the oldest has ended, or none? */
enum room { ROOM_FREE, ROOM_TIGHT, ROOM_NONE };
enum room rules_room(unsigned workers, uint64_t limit);

/* What decides about a worker besides the question. */
struct worker_rules {
	bool root;			/* master is */
	uid_t self;			/* master's own uid */
	uint64_t first_valid_uid;
	struct strs mail_uids;
	const struct vec *services;	/* struct service_line * */
	gid_t setgid;			/* of postdrop */
};

/*
 * NULL when this worker may be started, else why not: a uid from first_valid_uid on or in mail_uids,
 * never root, never a service's own; a group that no service has.
 */
const char *rules_worker(const struct worker_rules *r, const struct ctl_worker *ask);

#endif
