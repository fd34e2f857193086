/* SPDX-License-Identifier: ISC */
/* A user's store on disk: names, UIDs, flags, copies, deliveries, and what a crash leaves. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "store/deliver.h"
#include "store/store.h"
#include "unit/unit.h"

/* A disk that fails: reads from this offset on do, while it is not negative. */
static off_t bad_from = -1;

ssize_t
pread(int fd, void *to, size_t n, off_t at)
{
	if (bad_from >= 0 && at >= bad_from)
		return errno = EIO, -1;
	return (ssize_t)syscall(SYS_pread64, fd, to, n, at);
}

static char root[64];
static int root_fd = -1;
static struct store *st;

static void
setup(void)
{
	unit_folder(root, sizeof(root));
	root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(store_open(root_fd, STR("example.test/alice/"), true, &st), STORE_OK);
}

static void
teardown(void)
{
	store_close(st);
	close(root_fd);
	unit_remove(root);
}

static void
reopen(void)
{
	store_close(st);
	ck_assert_int_eq(store_open(root_fd, STR("example.test/alice/"), false, &st), STORE_OK);
}

static int
path_fd(const char *rel, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/example.test/alice/%s", root, rel);
	return open(path, flags, 0600);
}

static uint32_t
add(const char *box, const char *text, uint32_t flags)
{
	struct appender *a;
	uint32_t validity, uid = 0;

	ck_assert_int_eq(append_begin(st, str_of(box), &a), STORE_OK);
	ck_assert(append_write(a, str_of(text)));
	ck_assert_int_eq(append_end(a, flags, (struct strs){ 0 }, 1000000000, &validity, &uid),
	    STORE_OK);
	ck_assert_uint_gt(validity, 0);
	return uid;
}

static struct box *
box(const char *name)
{
	struct box *m;

	ck_assert_int_eq(mailbox_open(st, str_of(name), false, &m), STORE_OK);
	return m;
}

static uint64_t
size_of(struct box *m, size_t i)
{
	uint64_t size;

	ck_assert_int_eq(mailbox_size(m, i, &size), STORE_OK);
	return size;
}

static size_t
count_of(const char *name)
{
	struct box *m = box(name);
	size_t n = mailbox_count(m);

	mailbox_close(m);
	return n;
}

static const struct {
	const char *name;
	bool ok;
} names[] = {
	{ "INBOX", true }, { "inbox", true }, { "Sent", true }, { "a/b/c", true },
	{ "Entw\xc3\xbcrfe", true }, { "A&B", true }, { "INBOX/x", true }, { "with blank", true },
	{ "", false }, { ".", false }, { "..", false }, { ".a", false }, { "a/", false },
	{ "a//b", false }, { "lists.debian.org", true }, { "/etc/passwd", false }, { "../x", false },
	{ "~root", false }, { "a\\b", false }, { "a\nb", false }, { "a\x7f", false },
	{ "\xff", false }, { "\xc0\xaf", false }, { "inbox/x", false }, { "a\x01", false },
	{ "x///y", false }, { "a/../b", false }, { "a/.b", false }, { "a.b/c.d", true },
	{ "1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4", false },
};

START_TEST(name)
{
	ck_assert_msg(store_name_ok(str_of(names[_i].name)) == names[_i].ok, "%s", names[_i].name);
	if (names[_i].ok && !str_ieq(str_of(names[_i].name), STR("INBOX"))) {
		struct pool *pool = pool_new();
		struct store_entry *list;
		size_t n, hits = 0;

		ck_assert_int_eq(store_create(st, str_of(names[_i].name)), STORE_OK);
		ck_assert_int_eq(store_list(st, pool, &list, &n), STORE_OK);
		for (size_t i = 0; i < n; i++)
			hits += list[i].exists && str_eq(list[i].name, str_of(names[_i].name));
		ck_assert_uint_eq(hits, 1);
		pool_free(pool);
	}
	if (!names[_i].ok) {
		struct box *m;

		ck_assert_int_eq(store_create(st, str_of(names[_i].name)), STORE_NAME);
		ck_assert_int_eq(store_delete(st, str_of(names[_i].name)), STORE_NAME);
		ck_assert_int_eq(mailbox_open(st, str_of(names[_i].name), true, &m), STORE_NAME);
	}
}
END_TEST

START_TEST(outside)
{
	struct store *no;

	ck_assert_int_eq(store_open(root_fd, STR("../../etc"), false, &no), STORE_DENIED);
	store_close(no);
	ck_assert_int_eq(store_open(root_fd, STR("/etc"), false, &no), STORE_DENIED);
	store_close(no);
	/* A folder that is a link is no folder. */
	ck_assert_int_eq(symlinkat("/etc", root_fd, "link"), 0);
	ck_assert_int_ne(store_open(root_fd, STR("link"), false, &no), STORE_OK);
	store_close(no);
}
END_TEST

START_TEST(uids_last)
{
	struct box *m;
	uint32_t validity;
	size_t at[] = { 1 };
	struct vec gone = vec_of(sizeof(uint32_t));

	ck_assert_uint_eq(add("INBOX", "a\r\n", 0), 1);
	ck_assert_uint_eq(add("INBOX", "b\r\n", STORE_SEEN), 2);
	m = box("INBOX");
	validity = mailbox_uidvalidity(m);
	ck_assert_uint_eq(mailbox_count(m), 2);
	ck_assert_uint_eq(mailbox_msg(m, 1)->flags, STORE_SEEN);
	ck_assert_int_eq(mailbox_expunge(m, at, 1, 0), STORE_OK);
	mailbox_sweep(m, &gone);
	ck_assert_uint_eq(gone.n, 1);
	ck_assert_uint_eq(*(uint32_t *)vec_at(&gone, 0), 1);
	ck_assert_uint_eq(mailbox_count(m), 1);
	mailbox_close(m);
	reopen();
	/* 2 is gone for ever. */
	ck_assert_uint_eq(add("INBOX", "c\r\n", 0), 3);
	m = box("INBOX");
	ck_assert_uint_eq(mailbox_uidvalidity(m), validity);
	ck_assert_uint_eq(mailbox_uidnext(m), 4);
	ck_assert_uint_eq(mailbox_find(m, 2), 1);
	ck_assert_uint_eq(mailbox_find(m, 4), 2);
	ck_assert_int_eq(mailbox_date(m, 0), 1000000000);
	mailbox_close(m);
	vec_free(&gone);
}
END_TEST

