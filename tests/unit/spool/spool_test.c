/* SPDX-License-Identifier: ISC */
/* The spool file: round trips, torn and damaged files at every border, intake, log, reuse. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "fiber/fiber.h"
#include "spool/intake.h"
#include "spool/log.h"
#include "unit/unit.h"

static char root[64];
static struct spool spool;

static void
setup(void)
{
	const char *what;

	unit_folder(root, sizeof(root));
	for (unsigned i = 0; i < SPOOL_FOLDERS; i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/%s", root, spool_folder_name(i));
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	ck_assert(spool_open(&spool, root, &what));
}

static void
empty(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)unlinkat(dir, e->d_name, 0);
	(void)closedir(d);
}

static void
teardown(void)
{
	for (unsigned i = 0; i < SPOOL_FOLDERS; i++)
		empty(spool.folder[i]);
	empty(spool.dir);
	for (unsigned i = 0; i < SPOOL_FOLDERS; i++)
		(void)unlinkat(spool.dir, spool_folder_name(i), AT_REMOVEDIR);
	spool_close(&spool);
	ck_assert_int_eq(rmdir(root), 0);
}

static struct envelope_rcpt rcpts[2] = {
	{ .addr = STR_INIT("alice@example.test"), .notify = NOTIFY_FAILURE },
	{ .addr = STR_INIT("bob@example.test"), .orig = STR_INIT("robert@example.test") },
};

static struct envelope
an_envelope(void)
{
	return (struct envelope){
		.sender = STR("sender@example.org"), .rcpts = { rcpts, 2 },
		.origin = STR("smtpd"), .received = STR("Received: by me id ;\r\n"),
		.received_id_at = 19, .arrival_us = 1700000000000000, .uid = UINT32_MAX,
	};
}

/* A file as bytes: head, content, envelope, `records` log records. */
static void
make_file(struct buf *out, const char *id, struct str content, unsigned records)
{
	struct spool_head h = { .state = SPOOL_LIVE, .key = { 1, 2 } };
	unsigned char head[SPOOL_HEAD] = { 0 };
	struct envelope env = an_envelope();
	size_t nfds = 0;

	(void)snprintf(h.id, sizeof(h.id), "%s", id);
	buf_add(out, str_n(head, sizeof(head)));
	buf_add(out, content);
	h.content_len = content.n;
	ck_assert(ipc_pack(out, &envelope_msg, &env, NULL, &nfds));
	h.envelope_len = out->n - SPOOL_HEAD - content.n;
	h.sum = hash_crc32c(0, out->p + SPOOL_HEAD, out->n - SPOOL_HEAD);
	spool_head_pack(head, &h);
	memcpy(out->p, head, sizeof(head));
	for (unsigned i = 0; i < records; i++) {
		struct spool_result res[2] = {
			{ .num = 0, .status = SPOOL_RCPT_DEFERRED, .dsn = STR("4.4.1"),
			    .text = STR("connection timed out") },
			{ .num = 1, .status = SPOOL_RCPT_DEFERRED, .same = true },
		};
		struct spool_record r = { .kind = SPOOL_LOG_RESULT, .time_us = i,
			.results = { res, 2 } };

		ck_assert(spool_record_pack(out, &h, i, &r));
	}
}

START_TEST(test_round_trip)
{
	struct buf file = { 0 };
	struct pool *pool = pool_new();
	struct spool_file f;
	const struct spool_result *res;

	make_file(&file, "4abcdefghz1", STR("Subject: x\r\n\r\nhello\r\n"), 3);
	ck_assert_int_eq(spool_parse(buf_str(&file), true, pool, &f), SPOOL_GOOD);
	ck_str_is(f.content, "Subject: x\r\n\r\nhello\r\n");
	ck_str_is(f.env.sender, "sender@example.org");
	ck_assert_uint_eq(f.env.rcpts.n, 2);
	ck_assert_uint_eq(f.nlog, 3);
	ck_assert_uint_eq(f.log_end, file.n);
	res = f.log[2].results.v;
	ck_str_is(res[1].text, "connection timed out");
	ck_str_is(str_of(f.head.id), "4abcdefghz1");
	pool_free(pool);
	buf_free(&file);
}
END_TEST

