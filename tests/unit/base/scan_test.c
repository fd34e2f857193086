/* SPDX-License-Identifier: ISC */
/* scan, encode, hash, clock: pure functions against known answers. */
#include "unit/unit.h"

#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/hash.h"
#include "base/scan.h"

/* ---- scan: true consumes, false leaves the cursor ---- */

static const struct number {
	const char *text;
	uint64_t max;
	bool ok;
	uint64_t value;
	const char *rest;
} numbers[] = {
	{ "0", 10, true, 0, "" },
	{ "7x", 10, true, 7, "x" },
	{ "10", 10, true, 10, "" },
	{ "11", 10, false, 0, "11" },
	{ "007", 10, true, 7, "" },
	{ "", 10, false, 0, "" },
	{ "-1", 10, false, 0, "-1" },
	{ "+1", 10, false, 0, "+1" },
	{ " 1", 10, false, 0, " 1" },
	{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX, "" },
	{ "18446744073709551616", UINT64_MAX, false, 0, "18446744073709551616" },
	{ "99999999999999999999999999", UINT64_MAX, false, 0, "99999999999999999999999999" },
};

START_TEST(number)
{
	const struct number *r = &numbers[_i];
	struct scan in = scan_of(str_of(r->text));
	uint64_t v = 0;

	ck_assert_int_eq(scan_number(&in, r->max, &v), r->ok);
	if (r->ok)
		ck_assert_uint_eq(v, r->value);
	ck_str_is(scan_rest(&in), r->rest);
}
END_TEST

START_TEST(words)
{
	struct scan in = scan_of(STR("MAIL FROM:<a>\t x"));
	struct str s;
	char c;

	ck_assert(!scan_text(&in, STR("mail")));
	ck_assert(scan_itext(&in, STR("mail")));
	ck_assert(!scan_char(&in, 'x'));
	ck_assert(scan_blanks(&in));
	ck_assert(!scan_blanks(&in));
	ck_assert(!scan_until(&in, '!', &s));
	ck_assert(scan_until(&in, ':', &s));
	ck_str_is(s, "FROM");
	ck_assert_int_eq(scan_peek(&in), ':');
	ck_assert(scan_any(&in, &c));
	ck_assert(scan_word(&in, &s));
	ck_str_is(s, "<a>");
	ck_assert(!scan_word(&in, &s));
	ck_assert(scan_blanks(&in));
	ck_assert(!scan_text(&in, STR("xy")));
	ck_assert(scan_char(&in, 'x'));
	ck_assert(scan_done(&in));
	ck_assert_int_eq(scan_peek(&in), -1);
	ck_assert(!scan_any(&in, &c));
	ck_assert(!scan_char(&in, '\0'));
}
END_TEST

/* ---- encode ---- */

static const struct pair {
	const char *plain;
	const char *coded;
} base64s[] = {		/* RFC 4648 10 */
	{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xfe", "//4=" },
};

START_TEST(base64)
{
	struct buf b = { 0 };

	base64_add(&b, str_of(base64s[_i].plain));
	ck_str_is(buf_str(&b), base64s[_i].coded);
	buf_reset(&b);
	ck_assert(base64_decode(&b, str_of(base64s[_i].coded)));
	ck_str_is(buf_str(&b), base64s[_i].plain);
	buf_free(&b);
}
END_TEST

static const char *const no_base64[] = { "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8=Zm8=", "====",
	"Zm9v\n", " Zm9v", "Zm-_", "Zm9vYg=", "=m9v" };

START_TEST(base64_bad)
{
	struct buf b = { 0 };

	buf_addz(&b, "as it was");
	ck_assert_msg(!base64_decode(&b, str_of(no_base64[_i])), "%s", no_base64[_i]);
	ck_str_is(buf_str(&b), "as it was");
	buf_free(&b);
}
END_TEST

START_TEST(hexadecimal)
{
	struct buf b = { 0 };

	hex_add(&b, str_n("\0\x9f\xff", 3));
	ck_str_is(buf_str(&b), "009fff");
	buf_reset(&b);
	ck_assert(hex_decode(&b, STR("009FfF")));
	ck_assert(str_eq(buf_str(&b), str_n("\0\x9f\xff", 3)));
	ck_assert(!hex_decode(&b, STR("0")));
	ck_assert(!hex_decode(&b, STR("0g")));
	ck_assert_uint_eq(b.n, 3);
	ck_assert_int_eq(hex_digit('a'), 10);
	ck_assert_int_eq(hex_digit('F'), 15);
	ck_assert_int_eq(hex_digit('g'), -1);
	ck_assert_int_eq(hex_digit('\xff'), -1);
	buf_free(&b);
}
END_TEST

/* ---- hash ---- */

START_TEST(sums)
{
	static const unsigned char zeros[32];
	const uint64_t key[2] = { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL };
	char text[15];

	/* RFC 3720 B.4, and the check value of every CRC catalogue. */
	ck_assert_uint_eq(hash_crc32c(0, "123456789", 9), 0xe3069283u);
	ck_assert_uint_eq(hash_crc32c(0, zeros, 32), 0x8a9136aau);
	ck_assert_uint_eq(hash_crc32c(hash_crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
	ck_assert_uint_eq(hash_crc32c(0, "", 0), 0);
	for (size_t at = 0; at < 9; at++)	/* however it is aligned and cut */
		ck_assert_uint_eq(hash_crc32c(hash_crc32c(0, "123456789", at), &"123456789"[at], 9 - at),
		    0xe3069283u);
	/* The example of the SipHash paper. */
	for (int i = 0; i < 15; i++)
		text[i] = (char)i;
	ck_assert_uint_eq(hash_sip(key, str_n(text, 15)), 0xa129ca6149be45e5ULL);
	ck_assert_uint_eq(hash_sip(key, STR("")), 0x726fdb47dd0e0e31ULL);
}
END_TEST

START_TEST(randomness)
{
	unsigned seen[7] = { 0 };
	uint64_t a[2], b[2];

	for (unsigned i = 0; i < 7000; i++) {
		uint32_t r = random_below(7);

		ck_assert_uint_lt(r, 7);
		seen[r]++;
	}
	for (unsigned i = 0; i < 7; i++)
		ck_assert_uint_gt(seen[i], 500);
	ck_assert_uint_eq(random_below(1), 0);
	hash_seed(a);
	hash_seed(b);
	ck_assert(a[0] != b[0] || a[1] != b[1]);
}
END_TEST

/* ---- clock ---- */

START_TEST(deadlines)
{
	msec_t now = clock_ms();

	ck_assert_int_ge(deadline_in(1000), now + 1000);
	ck_assert_int_eq(deadline_in(NEVER), NEVER);
	ck_assert_int_eq(deadline_in(NEVER - 1), NEVER);
	ck_assert_int_eq(deadline_left(NEVER), NEVER);
	ck_assert_int_eq(deadline_left(now - 1), 0);
	ck_assert_int_gt(deadline_left(now + 100000), 0);
	ck_assert_int_eq(deadline_first(NEVER, 5), 5);
	ck_assert_int_eq(clock_wall_us() / 1000000 - clock_wall() <= 1, 1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("scan");
	TCase *t = tcase_create("pure");

	unit_add_rows(t, number, numbers);
	tcase_add_test(t, words);
	unit_add_rows(t, base64, base64s);
	unit_add_rows(t, base64_bad, no_base64);
	tcase_add_test(t, hexadecimal);
	tcase_add_test(t, sums);
	tcase_add_test(t, randomness);
	tcase_add_test(t, deadlines);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