START_TEST(torn_tail)
{
	struct box *m;
	struct stat sb;
	int fd;

	add("INBOX", "a\r\n", 0);
	add("INBOX", "b\r\n", 0);
	/* A crash left half a line, and one that is all zero. */
	fd = path_fd("posthorn-uids", O_WRONLY | O_APPEND);
	ck_assert_int_eq(write(fd, "M 3 17 123", 10), 10);
	ck_assert_int_eq(write(fd, "\0\0\0\0\n", 5), 5);
	close(fd);
	m = box("INBOX");
	ck_assert_uint_eq(mailbox_count(m), 2);
	ck_assert_uint_eq(mailbox_uidnext(m), 3);
	mailbox_close(m);
	ck_assert_uint_eq(add("INBOX", "c\r\n", 0), 3);
	/* Without the file: other UIDs, and a larger UIDVALIDITY. */
	m = box("INBOX");
	fd = path_fd("posthorn-uids", O_RDWR | O_TRUNC);
	ck_assert_int_eq(fstat(fd, &sb), 0);
	close(fd);
	{
		uint32_t before = mailbox_uidvalidity(m);

		mailbox_close(m);
		m = box("INBOX");
		ck_assert_uint_gt(mailbox_uidvalidity(m), before);
		ck_assert_uint_eq(mailbox_count(m), 3);
	}
	mailbox_close(m);
}
END_TEST

static const struct {
	const char *in, *disk, *wire;
} texts[] = {
	{ "a\r\nb\r\n", "a\nb\n", "a\r\nb\r\n" },
	{ "a\nb\n", "a\nb\n", "a\r\nb\r\n" },
	{ "a\rb\r\n", "a\rb\n", "a\rb\r\n" },
	{ "a\r\r\n", "a\r\r\n", "a\r\r\n" },
	{ "end\r", "end\r", "end\r" },
	{ "no end", "no end", "no end" },
	{ "\r\n\r\n", "\n\n", "\r\n\r\n" },
	{ "a\r\r\r\nb", "a\r\r\r\nb", "a\r\r\r\nb" },
	{ "H: x\r\n\r\nbody\r\n", "H: x\n\nbody\n", "H: x\r\n\r\nbody\r\n" },
};

START_TEST(line_ends)
{
	/* Whole, then byte by byte. */
	for (int way = 0; way < 2; way++) {
		struct str in = str_of(texts[_i].in);
		struct appender *a;
		struct box *m;
		struct text *t;
		struct buf got = { 0 };
		uint32_t v, uid;
		uint64_t size;
		size_t at;

		ck_assert_int_eq(append_begin(st, STR("INBOX"), &a), STORE_OK);
		for (size_t i = 0; way == 1 && i < in.n; i++)
			append_write(a, str_sub(in, i, 1));
		if (way == 0)
			append_write(a, in);
		ck_assert_int_eq(append_end(a, 0, (struct strs){ 0 }, -1, &v, &uid), STORE_OK);
		m = box("INBOX");
		at = mailbox_find(m, uid);
		ck_assert_uint_eq(size_of(m, at), strlen(texts[_i].wire));
		ck_assert_int_eq(text_open(m, at, &t), STORE_OK);
		ck_assert(text_size(t, &size));
		ck_assert_uint_eq(size, strlen(texts[_i].wire));
		ck_assert(text_read(t, 0, 1000, &got));
		ck_str_is(buf_str(&got), texts[_i].wire);
		for (size_t from = 0; from < got.n; from++) {
			struct buf part = { 0 };

			ck_assert(text_read(t, from, 3, &part));
			ck_assert(str_eq(buf_str(&part), str_sub(buf_str(&got), from, 3)));
			buf_free(&part);
		}
		text_close(t);
		buf_free(&got);
		mailbox_close(m);
	}
}
END_TEST

START_TEST(header)
{
	struct box *m;
	struct text *t;
	struct buf got = { 0 };

	add("INBOX", "A: 1\r\nB: 2\r\n\r\nbody\r\n", 0);
	m = box("INBOX");
	ck_assert_int_eq(text_open(m, 0, &t), STORE_OK);
	ck_assert(text_header(t, 1000, &got));
	ck_str_is(buf_str(&got), "A: 1\r\nB: 2\r\n\r\n");
	text_close(t);
	mailbox_close(m);
	buf_free(&got);
}
END_TEST

START_TEST(nul)
{
	struct appender *a;
	uint32_t v, uid;

	ck_assert_int_eq(append_begin(st, STR("INBOX"), &a), STORE_OK);
	ck_assert(!append_write(a, str_n("a\0b", 3)));
	ck_assert(append_had_nul(a));
	ck_assert_int_ne(append_end(a, 0, (struct strs){ 0 }, -1, &v, &uid), STORE_OK);
}
END_TEST

START_TEST(two_views)
{
	struct box *a, *b;
	size_t one[] = { 0 }, i;
	struct vec gone = vec_of(sizeof(uint32_t));

	add("INBOX", "a\r\n", 0);
	add("INBOX", "b\r\n", 0);
	a = box("INBOX");
	b = box("INBOX");
	ck_assert_int_eq(mailbox_set_flags(a, one, 1, STORE_ADD, STORE_FLAGGED), STORE_OK);
	ck_assert(!mailbox_next_changed(a, &i));
	ck_assert_int_eq(mailbox_poll(b), STORE_OK);
	ck_assert(mailbox_next_changed(b, &i));
	ck_assert_uint_eq(i, 0);
	ck_assert_uint_eq(mailbox_msg(b, 0)->flags, STORE_FLAGGED);
	ck_assert(!mailbox_next_changed(b, &i));
	/* Each adds its own; neither takes the other's away. */
	ck_assert_int_eq(mailbox_set_flags(b, one, 1, STORE_ADD, STORE_SEEN), STORE_OK);
	ck_assert_int_eq(mailbox_set_flags(a, one, 1, STORE_ADD, STORE_ANSWERED), STORE_OK);
	ck_assert_uint_eq(mailbox_msg(a, 0)->flags, STORE_FLAGGED | STORE_SEEN | STORE_ANSWERED);
	ck_assert_int_eq(mailbox_expunge(a, one, 1, 0), STORE_OK);
	add("INBOX", "c\r\n", 0);
	ck_assert_int_eq(mailbox_poll(b), STORE_OK);
	ck_assert_uint_eq(mailbox_count(b), 3);
	ck_assert(mailbox_msg(b, 0)->gone);
	mailbox_sweep(b, &gone);
	ck_assert_uint_eq(gone.n, 1);
	ck_assert_uint_eq(mailbox_count(b), 2);
	ck_assert_uint_eq(mailbox_msg(b, 1)->uid, 3);
	mailbox_close(a);
	mailbox_close(b);
	vec_free(&gone);
}
END_TEST

