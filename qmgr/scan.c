/* SPDX-License-Identifier: ISC */
/*
 * scan - how messages come into the index: from cleanup, while it runs, and from the disk at start
 * and now and then.
 *
 * New mail flows while the start still reads deferred/.  A message is read with its log, so that
 * what was done is not done again; its content is checked before its own first delivery.
 */
#include "qmgr/qmgr.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/panic.h"
#include "conf/common.h"
#include "conf/room_queue.h"
#include "daemon/service.h"
#include "wire/arrive.h"

#define ASK_WAIT_MS	3000	/* agents have this long to say what they have in flight */

struct spool spool;
unsigned free_files;
static bool done;

bool
scan_done_yet(void)
{
	return done;
}

bool
rcpt_add(struct message *m, const struct rcpt *r)
{
	struct rcpt *to;

	if (m->nrcpts >= LIMIT_RCPTS)
		return false;
	if (m->nrcpts == m->room) {
		m->room = m->room == 0 ? 1 : m->room * 2;
		m->rcpts = mem_resize(m->rcpts, m->room * sizeof(*m->rcpts));
	}
	to = &m->rcpts[m->nrcpts++];
	*to = *r;
	to->addr = pool_str(m->keep, r->addr);
	to->orig = pool_str(m->keep, r->orig);
	to->orcpt = pool_str(m->keep, r->orcpt);
	if (r->owned)
		to->sender = pool_str(m->keep, r->sender);
	return true;
}

static void
take_envelope(struct message *m, const struct envelope *env, uint64_t size)
{
	const struct envelope_rcpt *rcpts = env->rcpts.v;

	m->sender = pool_str(m->keep, env->sender);
	m->maildrop = pool_str(m->keep, env->maildrop);
	m->size = size;
	m->arrival_us = (int64_t)env->arrival_us;
	m->looped = (env->flags & ENV_LOOPED) != 0;
	for (size_t i = 0; i < env->rcpts.n; i++) {
		struct rcpt r = { .addr = rcpts[i].addr, .orig = rcpts[i].orig,
			.orcpt = rcpts[i].orcpt, .notify = (uint8_t)rcpts[i].notify,
			.parent = UINT32_MAX };

		(void)rcpt_add(m, &r);
	}
}

/* One log record, applied.  Numbers that do not fit are left out: the rest still counts. */
static void
take_record(struct message *m, const struct spool_record *r)
{
	static const uint8_t states[SPOOL_RCPT_STATES] = {
		[SPOOL_RCPT_SENT] = RCPT_SENT, [SPOOL_RCPT_DEFERRED] = RCPT_DEFERRED,
		[SPOOL_RCPT_BOUNCED] = RCPT_BOUNCED, [SPOOL_RCPT_EXPANDED] = RCPT_EXPANDED,
		[SPOOL_RCPT_NOTIFIED] = RCPT_NOTIFIED,
	};
	const struct spool_result *res = r->results.v;
	const struct spool_added *added = r->added.v;

	for (size_t i = 0; i < r->results.n; i++) {
		struct reason why = { res[i].dsn, res[i].text, res[i].diag, res[i].remote };
		struct rcpt *to;

		if (res[i].num >= m->nrcpts)
			continue;
		to = &m->rcpts[res[i].num];
		to->state = states[res[i].status];
		if (why.dsn.n > 0) {
			reason_drop(to->why);
			to->why = reason_hold(&why);
		}
	}
	for (size_t i = 0; i < r->added.n; i++) {
		struct rcpt new = { .addr = added[i].addr, .orig = added[i].orig,
			.orcpt = added[i].orcpt, .notify = (uint8_t)added[i].notify,
			.parent = (uint32_t)added[i].parent, .owned = added[i].owned,
			.sender = added[i].sender, .expanded = added[i].expanded };

		if (added[i].num == m->nrcpts)
			(void)rcpt_add(m, &new);
	}
	m->held = r->kind == SPOOL_LOG_HOLD || (m->held && r->kind != SPOOL_LOG_RELEASE);
	m->expire = m->expire || r->kind == SPOOL_LOG_EXPIRE;
	m->deleted = m->deleted || r->kind == SPOOL_LOG_DELETE;
	if (r->next_us != 0)
		m->next_us = (int64_t)r->next_us;
}

