/* SPDX-License-Identifier: ISC */
/*
 * fillqueue - a queue as it looks after a bad week: many messages that were tried and wait.
 *
 *	fillqueue [-d DOMAINS] [-r RECIPIENTS] [-s BYTES] [-w SECONDS] QUEUE_DIRECTORY COUNT
 *
 * Writes COUNT messages into deferred/, each with the log record of one failed attempt, in the bytes
 * that cleanup and qmgr would have left there, but without a sync.  Their recipients are spread over
 * DOMAINS (dead0.test, dead1.test, …; 1000), their next attempt is in SECONDS (3600) and up to a
 * quarter more; with 0 all are due at once.  The suite must be down.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "mail/queue_id.h"
#include "spool/spool.h"

#define FILE_SIZE	(16u << 10)	/* as cleanup makes a new one */
#define US		1000000

static struct {
	unsigned domains, rcpts, bytes, wait;
	uid_t uid;
	gid_t gid;
} how = { .domains = 1000, .rcpts = 1, .bytes = 1000, .wait = 3600 };

static void
die(const char *what)
{
	fprintf(stderr, "fillqueue: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The suite is down, and the lock's file stays the mail owner's. */
static void
take_lock(const struct spool *s, const char *name)
{
	int fd = spool_lock(s, name, false);

	if (fd < 0 || fchown(fd, how.uid, how.gid) != 0)
		die("lock: is the suite running?");
}

static struct str
content(struct pool *pool, unsigned n)
{
	struct buf b = { 0 };
	struct str s;

	buf_addf(&b, "From: <sender%u@example.test>\r\nTo: <rcpt%u@dead%u.test>\r\n"
	    "Subject: waiting %u\r\nMessage-ID: <%u@fill.test>\r\n\r\n", n % 100, n, n % how.domains, n, n);
	while (b.n + 72 <= how.bytes)
		buf_addf(&b, "%070u\r\n", n);
	s = pool_str(pool, buf_str(&b));
	buf_free(&b);
	return s;
}

static struct str
envelope(struct pool *pool, unsigned n, int64_t arrival_us)
{
	struct envelope_rcpt *rcpts = pool_array(pool, how.rcpts, sizeof(*rcpts));
	struct envelope env = {
		.sender = pool_printf(pool, "sender%u@example.test", n % 100),
		.rcpts = { rcpts, how.rcpts }, .origin = STR("smtpd"), .client_name = STR("localhost"),
		.client_addr = STR("127.0.0.1"), .client_port = 40000, .helo = STR("client.test"),
		.proto = STR("ESMTP"), .uid = UINT32_MAX, .arrival_us = (uint64_t)arrival_us,
		.message_id = pool_printf(pool, "<%u@fill.test>", n),
		.received = STR("Received: from client.test (localhost [127.0.0.1])\r\n"
		    "\tby mail.example.test (Posthorn) with ESMTP id ;\r\n"
		    "\tSun, 22 Nov 2026 12:00:00 +0000\r\n"), .received_id_at = 97,
	};
	struct buf b = { 0 };
	size_t nfds = 0;
	struct str s;

	for (unsigned i = 0; i < how.rcpts; i++)
		rcpts[i].addr = pool_printf(pool, "rcpt%u@dead%u.test", n + i, (n + i) % how.domains);
	if (!ipc_pack(&b, &envelope_msg, &env, NULL, &nfds))
		die("envelope");
	s = pool_str(pool, buf_str(&b));
	buf_free(&b);
	return s;
}

/* The record of an attempt that failed. */
static struct str
attempt(struct pool *pool, const struct spool_head *h, unsigned n, int64_t now)
{
	struct spool_result *v = pool_array(pool, how.rcpts, sizeof(*v));
	struct spool_record r = { .kind = SPOOL_LOG_RESULT, .time_us = (uint64_t)(now - US),
		.next_us = (uint64_t)(now + (int64_t)how.wait * US +
		    (int64_t)random_below(how.wait * 250 + 1) * 1000), .results = { v, how.rcpts } };
	struct buf b = { 0 };
	struct str s;

	for (unsigned i = 0; i < how.rcpts; i++) {
		unsigned d = (n + i) % how.domains;

		v[i] = (struct spool_result){ .num = i, .status = SPOOL_RCPT_DEFERRED,
			.dsn = STR("4.4.1"), .text = pool_printf(pool, "connect to "
			"mx.dead%u.test[192.0.2.%u]:25: Connection timed out", d, d % 250 + 1) };
	}
	if (!spool_record_pack(&b, h, 0, &r))
		die("log record");
	s = pool_str(pool, buf_str(&b));
	buf_free(&b);
	return s;
}

static void
write_one(const struct spool *s, unsigned n, struct queue_id_clock *clock, int64_t now)
{
	struct pool *pool = pool_new();
	struct spool_head h = { .state = SPOOL_LIVE };
	unsigned char head[SPOOL_HEAD];
	int64_t arrival = clock->last_us + 1000 + random_below(100000);
	struct str text = content(pool, n), env = envelope(pool, n, arrival), log;
	static const char zeros[FILE_SIZE];
	uint64_t end;
	int fd;

	(void)queue_id_next(clock, arrival, n % 2000, h.id);
	h.content_len = text.n;
	h.envelope_len = env.n;
	h.sum = hash_crc32c(hash_crc32c(0, text.p, text.n), env.p, env.n);
	random_bytes(h.key, sizeof(h.key));
	spool_head_pack(head, &h);
	log = attempt(pool, &h, n, now);
	end = spool_log_at(&h) + log.n;
	fd = openat(s->folder[SPOOL_DEFERRED], h.id, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || fchown(fd, how.uid, how.gid) != 0 ||
	    !spool_pwrite(fd, str_n(head, sizeof(head)), 0) || !spool_pwrite(fd, text, SPOOL_HEAD) ||
	    !spool_pwrite(fd, env, spool_envelope_at(&h)) || !spool_pwrite(fd, log, spool_log_at(&h)))
		die(h.id);
	if (end < FILE_SIZE && !spool_pwrite(fd, str_n(zeros, FILE_SIZE - end), end))
		die(h.id);
	(void)close(fd);
	pool_free(pool);
}

int
main(int argc, char **argv)
{
	struct queue_id_clock clock = { 0 };
	int64_t now = clock_wall_us();
	struct spool s;
	struct stat st;
	const char *what;
	unsigned count;
	int c;

	while ((c = getopt(argc, argv, "d:r:s:w:")) != -1) {
		unsigned v = optarg == NULL ? 0 : (unsigned)strtoul(optarg, NULL, 10);

		switch (c) {
		case 'd': how.domains = v > 0 ? v : 1; break;
		case 'r': how.rcpts = v > 0 ? v : 1; break;
		case 's': how.bytes = v; break;
		case 'w': how.wait = v; break;
		default: return 64;
		}
	}
	if (argc - optind != 2)
		return 64;
	count = (unsigned)strtoul(argv[optind + 1], NULL, 10);
	if (!spool_open(&s, argv[optind], &what))
		die(what);
	if (fstat(s.folder[SPOOL_DEFERRED], &st) != 0)
		die("deferred");
	how.uid = st.st_uid;
	how.gid = st.st_gid;
	take_lock(&s, "qmgr");
	take_lock(&s, "cleanup");
	/* They came one after the other, up to a moment ago. */
	queue_id_seen(&clock, now - (int64_t)count * 52000 - 600 * (int64_t)US);
	for (unsigned n = 0; n < count; n++)
		write_one(&s, n, &clock, now);
	return 0;
}