START_TEST(keywords)
{
	struct box *m;
	struct strs words;
	size_t one[] = { 0 };
	uint32_t bit;

	add("INBOX", "a\r\n", 0);
	m = box("INBOX");
	bit = mailbox_keyword(m, STR("NonJunk"), true);
	ck_assert_uint_ne(bit, 0);
	ck_assert_uint_eq(mailbox_keyword(m, STR("nonjunk"), false), bit);
	ck_assert_uint_eq(mailbox_keyword(m, STR("other"), false), 0);
	ck_assert_uint_eq(mailbox_keyword(m, STR("two words"), true), 0);
	ck_assert_uint_eq(mailbox_keyword(m, STR("$forwarded"), true), STORE_FORWARDED);
	ck_assert_int_eq(mailbox_set_flags(m, one, 1, STORE_REPLACE, bit), STORE_OK);
	ck_assert_int_eq(store_create(st, STR("Two")), STORE_OK);
	{
		struct box *two = box("Two");
		uint32_t v, uid;

		/* Another letter there, the same word. */
		ck_assert_uint_ne(mailbox_keyword(two, STR("First"), true), 0);
		mailbox_close(two);
		ck_assert_int_eq(mailbox_copy(m, one, 1, STR("Two"), false, &v, &uid), STORE_OK);
		two = box("Two");
		words = mailbox_keywords(two);
		ck_assert_uint_eq(words.n, 2);
		ck_str_is(words.v[1], "NonJunk");
		ck_assert_uint_eq(mailbox_msg(two, 0)->flags, 1u << (STORE_KEYWORD0 + 1));
		ck_assert_int_eq(mailbox_date(two, 0), 1000000000);
		mailbox_close(two);
	}
	mailbox_close(m);
}
END_TEST

START_TEST(move)
{
	struct box *m;
	size_t at[] = { 0, 2 };
	uint32_t v, uids[2];

	add("INBOX", "a\r\n", 0);
	add("INBOX", "b\r\n", 0);
	add("INBOX", "c\r\n", STORE_SEEN);
	m = box("INBOX");
	ck_assert_int_eq(mailbox_copy(m, at, 2, STR("Nowhere"), true, &v, uids), STORE_ABSENT);
	ck_assert_int_eq(store_create(st, STR("Archive/2026")), STORE_OK);
	ck_assert_int_eq(mailbox_copy(m, at, 2, STR("Archive/2026"), true, &v, uids), STORE_OK);
	ck_assert(mailbox_msg(m, 0)->gone && !mailbox_msg(m, 1)->gone && mailbox_msg(m, 2)->gone);
	mailbox_close(m);
	m = box("Archive/2026");
	ck_assert_uint_eq(mailbox_count(m), 2);
	ck_assert_uint_eq(mailbox_uidvalidity(m), v);
	ck_assert_uint_eq(mailbox_msg(m, 0)->uid, uids[0]);
	ck_assert_uint_eq(mailbox_msg(m, 1)->flags, STORE_SEEN);
	/* Into itself: copies beside the originals. */
	ck_assert_int_eq(mailbox_copy(m, (size_t[]){ 0 }, 1, STR("Archive/2026"), false, &v, uids),
	    STORE_OK);
	ck_assert_int_eq(mailbox_poll(m), STORE_OK);
	ck_assert_uint_eq(mailbox_count(m), 3);
	mailbox_close(m);
}
END_TEST

START_TEST(folders)
{
	struct pool *pool = pool_new();
	struct store_entry *list;
	size_t n;

	ck_assert_int_eq(store_create(st, STR("A/B")), STORE_OK);
	ck_assert_int_eq(store_create(st, STR("A/B")), STORE_EXISTS);
	ck_assert_int_eq(store_create(st, STR("INBOX")), STORE_EXISTS);
	ck_assert_int_eq(store_create(st, STR("Entw\xc3\xbcrfe")), STORE_OK);
	ck_assert_int_eq(store_subscribe(st, STR("Gone"), true), STORE_OK);
	ck_assert_int_eq(store_subscribe(st, STR("inbox"), true), STORE_OK);
	ck_assert_int_eq(store_list(st, pool, &list, &n), STORE_OK);
	ck_assert_uint_eq(n, 5);
	ck_str_is(list[0].name, "INBOX");
	ck_assert(list[0].subscribed && list[0].exists);
	ck_str_is(list[1].name, "A");
	ck_assert(!list[1].exists && list[1].children);
	ck_str_is(list[2].name, "A/B");
	ck_str_is(list[3].name, "Entw\xc3\xbcrfe");
	ck_str_is(list[4].name, "Gone");
	ck_assert(!list[4].exists && list[4].subscribed);
	ck_assert_int_eq(store_rename(st, STR("A"), STR("Z")), STORE_OK);
	ck_assert(store_exists(st, STR("Z/B")) && !store_exists(st, STR("A/B")));
	ck_assert_int_eq(store_rename(st, STR("Z"), STR("Z/x")), STORE_NAME);
	ck_assert_int_eq(store_rename(st, STR("Nix"), STR("Y")), STORE_ABSENT);
	ck_assert_int_eq(store_rename(st, STR("Z/B"), STR("Entw\xc3\xbcrfe")), STORE_EXISTS);
	ck_assert_int_eq(store_delete(st, STR("Z/B")), STORE_OK);
	ck_assert_int_eq(store_delete(st, STR("Z/B")), STORE_ABSENT);
	ck_assert_int_eq(store_delete(st, STR("INBOX")), STORE_DENIED);
	ck_assert_int_eq(store_subscribe(st, STR("Gone"), false), STORE_OK);
	pool_reset(pool);
	ck_assert_int_eq(store_list(st, pool, &list, &n), STORE_OK);
	ck_assert_uint_eq(n, 2);
	add("INBOX", "a\r\n", 0);
	ck_assert_int_eq(store_rename(st, STR("INBOX"), STR("Old")), STORE_OK);
	{
		struct box *m = box("Old");

		ck_assert_uint_eq(mailbox_count(m), 1);
		mailbox_close(m);
		m = box("INBOX");
		ck_assert_uint_eq(mailbox_count(m), 0);
		mailbox_close(m);
	}
	pool_free(pool);
}
END_TEST

/* A mailbox of the same name is another one: its UIDVALIDITY must say so. */
START_TEST(validity_grows)
{
	uint32_t last = 0;

	for (int i = 0; i < 3; i++) {
		struct box *m;

		ck_assert_int_eq(store_create(st, STR("Same")), STORE_OK);
		m = box("Same");
		ck_assert_uint_gt(mailbox_uidvalidity(m), last);
		last = mailbox_uidvalidity(m);
		ck_assert_int_eq(store_delete(st, STR("Same")), STORE_OK);
		ck_assert_int_eq(mailbox_poll(m), STORE_ABSENT);
		mailbox_close(m);
	}
}
END_TEST

static enum store_result
deliver(const char *to, const char *base, const char *text, bool *again)
{
	struct delivery *d;
	enum store_result r = deliver_begin(st, str_of(to), str_of(base), &d);

	if (r != STORE_OK)
		return r;
	deliver_write(d, str_of(text));
	return deliver_end(d, (int64_t)time(NULL) * 1000000 - 1000000, again);
}

