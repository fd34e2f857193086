/* SPDX-License-Identifier: ISC */
#include "unit/unit.h"

#include "proto/sasl.h"

#define T(s)	STR_INIT(s)

/* RFC 4616 2; security S1. */
static const struct row {
	struct str text;
	bool ok;
	const char *authzid, *user, *password;
} rows[] = {
	{ T("\0tim\0tanstaaftanstaaf"), true, "", "tim", "tanstaaftanstaaf" },
	{ T("Ursel\0Kurt\0xipj3plmq"), true, "Ursel", "Kurt", "xipj3plmq" },
	{ T("\0tim\0"), false, NULL, NULL, NULL },
	{ T("\0\0pass"), false, NULL, NULL, NULL },
	{ T("\0tim"), false, NULL, NULL, NULL },
	{ T("tim"), false, NULL, NULL, NULL },
	{ T(""), false, NULL, NULL, NULL },
	{ T("\0tim\0pa\0ss"), false, NULL, NULL, NULL },
	{ T("\0t\xffm\0pass"), false, NULL, NULL, NULL },
	{ T("\0\0\0\0"), false, NULL, NULL, NULL },
};

START_TEST(plain)
{
	struct sasl_plain got;
	struct buf b = { .p = NULL };

	ck_assert_int_eq(sasl_plain_parse(rows[_i].text, &got), rows[_i].ok);
	if (!rows[_i].ok)
		return;
	ck_str_is(got.authzid, rows[_i].authzid);
	ck_str_is(got.user, rows[_i].user);
	ck_str_is(got.password, rows[_i].password);
	sasl_plain_add(&b, got.authzid, got.user, got.password);
	ck_assert(str_eq(buf_str(&b), rows[_i].text));
	buf_free(&b);
}
END_TEST

START_TEST(decode)
{
	struct buf b = { .p = NULL };

	ck_assert(sasl_decode(&b, STR("=")) && b.n == 0);
	ck_assert(sasl_decode(&b, STR(SASL_LOGIN_USER)));
	ck_str_is(buf_str(&b), "Username:");
	buf_reset(&b);
	ck_assert(sasl_decode(&b, STR(SASL_LOGIN_PASSWORD)));
	ck_str_is(buf_str(&b), "Password:");
	ck_assert(!sasl_decode(&b, STR("*")) && !sasl_decode(&b, STR("a=")));
	buf_free(&b);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("proto/sasl");
	TCase *t = tcase_create("sasl");

	unit_add_rows(t, plain, rows);
	tcase_add_test(t, decode);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
