/* SPDX-License-Identifier: ISC */
#include "unit/unit.h"

#include <errno.h>

#include "base/buf.h"
#include "mail/message.h"

static struct str one_drop[] = { STR_INIT("bcc"), STR_INIT("Return-Path") };
static struct str one_prepend[] = { STR_INIT("X: y\r\n"), STR_INIT("Unfinished: z") };

#define ADDED(eol)	"Received: by x id 4gX; d" eol "X: y" eol "Unfinished: z" eol

static const struct row {
	const char *content;
	bool head, drop;
	const char *crlf, *lf, *data;
} rows[] = {
	{ "A: 1\r\n\r\nhi\r\n", false, false,
	  "A: 1\r\n\r\nhi\r\n", "A: 1\n\nhi\n", "A: 1\r\n\r\nhi\r\n.\r\n" },
	{ "A: 1\r\n\r\nhi\r\n", true, false,
	  "Received: by x id 4gX; d\r\nX: y\r\nUnfinished: z\r\nA: 1\r\n\r\nhi\r\n",
	  "Received: by x id 4gX; d\nX: y\nUnfinished: z\nA: 1\n\nhi\n",
	  "Received: by x id 4gX; d\r\nX: y\r\nUnfinished: z\r\nA: 1\r\n\r\nhi\r\n.\r\n" },
	{ "Bcc: a,\r\n b\r\nA: 1\r\nRETURN-PATH: <x>\r\nB: 2\r\n\r\nBcc: body\r\n", false, true,
	  "A: 1\r\nB: 2\r\n\r\nBcc: body\r\n", "A: 1\nB: 2\n\nBcc: body\n",
	  "A: 1\r\nB: 2\r\n\r\nBcc: body\r\n.\r\n" },
	{ "Bcc: a\r\nbcc: b\r\n", false, true, "", "", ".\r\n" },
	{ ".\r\n..x\r\nmid.dle\r\n.", false, false,
	  ".\r\n..x\r\nmid.dle\r\n.", ".\n..x\nmid.dle\n.", "..\r\n...x\r\nmid.dle\r\n..\r\n.\r\n" },
	{ "no end", false, false, "no end", "no end", "no end\r\n.\r\n" },
	/* No header of its own: the text must not become part of the one that is added. */
	{ "only text\r\nA: 1\r\n", true, false, ADDED("\r\n") "\r\nonly text\r\nA: 1\r\n",
	  ADDED("\n") "\nonly text\nA: 1\n", ADDED("\r\n") "\r\nonly text\r\nA: 1\r\n.\r\n" },
	{ " no fold\r\n", true, false, ADDED("\r\n") "\r\n no fold\r\n", ADDED("\n") "\n no fold\n",
	  ADDED("\r\n") "\r\n no fold\r\n.\r\n" },
	{ "\r\nbody\r\n", true, false, ADDED("\r\n") "\r\nbody\r\n", ADDED("\n") "\nbody\n",
	  ADDED("\r\n") "\r\nbody\r\n.\r\n" },
	{ "From x Sun Nov 22\r\nA: 1\r\n", true, false, ADDED("\r\n") "From x Sun Nov 22\r\nA: 1\r\n",
	  ADDED("\n") "From x Sun Nov 22\nA: 1\n",
	  ADDED("\r\n") "From x Sun Nov 22\r\nA: 1\r\n.\r\n" },
	{ "", true, false, ADDED("\r\n"), ADDED("\n"), ADDED("\r\n") ".\r\n" },
	{ "", false, false, "", "", ".\r\n" },
	/* security F2: what should never be there still makes no second message. */
	{ "a\n.\nb\r.\r\nc\r", false, false,
	  "a\n.\nb\r.\r\nc\r", "a\n.\nb\r.\nc\r", "a\r\n..\r\nb .\r\nc\r\n.\r\n" },
	{ "\r\r\n\n\r", false, false, "\r\r\n\n\r", "\r\n\n\r", " \r\n\r\n\r\n.\r\n" },
};

/* Reads through a callback, at most three bytes at a time. */
static ssize_t
slow(void *arg, void *to, size_t n, uint64_t at)
{
	const char *text = arg;

	if (n > 3)
		n = 3;
	memcpy(to, text + at, n);
	return (ssize_t)n;
}

static void
read_all(struct message *m, struct buf *out, size_t step)
{
	char part[256];
	ssize_t got;

	buf_reset(out);
	while ((got = message_read(m, part, step)) > 0)
		buf_add(out, str_n(part, (size_t)got));
	ck_assert_int_eq(got, 0);
	ck_assert_int_eq(message_read(m, part, step), 0);
}

START_TEST(forms)
{
	const struct row *row = &rows[_i];
	const char *want[] = { row->crlf, row->lf, row->data };
	struct buf got = { .p = NULL };

	for (unsigned k = 0; k < 6; k++) {
		struct pool *p = pool_new();
		struct message_plan plan = { .memory = str_of(row->content) };
		struct message *m;

		if (k >= 3) {
			plan.read = slow;
			plan.arg = (void *)(uintptr_t)row->content;
			plan.size = strlen(row->content);
		}
		if (row->head) {
			plan.received = STR("Received: by x id ; d\r\n");
			plan.received_id_at = 18;
			plan.queue_id = STR("4gX");
			plan.prepend = (struct strs){ one_prepend, 2 };
		}
		if (row->drop)
			plan.drop = (struct strs){ one_drop, 2 };
		m = message_open(p, &plan, (enum message_form)(k % 3));
		ck_assert_ptr_nonnull(m);
		for (size_t step = MESSAGE_READ_MIN; step < 256; step += 37) {
			message_rewind(m);
			read_all(m, &got, step);
			ck_str_is(buf_str(&got), want[k % 3]);
			ck_assert_int_eq(message_size(m), (int64_t)got.n);
			ck_assert_uint_eq(message_wire_size(m), strlen(row->crlf));
		}
		message_close(m);
		pool_free(p);
	}
	buf_free(&got);
}
END_TEST

static ssize_t
broken(void *arg, void *to, size_t n, uint64_t at)
{
	if (at >= 4)
		return 0;
	memset(to, 'x', n < 4 ? n : 4);
	return n < 4 ? (ssize_t)n : 4;
}

/* A file shorter than its head says is an error, never a shorter message. */
START_TEST(too_short)
{
	struct pool *p = pool_new();
	struct message_plan plan = { .read = broken, .size = 10 };
	struct message *m = message_open(p, &plan, MESSAGE_CRLF);
	char part[64];
	ssize_t got;

	got = message_read(m, part, sizeof(part));
	while (got > 0)
		got = message_read(m, part, sizeof(part));
	ck_assert_int_eq(got, -1);
	ck_assert_int_eq(errno, EIO);
	message_close(m);
	pool_free(p);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("mail/message");
	TCase *t = tcase_create("message");

	unit_add_rows(t, forms, rows);
	tcase_add_test(t, too_short);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