START_TEST(delivery_once)
{
	struct box *m;
	bool again;
	size_t one[] = { 0 };

	ck_assert_int_eq(deliver("INBOX", "4abc.R0.host", "a\r\n", &again), STORE_OK);
	ck_assert(!again);
	ck_assert_int_eq(deliver("INBOX", "4abc.R0.host", "a\r\n", &again), STORE_OK);
	ck_assert(again);
	ck_assert_int_eq(deliver("INBOX", "4abc.R1.host", "a\r\n", &again), STORE_OK);
	ck_assert(!again);
	m = box("INBOX");
	ck_assert_uint_eq(mailbox_count(m), 2);
	ck_assert(mailbox_msg(m, 0)->recent);
	ck_assert_uint_eq(mailbox_msg(m, 0)->size, 3);
	/* A reader took it over and read it. */
	ck_assert_int_eq(mailbox_set_flags(m, one, 1, STORE_ADD, STORE_SEEN), STORE_OK);
	ck_assert_int_eq(deliver("INBOX", "4abc.R0.host", "a\r\n", &again), STORE_OK);
	ck_assert(again);
	/* The same name, other bytes: both are kept. */
	ck_assert_int_eq(deliver("INBOX", "4abc.R0.host", "other\r\n", &again), STORE_OK);
	ck_assert(!again);
	ck_assert_int_eq(mailbox_poll(m), STORE_OK);
	ck_assert_uint_eq(mailbox_count(m), 3);
	mailbox_close(m);
	m = box("INBOX");
	ck_assert(!mailbox_msg(m, 0)->recent);
	mailbox_close(m);
	ck_assert_int_eq(deliver("New/Box", "x", "a\r\n", &again), STORE_OK);
	ck_assert_int_eq(deliver("INBOX", "../x", "a\r\n", &again), STORE_NAME);
	ck_assert_int_eq(deliver("a//b", "x", "a\r\n", &again), STORE_NAME);
}
END_TEST

START_TEST(gone_elsewhere)
{
	struct box *a, *b;
	struct text *t;
	size_t one[] = { 0 };
	uint32_t v, uid;

	add("INBOX", "a\r\n", 0);
	a = box("INBOX");
	b = box("INBOX");
	ck_assert_int_eq(mailbox_expunge(a, one, 1, 0), STORE_OK);
	ck_assert_int_eq(text_open(b, 0, &t), STORE_ABSENT);
	ck_assert(mailbox_msg(b, 0)->gone);
	ck_assert_int_eq(mailbox_set_flags(b, one, 1, STORE_ADD, STORE_SEEN), STORE_OK);
	ck_assert_int_eq(mailbox_copy(b, one, 1, STR("INBOX"), false, &v, &uid), STORE_ABSENT);
	mailbox_close(a);
	mailbox_close(b);
}
END_TEST

/* The UID file as it is, and another in its place: in the same file, as when an inode is used again. */
static struct buf
uids_text(void)
{
	struct buf text = { 0 };
	int fd = path_fd("posthorn-uids", O_RDONLY);
	ssize_t n = read(fd, buf_room(&text, 65536), 65536);

	ck_assert_int_gt(n, 0);
	buf_grew(&text, (size_t)n);
	close(fd);
	return text;
}

static void
uids_put(struct str text, bool same_file)
{
	int fd;

	if (!same_file) {
		char path[256];

		snprintf(path, sizeof(path), "%s/example.test/alice/posthorn-uids", root);
		ck_assert_int_eq(unlink(path), 0);
	}
	if (text.n == 0)
		return;
	fd = path_fd("posthorn-uids", O_WRONLY | O_CREAT | O_TRUNC);
	ck_assert_int_eq(write(fd, text.p, text.n), (ssize_t)text.n);
	close(fd);
}

/* A view ends with its UIDVALIDITY; nothing is done to a message by a number of the old one. */
START_TEST(validity_changed)
{
	struct box *m, *other;
	size_t one[] = { 0 };
	struct buf first, second;
	uint32_t had;
	bool again;

	add("INBOX", "a\r\n", STORE_DELETED);
	add("INBOX", "b\r\n", STORE_DELETED);
	m = box("INBOX");
	had = mailbox_uidvalidity(m);
	first = uids_text();
	uids_put(STR(""), false);
	other = box("INBOX");
	ck_assert_uint_ne(mailbox_uidvalidity(other), had);
	mailbox_close(other);
	second = uids_text();
	if (_i == 0) {
		/* The file of the first view again, with other words in it. */
		mailbox_close(m);
		uids_put(buf_str(&first), true);
		m = box("INBOX");
		uids_put(buf_str(&second), true);
	}
	ck_assert_int_eq(deliver("INBOX", "one", "c\r\n", &again), STORE_OK);
	ck_assert_int_eq(mailbox_set_flags(m, one, 1, STORE_ADD, STORE_SEEN), STORE_ABSENT);
	ck_assert_int_eq(mailbox_poll(m), STORE_ABSENT);
	ck_assert_uint_eq(mailbox_uidvalidity(m), had);
	mailbox_close(m);
	ck_assert_uint_eq(count_of("INBOX"), 3);
	buf_free(&first);
	buf_free(&second);
}
END_TEST

/* The same UIDVALIDITY, but numbers that a restore gave a second time. */
START_TEST(uids_put_back)
{
	struct box *m, *other;
	size_t third[] = { 2 };
	struct buf text;
	bool again;

	add("INBOX", "a\r\n", 0);
	add("INBOX", "b\r\n", 0);
	m = box("INBOX");
	mailbox_close(m);
	text = uids_text();
	add("INBOX", "c\r\n", STORE_DELETED);
	m = box("INBOX");
	other = box("INBOX");
	ck_assert_int_eq(mailbox_expunge(other, third, 1, 0), STORE_OK);
	mailbox_close(other);
	uids_put(buf_str(&text), false);
	ck_assert_int_eq(deliver("INBOX", "one", "d\r\n", &again), STORE_OK);
	other = box("INBOX");
	ck_assert_uint_eq(mailbox_msg(other, 2)->uid, 3);
	mailbox_close(other);
	ck_assert_int_eq(mailbox_expunge(m, third, 1, 0), STORE_ABSENT);
	ck_assert_int_eq(mailbox_poll(m), STORE_ABSENT);
	mailbox_close(m);
	ck_assert_uint_eq(count_of("INBOX"), 3);
	buf_free(&text);
}
END_TEST

/* A number of an inode says little: the file was rewritten, and stands where the old one stood. */
START_TEST(uids_rewritten)
{
	struct box *m, *other;
	struct buf text;
	size_t one[] = { 0 };

	for (int i = 0; i < 3; i++)
		add("INBOX", "a\r\n", 0);
	m = box("INBOX");
	other = box("INBOX");
	for (int i = 0; i < 9; i++)
		add("INBOX", "b\r\n", 0);
	text = uids_text();
	/* As a rewrite leaves it: without a line that was there. */
	{
		struct str rest = buf_str(&text), line;
		struct buf less = { 0 };

		while (str_cut(&rest, '\n', &line)) {
			if (line.n == 0 || str_start(line, STR("M 1 ")))
				continue;
			buf_add(&less, line);
			buf_addc(&less, '\n');
		}
		ck_assert_int_eq(mailbox_expunge(other, one, 1, 0), STORE_OK);
		mailbox_close(other);
		uids_put(buf_str(&less), true);
		buf_free(&less);
	}
	ck_assert_int_eq(mailbox_poll(m), STORE_OK);
	ck_assert_uint_eq(mailbox_count(m), 12);
	ck_assert_uint_eq(mailbox_msg(m, 11)->uid, 12);
	ck_assert_uint_eq(mailbox_uidnext(m), 13);
	mailbox_close(m);
	buf_free(&text);
}
END_TEST

