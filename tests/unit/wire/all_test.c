/* SPDX-License-Identifier: ISC */
/* Every message of the suite: what goes in comes out; half of one and one too much are refused. */
#include "unit/unit.h"

#include <unistd.h>

#include "base/pool.h"
#include "wire/all.h"

static unsigned long long state = 88172645463325252ull;

static unsigned
pick(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state % below);
}

static struct str
random_text(struct pool *p, uint64_t most, bool any)
{
	size_t n = pick((unsigned)(most < 40 ? most : 40) + 1);
	char *at = pool_alloc(p, n + 1);

	for (size_t i = 0; i < n; i++)
		at[i] = any ? (char)pick(256) : (char)(32 + pick(95));
	return str_n(at, n);
}

/* Fill a struct by its rows; `full` takes every number and count to its limit (or 3). */
static void
fill(struct pool *p, const struct ipc_field *f, char *at, bool full)
{
	for (; f->type != IPC_TYPE_END; f++) {
		void *field = at + f->offset;
		struct strs *strs = field;
		struct ipc_list *list = field;
		size_t n = f->limit < 3 ? f->limit : full ? 3 : pick(4);

		switch (f->type) {
		case IPC_TYPE_U64:
			*(uint64_t *)field = full ? f->limit : pick(1000) % (f->limit + 1 == 0 ?
			    1000 : f->limit + 1);
			break;
		case IPC_TYPE_BOOL:
			*(bool *)field = pick(2) == 1;
			break;
		case IPC_TYPE_STR:
		case IPC_TYPE_TEXT:
			*(struct str *)field = random_text(p, f->limit, f->type == IPC_TYPE_STR);
			break;
		case IPC_TYPE_STRS:
			*strs = (struct strs){ pool_array(p, n, sizeof(struct str)), n };
			for (size_t i = 0; i < n; i++)
				strs->v[i] = random_text(p, f->each, true);
			break;
		case IPC_TYPE_LIST:
			*list = (struct ipc_list){ pool_array(p, n, f->each), n };
			for (size_t i = 0; i < n; i++)
				fill(p, f->sub, (char *)list->v + i * f->each, full);
			break;
		case IPC_TYPE_STRUCT:
			fill(p, f->sub, field, full);
			break;
		case IPC_TYPE_FD:
			*(int *)field = pick(2) == 1 ? 1 : -1;
			break;
		case IPC_TYPE_END:
			break;
		}
	}
}

START_TEST(round_trip)
{
	const struct ipc_msg *m = wire_all[_i];

	for (unsigned turn = 0; turn < 30; turn++) {
		struct pool *p = pool_new();
		void *in = pool_alloc(p, m->size), *out = pool_alloc(p, m->size);
		struct buf b = { 0 }, text = { 0 };
		int fds[IPC_FDS];
		size_t nfds = 0;

		fill(p, m->fields, in, turn == 0);
		ck_assert_msg(ipc_pack(&b, m, in, fds, &nfds), "%s: pack", m->name);
		ck_assert_msg(ipc_unpack(buf_str(&b), m, out, fds, nfds, p), "%s: unpack", m->name);
		ck_assert_msg(ipc_equal(m, in, out), "%s: not equal", m->name);
		ipc_dump(&text, m, out);
		ck_assert(str_start(buf_str(&text), str_of(m->name)));
		/* Every shorter one and one with a byte more is refused. */
		for (size_t n = 0; n < b.n; n += 1 + b.n / 200)
			ck_assert(!ipc_unpack(str_sub(buf_str(&b), 0, n), m, out, fds, nfds, p));
		buf_addc(&b, 'x');
		ck_assert(!ipc_unpack(buf_str(&b), m, out, fds, nfds, p));
		buf_free(&b);
		buf_free(&text);
		pool_free(p);
	}
}
END_TEST

START_TEST(ids_differ)
{
	for (size_t i = 0; wire_all[i] != NULL; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_msg(wire_all[i]->id != wire_all[k]->id, "%s and %s share %u",
			    wire_all[i]->name, wire_all[k]->name, wire_all[i]->id);
}
END_TEST

/* A text field takes no byte that could end a line anywhere. */
START_TEST(no_line_breaks)
{
	static const char *const bad[] = { "a\nb", "a\rb" };
	struct one {
		struct str text;
	} in;
	static const struct ipc_field rows[] = { IPC_TEXT(struct one, text, 10), IPC_END };
	static const struct ipc_msg m = { "one", 999, sizeof(struct one), rows };
	struct buf b = { 0 };
	size_t nfds = 0;

	for (size_t i = 0; i < 2; i++) {
		in.text = str_of(bad[i]);
		ck_assert(!ipc_pack(&b, &m, &in, NULL, &nfds));
	}
	in.text = str_n("a\0b", 3);
	ck_assert(!ipc_pack(&b, &m, &in, NULL, &nfds));
	in.text = STR("12345678901");
	ck_assert(!ipc_pack(&b, &m, &in, NULL, &nfds));
	ck_assert_uint_eq(b.n, 0);
	buf_free(&b);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("wire/all");
	TCase *t = tcase_create("messages");
	int n = 0;

	while (wire_all[n] != NULL)
		n++;
	tcase_add_loop_test(t, round_trip, 0, n);
	tcase_add_test(t, ids_differ);
	tcase_add_test(t, no_line_breaks);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
