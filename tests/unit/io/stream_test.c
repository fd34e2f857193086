/* SPDX-License-Identifier: ISC */
/* stream: lines as strangers send them, in one piece and byte by byte; and what a turn costs. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "fiber/fiber.h"
#include "io/stream.h"

#define LINE	20	/* longest line of the tables, CRLF included */

static struct stream *s;
static int peer;
static int done;

static void
fresh(void)
{
	done = 0;
}

/* `bytes` arrive, then the end; the reader sees `want`: lines in brackets, results by letter. */
static const struct lines {
	const char *bytes;
	size_t n;
	const char *want;
	bool lax;
} lines[] = {
#define BYTES(s)	s, sizeof(s) - 1
	{ BYTES("a\r\nb\r\n"), "[a][b]E", false },
	{ BYTES(""), "E", false },
	{ BYTES("\r\n\r\n"), "[][]E", false },
	{ BYTES("no end"), "E", false },
	{ BYTES("a\r\nno end\r"), "[a]E", false },
	{ BYTES("a\nb\r\nc\r\n"), "S[c]E", false },
	{ BYTES("\n\r\nc\r\n"), "S[c]E", false },
	{ BYTES("a\rb\r\nc\r\n"), "S[c]E", false },
	{ BYTES("a\r\r\nc\r\n"), "S[c]E", false },
	{ BYTES("a\r\n.\n.\r\nc\r\n"), "[a]S[c]E", false },
	{ BYTES("a\0b\r\nc\r\n"), "S[c]E", false },
	{ BYTES("123456789012345678\r\nc\r\n"), "[123456789012345678][c]E", false },
	{ BYTES("1234567890123456789\r\nc\r\n"), "L[c]E", false },
	{ BYTES("12345678901234567890123456789012345678901234567890\r\nc\r\n"), "L[c]E", false },
	{ BYTES("1234567890123456789\nx\r\nc\r\n"), "?[c]E", false },
	{ BYTES("a\nb\r\nc"), "[a][b][c]E", true },
	{ BYTES("a\rb\n\n\r\n"), "[a\rb][][]E", true },
#undef BYTES
};

static void
result(struct buf *got, enum io r, struct str line)
{
	switch (r) {
	case IO_OK: buf_addf(got, "[%.*s]", STR_ARG(line)); break;
	case IO_EOF: buf_addc(got, 'E'); break;
	case IO_SYNTAX: buf_addc(got, 'S'); break;
	case IO_TOOLONG: buf_addc(got, 'L'); break;
	case IO_TIMEOUT: buf_addc(got, 'T'); break;
	case IO_CANCEL: buf_addc(got, 'C'); break;
	case IO_ERROR: buf_addc(got, 'X'); break;
	}
}

static bool one_by_one;
static const struct lines *row;

static void
send_row(void *arg)
{
	size_t i;

	for (i = 0; one_by_one && i < row->n; i++) {
		ck_assert_int_eq(write(peer, row->bytes + i, 1), 1);
		fiber_sleep(deadline_in(1));
	}
	if (!one_by_one && row->n > 0)
		ck_assert_int_eq(write(peer, row->bytes, row->n), (int)row->n);
	shutdown(peer, SHUT_WR);
}

static void
open_pair(int type)
{
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, type, 0, fd), 0);
	s = stream_open(fd[0]);
	peer = fd[1];
}

static void
read_row(void *arg)
{
	struct buf got = { 0 };
	struct str line;
	enum io r;

	open_pair(SOCK_STREAM);
	if (row->lax)
		stream_lax(s);
	stream_deadline(s, deadline_in(5000));
	fiber_start(send_row, NULL, "send");
	do {
		r = stream_getline(s, &line, LINE);
		result(&got, r, line);
	} while (r == IO_OK || r == IO_SYNTAX || r == IO_TOOLONG);
	if (strchr(row->want, '?') != NULL && buf_str(&got).n > 0)
		got.p[0] = '?';		/* two wrongs: which is named first depends on the pieces */
	ck_str_is(buf_str(&got), row->want);
	ck_assert_uint_eq(stream_count_in(s), row->n);
	buf_free(&got);
	close(peer);
	stream_close(s);
	done++;
}