/* Looking for a message that was renamed makes the view larger, and moves it. */
START_TEST(size_of_moved)
{
	struct box *m;
	bool again;
	int fd;

	fd = path_fd("cur/1.x:2,", O_WRONLY | O_CREAT);
	ck_assert_int_eq(write(fd, "a\n", 2), 2);
	close(fd);
	m = box("INBOX");
	ck_assert_uint_eq(mailbox_msg(m, 0)->size, 0);
	fd = path_fd("cur", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(renameat(fd, "1.x:2,", fd, "1.x:2,S"), 0);
	close(fd);
	for (int i = 0; i < 100; i++) {
		char base[16];

		snprintf(base, sizeof(base), "base%d", i);
		ck_assert_int_eq(deliver("INBOX", base, "b\r\n", &again), STORE_OK);
	}
	ck_assert_uint_eq(size_of(m, 0), 3);
	ck_assert_uint_eq(mailbox_count(m), 101);
	ck_assert_uint_eq(mailbox_msg(m, 0)->size, 3);
	mailbox_close(m);
}
END_TEST

static bool
there(const char *rel)
{
	int fd = path_fd(rel, O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
put(const char *rel, const char *text)
{
	int fd = path_fd(rel, O_WRONLY | O_CREAT | O_EXCL);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* Two names in new/ that are one behind their colon: neither takes the other's place. */
START_TEST(names_collide)
{
	struct box *m;

	put("new/1.a:x", "a\n");
	put("new/1.a:y", "b\n");
	ck_assert_int_eq(mailbox_open(st, STR("INBOX"), false, &m), STORE_OK);
	mailbox_close(m);
	ck_assert(there("cur/1.a:2,"));
	ck_assert(there("new/1.a:x") != there("new/1.a:y"));
}
END_TEST

/* Names that others give: without ":2," in cur/, with it and flags in new/. */
START_TEST(names_of_others)
{
	struct box *m;
	struct text *t;
	size_t first[] = { 0 }, second[] = { 1 }, both[] = { 0, 1 };
	uint32_t v, uids[2];

	put("cur/1.a", "a\n");
	put("new/2.b:2,FS", "b\n");
	for (int pass = 0; pass < 2; pass++) {
		/* A view that changes nothing sees them where they are. */
		ck_assert_int_eq(mailbox_open(st, STR("INBOX"), pass == 0, &m), STORE_OK);
		ck_assert_uint_eq(mailbox_count(m), 2);
		ck_assert_uint_eq(mailbox_msg(m, 0)->flags, 0);
		ck_assert_uint_eq(mailbox_msg(m, 1)->flags, STORE_FLAGGED | STORE_SEEN);
		for (size_t i = 0; i < 2; i++) {
			ck_assert_int_eq(text_open(m, i, &t), STORE_OK);
			text_close(t);
			ck_assert_uint_eq(size_of(m, i), 3);
			ck_assert_int_gt(mailbox_date(m, i), 0);
		}
		ck_assert(there(pass == 0 ? "new/2.b:2,FS" : "cur/2.b:2,FS"));
		if (pass == 0)
			mailbox_close(m);
	}
	ck_assert_int_eq(mailbox_set_flags(m, both, 2, STORE_ADD, STORE_ANSWERED), STORE_OK);
	ck_assert(there("cur/1.a:2,R") && there("cur/2.b:2,FRS"));
	ck_assert_int_eq(mailbox_poll(m), STORE_OK);
	ck_assert(!mailbox_msg(m, 0)->gone && !mailbox_msg(m, 1)->gone);
	ck_assert_int_eq(store_create(st, STR("Two")), STORE_OK);
	put("cur/3.c", "c\n");
	ck_assert_int_eq(mailbox_poll(m), STORE_OK);
	ck_assert_uint_eq(mailbox_count(m), 3);
	ck_assert_int_eq(mailbox_copy(m, (size_t[]){ 1, 2 }, 2, STR("Two"), false, &v, uids), STORE_OK);
	ck_assert_int_eq(mailbox_expunge(m, second, 1, 0), STORE_OK);
	ck_assert_int_eq(mailbox_expunge(m, (size_t[]){ 2 }, 1, 0), STORE_OK);
	ck_assert(!there("cur/3.c") && !there("cur/2.b:2,FRS"));
	ck_assert_int_eq(mailbox_expunge(m, first, 1, 0), STORE_OK);
	mailbox_close(m);
	ck_assert_uint_eq(count_of("INBOX"), 0);
	ck_assert_uint_eq(count_of("Two"), 2);
}
END_TEST

/* What cannot be read is no shorter message. */
START_TEST(read_error)
{
	struct box *m;
	struct text *t;
	struct buf got = { 0 };
	uint64_t size;
	int fd = path_fd("cur/1.x:2,", O_WRONLY | O_CREAT);

	for (int i = 0; i < 20000; i++)
		ck_assert_int_eq(write(fd, "line\n", 5), 5);
	close(fd);
	m = box("INBOX");
	bad_from = 65536;
	ck_assert_int_eq(mailbox_size(m, 0, &size), STORE_FAILED);
	ck_assert_int_eq(text_open(m, 0, &t), STORE_OK);
	ck_assert(!text_read(t, 0, 1000000, &got));
	ck_assert(!text_read(t, got.n, 1, &got));
	ck_assert(!text_size(t, &size));
	text_close(t);
	bad_from = -1;
	mailbox_close(m);
	m = box("INBOX");
	ck_assert_uint_eq(mailbox_msg(m, 0)->size, 0);
	ck_assert_uint_eq(size_of(m, 0), 120000);
	mailbox_close(m);
	buf_free(&got);
}
END_TEST

/* Letters that nobody can explain are given to no keyword, by whatever way it comes. */
START_TEST(letters_taken)
{
	struct strs words = { (struct str[]){ STR("Appended") }, 1 };
	struct appender *a;
	struct box *m;
	size_t second[] = { 1 };
	uint32_t v, uid;

	put("cur/1.x:2,Sac", "a\n");
	m = box("INBOX");
	ck_assert_uint_eq(mailbox_keyword(m, STR("Work"), true), 1u << (STORE_KEYWORD0 + 1));
	mailbox_close(m);
	ck_assert_int_eq(append_begin(st, STR("INBOX"), &a), STORE_OK);
	ck_assert(append_write(a, STR("b\r\n")));
	ck_assert_int_eq(append_end(a, 0, words, -1, &v, &uid), STORE_OK);
	m = box("INBOX");
	ck_assert_uint_eq(mailbox_msg(m, 0)->flags, STORE_SEEN | 1u << STORE_KEYWORD0 |
	    1u << (STORE_KEYWORD0 + 2));
	ck_assert_uint_eq(mailbox_msg(m, 1)->flags, 1u << (STORE_KEYWORD0 + 3));
	ck_assert_uint_eq(mailbox_keyword(m, STR("Work"), false), 1u << (STORE_KEYWORD0 + 1));
	ck_assert_uint_eq(mailbox_keyword(m, STR(""), true), 0);
	/* A copy has only what has a name. */
	ck_assert_int_eq(store_create(st, STR("Two")), STORE_OK);
	put(".Two/cur/1.y:2,a", "c\n");
	ck_assert_int_eq(mailbox_copy(m, second, 1, STR("Two"), false, &v, &uid), STORE_OK);
	ck_assert_int_eq(mailbox_copy(m, (size_t[]){ 0 }, 1, STR("Two"), false, &v, &uid), STORE_OK);
	mailbox_close(m);
	m = box("Two");
	ck_assert_uint_eq(mailbox_keyword(m, STR("appended"), false), 1u << (STORE_KEYWORD0 + 1));
	for (size_t i = 0; i < 3; i++)
		ck_assert(mailbox_msg(m, i)->flags == STORE_SEEN ||
		    mailbox_msg(m, i)->flags == 1u << STORE_KEYWORD0 ||
		    mailbox_msg(m, i)->flags == 1u << (STORE_KEYWORD0 + 1));
	mailbox_close(m);
	/* Without the file the letters keep their silence. */
	uids_put(STR(""), false);
	m = box("INBOX");
	ck_assert_uint_eq(mailbox_keyword(m, STR("New"), true), 1u << (STORE_KEYWORD0 + 1));
	ck_assert_uint_eq(mailbox_keyword(m, STR("Newer"), true), 1u << (STORE_KEYWORD0 + 4));
	mailbox_close(m);
}
END_TEST

/* What Dovecot called its letters they are called here. */
START_TEST(dovecot_keywords)
{
	struct box *m;

	put("dovecot-keywords", "0 NonJunk\n3 $Label1\n1 no)atom\n2 nonjunk\n99 far\nx y\n");
	put("cur/1.x:2,Sad", "a\n");
	for (int pass = 0; pass < 2; pass++) {
		m = box("INBOX");
		ck_assert_uint_eq(mailbox_keyword(m, STR("NonJunk"), false), 1u << STORE_KEYWORD0);
		ck_assert_uint_eq(mailbox_keyword(m, STR("$Label1"), false), 1u << (STORE_KEYWORD0 + 3));
		ck_assert_uint_eq(mailbox_keywords(m).n, pass == 0 ? 4 : 5);
		ck_assert_uint_eq(mailbox_keywords(m).v[1].n + mailbox_keywords(m).v[2].n, 0);
		ck_assert_uint_eq(mailbox_keyword(m, STR("mine"), true), 1u << (STORE_KEYWORD0 + 4));
		mailbox_close(m);
		reopen();
	}
}
END_TEST

/* A list of subscriptions that cannot be read stays as it is. */
START_TEST(list_unreadable)
{
	char path[256];

	ck_assert_int_eq(store_subscribe(st, STR("a"), true), STORE_OK);
	snprintf(path, sizeof(path), "%s/example.test/alice/subscriptions", root);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("elsewhere", path), 0);
	ck_assert_int_eq(store_subscribe(st, STR("b"), true), STORE_DENIED);
	ck_assert_int_eq(unlink(path), 0);
	/* As it is when there is none. */
	ck_assert_int_eq(store_subscribe(st, STR("b"), true), STORE_OK);
}
END_TEST

/* What another view, or a reader without our lock, saved from removal stays. */
START_TEST(undeleted)
{
	struct box *a, *b;
	size_t all[] = { 0, 1, 2 };
	int fd;

	add("INBOX", "a\r\n", STORE_DELETED);
	add("INBOX", "b\r\n", STORE_DELETED | STORE_SEEN);
	add("INBOX", "c\r\n", STORE_DELETED);
	a = box("INBOX");
	b = box("INBOX");
	ck_assert_int_eq(mailbox_set_flags(b, all, 1, STORE_REMOVE, STORE_DELETED), STORE_OK);
	ck_assert_int_eq(mailbox_set_flags(b, all + 2, 1, STORE_ADD, STORE_SEEN), STORE_OK);
	fd = path_fd("cur", O_RDONLY | O_DIRECTORY);
	{
		struct buf to = { 0 };

		buf_addf(&to, "%s", mailbox_msg(a, 1)->file);
		buf_addz(&to, "x");	/* a keyword's letter, no more */
		ck_assert_int_eq(renameat(fd, mailbox_msg(a, 1)->file, fd, buf_z(&to)), 0);
		buf_free(&to);
	}
	close(fd);
	ck_assert_int_eq(mailbox_expunge(a, all, 3, STORE_DELETED), STORE_OK);
	ck_assert(!mailbox_msg(a, 0)->gone && mailbox_msg(a, 1)->gone && mailbox_msg(a, 2)->gone);
	ck_assert_uint_eq(count_of("INBOX"), 1);
	ck_assert_int_eq(mailbox_poll(b), STORE_OK);
	ck_assert(!mailbox_msg(b, 0)->gone && mailbox_msg(b, 1)->gone && mailbox_msg(b, 2)->gone);
	/* Who removes whatever the flags are removes it. */
	ck_assert_int_eq(mailbox_expunge(b, all, 1, 0), STORE_OK);
	ck_assert_uint_eq(count_of("INBOX"), 0);
	mailbox_close(a);
	mailbox_close(b);
}
END_TEST

START_TEST(exclusive)
{
	struct box *a = box("INBOX"), *b = box("INBOX");

	ck_assert(mailbox_exclusive(a));
	ck_assert(!mailbox_exclusive(b));
	mailbox_close(a);
	ck_assert(mailbox_exclusive(b));
	mailbox_close(b);
}
END_TEST

/* Many expunges make the UID file be rewritten; the next UID stays. */
START_TEST(tidy)
{
	struct box *m;
	struct stat before, after;
	size_t *at;
	bool again;
	char base[32];
	int fd;

	for (int i = 0; i < 1100; i++) {
		snprintf(base, sizeof(base), "%d.x", i);
		fd = path_fd("new", O_RDONLY | O_DIRECTORY);
		close(openat(fd, base, O_CREAT | O_WRONLY, 0600));
		close(fd);
	}
	m = box("INBOX");
	ck_assert_uint_eq(mailbox_count(m), 1100);
	at = calloc(1100, sizeof(*at));
	for (size_t i = 0; i < 1100; i++)
		at[i] = i;
	fd = path_fd("posthorn-uids", O_RDONLY);
	ck_assert_int_eq(fstat(fd, &before), 0);
	close(fd);
	ck_assert_int_eq(mailbox_expunge(m, at, 1100, 0), STORE_OK);
	free(at);
	mailbox_close(m);
	m = box("INBOX");
	mailbox_close(m);
	fd = path_fd("posthorn-uids", O_RDONLY);
	ck_assert_int_eq(fstat(fd, &after), 0);
	close(fd);
	ck_assert_int_lt(after.st_size, before.st_size / 10);
	ck_assert_int_eq(deliver("INBOX", "q", "a\r\n", &again), STORE_OK);
	m = box("INBOX");
	ck_assert_uint_eq(mailbox_msg(m, 0)->uid, 1101);
	mailbox_close(m);
}
END_TEST

/* The view that is told first has it, one that may not write takes it from none. */
START_TEST(recent)
{
	struct box *a = box("INBOX"), *b = box("INBOX"), *look;
	struct store_counts n;
	struct vec gone = vec_of(sizeof(uint32_t));
	size_t one[] = { 0 };
	bool again;

	add("INBOX", "a\r\n", STORE_SEEN);
	ck_assert_int_eq(deliver("INBOX", "r", "b\r\n", &again), STORE_OK);
	ck_assert_int_eq(mailbox_open(st, STR("INBOX"), true, &look), STORE_OK);
	ck_assert_uint_eq(mailbox_recent(look), 2);
	ck_assert_int_eq(store_status(st, STR("INBOX"), false, &n), STORE_OK);
	ck_assert_uint_eq(n.recent, 2);
	ck_assert_int_eq(mailbox_poll(b), STORE_OK);
	ck_assert_int_eq(mailbox_poll(a), STORE_OK);
	ck_assert_uint_eq(mailbox_recent(b), 2);
	ck_assert_uint_eq(mailbox_recent(a), 0);
	ck_assert(mailbox_msg(b, 1)->recent && !mailbox_msg(a, 1)->recent);
	ck_assert_int_eq(mailbox_expunge(b, one, 1, 0), STORE_OK);
	mailbox_sweep(b, &gone);
	ck_assert_uint_eq(mailbox_recent(b), 1);
	ck_assert_uint_eq(mailbox_recent(look), 2);
	mailbox_close(look);
	mailbox_close(a);
	mailbox_close(b);
	vec_free(&gone);
	reopen();
	a = box("INBOX");
	ck_assert_uint_eq(mailbox_recent(a), 0);
	mailbox_close(a);
}
END_TEST

/* A crash after each rename of a tree: whoever opens the store finishes it, nothing is lost. */
static const char *const tree[] = { ".a", ".a.x", ".a.x.z", ".a.y" };
static const char *const moved[] = { ".b.c", ".b.c.x", ".b.c.x.z", ".b.c.y" };
static const char *const tree_names[] = { "b/c", "b/c/x", "b/c/x/z", "b/c/y" };

static int
root_of(void)
{
	return path_fd(".", O_RDONLY | O_DIRECTORY);
}

START_TEST(rename_crash)
{
	const char *from[] = { "a", "a/x", "a/x/z", "a/y" };
	uint32_t validity[4], uid[4];
	struct box *m;
	FILE *f;
	int fd = root_of();

	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(store_create(st, str_of(from[i])), STORE_OK);
		for (size_t k = 0; k <= i; k++)
			uid[i] = add(from[i], "x\r\n", 0);
		m = box(from[i]);
		validity[i] = mailbox_uidvalidity(m);
		mailbox_close(m);
	}
	f = fdopen(openat(fd, "posthorn-rename", O_WRONLY | O_CREAT, 0600), "w");
	for (size_t i = 0; i < 4; i++)
		fprintf(f, "%s\t%s\n", tree[i], moved[i]);
	/* Lines that name no mailbox move nothing. */
	fprintf(f, "cur\t.c\n..\t.d\n.a.y\t../../e\nrubbish\n");
	fclose(f);
	for (int i = 0; i < _i; i++)
		ck_assert_int_eq(renameat(fd, tree[i], fd, moved[i]), 0);
	reopen();
	for (size_t i = 0; i < 4; i++) {
		ck_assert(!store_exists(st, str_of(from[i])));
		m = box(tree_names[i]);
		ck_assert_uint_eq(mailbox_uidvalidity(m), validity[i]);
		ck_assert_uint_eq(mailbox_count(m), i + 1);
		ck_assert_uint_eq(mailbox_msg(m, i)->uid, uid[i]);
		mailbox_close(m);
	}
	ck_assert_int_ne(faccessat(fd, "posthorn-rename", F_OK, 0), 0);
	ck_assert(store_exists(st, STR("INBOX")));
	close(fd);
}
END_TEST

/* A mailbox that came up under the old name meanwhile stays beside the one that was renamed. */
START_TEST(rename_crash_taken)
{
	int fd = root_of();
	FILE *f;

	ck_assert_int_eq(store_create(st, STR("a")), STORE_OK);
	ck_assert_int_eq(store_create(st, STR("b")), STORE_OK);
	add("a", "new\r\n", 0);
	add("b", "old\r\n", 0);
	f = fdopen(openat(fd, "posthorn-rename", O_WRONLY | O_CREAT, 0600), "w");
	fprintf(f, ".a\t.b\n.a.x\t.b.x\n");
	fclose(f);
	reopen();
	ck_assert_uint_eq(count_of("a"), 1);
	ck_assert_uint_eq(count_of("b"), 1);
	ck_assert_int_ne(faccessat(fd, "posthorn-rename", F_OK, 0), 0);
	close(fd);
}
END_TEST

START_TEST(rename_tree)
{
	struct pool *pool = pool_new();
	struct store_entry *list;
	size_t n;

	ck_assert_int_eq(store_create(st, STR("a/x")), STORE_OK);
	ck_assert_int_eq(store_create(st, STR("a/y")), STORE_OK);
	ck_assert_int_eq(store_create(st, STR("b/y")), STORE_OK);
	ck_assert_int_eq(store_subscribe(st, STR("a/x"), true), STORE_OK);
	add("a/x", "1\r\n", 0);
	/* "a" is a level only; one of the new names is taken: nothing changes. */
	ck_assert_int_eq(store_rename(st, STR("a"), STR("b")), STORE_EXISTS);
	ck_assert(store_exists(st, STR("a/x")) && !store_exists(st, STR("b/x")));
	ck_assert_int_eq(store_rename(st, STR("a"), STR("a/b")), STORE_NAME);
	ck_assert_int_eq(store_rename(st, STR("a"), STR("c")), STORE_OK);
	ck_assert_uint_eq(count_of("c/x"), 1);
	ck_assert(store_exists(st, STR("c/y")) && !store_exists(st, STR("a/x")));
	/* The list of subscribed names is the client's. */
	ck_assert_int_eq(store_list(st, pool, &list, &n), STORE_OK);
	for (size_t i = 0; i < n; i++)
		ck_assert(list[i].subscribed == str_eq(list[i].name, STR("a/x")));
	pool_free(pool);
}
END_TEST

START_TEST(rename_inbox)
{
	struct box *m;

	ck_assert_int_eq(store_create(st, STR("INBOX/kid")), STORE_OK);
	add("INBOX", "1\r\n", STORE_SEEN);
	add("INBOX/kid", "2\r\n", 0);
	ck_assert_int_eq(store_rename(st, STR("inbox"), STR("INBOX/old")), STORE_OK);
	ck_assert_uint_eq(count_of("INBOX"), 0);
	ck_assert_uint_eq(count_of("INBOX/kid"), 1);
	m = box("INBOX/old");
	ck_assert_uint_eq(mailbox_count(m), 1);
	ck_assert_uint_eq(mailbox_msg(m, 0)->flags, STORE_SEEN);
	mailbox_close(m);
	ck_assert_int_eq(store_rename(st, STR("INBOX"), STR("INBOX/old")), STORE_EXISTS);
	ck_assert_uint_eq(count_of("INBOX/old"), 1);
}
END_TEST

/* What a crash left of mailboxes that were made or removed goes with the next removal. */
START_TEST(leftovers)
{
	int fd = root_of();

	ck_assert_int_eq(mkdirat(fd, "..gone.1", 0700), 0);
	ck_assert_int_eq(mkdirat(fd, "..gone.1/cur", 0700), 0);
	close(openat(fd, "..gone.1/cur/x", O_WRONLY | O_CREAT, 0600));
	ck_assert_int_eq(mkdirat(fd, "..make.2", 0700), 0);
	ck_assert_int_eq(store_create(st, STR("a")), STORE_OK);
	ck_assert_int_eq(store_create(st, STR("a/b")), STORE_OK);
	add("a/b", "1\r\n", 0);
	ck_assert_int_eq(store_delete(st, STR("a")), STORE_OK);
	ck_assert_int_ne(faccessat(fd, "..gone.1", F_OK, 0), 0);
	ck_assert_int_ne(faccessat(fd, "..make.2", F_OK, 0), 0);
	/* What is below stays; a level alone cannot be removed. */
	ck_assert_uint_eq(count_of("a/b"), 1);
	ck_assert_int_eq(store_delete(st, STR("a")), STORE_ABSENT);
	close(fd);
}
END_TEST

/* A full disk: what is known can be read and removed; what is new waits, and gets its UID later. */
START_TEST(full)
{
	struct rlimit had, none;
	struct box *m, *late;
	size_t both[] = { 0, 1 };
	struct stat uids;
	bool again;
	int fd;

	add("INBOX", "a\r\n", 0);
	add("INBOX", "b\r\n", 0);
	m = box("INBOX");
	ck_assert_int_eq(deliver("INBOX", "one", "c\r\n", &again), STORE_OK);
	ck_assert_int_eq(deliver("INBOX", "two", "d\r\n", &again), STORE_OK);
	fd = path_fd("posthorn-uids", O_RDONLY);
	ck_assert_int_eq(fstat(fd, &uids), 0);
	close(fd);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &had), 0);
	none = had;
	none.rlim_cur = (rlim_t)uids.st_size;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_int_eq(mailbox_poll(m), STORE_OK);
	ck_assert_uint_eq(mailbox_count(m), 2);
	ck_assert_int_eq(mailbox_open(st, STR("INBOX"), false, &late), STORE_OK);
	ck_assert_uint_eq(mailbox_count(late), 2);
	ck_assert_int_eq(mailbox_expunge(m, both, 2, 0), STORE_OK);
	ck_assert_int_eq(mailbox_poll(late), STORE_OK);
	ck_assert(mailbox_msg(late, 0)->gone && mailbox_msg(late, 1)->gone);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &had), 0);
	/* Room again. */
	ck_assert_int_eq(mailbox_poll(late), STORE_OK);
	ck_assert_uint_eq(mailbox_count(late), 4);
	ck_assert_uint_eq(mailbox_msg(late, 2)->uid, 3);
	ck_assert_uint_eq(mailbox_msg(late, 3)->uid, 4);
	ck_assert_int_eq(mailbox_poll(m), STORE_OK);
	ck_assert_uint_eq(mailbox_msg(m, 3)->uid, 4);
	mailbox_close(m);
	mailbox_close(late);
}
END_TEST

