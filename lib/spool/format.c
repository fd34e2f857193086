/* SPDX-License-Identifier: ISC */
/*
 * The head, all numbers little-endian:
 *
 *	0   8  "PHspool1": what this is, and its version
 *	8   4  CRC-32C of bytes 12 to 511
 *	12  4  state
 *	16  8  content length
 *	24  8  envelope length
 *	32  4  CRC-32C of content and envelope
 *	36  4  zero
 *	40  16 key of the log
 *	56  1  length of the ID, then the ID, then zeros
 *
 * A record: u32 length of the body, u32 its complement, u64 seal, body.
 */
#include "spool/format.h"

#include "base/hash.h"
#include "base/vec.h"

#define MAGIC		"PHspool1"
#define RECORD_HEAD	16

static void
put(unsigned char *to, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t
get(const void *from, unsigned bytes)
{
	const unsigned char *p = from;
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint64_t
spool_envelope_at(const struct spool_head *h)
{
	return SPOOL_HEAD + h->content_len;
}

uint64_t
spool_log_at(const struct spool_head *h)
{
	return spool_envelope_at(h) + h->envelope_len;
}

void
spool_head_pack(unsigned char to[SPOOL_HEAD], const struct spool_head *h)
{
	size_t n = strlen(h->id);

	memset(to, 0, SPOOL_HEAD);
	memcpy(to, MAGIC, 8);
	put(to + 12, h->state, 4);
	put(to + 16, h->content_len, 8);
	put(to + 24, h->envelope_len, 8);
	put(to + 32, h->sum, 4);
	put(to + 40, h->key[0], 8);
	put(to + 48, h->key[1], 8);
	to[56] = (unsigned char)n;
	memcpy(to + 57, h->id, n);
	put(to + 8, hash_crc32c(0, to + 12, SPOOL_HEAD - 12), 4);
}

const char *
spool_verdict_word(enum spool_verdict v)
{
	static const char *const words[] = {
		[SPOOL_GOOD] = "good", [SPOOL_FREE] = "free", [SPOOL_BLANK] = "blank",
		[SPOOL_BAD] = "unfinished or damaged", [SPOOL_MISSING] = "missing",
		[SPOOL_ERROR] = "unreadable",
	};

	return words[v];
}

/* Queue IDs name files: nothing but letters and digits, and not too many. */
static bool
id_ok(const char *id, size_t n)
{
	if (n < 6 || n > LIMIT_QUEUE_ID)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!ch_alnum(id[i]))
			return false;
	return true;
}

static bool
all_zero(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != 0)
			return false;
	return true;
}

enum spool_verdict
spool_head_unpack(struct str sector, struct spool_head *h)
{
	const unsigned char *p = (const unsigned char *)sector.p;

	*h = (struct spool_head){ 0 };
	if (all_zero(str_sub(sector, 0, SPOOL_HEAD)))
		return SPOOL_BLANK;
	if (sector.n < SPOOL_HEAD || memcmp(p, MAGIC, 8) != 0 ||
	    get(p + 8, 4) != hash_crc32c(0, p + 12, SPOOL_HEAD - 12))
		return SPOOL_BAD;
	h->content_len = get(p + 16, 8);
	h->envelope_len = get(p + 24, 8);
	h->sum = (uint32_t)get(p + 32, 4);
	h->key[0] = get(p + 40, 8);
	h->key[1] = get(p + 48, 8);
	if (!id_ok((const char *)p + 57, p[56]) || h->content_len > INT64_MAX / 2 ||
	    h->envelope_len > SPOOL_ENVELOPE_MAX)
		return SPOOL_BAD;
	memcpy(h->id, p + 57, p[56]);
	switch (get(p + 12, 4)) {
	case SPOOL_LIVE:
		h->state = SPOOL_LIVE;
		return SPOOL_GOOD;
	case SPOOL_DONE:
		h->state = SPOOL_DONE;
		return SPOOL_FREE;
	default:
		return SPOOL_BAD;
	}
}

static const struct ipc_field result_fields[] = {
	IPC_U64(struct spool_result, num, UINT32_MAX),
	IPC_U64(struct spool_result, status, SPOOL_RCPT_STATES - 1),
	IPC_BOOL(struct spool_result, same),
	IPC_TEXT(struct spool_result, dsn, 16),
	IPC_TEXT(struct spool_result, text, LIMIT_REPLY),
	IPC_TEXT(struct spool_result, diag, LIMIT_REPLY),
	IPC_TEXT(struct spool_result, remote, LIMIT_HOST),
	IPC_END
};

static const struct ipc_field added_fields[] = {
	IPC_U64(struct spool_added, num, UINT32_MAX),
	IPC_U64(struct spool_added, parent, UINT32_MAX),
	IPC_TEXT(struct spool_added, addr, LIMIT_ADDRESS),
	IPC_TEXT(struct spool_added, orig, LIMIT_ADDRESS),
	IPC_TEXT(struct spool_added, orcpt, LIMIT_ORCPT),
	IPC_U64(struct spool_added, notify, 15),
	IPC_BOOL(struct spool_added, expanded),
	IPC_BOOL(struct spool_added, owned),
	IPC_TEXT(struct spool_added, sender, LIMIT_ADDRESS),
	IPC_END
};

