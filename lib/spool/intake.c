/* SPDX-License-Identifier: ISC */
/*
 * Why one write of head, content and envelope together is enough: until every sector of it is on
 * the disk, either the old head is still there, and that says DONE or nothing, or the new head is,
 * and its checksum does not match.  Both are no message, and nobody was told otherwise.  HACKING.md
 * has the table of every state.
 */
#include "spool/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "base/panic.h"
#include "fiber/fiber.h"
#include "mail/queue_id.h"
#include "spool/stock.h"

#define LAST_FILE	"last-id"
#define LAST_SIZE	32
#define LAST_AHEAD	((int64_t)5 * 1000000)	/* IDs promised at once, in microseconds of time */

struct intake {
	const struct spool *spool;
	struct queue_id_clock clock;
	int64_t promised_us;	/* every ID ever given out is at most this, on disk too */
	int last_fd;
	struct stock *stock;
	uint64_t seed[2];
	struct map *busy;	/* IDs being written */
	unsigned next_number;
};

struct spool_stream {
	struct intake *in;
	char id[LIMIT_QUEUE_ID + 1];
	int fd;
	uint64_t size;
	uint32_t sum;
	enum spool_put failed;	/* SPOOL_PUT_OK: not yet */
};

static enum spool_put
put_of_errno(int e)
{
	return e == ENOSPC || e == EDQUOT || e == EFBIG ? SPOOL_PUT_FULL : SPOOL_PUT_LATER;
}

/* Raise the promise on disk to cover IDs up to `to`. */
static bool
promise(struct intake *in, int64_t to)
{
	char text[LAST_SIZE + 1];
	int e;

	(void)snprintf(text, sizeof(text), "%020lld %08x\n", (long long)to, 0u);
	(void)snprintf(text + 21, sizeof(text) - 21, "%08x\n", hash_crc32c(0, text, 20));
	if (!spool_pwrite(in->last_fd, str_n(text, strlen(text)), 0)) {
		log_error("queue file %s: write: %s", LAST_FILE, strerror(errno));
		return false;
	}
	if ((e = fiber_running() ? fiber_sync(in->last_fd) :
	    fdatasync(in->last_fd) != 0 ? errno : 0) != 0) {
		log_error("queue file %s: sync: %s", LAST_FILE, strerror(e));
		return false;
	}
	if (to > in->promised_us)
		in->promised_us = to;
	return true;
}

/* The promise of our predecessor; false when the file does not say. */
static bool
read_promise(struct intake *in)
{
	char text[LAST_SIZE + 1] = { 0 }, sum[16];
	ssize_t n = pread(in->last_fd, text, LAST_SIZE, 0);
	uint64_t us;

	if (n < 30)
		return false;
	(void)snprintf(sum, sizeof(sum), "%08x\n", hash_crc32c(0, text, 20));
	if (memcmp(text + 21, sum, 9) != 0 || !str_u64(str_n(text, 20), INT64_MAX / 2, &us))
		return false;
	queue_id_seen(&in->clock, (int64_t)us);
	return true;
}

/* Without the file: no ID that is in the queue now. */
static void
learn_from_names(struct intake *in)
{
	for (unsigned f = 0; f < SPOOL_FOLDERS; f++) {
		struct vec names = vec_of(sizeof(struct spool_name));
		int64_t us;

		if (in->spool->folder[f] >= 0)
			(void)spool_list(in->spool, f, SIZE_MAX, &names);
		for (size_t i = 0; i < names.n; i++) {
			const struct spool_name *n = vec_at(&names, i);

			if (queue_id_parse(str_of(n->name), &us))
				queue_id_seen(&in->clock, us);
		}
		vec_free(&names);
	}
}

/* A file of incoming/ that is no message under its name. */
static void
sweep_bad(const struct spool *s, const char *name, const struct spool_file *f)
{
	char id[LIMIT_QUEUE_ID + 1];

	if (spool_adopt(s, SPOOL_INCOMING, name, id)) {
		log_warn("%s: found as %s after an unclean stop: queued", id, name);
		return;
	}
	log_warn("%s: message file is unfinished or damaged: moved to corrupt (from=<%.*s>)", name,
	    STR_ARG(f->env.sender));
	(void)spool_move(s, SPOOL_INCOMING, SPOOL_CORRUPT, name);
}