static struct fiber_queue told;
static unsigned calls;

static void
on_change(void *arg)
{
	++*(unsigned *)arg;
	fiber_queue_wake_all(&told);
}

/* Two views of one mailbox are told, also once one of them has gone. */
static void
watch_both(void *arg)
{
	struct box *a = box("INBOX"), *b = box("INBOX");
	unsigned other = 0;
	struct watch *wa = mailbox_watch(a, on_change, &calls), *wb;

	(void)arg;
	if (wa == NULL) {	/* no inotify here */
		mailbox_close(a);
		mailbox_close(b);
		return;
	}
	wb = mailbox_watch(b, on_change, &other);
	ck_assert_ptr_nonnull(wb);
	add("INBOX", "a\r\n", 0);
	while (calls == 0 || other == 0)
		ck_assert_int_eq(fiber_queue_wait(&told, deadline_in(30000)), WAKE_READY);
	mailbox_unwatch(wb);
	mailbox_close(b);
	fiber_yield();
	calls = other = 0;
	add("INBOX", "b\r\n", 0);
	while (calls == 0)
		ck_assert_int_eq(fiber_queue_wait(&told, deadline_in(30000)), WAKE_READY);
	ck_assert_uint_eq(other, 0);
	mailbox_unwatch(wa);
	/* And anew, before the fiber of the first has ended. */
	wa = mailbox_watch(a, on_change, &calls);
	ck_assert_ptr_nonnull(wa);
	calls = 0;
	add("INBOX", "c\r\n", 0);
	while (calls == 0)
		ck_assert_int_eq(fiber_queue_wait(&told, deadline_in(30000)), WAKE_READY);
	mailbox_unwatch(wa);
	mailbox_close(a);
	calls = UINT_MAX;
}