START_TEST(getline_row)
{
	row = &lines[_i];
	one_by_one = false;
	fiber_run(read_row, NULL);
	one_by_one = true;
	fiber_run(read_row, NULL);
	ck_assert_int_eq(done, 2);
}
END_TEST

static struct str rest;

/* After the reader has looked at what was there. */
static void
send_rest(void *arg)
{
	fiber_yield();
	ck_assert_int_eq(write(peer, rest.p, rest.n), (ssize_t)rest.n);
}

/* Of a line that is skipped the end is there, in whatever pieces it came. */
static void
tail(void *arg)
{
	static char b[20000];
	static const char end[] = " and this is how it ends {12345+}\r\nx\r\n";
	struct str line;

	for (size_t cut = 0; cut < sizeof(end) - 1; cut++) {
		open_pair(SOCK_STREAM);
		memset(b, 'x', sizeof(b));
		stream_deadline(s, deadline_in(5000));
		ck_assert_int_eq(write(peer, b, sizeof(b)), sizeof(b));
		ck_assert_int_eq(write(peer, end, cut), cut);
		rest = str_n(end + cut, sizeof(end) - 1 - cut);
		fiber_start(send_rest, NULL, "rest");
		ck_assert_int_eq(stream_getline(s, &line, LINE), IO_TOOLONG);
		ck_assert(str_end(line, STR("how it ends {12345+}")));
		ck_assert_int_eq(stream_getline(s, &line, LINE), IO_OK);
		ck_str_is(line, "x");
		close(peer);
		stream_close(s);
	}
	done++;
}

