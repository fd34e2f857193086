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
	struct header_watch seen;
	struct buf line;		/* header line that has not ended yet */
	struct buf addresses;		/* the header's address fields */
	struct drop_lines lines;
	bool eightbit;
	uint64_t total;
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

/* Header lines go to the watcher one by one, wherever the pieces were cut. */
static void
watch(struct reader *r, struct str piece)
{
	while (piece.n > 0 && !r->seen.done) {
		const char *nl = memchr(piece.p, '\n', piece.n);
		size_t n = nl == NULL ? piece.n : (size_t)(nl - piece.p);

		buf_add(&r->line, str_n(piece.p, n));
		if (nl == NULL)
			return;
		if (r->line.n > 0 && r->line.p[r->line.n - 1] == '\r')
			r->line.n--;
		if (header_watch(&r->seen, buf_str(&r->line)) && (r->seen.now & ENVELOPE_ADDRESSES)) {
			buf_add(&r->addresses, buf_str(&r->line));
			buf_add(&r->addresses, STR("\r\n"));
		}
		buf_reset(&r->line);
		piece = str_sub(piece, n + 1, piece.n);
	}
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
	if (!drop_lines_ok(&r->lines, piece))
		return bad(r, "malformed lines");
	r->total += piece.n;
	if (common.message_size_limit > 0 && r->total > common.message_size_limit)
		return bad(r, "larger than message_size_limit");
	for (size_t i = 0; i < piece.n && !r->eightbit; i++)
		r->eightbit = (unsigned char)piece.p[i] >= 128;
	watch(r, piece);
	submission_add(r->to, piece, deadline_in(SUBMIT_MS));
	return TAKEN_OK;
}

/* Walk the records; TAKEN_OK when all of them are there and sound. */
static enum taken
read_records(struct reader *r)
{
	char head[DROP_HEAD], type, past;
	enum taken t = TAKEN_OK;
	bool first = true;
	uint32_t n;

	while (t == TAKEN_OK) {
		char *data;
		int got = get(r, head, sizeof(head));

		if (got == 0)
			return unfinished(r);
		if (got < 0)
			return TAKEN_LATER;
		if (!drop_head_parse(head, &type, &n) || first != (type == DROP_ENVELOPE))
			return bad(r, "malformed record");
		/* The envelope's texts are used to the end. */
		data = type == DROP_ENVELOPE ? pool_alloc(r->pool, n) : mem_alloc(n);
		got = get(r, data, n);
		if (got <= 0)
			t = got == 0 ? unfinished(r) : TAKEN_LATER;
		else if (type == DROP_ENVELOPE)
			t = take_envelope(r, str_n(data, n));
		else if (type == DROP_CONTENT)
			t = take_content(r, str_n(data, n));
		else if (drop_total_parse(data) != r->total || r->lines.cr || get(r, &past, 1) != 0)
			t = bad(r, "not complete");
		if (type != DROP_ENVELOPE)
			free(data);
		if (type == DROP_END)
			break;
		first = false;
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

	envelope_build(&env, &r->drop, &r->seen, r->eightbit,
	    buf_ok(&r->addresses) ? buf_str(&r->addresses) : STR(""), origin, r->pool);
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

	r.line.limit = r.addresses.limit = HEADER_FIELD_MAX;
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
	buf_free(&r.line);
	buf_free(&r.addresses);
	(void)close(r.fd);
	return t;
}