/* Cut, zero and flip at every 512-byte border, and at every byte of a short file. */
START_TEST(test_torn)
{
	struct buf whole = { 0 }, body = { 0 };
	size_t step = _i == 0 ? 512 : 1, log_at;
	struct spool_file f;
	struct pool *pool = pool_new();

	for (unsigned i = 0; i < (_i == 0 ? 300 : 2); i++)
		buf_addf(&body, "line %u of the message\r\n", i);
	make_file(&whole, "4abcdefghz1", buf_str(&body), 20);
	ck_assert_int_eq(spool_parse(buf_str(&whole), true, pool, &f), SPOOL_GOOD);
	log_at = spool_log_at(&f.head);
	for (size_t at = 0; at < whole.n; at += step) {
		char *copy = malloc(whole.n);
		enum spool_verdict v;

		v = spool_parse(str_n(whole.p, at), true, pool, &f);
		ck_assert_int_eq(v, at == 0 ? SPOOL_BLANK : at < log_at ? SPOOL_BAD : SPOOL_GOOD);
		memcpy(copy, whole.p, whole.n);
		copy[at] ^= 0x10;
		v = spool_parse(str_n(copy, whole.n), true, pool, &f);
		ck_assert_int_eq(v, at < log_at ? SPOOL_BAD : SPOOL_GOOD);
		if (v == SPOOL_GOOD)
			ck_assert_uint_lt(f.nlog, 20);
		memcpy(copy, whole.p, whole.n);
		memset(copy + at, 0, whole.n - at < 512 ? whole.n - at : 512);
		v = spool_parse(str_n(copy, whole.n), true, pool, &f);
		if (at >= log_at) {
			ck_assert_int_eq(v, SPOOL_GOOD);
			ck_assert_uint_le(f.nlog, 20);	/* zeros may have been there before */
		}
		free(copy);
		pool_reset(pool);
	}
	pool_free(pool);
	buf_free(&whole);
	buf_free(&body);
}
END_TEST

/* Records of an earlier message in the same file are never believed. */
START_TEST(test_stale_log)
{
	struct buf old = { 0 }, new = { 0 };
	struct pool *pool = pool_new();
	struct spool_file f;

	make_file(&old, "4abcdefghz1", STR("hello\r\n"), 5);
	make_file(&new, "4abcdefghz2", STR("hello\r\n"), 0);
	buf_add(&new, str_sub(buf_str(&old), new.n, old.n));
	ck_assert_int_eq(spool_parse(buf_str(&new), true, pool, &f), SPOOL_GOOD);
	ck_assert_uint_eq(f.nlog, 0);
	pool_free(pool);
	buf_free(&old);
	buf_free(&new);
}
END_TEST

/* What could not be read again is not written. */
START_TEST(test_too_long)
{
	static char text[LIMIT_REPLY];
	static struct spool_result res[LIMIT_RCPTS];
	struct spool_head h = { .state = SPOOL_LIVE, .id = "4abcdefghz1" };
	struct spool_record r = { .kind = SPOOL_LOG_RESULT }, got;
	struct pool *pool = pool_new();
	struct buf out = { 0 };
	size_t at = 0;

	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < LIMIT_RCPTS; i++)
		res[i] = (struct spool_result){ .num = i, .status = SPOOL_RCPT_DEFERRED,
			.text = str_n(text, sizeof(text)) };
	r.results = (struct ipc_list){ res, LIMIT_RCPTS };
	ck_assert(!spool_record_pack(&out, &h, 0, &r));
	ck_assert_uint_eq(out.n, 0);
	r.results.n = LIMIT_RCPTS / 2;
	ck_assert(spool_record_pack(&out, &h, 0, &r));
	ck_assert(spool_record_next(buf_str(&out), &at, &h, 0, &got, pool));
	pool_free(pool);
	buf_free(&out);
}
END_TEST