/* Put a message that is known now where it belongs. */
static void
enlist(struct message *m)
{
	if (index_recent(m->maildrop) || index_twin(m->maildrop, m) != NULL) {
		log_info("%s: the same message from maildrop (%.*s) was taken already",
		    m->place.head.id, STR_ARG(m->maildrop));
		m->twin = m->deleted = true;
	}
	if (m->held && !m->deleted)
		return;
	if (m->next_us != 0 && !m->deleted) {
		int64_t wait = (m->next_us - clock_wall_us()) / 1000;

		/* The clock may have been set back. */
		if (wait > queue_conf.maximal_backoff_ms * 5 / 4)
			wait = queue_conf.maximal_backoff_ms;
		index_due(m, wait > 0 ? deadline_in(wait) : clock_ms());
	} else {
		index_ready(m);
	}
	pump_wake();
}

/* A finished message came from maildrop/, and pickup, or a power cut, may bring it again. */
static void
finished_in(enum spool_folder where, const char *name)
{
	struct pool *pool = pool_new();
	struct spool_file f;

	if (spool_read_done(&spool, where, name, pool, &f))
		index_done(f.env.maildrop);
	pool_free(pool);
}

/* A file that is no message: aside, or back to its use. */
static void
misfit(enum spool_folder where, const char *name, enum spool_verdict v, const struct spool_file *f)
{
	/* incoming/ is cleanup's: what is unfinished there may be in the middle of its writing. */
	if (where == SPOOL_INCOMING || v == SPOOL_MISSING)
		return;
	switch (v) {
	case SPOOL_FREE:
		finished_in(where, name);
		if (f->file_size <= SPOOL_REUSE_MAX && free_files < SPOOL_FREE_MAX &&
		    spool_move(&spool, where, SPOOL_UNUSED, name))
			free_files++;
		else
			(void)unlinkat(spool.folder[where], name, 0);
		break;
	case SPOOL_ERROR:
		log_error("%s/%s: %s", spool_folder_name(where), name, strerror(errno));
		break;
	default:
		log_warn("%s/%s: message file is %s: moved to corrupt (from=<%.*s>)",
		    spool_folder_name(where), name, spool_verdict_word(v), STR_ARG(f->env.sender));
		(void)spool_move(&spool, where, SPOOL_CORRUPT, name);
		break;
	}
}

/* A name of an earlier message, left by a power cut, with a whole message behind it. */
static bool
misnamed(enum spool_folder where, const char *name, const struct spool_file *f,
    char id[LIMIT_QUEUE_ID + 1])
{
	if (where == SPOOL_INCOMING || f->head.id[0] == '\0' || strcmp(f->head.id, name) == 0 ||
	    !spool_adopt(&spool, where, name, id))
		return false;
	log_warn("%s: found as %s/%s after an unclean stop: queued", id, spool_folder_name(where),
	    name);
	return true;
}

/* With `verified` cleanup vouches for it: it wrote or checked the file. */
static void
read_one(enum spool_folder where, const char *name, bool verified)
{
	struct pool *pool;
	struct spool_file f;
	struct spool_place place;
	char id[LIMIT_QUEUE_ID + 1];
	enum spool_verdict v;
	struct message *m;

	if (index_find(str_of(name)) != NULL || index_recent(str_of(name)))
		return;
	pool = pool_new();
	v = spool_read(&spool, where, name,
	    where == SPOOL_INCOMING && !verified ? SPOOL_READ_VERIFY : 0, pool, &f, NULL);
	if (v == SPOOL_GOOD) {
		place = spool_place_of(&f, where);
		m = index_add(&place);
		take_envelope(m, &f.env, f.head.content_len);
		for (size_t i = 0; i < f.nlog; i++)
			take_record(m, &f.log[i]);
		m->verified = where == SPOOL_INCOMING;
		enlist(m);
	} else if (v == SPOOL_BAD && misnamed(where, name, &f, id)) {
		read_one(SPOOL_INCOMING, id, true);
	} else {
		misfit(where, name, v, &f);
	}
	pool_free(pool);
}

