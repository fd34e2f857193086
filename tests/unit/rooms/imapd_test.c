/* SPDX-License-Identifier: ISC */
/* An IMAP session, with what happens to the mailbox between its commands, and disks that fail. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "fiber/fiber.h"
#include "imapd/imapd.h"
#include "unit/unit.h"

#define STACK	(512u << 10)

static char root[64];
static int dir = -1;

/* A disk that fails: reads from this offset on do, while it is not negative, `good` of them apart. */
static off_t bad_from = -1;
static int good;

ssize_t
pread(int fd, void *to, size_t n, off_t at)
{
	if (bad_from >= 0 && at >= bad_from && good-- <= 0)
		return errno = EIO, -1;
	return (ssize_t)syscall(SYS_pread64, fd, to, n, at);
}

/* A folder that nobody may write. */
static bool shut;

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	if (shut)
		return errno = EACCES, -1;
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int
unlinkat(int at, const char *name, int flags)
{
	if (shut)
		return errno = EACCES, -1;
	return (int)syscall(SYS_unlinkat, at, name, flags);
}

/* A command, and what is done before it is said. */
struct step {
	const char *say;
	void (*before)(void);
};

static const struct step *steps;
static int client_fd;
static struct buf said;

static void
setup(void)
{
	unit_folder(root, sizeof(root));
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
	fold_ready();
	fiber_stack_size(STACK);
}

static void
teardown(void)
{
	close(dir);
	buf_free(&said);
	unit_remove(root);
}

static void
put(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
say(struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(client_fd, s.p, s.n);

		if (n >= 0) {
			s = str_sub(s, (size_t)n, s.n);
			continue;
		}
		fiber_drained_write(client_fd);
		ck_assert_int_eq(fiber_wait_write(client_fd, deadline_in(20000)), WAKE_READY);
	}
}

/* Read until the answer with this tag is there; false at the end. */
static bool
hear(struct str tag)
{
	struct buf sign = { 0 };
	bool there = false, end = false;

	buf_addf(&sign, "\r\n%.*s ", STR_ARG(tag));
	while (!there && !end) {
		ptrdiff_t at = str_find(buf_str(&said), buf_str(&sign));
		char *room = buf_room(&said, 65536);
		ssize_t n;

		there = at >= 0 && str_find(str_sub(buf_str(&said), (size_t)at + 2, said.n),
		    STR("\r\n")) >= 0;
		if (there)
			break;
		while ((n = read(client_fd, room, 65536)) < 0) {
			fiber_drained_read(client_fd);
			ck_assert_int_eq(fiber_wait_read(client_fd, deadline_in(20000)), WAKE_READY);
		}
		end = n == 0;
		buf_grew(&said, (size_t)n);
	}
	buf_free(&sign);
	return there;
}

static void
client(void *arg)
{
	struct buf line = { .limit = 4u << 20 };
	bool open = true;

	(void)arg;
	for (const struct step *s = steps; open && s->say != NULL; s++) {
		struct str rest = str_of(s->say), tag = rest, at;

		if (s->before != NULL)
			s->before();
		buf_reset(&line);
		buf_addf(&line, "%s\r\n", s->say);
		say(buf_str(&line));
		/* Of several lines the last one's answer. */
		while (str_cut(&rest, '\n', &at))
			tag = at;
		at = tag;
		str_cut(&at, ' ', &tag);
		open = hear(tag);
	}
	shutdown(client_fd, SHUT_WR);
	while (open && hear(STR("*-")))
		;
	fiber_forget(client_fd);
	buf_free(&line);
}

static void
serve(void *arg)
{
	struct stream *s = stream_open(*(int *)arg);
	struct store *store;

	ck_assert_int_eq(store_open(dir, STR("."), true, &store), STORE_OK);
	(void)fiber_start(client, NULL, "client");
	imap_session(s, store, NULL);
	(void)stream_flush(s);
	stream_close(s);
	store_close(store);
}

/* What the client was told. */
static const char *
talk(const struct step *script)
{
	int pair[2];

	steps = script;
	buf_reset(&said);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	client_fd = pair[1];
	fiber_run(serve, &pair[0]);
	close(client_fd);
	return buf_z(&said);
}

static void
make_folders(void)
{
	ck_assert_int_eq(mkdirat(dir, "cur", 0700), 0);
	ck_assert_int_eq(mkdirat(dir, "new", 0700), 0);
	ck_assert_int_eq(mkdirat(dir, "tmp", 0700), 0);
}