START_TEST(tail_kept)
{
	fiber_run(tail, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

/* A line without end is given up after 64 KB. */
static void
flood(void *arg)
{
	static char b[100000];
	struct str line;

	open_pair(SOCK_STREAM);
	memset(b, 'x', sizeof(b));
	stream_deadline(s, deadline_in(5000));
	ck_assert_int_eq(write(peer, b, sizeof(b)), sizeof(b));
	ck_assert_int_eq(stream_getline(s, &line, LINE), IO_ERROR);
	ck_assert_int_eq(errno, EMSGSIZE);
	close(peer);
	stream_close(s);
	done++;
}

START_TEST(line_without_end)
{
	fiber_run(flood, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

static void
pieces(void *arg)
{
	char b[10];
	struct str d, line;

	open_pair(SOCK_STREAM);
	ck_assert_int_eq(write(peer, "hello world\r\nrest", 17), 17);
	ck_assert_int_eq(stream_peek(s, &d), IO_OK);
	ck_assert_uint_eq(d.n, 17);
	ck_assert_int_eq(stream_read(s, &d, 6), IO_OK);
	ck_str_is(d, "hello ");
	stream_unread(s, STR("HELLO "));
	ck_assert_int_eq(stream_getline(s, &line, 100), IO_OK);
	ck_str_is(line, "HELLO world");
	ck_str_is(stream_buffered(s), "rest");
	stream_unread(s, STR("a rather long piece of text in front "));
	ck_assert_uint_eq(stream_pending(s), 41);
	ck_assert_int_eq(stream_readn(s, b, 8), IO_OK);
	ck_assert_int_eq(memcmp(b, "a rather", 8), 0);
	stream_skip(s, stream_pending(s));
	shutdown(peer, SHUT_WR);
	ck_assert_int_eq(stream_readn(s, b, 1), IO_EOF);
	ck_assert_int_eq(stream_peek(s, &d), IO_EOF);
	close(peer);
	stream_close(s);
	done++;
}

START_TEST(read_pieces)
{
	fiber_run(pieces, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

/* More than the socket holds, both ways, with a reader in another fiber. */
#define BULK	((size_t)3 << 20)

static void
bulk_writer(void *arg)
{
	struct stream *w = arg;
	static char b[70000];
	size_t sent = 0, n, i;

	for (i = 0; i < sizeof(b); i++)
		b[i] = (char)(i % 251);
	for (n = 1; sent < BULK; n = (n * 7 + 3) % sizeof(b) + 1) {
		n = n > BULK - sent ? BULK - sent : n;
		ck_assert_int_eq(stream_write(w, str_n(b, n)), IO_OK);
		sent += n;
	}
	ck_assert_int_eq(stream_flush(w), IO_OK);
	ck_assert_uint_eq(stream_count_out(w), BULK);
	stream_close(w);
}

static void
bulk(void *arg)
{
	static char big[100000];
	struct str d;
	size_t got = 0;
	enum io r;

	open_pair(SOCK_STREAM);
	fiber_start(bulk_writer, stream_open(peer), "writer");
	ck_assert_int_eq(stream_readn(s, big, sizeof(big)), IO_OK);
	got = sizeof(big);
	while ((r = stream_read(s, &d, 100000)) == IO_OK)
		got += d.n;
	ck_assert_int_eq(r, IO_EOF);
	ck_assert_uint_eq(got, BULK);
	stream_close(s);
	done++;
}

START_TEST(bulk_both_sides)
{
	fiber_run(bulk, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

static void
late(void *arg)
{
	struct str line;
	msec_t t = clock_ms();
	static char b[1 << 20];

	open_pair(SOCK_STREAM);
	stream_deadline(s, deadline_in(30));
	ck_assert_int_eq(stream_getline(s, &line, LINE), IO_TIMEOUT);
	ck_assert_int_ge(clock_ms() - t, 30);
	ck_assert_int_eq(write(peer, "x\r\n", 3), 3);
	ck_assert_int_eq(stream_getline(s, &line, LINE), IO_TIMEOUT);
	stream_deadline(s, deadline_in(1000));
	ck_assert_int_eq(stream_getline(s, &line, LINE), IO_OK);
	ck_str_is(line, "x");
	/* A peer that does not read: the failure sticks. */
	stream_deadline(s, deadline_in(10));
	ck_assert_int_eq(stream_write(s, str_n(b, sizeof(b))), IO_TIMEOUT);
	stream_deadline(s, NEVER);
	ck_assert_int_eq(stream_write(s, STR("x")), IO_TIMEOUT);
	fiber_cancel(fiber_self());
	ck_assert_int_eq(stream_getline(s, &line, LINE), IO_CANCEL);
	close(peer);
	stream_close(s);
	done++;
}

START_TEST(deadlines_and_cancel)
{
	fiber_run(late, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

/* After a switch nothing of before is left, in either direction. */
static void
switched(void *arg)
{
	struct str line;
	int next[2];
	char b[20];

	open_pair(SOCK_STREAM);
	ck_assert_int_eq(write(peer, "STARTTLS\r\nMAIL FROM:<evil>\r\n", 28), 28);
	ck_assert_int_eq(stream_getline(s, &line, 100), IO_OK);
	ck_assert_uint_eq(stream_pending(s), 18);
	stream_write(s, STR("220 go"));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, next), 0);
	stream_switch(s, next[0]);
	ck_assert_uint_eq(stream_pending(s) + stream_unsent(s), 0);
	ck_assert_int_eq(read(peer, b, sizeof(b)), 0);
	close(peer);
	ck_assert_int_eq(write(next[1], "EHLO x\r\n", 8), 8);
	ck_assert_int_eq(stream_getline(s, &line, 100), IO_OK);
	ck_str_is(line, "EHLO x");
	peer = stream_detach(s);
	ck_assert_int_eq(peer, next[0]);
	close(next[0]);
	close(next[1]);
	done++;
}

START_TEST(switch_and_detach)
{
	fiber_run(switched, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

/* Output that waits goes out before the reader waits; a turn takes one round of the loop. */
#define TURNS	100

static void
client(void *arg)
{
	struct stream *c = arg;
	struct str line;
	int i;

	for (i = 0; i < TURNS; i++) {
		stream_printf(c, "NOOP %d\r\n", i);
		ck_assert_int_eq(stream_getline(c, &line, 100), IO_OK);
		ck_assert(str_start(line, STR("250")));
	}
	stream_close(c);
}

static void
server(void *arg)
{
	unsigned long long before;
	struct str line;

	open_pair(SOCK_STREAM);
	fiber_start(client, stream_open(peer), "client");
	before = fiber_stats().rounds;
	while (stream_getline(s, &line, 100) == IO_OK)
		stream_printf(s, "250 %.*s\r\n", STR_ARG(line));
	ck_assert_uint_le(fiber_stats().rounds - before, 2 * TURNS + 10);
	stream_close(s);
	done++;
}

START_TEST(turns)
{
	fiber_run(server, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

/* A pipe whose writer wrote and left: all of it and the end, at once. */
static void
pipes(void *arg)
{
	msec_t t = clock_ms();
	struct str line;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	s = stream_open(fd[0]);
	ck_assert_int_eq(write(fd[1], "a\r\nb\r\n", 6), 6);
	close(fd[1]);
	ck_assert_int_eq(stream_getline(s, &line, 100), IO_OK);
	ck_assert_int_eq(stream_getline(s, &line, 100), IO_OK);
	ck_assert_int_eq(stream_getline(s, &line, 100), IO_EOF);
	ck_assert_int_lt(clock_ms() - t, 900);
	stream_close(s);
	ck_assert_int_eq(pipe(fd), 0);
	s = stream_open(fd[1]);
	close(fd[0]);
	stream_write(s, STR("x"));
	ck_assert_int_eq(stream_flush(s), IO_ERROR);
	ck_assert_int_eq(errno, EPIPE);
	stream_close(s);
	done++;
}

START_TEST(pipe_ends)
{
	fiber_run(pipes, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

/* Who sends without end does not keep the others from running. */
static void
greedy(void *arg)
{
	struct str data;

	(void)arg;
	s = stream_open(open("/dev/zero", O_RDONLY | O_CLOEXEC));
	while (done == 0 && stream_count_in(s) < (size_t)1 << 30)
		ck_assert_int_eq(stream_read(s, &data, 1 << 20), IO_OK);
	ck_assert_uint_lt(stream_count_in(s), 4 << 20);
	stream_close(s);
}

static void
modest(void *arg)
{
	(void)arg;
	fiber_yield();
	done++;
}

static void
greedy_and_modest(void *arg)
{
	(void)arg;
	(void)fiber_start(greedy, NULL, "greedy");
	(void)fiber_start(modest, NULL, "modest");
}

START_TEST(fair)
{
	fiber_run(greedy_and_modest, NULL);
	ck_assert_int_eq(done, 1);
}
END_TEST

/* Outside fibers the same calls block. */
START_TEST(outside)
{
	struct str line;

	open_pair(SOCK_STREAM);
	ck_assert_int_eq(write(peer, "a\r\nb\r\n", 6), 6);
	ck_assert_int_eq(stream_getline(s, &line, 100), IO_OK);
	ck_str_is(line, "a");
	ck_assert_int_eq(stream_getline(s, &line, 100), IO_OK);
	stream_deadline(s, deadline_in(20));
	ck_assert_int_eq(stream_getline(s, &line, 100), IO_TIMEOUT);
	stream_deadline(s, NEVER);
	stream_printf(s, "x");
	close(peer);
	ck_assert_int_eq(stream_getline(s, &line, 100), IO_ERROR);
	stream_close(s);
}
END_TEST

static Suite *
suite(void)
{
	Suite *su = suite_create("stream");
	TCase *t = tcase_create("stream");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, fresh, NULL);
	tcase_add_loop_test(t, getline_row, 0, sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(t, tail_kept);
	tcase_add_test(t, line_without_end);
	tcase_add_test(t, read_pieces);
	tcase_add_test(t, bulk_both_sides);
	tcase_add_test(t, deadlines_and_cancel);
	tcase_add_test(t, switch_and_detach);
	tcase_add_test(t, turns);
	tcase_add_test(t, pipe_ends);
	tcase_add_test(t, fair);
	tcase_add_test(t, outside);
	suite_add_tcase(su, t);
	return su;
}

UNIT_MAIN(suite)