/* Files in incoming/ that never became messages: back to free/, or away. */
static void
sweep(struct intake *in)
{
	struct vec names = vec_of(sizeof(struct spool_name));
	const struct spool *s = in->spool;

	(void)spool_list(s, SPOOL_INCOMING, SIZE_MAX, &names);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = ((struct spool_name *)vec_at(&names, i))->name;
		struct pool *pool = pool_new();
		struct spool_file f;

		switch (spool_read(s, SPOOL_INCOMING, name, SPOOL_READ_VERIFY, pool, &f, NULL)) {
		case SPOOL_FREE:
			if (f.file_size <= SPOOL_REUSE_MAX)
				(void)spool_move(s, SPOOL_INCOMING, SPOOL_UNUSED, name);
			else
				(void)unlinkat(s->folder[SPOOL_INCOMING], name, 0);
			break;
		case SPOOL_BLANK:
			log_info("%s: message was never finished: removed", name);
			(void)unlinkat(s->folder[SPOOL_INCOMING], name, 0);
			break;
		case SPOOL_BAD:
			sweep_bad(s, name, &f);
			break;
		default:
			break;
		}
		pool_free(pool);
	}
	vec_free(&names);
}

/*
 * After a power cut a file may be found in free/ under its old name with a new message in it: the
 * rename was lost, the message was not.  Put such messages where qmgr finds them, before any file
 * of free/ is written over.
 */
static void
sweep_free(const struct spool *s)
{
	struct vec names = vec_of(sizeof(struct spool_name));

	(void)spool_list(s, SPOOL_UNUSED, SIZE_MAX, &names);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = ((struct spool_name *)vec_at(&names, i))->name;
		char id[LIMIT_QUEUE_ID + 1];
		struct spool_head h;
		enum spool_verdict v = spool_read_head(s, SPOOL_UNUSED, name, &h);

		if (v == SPOOL_GOOD && spool_adopt(s, SPOOL_UNUSED, name, id)) {
			log_warn("%s: found among unused files after an unclean stop: queued", id);
		} else if (v == SPOOL_GOOD || v == SPOOL_BAD) {
			log_warn("free/%s: message file is unfinished or damaged: moved to corrupt", name);
			(void)spool_move(s, SPOOL_UNUSED, SPOOL_CORRUPT, name);
		} else if (v == SPOOL_BLANK) {
			(void)unlinkat(s->folder[SPOOL_UNUSED], name, 0);
		}
	}
	vec_free(&names);
}

