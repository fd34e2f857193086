/* SPDX-License-Identifier: ISC */
/* pool, buf, vec, map: what grows, what stays, what a limit does. */
#include "unit/unit.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/panic.h"
#include "base/pool.h"
#include "base/vec.h"

/* ---- pool ---- */

START_TEST(pool_sizes)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 15, 16, 17, 1007, 1008, 1009, 5000, 32752, 32753,
		100000 };
	struct pool *p = pool_new();

	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			char *at = pool_alloc(p, sizes[i]);

			ck_assert_uint_eq((uintptr_t)at % _Alignof(max_align_t), 0);
			for (size_t k = 0; k < sizes[i]; k++)
				ck_assert_int_eq(at[k], 0);
			memset(at, 0xa5, sizes[i]);
		}
		pool_reset(p);
		ck_assert_uint_eq(pool_used(p), 0);
	}
	pool_free(p);
	pool_free(NULL);
}
END_TEST

START_TEST(pool_texts)
{
	struct pool *p = pool_new();
	struct str s = pool_str(p, str_n("a\0b", 3)), e = pool_str(p, STR(""));
	struct str f = pool_printf(p, "%d-%.*s", 42, STR_ARG(STR("xyz")));
	struct str big = pool_printf(p, "%070000d", 7);

	ck_assert_uint_eq(s.n, 3);
	ck_assert_int_eq(memcmp(s.p, "a\0b", 4), 0);
	ck_assert_uint_eq(e.n, 0);
	ck_assert_str_eq(e.p, "");
	ck_str_is(f, "42-xyz");
	ck_assert_int_eq(f.p[f.n], '\0');
	ck_assert_uint_eq(big.n, 70000);
	ck_assert_int_eq(big.p[69999], '7');
	pool_free(p);
}
END_TEST

/* A product that does not fit is our bug, and ends us before memory is touched. */
START_TEST(pool_first_block)
{
	struct pool *p = pool_new_sized(64);
	char *a = pool_alloc(p, 40), *b = pool_alloc(p, 4000), *c = pool_alloc(p, 40);

	memset(a, 1, 40);
	memset(b, 2, 4000);
	memset(c, 3, 40);
	ck_assert_int_eq(a[39], 1);
	ck_assert_int_eq(b[3999], 2);
	pool_reset(p);
	for (int i = 0; i < 1000; i++)
		memset(pool_alloc(p, 33), 4, 33);
	pool_free(p);
}
END_TEST

START_TEST(pool_overflow)
{
	(void)pool_array(pool_new(), SIZE_MAX / 2, 3);
}
END_TEST

/* ---- buf ---- */

START_TEST(buf_limit)
{
	struct buf b = { .limit = 10 };

	buf_addz(&b, "12345");
	ck_assert(buf_ok(&b));
	buf_addz(&b, "678901");		/* not in part either */
	ck_assert(!buf_ok(&b));
	ck_str_is(buf_str(&b), "12345");
	buf_addz(&b, "67890");		/* what fits is added, the overflow stays known */
	ck_str_is(buf_str(&b), "1234567890");
	ck_assert(!buf_ok(&b));
	buf_reset(&b);
	ck_assert(buf_ok(&b));
	buf_addf(&b, "%011d", 1);
	ck_assert(!buf_ok(&b));
	ck_assert_uint_eq(b.n, 0);
	ck_assert_ptr_null(buf_room(&b, 11));
	ck_assert_ptr_null(buf_room(&b, SIZE_MAX));
	buf_free(&b);
	ck_assert_uint_eq(b.limit, 10);
	ck_str_is(buf_str(&b), "");
	ck_assert_str_eq(buf_z(&b), "");
}
END_TEST

START_TEST(buf_grows)
{
	struct buf b = { 0 };
	char *at;

	for (unsigned i = 0; i < 10000; i++)
		buf_addf(&b, "%u,", i % 10);
	ck_assert_uint_eq(b.n, 20000);
	ck_assert_int_eq(b.p[b.n], '\0');
	buf_drop(&b, 19998);
	ck_str_is(buf_str(&b), "9,");
	buf_drop(&b, 0);
	buf_drop(&b, 100);
	ck_str_is(buf_str(&b), "");
	ck_assert_ptr_nonnull(at = buf_room(&b, 3));
	memcpy(at, "ab", 2);
	buf_grew(&b, 2);
	buf_addc(&b, 'c');
	ck_assert_str_eq(buf_z(&b), "abc");
	buf_add(&b, str_n(NULL, 0));
	ck_str_is(buf_str(&b), "abc");
	buf_free(&b);
}
END_TEST

/* ---- vec ---- */

static int
by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

