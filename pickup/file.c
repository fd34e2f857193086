/* SPDX-License-Identifier: ISC */
#include "pickup/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask/submit.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/log.h"
#include "base/panic.h"
#include "conf/common.h"
#include "pickup/envelope.h"

#define INPUT		65536
#define STALE_S		86400	/* an unfinished file is left alone this long */
#define SUBMIT_MS	300000	/* for one hand-over */

struct reader {
	int dir, fd;
	const char *name;
	struct pool *pool;
	struct stat st;
	struct drop drop;
	struct seen seen;
	struct drop_walk walk;
	struct submission *to;
	const char *why;		/* of TAKEN_BAD */
};

/* Exactly `n` bytes: 1, 0 when the file ends before, -1 on an error. */
static int
get(struct reader *r, char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = read(r->fd, to, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		to += got;
		n -= (size_t)got;
	}
	return 1;
}

static enum taken
bad(struct reader *r, const char *why)
{
	r->why = why;
	return TAKEN_BAD;
}

/* The file ends without its last record: somebody is writing it, or was. */
static enum taken
unfinished(const struct reader *r)
{
	return clock_wall() - (int64_t)r->st.st_mtime > STALE_S ? TAKEN_STALE : TAKEN_LATER;
}

static enum taken
take_envelope(struct reader *r, struct str packed)
{
	const char *why;

	if (!ipc_unpack(packed, &drop_msg, &r->drop, NULL, 0, r->pool))
		return bad(r, "malformed envelope");
	if (!drop_ok(&r->drop, r->pool, &why))
		return bad(r, why);
	if (r->drop.uid != r->st.st_uid || !str_eq(r->drop.name, str_of(r->name)))
		return bad(r, "not written by its owner under this name");
	return TAKEN_OK;
}

static enum taken
take_content(struct reader *r, struct str piece)
{
	if (common.message_size_limit > 0 && r->walk.total > common.message_size_limit)
		return bad(r, "larger than message_size_limit");
	seen_add(&r->seen, piece);
	submission_add(r->to, piece, deadline_in(SUBMIT_MS));
	return TAKEN_OK;
}

/* Nothing may stand behind the last record. */
static enum taken
take_end(struct reader *r)
{
	char past;

	return get(r, &past, 1) == 0 ? TAKEN_OK : bad(r, "not complete");
}

/* The bytes of the record whose head was read; `n` of them. */
static enum taken
take_data(struct reader *r, char *data, uint32_t n)
{
	int got = get(r, data, n);
	const char *why;

	if (got <= 0)
		return got == 0 ? unfinished(r) : TAKEN_LATER;
	if (!drop_walk_data(&r->walk, str_n(data, n), &why))
		return bad(r, why);
	if (r->walk.type == DROP_ENVELOPE)
		return take_envelope(r, str_n(data, n));
	return r->walk.type == DROP_CONTENT ? take_content(r, str_n(data, n)) : take_end(r);
}

/* Walk the records; TAKEN_OK when all of them are there and sound. */
static enum taken
read_records(struct reader *r)
{
	enum taken t = TAKEN_OK;
	char head[DROP_HEAD];
	uint32_t n;

	while (t == TAKEN_OK && !r->walk.ended) {
		int got = get(r, head, sizeof(head));
		char *data;

		if (got == 0)
			return unfinished(r);
		if (got < 0)
			return TAKEN_LATER;
		if (!drop_walk_head(&r->walk, head, &n))
			return bad(r, "malformed record");
		/* The envelope's texts are used to the end. */
		data = r->walk.type == DROP_ENVELOPE ? pool_alloc(r->pool, n) : mem_alloc(n);
		t = take_data(r, data, n);
		if (r->walk.type != DROP_ENVELOPE)
			free(data);
	}
	return t;
}

/* Give it to cleanup and wait for the disk. */
static enum taken
submit(struct reader *r, struct str origin)
{
	static const struct event picked = { "pickup", "{id}: uid={uid} from=<{from}>" };
	struct submitted done;
	struct envelope env;

	envelope_build(&env, &r->drop, &r->seen, origin, r->pool);
	submission_end(r->to, &env, &done, deadline_in(SUBMIT_MS));
	r->to = NULL;
	switch (done.result) {
	case SUBMIT_OK:
		EVENT(&picked, { "id", done.queue_id },
		    { "uid", pool_printf(r->pool, "%llu", (unsigned long long)r->drop.uid) },
		    { "from", r->drop.sender });
		return TAKEN_OK;
	case SUBMIT_LATER:
	case SUBMIT_FULL:
		log_warn("maildrop/%s: not queued yet: %.*s", r->name, STR_ARG(done.text));
		return TAKEN_LATER;
	default:
		return bad(r, pool_printf(r->pool, "cleanup: %.*s", STR_ARG(done.text)).p);
	}
}

static enum taken
take_open(struct reader *r, struct str origin)
{
	char magic[DROP_MAGIC_N];
	enum taken t;
	int got;

	if (fstat(r->fd, &r->st) != 0 || !S_ISREG(r->st.st_mode))
		return bad(r, "not a regular file");
	if (r->st.st_nlink != 1)
		return bad(r, "has another name");
	got = get(r, magic, sizeof(magic));
	if (got <= 0)
		return got == 0 ? unfinished(r) : TAKEN_LATER;
	if (memcmp(magic, DROP_MAGIC, sizeof(magic)) != 0)
		return bad(r, "not a maildrop file");
	r->to = submission_begin(r->pool, 0);
	t = read_records(r);
	if (t == TAKEN_OK)
		return submit(r, origin);
	submission_abort(r->to);
	return t;
}

enum taken
file_take(int dir, const char *name, struct str origin, struct pool *p)
{
	struct reader r = { .dir = dir, .name = name, .pool = p };
	enum taken t;

	r.fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (r.fd < 0 && errno == ENOENT)
		return TAKEN_GONE;
	if (r.fd < 0) {
		log_warn("maildrop/%s: %s", name, strerror(errno));
		return errno == ELOOP ? TAKEN_BAD : TAKEN_LATER;
	}
	t = take_open(&r, origin);
	if (t == TAKEN_BAD)
		log_error("maildrop/%s: uid=%u: %s", name, (unsigned)r.st.st_uid, r.why);
	seen_free(&r.seen);
	(void)close(r.fd);
	return t;
}