struct intake *
intake_open(const struct spool *s)
{
	struct intake *in = mem_zero(1, sizeof(*in));

	in->spool = s;
	in->last_fd = openat(s->dir, LAST_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (in->last_fd < 0) {
		free(in);
		return NULL;
	}
	hash_seed(in->seed);
	in->busy = map_new();
	in->stock = stock_open(s);
	sweep(in);
	sweep_free(s);
	if (!read_promise(in))
		learn_from_names(in);
	in->promised_us = in->clock.last_us;
	if (fsync(in->last_fd) != 0 || fsync(s->dir) != 0) {
		intake_close(in);
		return NULL;
	}
	return in;
}

void
intake_close(struct intake *in)
{
	if (in == NULL)
		return;
	if (in->clock.last_us < in->promised_us)
		(void)promise(in, in->clock.last_us);
	(void)close(in->last_fd);
	stock_close(in->stock);
	map_free(in->busy);
	free(in);
}

bool
intake_busy(const struct intake *in, const char *id)
{
	return map_get(in->busy, str_of(id)) != NULL;
}

bool
intake_id(struct intake *in, char id[LIMIT_QUEUE_ID + 1])
{
	char text[QUEUE_ID_MAX + 1];
	struct str s;

	for (;;) {
		/* The number only helps to tell IDs apart by eye: one or two digits. */
		s = queue_id_next(&in->clock, clock_wall_us(), in->next_number++ % 2000, text);
		ASSERT(s.n <= LIMIT_QUEUE_ID);
		if (in->clock.last_us <= in->promised_us)
			break;
		if (!promise(in, in->clock.last_us + LAST_AHEAD))
			return false;
	}
	memcpy(id, text, s.n + 1);
	return true;
}

static void
draw_key(const struct intake *in, struct spool_head *h)
{
	uint64_t other[2] = { ~in->seed[0], in->seed[1] };

	h->key[0] = hash_sip(in->seed, str_of(h->id));
	h->key[1] = hash_sip(other, str_of(h->id));
}

static int
create(struct intake *in, const char *id)
{
	return openat(in->spool->folder[SPOOL_INCOMING], id,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Head, content, envelope, and zeros up to `fill` bytes of file, in one call as a rule. */
static bool
write_all(int fd, const unsigned char *head, struct str content, struct str envelope, size_t fill)
{
	static const char zeros[SPOOL_FILE_MIN];
	size_t total = SPOOL_HEAD + content.n + envelope.n;
	struct iovec iov[4] = {
		{ (void *)(uintptr_t)head, SPOOL_HEAD },
		{ (void *)(uintptr_t)content.p, content.n },
		{ (void *)(uintptr_t)envelope.p, envelope.n },
		{ (void *)(uintptr_t)zeros, fill > total ? fill - total : 0 },
	};
	uint64_t at = 0;
	ssize_t n;

	do
		n = pwritev(fd, iov, 4, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	for (unsigned i = 0; i < 4; i++) {
		size_t skip = (size_t)n > at ? (size_t)n - at : 0;
		struct str part = str_n(iov[i].iov_base, iov[i].iov_len);

		if (skip < part.n && !spool_pwrite(fd, str_sub(part, skip, part.n), at + skip))
			return false;
		at += part.n;
	}
	return true;
}

/* A write failed: mark the file as holding no message, or remove it. */
static void
undo(struct intake *in, const char *id, int fd, bool reused)
{
	struct spool_head h = { .state = SPOOL_DONE };
	unsigned char head[SPOOL_HEAD];

	memcpy(h.id, id, strlen(id) + 1);
	spool_head_pack(head, &h);
	if (reused && spool_pwrite(fd, str_n(head, sizeof(head)), 0) && fiber_sync(fd) == 0 &&
	    spool_move(in->spool, SPOOL_INCOMING, SPOOL_UNUSED, id))
		return;
	if (unlinkat(in->spool->folder[SPOOL_INCOMING], id, 0) != 0)
		log_error("%s: cannot remove: %s", id, strerror(errno));
}

/* fsync failed: what is on the disk is unknown, so nobody may ever take this file for a message. */
static void
set_aside(struct intake *in, const char *id, int e)
{
	log_error("%s: queue file: sync: %s", id, strerror(e));
	if (!spool_move(in->spool, SPOOL_INCOMING, SPOOL_CORRUPT, id))
		(void)unlinkat(in->spool->folder[SPOOL_INCOMING], id, 0);
	(void)fiber_sync_full(in->spool->folder[SPOOL_INCOMING]);
	(void)fiber_sync_full(in->spool->folder[SPOOL_CORRUPT]);
}

/* One try; *again: another file may fare better. */
static enum spool_put
put_once(struct intake *in, const char *id, const unsigned char *head, struct str content,
    struct str envelope, bool fresh, bool *again)
{
	size_t total = SPOOL_HEAD + content.n + envelope.n, inside = 0, crowd = map_count(in->busy);
	int fd = fresh ? -1 : stock_take(in->stock, id, total, crowd, &inside), e;
	bool reused = fd >= 0;

	*again = false;
	if (!reused && (fd = create(in, id)) < 0) {
		log_error("%s: create queue file: %s", id, strerror(errno));
		return put_of_errno(errno);
	}
	if (!write_all(fd, head, content, envelope, reused ? 0 : SPOOL_FILE_MIN)) {
		e = errno;
		log_error("%s: write queue file: %s", id, strerror(e));
		undo(in, id, fd, reused);
		(void)close(fd);
		return put_of_errno(e);
	}
	if (!reused)
		e = fiber_sync_new(fd, in->spool->folder[SPOOL_INCOMING]);
	else
		e = total <= inside ? fiber_sync_inside(fd, total) : fiber_sync(fd);
	if (close(fd) != 0 && e == 0)
		e = errno;
	if (e == 0)
		return SPOOL_PUT_OK;
	set_aside(in, id, e);
	*again = !fresh;
	return put_of_errno(e);
}

enum spool_put
spool_put(struct intake *in, const char *id, struct str content, const struct envelope *env,
    struct spool_head *out)
{
	struct buf envelope = { .limit = SPOOL_ENVELOPE_MAX };
	unsigned char head[SPOOL_HEAD];
	struct spool_head h = { .state = SPOOL_LIVE };
	enum spool_put r = SPOOL_PUT_LIMITS;
	size_t nfds = 0;
	bool again;

	if (content.n <= LIMIT_SMALL && ipc_pack(&envelope, &envelope_msg, env, NULL, &nfds)) {
		memcpy(h.id, id, strlen(id) + 1);
		h.content_len = content.n;
		h.envelope_len = envelope.n;
		h.sum = hash_crc32c(hash_crc32c(0, content.p, content.n), envelope.p, envelope.n);
		draw_key(in, &h);
		spool_head_pack(head, &h);
		(void)map_put(in->busy, str_of(id), in);
		r = put_once(in, id, head, content, buf_str(&envelope), false, &again);
		if (again)
			r = put_once(in, id, head, content, buf_str(&envelope), true, &again);
		(void)map_del(in->busy, str_of(id));
	}
	buf_free(&envelope);
	if (out != NULL)
		*out = h;
	return r;
}

struct spool_stream *
spool_stream_begin(struct intake *in, const char *id, enum spool_put *result)
{
	struct spool_stream *st;
	int fd = create(in, id);

	if (fd < 0) {
		*result = put_of_errno(errno);
		log_error("%s: create queue file: %s", id, strerror(errno));
		return NULL;
	}
	*result = SPOOL_PUT_OK;
	st = mem_zero(1, sizeof(*st));
	st->in = in;
	memcpy(st->id, id, strlen(id) + 1);
	st->fd = fd;
	(void)map_put(in->busy, str_of(id), in);
	return st;
}

void
spool_stream_add(struct spool_stream *st, struct str data)
{
	if (st->failed == SPOOL_PUT_OK && !spool_pwrite(st->fd, data, SPOOL_HEAD + st->size)) {
		log_error("%s: write queue file: %s", st->id, strerror(errno));
		st->failed = put_of_errno(errno);
	}
	st->sum = hash_crc32c(st->sum, data.p, data.n);
	st->size += data.n;
}

uint64_t
spool_stream_size(const struct spool_stream *st)
{
	return st->size;
}

static void
stream_free(struct spool_stream *st)
{
	if (st->fd >= 0)
		(void)close(st->fd);
	(void)map_del(st->in->busy, str_of(st->id));
	free(st);
}

enum spool_put
spool_stream_end(struct spool_stream *st, const struct envelope *env)
{
	struct buf envelope = { .limit = SPOOL_ENVELOPE_MAX };
	unsigned char head[SPOOL_HEAD];
	struct spool_head h = { .state = SPOOL_LIVE };
	enum spool_put r = st->failed;
	size_t nfds = 0;
	int e = 0;

	if (r == SPOOL_PUT_OK && !ipc_pack(&envelope, &envelope_msg, env, NULL, &nfds))
		r = SPOOL_PUT_LIMITS;
	memcpy(h.id, st->id, strlen(st->id) + 1);
	h.content_len = st->size;
	h.envelope_len = envelope.n;
	h.sum = hash_crc32c(st->sum, envelope.p, envelope.n);
	draw_key(st->in, &h);
	spool_head_pack(head, &h);
	if (r == SPOOL_PUT_OK &&
	    (!spool_pwrite(st->fd, buf_str(&envelope), spool_envelope_at(&h)) ||
	    !spool_pwrite(st->fd, str_n(head, sizeof(head)), 0))) {
		log_error("%s: write queue file: %s", st->id, strerror(errno));
		r = put_of_errno(errno);
	}
	buf_free(&envelope);
	if (r != SPOOL_PUT_OK) {
		spool_stream_abort(st);
		return r;
	}
	e = fiber_write_out(st->fd);
	if (e == 0)
		e = fiber_sync_new(st->fd, st->in->spool->folder[SPOOL_INCOMING]);
	if (close(st->fd) != 0 && e == 0)
		e = errno;
	st->fd = -1;
	if (e != 0) {
		set_aside(st->in, st->id, e);
		r = put_of_errno(e);
	}
	stream_free(st);
	return r;
}

void
spool_stream_abort(struct spool_stream *st)
{
	if (st == NULL)
		return;
	(void)unlinkat(st->in->spool->folder[SPOOL_INCOMING], st->id, 0);
	stream_free(st);
}