#define ck_said(text, what)	ck_assert_msg(strstr(text, what) != NULL, "no \"%s\" in:\n%s", what, text)
#define ck_unsaid(text, what)	ck_assert_msg(strstr(text, what) == NULL, "\"%s\" in:\n%s", what, text)

/* --- what others do meanwhile --- */

static void
rename_and_deliver(void)
{
	ck_assert_int_eq(renameat(dir, "cur/1.x:2,", dir, "cur/1.x:2,S"), 0);
	for (int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "new/2.y%d", i);
		put(name, "\nb\n");
	}
}

/* A search that has to look for its message reads the folder, and the view grows and moves. */
START_TEST(search_moved)
{
	static const struct step script[] = {
		{ "a SELECT INBOX", NULL },
		{ "b UID SEARCH 1 BODY needle", rename_and_deliver },
		{ NULL, NULL },
	};
	const char *got;

	make_folders();
	put("cur/1.x:2,", "Subject: s\n\nneedle\n");
	got = talk(script);
	ck_said(got, "* SEARCH 1\r\n");
	ck_said(got, "* 101 EXISTS\r\n");
}
END_TEST

static void
fail_far(void)
{
	bad_from = 65536;
	good = 0;
}

/* The first look, for the size, comes to the end of the file. */
static void
fail_second(void)
{
	bad_from = 65536;
	good = 2;
}

static void
put_large(void)
{
	struct buf text = { 0 };

	make_folders();
	buf_addz(&text, "Subject: s\nMIME-Version: 1.0\n\n");
	for (int i = 0; i < 20000; i++)
		buf_addz(&text, "line\n");
	put("cur/1.x:2,", buf_z(&text));
	put("cur/2.x:2,", "Subject: t\n\nsmall\n");
	buf_free(&text);
}

/* One bad message does not keep a client from listing the folder. */
START_TEST(list_unreadable)
{
	struct step script[] = {
		{ "a SELECT INBOX", NULL }, { "b FETCH 1:2 (UID FLAGS RFC822.SIZE)", fail_far }, { NULL, NULL },
	};
	const char *got;

	put_large();
	got = talk(script);
	ck_said(got, "* 1 FETCH (UID 1 FLAGS (\\Recent) RFC822.SIZE 0)");
	ck_said(got, "* 2 FETCH (UID 2 ");
	ck_said(got, "\r\nb OK ");
}
END_TEST

/* What the disk does not give is refused, and the rest is told. */
START_TEST(fetch_unreadable)
{
	static const char *const items[] = {
		"BODY.PEEK[]", "BODY.PEEK[TEXT]", "BODY.PEEK[1]", "BODYSTRUCTURE", "RFC822",
	};
	char say[100];
	struct step script[] = {
		{ "a SELECT INBOX", NULL }, { say, fail_far }, { "c FETCH 1 BODY.PEEK[HEADER]", NULL },
		{ NULL, NULL },
	};
	const char *got;

	put_large();
	snprintf(say, sizeof(say), "b FETCH 1:2 (UID %s)", items[_i]);
	got = talk(script);
	ck_said(got, "\r\nb NO [SERVERBUG] ");
	ck_unsaid(got, "* 1 FETCH (UID");
	ck_said(got, "* 2 FETCH (UID 2 ");
	ck_said(got, "BODY[HEADER] {33}\r\nSubject: s\r\n");
	ck_said(got, "\r\nc OK ");
}
END_TEST

/* Where it fails in the middle the session ends there; nothing that could be text is said. */
START_TEST(fetch_breaks)
{
	static const struct step script[] = {
		{ "a SELECT INBOX", NULL }, { "b FETCH 1:2 BODY.PEEK[]", fail_second }, { NULL, NULL },
	};
	const char *got;

	put_large();
	got = talk(script);
	ck_said(got, "* 1 FETCH (BODY[] {120033}\r\nSubject");
	ck_unsaid(got, "b OK");
	ck_unsaid(got, "b NO");
	ck_unsaid(got, "* 2 FETCH");
	ck_unsaid(strstr(got, "{120033}"), ")");
}
END_TEST