const struct ipc_msg spool_record_msg = { "spool_record", 119, sizeof(struct spool_record),
	(const struct ipc_field[]) {
		IPC_TEXT(struct spool_record, queue_id, LIMIT_QUEUE_ID),
		IPC_U64(struct spool_record, seq, UINT32_MAX),
		IPC_U64(struct spool_record, time_us, INT64_MAX),
		IPC_U64(struct spool_record, kind, SPOOL_LOG_KINDS - 1),
		IPC_U64(struct spool_record, next_us, INT64_MAX),
		IPC_LIST(struct spool_record, results, LIMIT_RCPTS, struct spool_result, result_fields),
		IPC_LIST(struct spool_record, added, LIMIT_RCPTS, struct spool_added, added_fields),
		IPC_END
	}
};

bool
spool_record_pack(struct buf *out, const struct spool_head *h, uint64_t seq,
    const struct spool_record *r)
{
	struct spool_record whole = *r;
	unsigned char head[RECORD_HEAD] = { 0 };
	size_t nfds = 0, before = out->n, n;

	whole.queue_id = str_of(h->id);
	whole.seq = seq;
	buf_add(out, str_n(head, sizeof(head)));
	if (!ipc_pack(out, &spool_record_msg, &whole, NULL, &nfds)) {
		out->n = before;
		return false;
	}
	n = out->n - before - RECORD_HEAD;
	if (n > SPOOL_RECORD_MAX) {
		out->n = before;
		return false;
	}
	put(head, n, 4);
	put(head + 4, ~(uint32_t)n, 4);
	put(head + 8, hash_sip(h->key, str_n(out->p + before + RECORD_HEAD, n)), 8);
	memcpy(out->p + before, head, sizeof(head));
	return true;
}

bool
spool_record_next(struct str log, size_t *at, const struct spool_head *h, uint64_t seq,
    struct spool_record *r, struct pool *pool)
{
	struct str rest = str_sub(log, *at, log.n), body;
	uint32_t n;

	if (rest.n < RECORD_HEAD)
		return false;
	n = (uint32_t)get(rest.p, 4);
	if (n > SPOOL_RECORD_MAX || n > rest.n - RECORD_HEAD || get(rest.p + 4, 4) != (uint32_t)~n)
		return false;
	body = str_sub(rest, RECORD_HEAD, n);
	if (get(rest.p + 8, 8) != hash_sip(h->key, body) ||
	    !ipc_unpack(body, &spool_record_msg, r, NULL, 0, pool) ||
	    !str_eq(r->queue_id, str_of(h->id)) || r->seq != seq)
		return false;
	*at += RECORD_HEAD + n;
	return true;
}

/* `same` stands for the texts of the result before it; fill them in. */
static void
fill_same(struct spool_record *r)
{
	struct spool_result *v = r->results.v;

	for (size_t i = 1; i < r->results.n; i++)
		if (v[i].same) {
			v[i].dsn = v[i - 1].dsn;
			v[i].text = v[i - 1].text;
			v[i].diag = v[i - 1].diag;
			v[i].remote = v[i - 1].remote;
		}
}

enum spool_verdict
spool_parse_parts(struct str envelope, struct str log, struct pool *pool, struct spool_file *f)
{
	struct vec records = vec_of(sizeof(struct spool_record));
	struct spool_record r;
	size_t at = 0;

	if (!ipc_unpack(envelope, &envelope_msg, &f->env, NULL, 0, pool))
		return SPOOL_BAD;
	while (spool_record_next(log, &at, &f->head, records.n, &r, pool)) {
		fill_same(&r);
		*(struct spool_record *)vec_push(&records) = r;
	}
	f->nlog = records.n;
	f->log = pool_array(pool, records.n + 1, sizeof(r));
	if (records.n > 0)
		memcpy(f->log, records.p, records.n * sizeof(r));
	vec_free(&records);
	f->log_end = spool_log_at(&f->head) + at;
	return SPOOL_GOOD;
}

enum spool_verdict
spool_parse(struct str data, bool verify, struct pool *pool, struct spool_file *f)
{
	struct str parts, envelope;
	enum spool_verdict v;

	*f = (struct spool_file){ .file_size = data.n };
	v = spool_head_unpack(data, &f->head);
	if (v != SPOOL_GOOD)
		return v;
	if (spool_log_at(&f->head) > data.n)
		return SPOOL_BAD;
	f->content = str_sub(data, SPOOL_HEAD, f->head.content_len);
	envelope = str_sub(data, spool_envelope_at(&f->head), f->head.envelope_len);
	parts = str_sub(data, SPOOL_HEAD, f->head.content_len + f->head.envelope_len);
	v = spool_parse_parts(envelope, str_sub(data, spool_log_at(&f->head), SPOOL_LOG_MAX),
	    pool, f);
	if (verify && hash_crc32c(0, parts.p, parts.n) != f->head.sum)
		return SPOOL_BAD;
	return v;
}