/* What agents hold must be known before anything old is scheduled; once, at the start. */
static void
await_agents(void)
{
	static msec_t until;

	if (until == 0)
		until = deadline_in(ASK_WAIT_MS);
	while (!agents_asked() && deadline_left(until) > 0)
		(void)fiber_sleep(deadline_in(20));
}

void
on_arrive(struct ipc_req *r, const void *msg)
{
	const struct arrive *a = msg;
	struct spool_place place = { .folder = SPOOL_INCOMING };
	struct message *m;

	if (a->queue_id.n == 0 || a->queue_id.n > LIMIT_QUEUE_ID || index_find(a->queue_id) != NULL ||
	    index_recent(a->queue_id))
		return;
	memcpy(place.head.id, a->queue_id.p, a->queue_id.n);
	/*
	 * Large, or told from the file by a cleanup that started anew: then it may have a log already,
	 * of a qmgr before us, and be on its way.
	 */
	if (a->content.n != a->size || a->envelope_len == 0) {
		await_agents();
		read_one(SPOOL_INCOMING, place.head.id, true);
		return;
	}
	place.head.state = SPOOL_LIVE;
	place.head.content_len = a->size;
	place.head.envelope_len = a->envelope_len;
	place.head.sum = (uint32_t)a->sum;
	place.head.key[0] = a->key0;
	place.head.key[1] = a->key1;
	place.log_end = spool_log_at(&place.head);
	m = index_add(&place);
	take_envelope(m, &a->envelope, a->size);
	m->verified = true;
	if (work_room(a->content.n)) {
		m->work = ipc_take_pool(r);	/* what came stays where it is */
		m->content = a->content;
		m->env = memcpy(pool_alloc(m->work, sizeof(a->envelope)), &a->envelope,
		    sizeof(a->envelope));
		work_took(m->content.n);
	}
	if (free_files > 0)
		free_files--;
	enlist(m);
}

static int
by_inode(const void *a, const void *b)
{
	uint64_t x = ((const struct spool_name *)a)->inode, y = ((const struct spool_name *)b)->inode;

	return x < y ? -1 : x > y;
}

/* In the order in which they lie on the disk, so that a cold start does not jump to and fro. */
static void
read_folder(enum spool_folder where)
{
	struct vec names = vec_of(sizeof(struct spool_name));
	msec_t since = clock_ms();

	if (!spool_list(&spool, where, SIZE_MAX, &names))
		log_error("list %s: %s", spool_folder_name(where), strerror(errno));
	vec_sort(&names, by_inode);
	for (size_t i = 0; i < names.n && !service_stopping(); i++) {
		read_one(where, ((struct spool_name *)vec_at(&names, i))->name, false);
		let_others(&since);
	}
	vec_free(&names);
}

static void
count_free(void)
{
	struct vec names = vec_of(sizeof(struct spool_name));

	if (spool_list(&spool, SPOOL_UNUSED, (size_t)2 * SPOOL_FREE_MAX, &names))
		free_files = (unsigned)names.n;
	vec_free(&names);
}

/* All finished messages whose files were not used again. */
void
scan_finished(void)
{
	static const enum spool_folder where[] = { SPOOL_UNUSED, SPOOL_INCOMING };

	for (unsigned w = 0; w < sizeof(where) / sizeof(where[0]); w++) {
		struct vec names = vec_of(sizeof(struct spool_name));

		(void)spool_list(&spool, where[w], SIZE_MAX, &names);
		for (size_t i = 0; i < names.n; i++)
			finished_in(where[w], ((struct spool_name *)vec_at(&names, i))->name);
		vec_free(&names);
	}
}

void
scan_run(void *arg)
{
	msec_t began = clock_ms();

	(void)arg;
	count_free();
	await_agents();
	read_folder(SPOOL_ACTIVE);
	read_folder(SPOOL_INCOMING);
	read_folder(SPOOL_HOLD);
	read_folder(SPOOL_DEFERRED);
	done = true;
	log_info("queue read: %zu messages in %lld ms", index_count(), (long long)(clock_ms() - began));
	while (fiber_sleep(deadline_in(queue_conf.queue_run_delay_ms)) != WAKE_CANCEL) {
		count_free();
		read_folder(SPOOL_INCOMING);
		read_folder(SPOOL_DEFERRED);
	}
}