/* What is taken away is not made first; letters without a name are not told. */
START_TEST(keyword_removed)
{
	static const struct step script[] = {
		{ "a SELECT INBOX", NULL }, { "b STORE 1 -FLAGS (never)", NULL },
		{ "c STORE 1 +FLAGS (once)", NULL }, { "d STORE 1 -FLAGS (once)", NULL },
		{ "e FETCH 1 FLAGS", NULL }, { NULL, NULL },
	};
	const char *got;

	make_folders();
	put("cur/1.x:2,Sa", "Subject: s\n\nx\n");
	got = talk(script);
	ck_unsaid(got, "never");
	ck_said(got, "* 1 FETCH (FLAGS (\\Seen \\Recent once))\r\nc OK ");
	ck_said(got, "* 1 FETCH (FLAGS (\\Seen \\Recent))\r\ne OK ");
	ck_assert_int_eq(faccessat(dir, "cur/1.x:2,Sa", F_OK, 0), 0);
}
END_TEST

/* Of a refused command nothing is taken for another command, and of the next one nothing is lost. */
static const struct {
	const char *before;
	size_t fill, times;
	const char *after, *answer;
} refused[] = {
	/* A literal above the limit, and another one behind it. */
	{ "b SEARCH TEXT {70000+}\r\n", 70000, 1, " TEXT {16+}\r\nx CREATE bad\r\n\r\n TEXT y", "b BAD [TOOBIG]" },
	{ "b SEARCH TEXT {70000+}\r\n", 70000, 1, " TEXT {16+}\r\nx CREATE bad\r\n\r\n TEXT {99}", "b BAD [TOOBIG]" },
	{ "b SEARCH TEXT {70000+}\r\n", 70000, 1, " TEXT {16+}\r\nx CREATE bad\r\n\r\n TEXT {16+}\r\n"
	    "x CREATE bad\r\n\r\n", "b BAD [TOOBIG]" },
	/* Lines that cannot be read: too long by a little and by far, bare CR and LF. */
	{ "b SEARCH TEXT ", 70000, 1, " TEXT {16+}\r\nx CREATE bad\r\n\r\n", "b BAD Command" },
	{ "b SEARCH TEXT ", 900000, 1, " TEXT {16+}\r\nx CREATE bad\r\n\r\n", "b BAD Command" },
	{ "b SEARCH TEXT a\rb", 0, 1, " TEXT {16+}\r\nx CREATE bad\r\n\r\n", "b BAD Bare" },
	{ "b SEARCH TEXT a\nb", 10, 1, " TEXT {16+}\r\nx CREATE bad\r\n\r\n", "b BAD Bare" },
	{ "b SEARCH TEXT {70000+}\r\n", 70000, 1, " \r {16+}\r\nx CREATE bad\r\n\r\n", "b BAD [TOOBIG]" },
	/* A small one that waits, behind a megabyte. */
	{ "b SEARCH TEXT {65000+}\r\n", 65000, 16, " TEXT {9000}", "b BAD [TOOBIG]" },
	/* Texts behind the first one of APPEND. */
	{ "b APPEND INBOX {10+}\r\n", 10, 1, " {16+}\r\nx CREATE bad\r\n\r\n", "b BAD" },
	{ "b APPEND Nowhere {10+}\r\n", 10, 1, " {16+}\r\nx CREATE bad\r\n\r\n", "b NO [TRYCREATE]" },
	{ "b IDLE\r\nb SEARCH TEXT {16+}\r\nx CREATE bad\r\n", 0, 1, "\r\n", "b BAD Expected DONE" },
};

START_TEST(nothing_injected)
{
	struct buf text = { .limit = 2u << 20 };
	struct step script[] = { { "a SELECT INBOX", NULL }, { NULL, NULL }, { "d NOOP", NULL }, { NULL, NULL } };
	const char *got;

	make_folders();
	for (size_t i = 0; i < refused[_i].times; i++) {
		buf_addz(&text, i == 0 ? refused[_i].before : strchr(refused[_i].before, 'T') - 1);
		for (size_t k = 0; k < refused[_i].fill; k++)
			buf_addc(&text, 'z');
	}
	buf_addz(&text, refused[_i].after);
	buf_addz(&text, "\r\nc NOOP");
	script[1].say = buf_z(&text);
	got = talk(script);
	ck_said(got, refused[_i].answer);
	ck_said(got, "\r\nc OK ");
	ck_said(got, "\r\nd OK ");
	ck_unsaid(got, "x OK");
	ck_unsaid(got, "* BAD");
	ck_assert_int_ne(faccessat(dir, ".bad", F_OK, 0), 0);
	buf_free(&text);
}
END_TEST