static size_t
count(enum spool_folder where)
{
	struct vec names = vec_of(sizeof(struct spool_name));
	size_t n;

	ck_assert(spool_list(&spool, where, SIZE_MAX, &names));
	n = names.n;
	vec_free(&names);
	return n;
}

/* Files of free/ that held a message before; the others were made ahead. */
static size_t
used_again(void)
{
	struct vec names = vec_of(sizeof(struct spool_name));
	size_t n = 0;

	ck_assert(spool_list(&spool, SPOOL_UNUSED, 1000, &names));
	for (size_t i = 0; i < names.n; i++)
		n += strncmp(((struct spool_name *)vec_at(&names, i))->name, "new-", 4) != 0;
	vec_free(&names);
	return n;
}

static void
whole_life(void *arg)
{
	struct intake *in = intake_open(&spool);
	struct envelope env = an_envelope();
	struct pool *pool = pool_new();
	char id[LIMIT_QUEUE_ID + 1], id2[LIMIT_QUEUE_ID + 1];
	struct spool_file f;
	struct spool_place at;
	struct spool_result res = { .num = 1, .status = SPOOL_RCPT_SENT, .dsn = STR("2.0.0") };
	struct spool_record r = { .kind = SPOOL_LOG_RESULT, .results = { &res, 1 } };
	bool kept;

	ck_assert_ptr_nonnull(in);
	ck_assert(intake_id(in, id));
	ck_assert_int_eq(spool_put(in, id, STR("one\r\n"), &env, NULL), SPOOL_PUT_OK);
	ck_assert_int_eq(spool_read(&spool, SPOOL_INCOMING, id, SPOOL_READ_CONTENT |
	    SPOOL_READ_VERIFY, pool, &f, NULL), SPOOL_GOOD);
	ck_str_is(f.content, "one\r\n");
	at = spool_place_of(&f, SPOOL_INCOMING);
	ck_assert(spool_log(&spool, &at, &r, 1, true));
	ck_assert(spool_log(&spool, &at, &r, 1, true));
	ck_assert(spool_move(&spool, SPOOL_INCOMING, SPOOL_ACTIVE, id));
	at.folder = SPOOL_ACTIVE;
	ck_assert_int_eq(spool_read(&spool, SPOOL_ACTIVE, id, 0, pool, &f, NULL), SPOOL_GOOD);
	ck_assert_uint_eq(f.nlog, 2);
	ck_assert(spool_finish(&spool, &at, true, &kept));
	ck_assert(kept);
	ck_assert_uint_eq(used_again(), 1);
	intake_close(in);

	/* The next message takes the same file, under a greater ID, and sees no old log. */
	in = intake_open(&spool);
	ck_assert(intake_id(in, id2));
	ck_assert(str_cmp(str_sub(str_of(id), 0, 10), str_sub(str_of(id2), 0, 10)) < 0);
	ck_assert_int_eq(spool_put(in, id2, STR("two\r\n"), &env, NULL), SPOOL_PUT_OK);
	ck_assert_uint_eq(used_again(), 0);
	ck_assert_int_eq(spool_read(&spool, SPOOL_INCOMING, id2, SPOOL_READ_CONTENT, pool, &f, NULL),
	    SPOOL_GOOD);
	ck_str_is(f.content, "two\r\n");
	ck_assert_uint_eq(f.nlog, 0);
	intake_close(in);
	pool_free(pool);
}

START_TEST(test_whole_life)
{
	fiber_run(whole_life, NULL);
}
END_TEST

static void
put_raw(enum spool_folder where, const char *name, struct str data)
{
	int fd = openat(spool.folder[where], name, O_WRONLY | O_CREAT, 0600);

	ck_assert(spool_pwrite(fd, data, 0));
	(void)close(fd);
}

/* A new message of `n` bytes; gives its ID. */
static void
put(struct intake *in, size_t n, char id[LIMIT_QUEUE_ID + 1])
{
	static char body[40000];
	struct envelope env = an_envelope();

	memset(body, 'x', sizeof(body));
	ck_assert_uint_le(n, sizeof(body));
	ck_assert(intake_id(in, id));
	ck_assert_int_eq(spool_put(in, id, str_n(body, n), &env, NULL), SPOOL_PUT_OK);
}