START_TEST(vec_words)
{
	struct vec v = vec_of(sizeof(int));

	ck_assert_ptr_null(vec_pop(&v));
	vec_sort(&v, by_value);
	for (int i = 0; i < 1000; i++)
		*(int *)vec_push(&v) = (i * 7919) % 1000;
	vec_sort(&v, by_value);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(*(int *)vec_at(&v, (size_t)i), i);
	vec_remove(&v, 0);
	vec_remove(&v, 998);
	vec_remove(&v, 498);
	ck_assert_uint_eq(v.n, 997);
	ck_assert_int_eq(*(int *)vec_at(&v, 0), 1);
	ck_assert_int_eq(*(int *)vec_at(&v, 498), 500);
	ck_assert_int_eq(*(int *)vec_pop(&v), 998);
	vec_reset(&v);
	ck_assert_int_eq(*(int *)vec_push(&v), 0);
	vec_free(&v);
	ck_assert_uint_eq(v.n, 0);
	ck_assert_int_eq(*(int *)vec_push(&v), 0);
	vec_free(&v);
}
END_TEST

START_TEST(vec_beyond)
{
	struct vec v = vec_of(sizeof(int));

	(void)vec_push(&v);
	(void)vec_at(&v, 1);
}
END_TEST

/* ---- map ---- */

START_TEST(map_many)
{
	struct map *m = map_new();
	size_t at = 0, n = 0;
	struct str key;
	void *value;
	char k[20];

	ck_assert_ptr_null(map_get(m, STR("")));
	ck_assert_ptr_null(map_del(m, STR("x")));
	for (uintptr_t i = 1; i <= 5000; i++) {
		int len = snprintf(k, sizeof(k), "key%u", (unsigned)i);

		ck_assert_ptr_null(map_put(m, str_n(k, (size_t)len), (void *)i));
		memset(k, 'x', sizeof(k));	/* keys are copied */
	}
	ck_assert_uint_eq(map_count(m), 5000);
	ck_assert_ptr_eq(map_put(m, STR("key17"), m), (void *)17);
	ck_assert_ptr_eq(map_get(m, STR("key17")), m);
	ck_assert_ptr_null(map_get(m, str_n("key17\0", 6)));
	/* During a walk the key just given may go. */
	while (map_next(m, &at, &key, &value)) {
		n++;
		if (value != m && (uintptr_t)value % 2 == 0)
			ck_assert_ptr_eq(map_del(m, key), value);
	}
	ck_assert_uint_eq(n, 5000);
	ck_assert_uint_eq(map_count(m), 2500);
	ck_assert_ptr_null(map_get(m, STR("key4")));
	ck_assert_ptr_eq(map_get(m, STR("key4999")), (void *)4999);
	map_free(m);
	map_free(NULL);
}
END_TEST

#define KEYS	64

/* In which order a process of its own has the same keys in its map. */
static void
order_elsewhere(unsigned char order[KEYS])
{
	int ends[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	if ((pid = fork()) == 0) {
		struct map *m = map_new();
		size_t at = 0;
		void *value;

		for (uintptr_t i = 1; i <= KEYS; i++)
			(void)map_put(m, str_n((char *)&i, sizeof(i)), (void *)i);
		for (size_t n = 0; map_next(m, &at, NULL, &value); n++)
			order[n] = (unsigned char)(uintptr_t)value;
		_exit(write(ends[1], order, KEYS) != KEYS);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(read(ends[0], order, KEYS), KEYS);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* Security R6: where a key goes depends on a secret of the process, so nobody can choose keys that meet. */
START_TEST(map_secret)
{
	unsigned char one[KEYS], other[KEYS];

	order_elsewhere(one);
	order_elsewhere(other);
	ck_assert_int_ne(memcmp(one, other, KEYS), 0);
}
END_TEST

/* Put and delete for ever: gravestones are swept, probing ends. */
START_TEST(map_churn)
{
	struct map *m = map_new();
	char k[20];

	ck_assert_ptr_null(map_put(m, STR(""), m));	/* the empty text is a key too */
	for (unsigned i = 0; i < 200000; i++) {
		int len = snprintf(k, sizeof(k), "%u", i);

		(void)map_put(m, str_n(k, (size_t)len), m);
		if (i >= 5) {
			len = snprintf(k, sizeof(k), "%u", i - 5);
			ck_assert_ptr_eq(map_del(m, str_n(k, (size_t)len)), m);
		}
		ck_assert_ptr_null(map_get(m, STR("not there")));
	}
	ck_assert_uint_eq(map_count(m), 6);
	ck_assert_ptr_eq(map_get(m, STR("")), m);
	map_free(m);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("memory");
	TCase *t = tcase_create("memory");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, pool_sizes);
	tcase_add_test(t, pool_texts);
	tcase_add_test(t, pool_first_block);
	tcase_add_test_raise_signal(t, pool_overflow, SIGABRT);
	tcase_add_test(t, buf_limit);
	tcase_add_test(t, buf_grows);
	tcase_add_test(t, vec_words);
	tcase_add_test_raise_signal(t, vec_beyond, SIGABRT);
	tcase_add_test(t, map_many);
	tcase_add_test(t, map_secret);
	tcase_add_test(t, map_churn);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
