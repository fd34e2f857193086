/* SPDX-License-Identifier: ISC */
/* outbox: what waits goes out in order, as whole datagrams, however full the socket is. */
#include "unit/unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/outbox.h"

static int pair[2];
static struct outbox box;
static char room[IPC_FRAME];

static void
open_pair(void)
{
	ck_assert(frame_pair(pair));
	box = (struct outbox){ 0 };
}

static void
close_pair(void)
{
	outbox_clear(&box);
	close(pair[0]);
	close(pair[1]);
}

static bool
add(uint32_t call, size_t size)
{
	struct buf b = { 0 };
	bool ok;

	while (b.n < size)
		buf_addc(&b, (char)('a' + call % 26));
	ok = outbox_add(&box, FRAME_ONEWAY, call, &b);
	if (!ok)
		ck_assert_uint_eq(b.n, size);	/* still ours */
	buf_free(&b);
	return ok;
}

/* The next datagram is `call`, whole. */
static void
expect(uint32_t call, size_t size)
{
	int fds[IPC_FDS];
	size_t nfds;
	struct frame f;

	ck_assert_int_eq(frame_recv(pair[1], room, &f, fds, &nfds), 1);
	ck_assert_uint_eq(f.call, call);
	ck_assert_int_eq(f.kind, FRAME_ONEWAY);
	ck_assert_uint_eq(f.total, size);
	ck_assert_uint_eq(f.payload.n, size);
	ck_assert_int_eq(f.payload.p[size - 1], (char)('a' + call % 26));
}

START_TEST(in_order)
{
	uint32_t i;

	for (i = 1; i <= OUTBOX_MAX; i++)
		ck_assert(add(i, i));
	ck_assert(!add(99, 5));
	ck_assert_int_eq(outbox_send(&box, pair[0]), 1);
	ck_assert_uint_eq(box.n, 0);
	for (i = 1; i <= OUTBOX_MAX; i++)
		expect(i, i);
	ck_assert(add(7, 5));
}
END_TEST

START_TEST(nothing_to_send)
{
	ck_assert_int_eq(outbox_send(&box, pair[0]), 1);
	ck_assert_int_eq(outbox_send(&box, -1), 1);
}
END_TEST

/* The socket takes only some: the rest stays, in order, and goes when there is room. */
START_TEST(socket_full)
{
	int small = 1, fds[IPC_FDS], r;
	size_t nfds;
	struct frame f;
	uint32_t i, got = 0;

	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	for (i = 1; i <= OUTBOX_MAX; i++)
		ck_assert(add(i, 1000));
	ck_assert_int_eq(outbox_send(&box, pair[0]), 0);
	ck_assert_uint_gt(box.n, 0);
	ck_assert_uint_lt(box.n, OUTBOX_MAX);
	do {
		r = outbox_send(&box, pair[0]);
		while (frame_recv(pair[1], room, &f, fds, &nfds) == 1)
			ck_assert_uint_eq(f.call, ++got);
	} while (r == 0);
	ck_assert_int_eq(r, 1);
	ck_assert_uint_eq(got, OUTBOX_MAX);
}
END_TEST

START_TEST(nobody_there)
{
	close(pair[1]);
	ck_assert(add(1, 10));
	ck_assert_int_eq(outbox_send(&box, pair[0]), -1);
	ck_assert_int_eq(errno, EPIPE);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("outbox");
	TCase *t = tcase_create("outbox");

	tcase_add_checked_fixture(t, open_pair, close_pair);
	tcase_add_test(t, in_order);
	tcase_add_test(t, nothing_to_send);
	tcase_add_test(t, socket_full);
	tcase_add_test(t, nobody_there);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