static off_t
length_of(enum spool_folder where, const char *id)
{
	struct stat st;

	ck_assert_int_eq(fstatat(spool.folder[where], id, &st, 0), 0);
	return st.st_size;
}

static void
is_whole(const char *id, size_t n)
{
	struct pool *pool = pool_new();
	struct spool_file f;

	ck_assert_int_eq(spool_read(&spool, SPOOL_INCOMING, id, SPOOL_READ_VERIFY, pool, &f, NULL),
	    SPOOL_GOOD);
	ck_assert_uint_eq(f.head.content_len, n);
	pool_free(pool);
}

/* One message after the other, until one lies in a file of this length. */
static size_t
put_until(struct intake *in, size_t n, off_t length)
{
	char id[LIMIT_QUEUE_ID + 1];
	size_t messages = 0;

	do {
		put(in, n, id);
		is_whole(id, n);
		messages++;
		(void)fiber_sleep(deadline_in(1));
	} while (length_of(SPOOL_INCOMING, id) != length);
	return messages;
}

/* The first message finds nothing and has files made; later ones are written over those. */
static void
made_ahead(void *arg)
{
	struct intake *in = intake_open(&spool);
	char id[LIMIT_QUEUE_ID + 1];
	size_t messages = 1;

	put(in, 1000, id);
	ck_assert_int_eq(length_of(SPOOL_INCOMING, id), SPOOL_FILE_MIN);
	messages += put_until(in, 1000, SPOOL_AHEAD_MIN);
	/* Longer ones are welcome too, and files made from now on are as long. */
	messages += put_until(in, 20000, 24576);
	intake_close(in);
	ck_assert_uint_eq(count(SPOOL_UNUSED), 0);
	ck_assert_uint_eq(count(SPOOL_INCOMING), messages);
}

START_TEST(test_made_ahead)
{
	fiber_run(made_ahead, NULL);
}
END_TEST

/* A long message first: what is made after it holds short ones all the same. */
static void
made_after_long(void *arg)
{
	struct intake *in = intake_open(&spool);
	char id[LIMIT_QUEUE_ID + 1];

	put(in, 39000, id);
	(void)put_until(in, 10, SPOOL_AHEAD_MIN);
	intake_close(in);
}

START_TEST(test_made_after_long)
{
	fiber_run(made_after_long, NULL);
}
END_TEST

/* What an unclean stop leaves of them is no message and is not trusted to be durable. */
static void
left_behind(void *arg)
{
	static const char zeros[4096];
	struct intake *in;
	struct buf good = { 0 };

	make_file(&good, "4abcdefghz9", STR("hello\r\n"), 0);
	put_raw(SPOOL_UNUSED, "new-1-0", str_n(zeros, sizeof(zeros)));
	put_raw(SPOOL_UNUSED, "new-1-1", str_n(zeros, 100));
	put_raw(SPOOL_UNUSED, "new-1-2", STR(""));
	put_raw(SPOOL_UNUSED, "new-1-3", buf_str(&good));
	in = intake_open(&spool);
	ck_assert_uint_eq(count(SPOOL_UNUSED), 0);
	ck_assert_uint_eq(count(SPOOL_INCOMING), 1);
	is_whole("4abcdefghz9", 7);
	intake_close(in);
	buf_free(&good);
}

START_TEST(test_left_behind)
{
	fiber_run(left_behind, NULL);
}
END_TEST