START_TEST(watched)
{
	fiber_run(watch_both, NULL);
	ck_assert(calls == 0 || calls == UINT_MAX);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("store/store");
	TCase *t = tcase_create("store");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, name, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_loop_test(t, line_ends, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(t, outside);
	tcase_add_test(t, uids_last);
	tcase_add_test(t, torn_tail);
	tcase_add_test(t, header);
	tcase_add_test(t, nul);
	tcase_add_test(t, two_views);
	tcase_add_test(t, keywords);
	tcase_add_test(t, move);
	tcase_add_test(t, folders);
	tcase_add_test(t, validity_grows);
	tcase_add_test(t, delivery_once);
	tcase_add_test(t, gone_elsewhere);
	tcase_add_test(t, names_of_others);
	tcase_add_test(t, names_collide);
	tcase_add_test(t, list_unreadable);
	tcase_add_test(t, letters_taken);
	tcase_add_test(t, dovecot_keywords);
	tcase_add_test(t, read_error);
	tcase_add_test(t, undeleted);
	tcase_add_loop_test(t, validity_changed, 0, 2);
	tcase_add_test(t, uids_put_back);
	tcase_add_test(t, uids_rewritten);
	tcase_add_test(t, size_of_moved);
	tcase_add_test(t, exclusive);
	tcase_add_test(t, tidy);
	tcase_add_test(t, recent);
	tcase_add_test(t, watched);
	tcase_add_test(t, full);
	tcase_add_loop_test(t, rename_crash, 0, 5);
	tcase_add_test(t, rename_crash_taken);
	tcase_add_test(t, rename_tree);
	tcase_add_test(t, rename_inbox);
	tcase_add_test(t, leftovers);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
