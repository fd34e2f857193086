/* SPDX-License-Identifier: ISC */
/*
 * format - the spool file, as bytes.
 *
 *	head      512 bytes, one sector: state, ID, where the parts are, checksums, the log's key
 *	content   the message exactly as received: CRLF lines, dots not stuffed
 *	envelope  the packed form of envelope_msg (wire/envelope.h)
 *	log       records, appended one after the other
 *
 * One checksum covers content and envelope, a second the head that holds the first, so a head is
 * believed only with the bytes it was written with.  A file is a message when its head is whole and
 * says LIVE and the checksum holds; a head that says DONE makes it a free file.
 *
 * A log record is counted, carries the queue ID and its number, and is sealed by a keyed hash whose
 * key is drawn anew for each message and stands in the head: bytes left by an earlier message in a
 * file used again, chosen by a stranger or not, cannot pass for a record.  Reading stops at the first
 * record that does not hold: a torn tail is no record.
 *
 * Everything here is pure: bytes in, values out.
 */
#ifndef SPOOL_FORMAT_H
#define SPOOL_FORMAT_H

#include "base/buf.h"
#include "base/pool.h"
#include "wire/envelope.h"
#include "wire/limits.h"

#define SPOOL_HEAD		512
#define SPOOL_ENVELOPE_MAX	(16u << 20)	/* packed envelope */
#define SPOOL_RECORD_MAX	(16u << 20)	/* one log record */
#define SPOOL_LOG_MAX		(64u << 20)	/* most bytes of a log that are read */

enum spool_state { SPOOL_DONE = 1, SPOOL_LIVE = 2 };

struct spool_head {
	enum spool_state state;
	char id[LIMIT_QUEUE_ID + 1];
	uint64_t content_len;	/* content begins at SPOOL_HEAD, envelope and log follow it */
	uint64_t envelope_len;
	uint32_t sum;		/* CRC-32C of content and envelope */
	uint64_t key[2];	/* of the log's seals */
};

/* Offsets of the envelope and of the log in the file. */
uint64_t spool_envelope_at(const struct spool_head *h);
uint64_t spool_log_at(const struct spool_head *h);

/* Write the head into its sector. */
void spool_head_pack(unsigned char to[SPOOL_HEAD], const struct spool_head *h);

enum spool_verdict {
	SPOOL_GOOD,
	SPOOL_FREE,		/* the head says the message is done */
	SPOOL_BLANK,		/* no head was ever written here */
	SPOOL_BAD,		/* unfinished or damaged */
	SPOOL_MISSING,		/* no such file */
	SPOOL_ERROR,		/* it could not be read; errno says why */
};

/* For people: "good", "free", … */
const char *spool_verdict_word(enum spool_verdict v);

/* Read a head: GOOD (live), FREE, BLANK or BAD. */
enum spool_verdict spool_head_unpack(struct str sector, struct spool_head *h);

/* What a log record tells. */
enum spool_kind {
	SPOOL_LOG_RESULT,	/* what became of recipients; with the next attempt's time */
	SPOOL_LOG_EXPAND,	/* recipients replaced by others */
	SPOOL_LOG_HOLD,
	SPOOL_LOG_RELEASE,
	SPOOL_LOG_EXPIRE,	/* by an operator: return it at the next occasion */
	SPOOL_LOG_DELETE,	/* by an operator */
	SPOOL_LOG_NEXT,		/* nothing but the next attempt's time */
	SPOOL_LOG_KINDS
};

/* States of a recipient in a record; the first four are RESULT_… of wire/deliver.h. */
enum {
	SPOOL_RCPT_SENT,
	SPOOL_RCPT_DEFERRED,
	SPOOL_RCPT_BOUNCED,
	SPOOL_RCPT_EXPANDED,
	SPOOL_RCPT_NOTIFIED,	/* bounced or sent, and what its sender must hear is queued */
	SPOOL_RCPT_STATES
};

struct spool_result {
	uint64_t num;
	uint64_t status;	/* SPOOL_RCPT_… */
	bool same;		/* dsn, text, diag and remote as in the one before in this record */
	struct str dsn;
	struct str text;
	struct str diag;
	struct str remote;
};

struct spool_added {
	uint64_t num;		/* of the new recipient */
	uint64_t parent;	/* of the one it stands for */
	struct str addr;
	struct str orig;
	struct str orcpt;
	uint64_t notify;
	bool expanded;		/* by router, which is not to expand it again */
	bool owned;		/* has an envelope sender of its own */
	struct str sender;
};

struct spool_record {
	struct str queue_id;	/* filled in by spool_record_pack */
	uint64_t seq;		/* likewise; the first is 0 */
	uint64_t time_us;
	uint64_t kind;
	uint64_t next_us;	/* wall time of the next attempt; 0: not said */
	struct ipc_list results;	/* struct spool_result */
	struct ipc_list added;		/* struct spool_added */
};

extern const struct ipc_msg spool_record_msg;

/* Append the record as number `seq` of the log of `h`; false when a field breaks its limit. */
bool spool_record_pack(struct buf *out, const struct spool_head *h, uint64_t seq,
    const struct spool_record *r);

/*
 * Read record number `seq` at offset `*at` of `log` and move on; texts view `log`, arrays are in
 * `pool`.  False at the end, which is whatever is no such record.
 */
bool spool_record_next(struct str log, size_t *at, const struct spool_head *h, uint64_t seq,
    struct spool_record *r, struct pool *pool);

/* A spool file that was read. */
struct spool_file {
	struct spool_head head;
	struct envelope env;
	struct spool_record *log;
	size_t nlog;		/* also the number of the next record */
	uint64_t log_end;	/* file offset where the next record goes */
	struct str content;	/* when it was asked for and is small, else empty */
	uint64_t file_size;
};

/*
 * Parse a whole file held in memory; all views are into `data` and `pool`.  With `verify` content
 * and envelope are checked against the checksum.  GOOD and FREE fill `f` (of a free file only the
 * head); a BAD one fills what could be read: f->head.id is "" when not even the head.
 */
enum spool_verdict spool_parse(struct str data, bool verify, struct pool *pool, struct spool_file *f);

/* The same for its parts: the head was read, `envelope` and `log` are the bytes of those parts. */
enum spool_verdict spool_parse_parts(struct str envelope, struct str log, struct pool *pool,
    struct spool_file *f);

#endif