static void
large(void *arg)
{
	struct intake *in = intake_open(&spool);
	struct envelope env = an_envelope();
	struct pool *pool = pool_new();
	char id[LIMIT_QUEUE_ID + 1], piece[60000];
	enum spool_put result;
	struct spool_stream *st;
	struct spool_file f;
	struct spool_place at;
	bool kept;
	int fd;

	memset(piece, 'x', sizeof(piece));
	ck_assert(intake_id(in, id));
	st = spool_stream_begin(in, id, &result);
	ck_assert_ptr_nonnull(st);
	ck_assert(intake_busy(in, id));
	for (unsigned i = 0; i < 10; i++)
		spool_stream_add(st, str_n(piece, sizeof(piece)));
	ck_assert_int_eq(spool_read(&spool, SPOOL_INCOMING, id, 0, pool, &f, NULL), SPOOL_BLANK);
	ck_assert_int_eq(spool_stream_end(st, &env), SPOOL_PUT_OK);
	ck_assert_int_eq(spool_read(&spool, SPOOL_INCOMING, id, SPOOL_READ_VERIFY, pool, &f, &fd),
	    SPOOL_GOOD);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert_uint_eq(f.head.content_len, 600000);
	at = spool_place_of(&f, SPOOL_INCOMING);
	ck_assert(spool_finish(&spool, &at, true, &kept));
	ck_assert(!kept);
	ck_assert_uint_eq(count(SPOOL_INCOMING), 0);

	ck_assert(intake_id(in, id));
	st = spool_stream_begin(in, id, &result);
	spool_stream_add(st, STR("gone"));
	spool_stream_abort(st);
	ck_assert_uint_eq(count(SPOOL_INCOMING), 0);
	intake_close(in);
	pool_free(pool);
}

START_TEST(test_large)
{
	fiber_run(large, NULL);
}
END_TEST

/* What a crash may leave in incoming/, and where a new cleanup puts it. */
static void
sweep(void *arg)
{
	struct buf good = { 0 }, bad = { 0 };
	char zeros[1024] = { 0 };
	struct intake *in;
	unsigned char head[SPOOL_HEAD];
	struct spool_head h = { .state = SPOOL_DONE, .id = "4abcdefghz3" };

	make_file(&good, "4abcdefghz1", STR("hello\r\n"), 0);
	make_file(&bad, "4abcdefghz2", STR("hello\r\n"), 0);
	bad.p[SPOOL_HEAD] ^= 1;
	spool_head_pack(head, &h);
	put_raw(SPOOL_INCOMING, "4abcdefghz1", buf_str(&good));
	put_raw(SPOOL_INCOMING, "4abcdefghz2", buf_str(&bad));
	put_raw(SPOOL_INCOMING, "4abcdefghz3", str_n(head, sizeof(head)));
	put_raw(SPOOL_INCOMING, "4abcdefghz4", str_n(zeros, sizeof(zeros)));
	in = intake_open(&spool);
	ck_assert_ptr_nonnull(in);
	ck_assert_uint_eq(count(SPOOL_INCOMING), 1);
	ck_assert_uint_eq(count(SPOOL_CORRUPT), 1);
	ck_assert_uint_eq(count(SPOOL_UNUSED), 1);
	intake_close(in);
	buf_free(&good);
	buf_free(&bad);
}

/* A power cut may keep a message and lose the rename that took its file out of free/. */
static void
lost_rename(void *arg)
{
	struct buf good = { 0 };
	struct intake *in;
	struct pool *pool = pool_new();
	struct spool_file f;

	make_file(&good, "4abcdefghz9", STR("hello\r\n"), 0);
	put_raw(SPOOL_UNUSED, "4abcdefghz1", buf_str(&good));
	good.p[SPOOL_HEAD + 3] ^= 1;
	put_raw(SPOOL_UNUSED, "4abcdefghz2", buf_str(&good));
	in = intake_open(&spool);
	ck_assert_int_eq(spool_read(&spool, SPOOL_INCOMING, "4abcdefghz9", SPOOL_READ_VERIFY, pool,
	    &f, NULL), SPOOL_GOOD);
	ck_assert_uint_eq(count(SPOOL_UNUSED), 0);
	ck_assert_uint_eq(count(SPOOL_CORRUPT), 1);
	intake_close(in);
	pool_free(pool);
	buf_free(&good);
}

START_TEST(test_lost_rename)
{
	fiber_run(lost_rename, NULL);
}
END_TEST