static void
shut_it(void)
{
	shut = true;
}

static void
open_it(void)
{
	shut = false;
}

/* A message that cannot be marked as read is read all the same. */
START_TEST(read_unmarked)
{
	static const struct step script[] = {
		{ "a SELECT INBOX", NULL }, { "b FETCH 1 BODY[]", shut_it },
		{ "c FETCH 1 BODY[]", open_it }, { NULL, NULL },
	};
	const char *got;

	make_folders();
	put("cur/1.x:2,", "Subject: s\n\nx\n");
	got = talk(script);
	ck_said(got, "* 1 FETCH (FLAGS (\\Recent) BODY[] {17}\r\nSubject: s\r\n\r\nx\r\n)\r\nb OK ");
	ck_said(got, "* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[] {17}\r\nSubject: s\r\n\r\nx\r\n)\r\nc OK ");
}
END_TEST

static void
lose_uids(void)
{
	ck_assert_int_eq(unlinkat(dir, "posthorn-uids", 0), 0);
	put("new/2.y", "\nb\n");
}

/* The folder changed, and nobody can take its lock to look. */
static void
bar_lock(void)
{
	put("new/3.z", "\nb\n");
	ck_assert_int_eq(unlinkat(dir, "posthorn-lock", 0), 0);
	ck_assert_int_eq(symlinkat("elsewhere", dir, "posthorn-lock"), 0);
}

static void
open_lock(void)
{
	ck_assert_int_eq(unlinkat(dir, "posthorn-lock", 0), 0);
}

/* CLOSE says what it could not do; of a mailbox that is gone there is nothing to do. */
START_TEST(close_refused)
{
	static const struct step script[] = {
		{ "a SELECT INBOX", NULL }, { "b CLOSE", shut_it }, { "c NOOP", open_it },
		{ "d CLOSE", bar_lock }, { "e CLOSE", open_lock }, { "f CHECK", NULL },
		{ "g SELECT INBOX", NULL }, { "h CLOSE", lose_uids }, { "i CHECK", NULL }, { NULL, NULL },
	};
	const char *got;

	make_folders();
	put("cur/1.x:2,T", "Subject: s\n\nx\n");
	got = talk(script);
	ck_said(got, "\r\nb NO [NOPERM] ");
	ck_said(got, "\r\nd NO [NOPERM] ");
	ck_said(got, "\r\ne OK ");
	ck_said(got, "\r\nf BAD No mailbox");
	ck_assert_int_ne(faccessat(dir, "cur/1.x:2,T", F_OK, 0), 0);
	ck_said(got, "\r\nh OK ");
	ck_said(got, "\r\ni BAD No mailbox");
}
END_TEST

static unsigned done;

static void
take_large(void *arg)
{
	(void)arg;
	ck_assert(turn_take(100u << 20));
	done++;
	turn_give(100u << 20);
}

/* What does not fit beside the others waits; a message alone always fits. */
static void
take_turns(void *arg)
{
	(void)arg;
	ck_assert(turn_take(200u << 20));
	for (int i = 0; i < 3; i++)
		(void)fiber_start(take_large, NULL, "large");
	ck_assert(turn_take(50u << 20));
	turn_give(50u << 20);
	for (int i = 0; i < 3; i++)
		fiber_yield();
	ck_assert_uint_eq(done, 0);
	turn_give(200u << 20);
	while (done < 3)
		fiber_yield();
	ck_assert(turn_take(2u * IMAP_WHOLE_MAX));
	(void)fiber_start(take_large, NULL, "large");
	fiber_yield();
	ck_assert_uint_eq(done, 3);
	turn_give(2u * IMAP_WHOLE_MAX);
}

START_TEST(turns)
{
	fiber_run(take_turns, NULL);
	ck_assert_uint_eq(done, 4);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/imapd");
	TCase *t = tcase_create("imapd");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, search_moved);
	tcase_add_test(t, read_unmarked);
	tcase_add_test(t, close_refused);
	unit_add_rows(t, nothing_injected, refused);
	tcase_add_test(t, keyword_removed);
	tcase_add_test(t, turns);
	tcase_add_loop_test(t, fetch_unreadable, 0, 5);
	tcase_add_test(t, list_unreadable);
	tcase_add_test(t, fetch_breaks);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