/* … or all renames since the file's last life but one: any folder, and a name of before. */
START_TEST(test_older_name)
{
	static const enum spool_folder where[] = { SPOOL_INCOMING, SPOOL_ACTIVE, SPOOL_DEFERRED,
		SPOOL_HOLD, SPOOL_UNUSED };
	enum spool_folder at = where[_i];
	struct buf file = { 0 };
	struct pool *pool = pool_new();
	struct spool_file f;
	char id[LIMIT_QUEUE_ID + 1];

	make_file(&file, "4abcdefghz9", STR("hello\r\n"), 0);
	put_raw(at, "4abcdefghz1", buf_str(&file));
	ck_assert_int_eq(spool_read(&spool, at, "4abcdefghz1", 0, pool, &f, NULL), SPOOL_BAD);
	ck_assert(spool_adopt(&spool, at, "4abcdefghz1", id));
	ck_assert_str_eq(id, "4abcdefghz9");
	ck_assert_int_eq(spool_read(&spool, SPOOL_INCOMING, id, SPOOL_READ_VERIFY, pool, &f, NULL),
	    SPOOL_GOOD);
	file.p[SPOOL_HEAD + 3] ^= 1;
	put_raw(at, "4abcdefghz2", buf_str(&file));
	ck_assert(!spool_adopt(&spool, at, "4abcdefghz2", id));
	pool_free(pool);
	buf_free(&file);
}
END_TEST

/* The envelope of a finished message is there until its file is used again, and then not half. */
START_TEST(test_read_done)
{
	struct buf file = { 0 };
	struct pool *pool = pool_new();
	struct spool_file f;
	struct spool_head h;

	make_file(&file, "4abcdefghz9", STR("hello\r\n"), 1);
	put_raw(SPOOL_UNUSED, "4abcdefghz1", buf_str(&file));
	ck_assert(!spool_read_done(&spool, SPOOL_UNUSED, "4abcdefghz1", pool, &f));	/* live */
	ck_assert_int_eq(spool_head_unpack(buf_str(&file), &h), SPOOL_GOOD);
	h.state = SPOOL_DONE;
	spool_head_pack((unsigned char *)file.p, &h);
	put_raw(SPOOL_UNUSED, "4abcdefghz2", buf_str(&file));
	ck_assert(spool_read_done(&spool, SPOOL_UNUSED, "4abcdefghz2", pool, &f));
	ck_str_is(f.env.sender, "sender@example.org");
	file.p[SPOOL_HEAD + 3] ^= 1;
	put_raw(SPOOL_UNUSED, "4abcdefghz3", buf_str(&file));
	ck_assert(!spool_read_done(&spool, SPOOL_UNUSED, "4abcdefghz3", pool, &f));
	pool_free(pool);
	buf_free(&file);
}
END_TEST

START_TEST(test_sweep)
{
	fiber_run(sweep, NULL);
}
END_TEST

START_TEST(test_lock)
{
	int fd = spool_lock(&spool, "cleanup", false);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(spool_lock(&spool, "cleanup", false), -1);
	ck_assert_int_eq(errno, EWOULDBLOCK);
	(void)close(fd);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("spool");
	TCase *pure = tcase_create("format"), *disk = tcase_create("disk");

	tcase_add_test(pure, test_round_trip);
	tcase_add_loop_test(pure, test_torn, 0, 2);
	tcase_add_test(pure, test_stale_log);
	tcase_add_test(pure, test_too_long);
	suite_add_tcase(s, pure);
	tcase_add_checked_fixture(disk, setup, teardown);
	tcase_add_test(disk, test_whole_life);
	tcase_add_test(disk, test_made_ahead);
	tcase_add_test(disk, test_made_after_long);
	tcase_add_test(disk, test_left_behind);
	tcase_add_test(disk, test_large);
	tcase_add_test(disk, test_sweep);
	tcase_add_test(disk, test_lost_rename);
	tcase_add_loop_test(disk, test_older_name, 0, 5);
	tcase_add_test(disk, test_read_done);
	tcase_add_test(disk, test_lock);
	suite_add_tcase(s, disk);
	return s;
}

UNIT_MAIN(suite)
