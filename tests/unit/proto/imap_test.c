/* SPDX-License-Identifier: ISC */
/* The grammar of IMAP (RFC 3501 9) and POP3: what is read, what is refused, what is written. */
#include "proto/imap.h"
#include "proto/mutf7.h"
#include "proto/pop3.h"
#include "unit/unit.h"

static struct pool *pool;

static void
setup(void)
{
	pool = pool_new();
}

static void
teardown(void)
{
	pool_free(pool);
}

#define T(lit)	{ lit, sizeof(lit) - 1 }

static const struct {
	struct str in;
	bool ok;
	const char *out;
	size_t rest;
} strings[] = {
	{ T("abc def"), true, "abc", 4 },
	{ T("\"a b\" x"), true, "a b", 2 },
	{ T("\"a\\\"b\\\\\""), true, "a\"b\\", 0 },
	{ T("\"\""), true, "", 0 },
	{ T("{3}\r\nabc x"), true, "abc", 2 },
	{ T("{3+}\r\nabc"), true, "abc", 0 },
	{ T("{0}\r\n"), true, "", 0 },
	{ T("a]b"), true, "a]b", 0 },
	{ T(""), false, "", 0 },
	{ T("(a"), false, "", 2 },
	{ T("\"abc"), false, "", 4 },
	{ T("\"abc\\"), false, "", 5 },
	{ T("\"a\\bc\""), false, "", 6 },
	{ T("\"a\0b\""), false, "", 5 },
	{ T("\"a\rb\""), false, "", 5 },
	{ T("{4}\r\nabc"), false, "", 8 },
	{ T("{3}\nabc"), false, "", 7 },
	{ T("{3}\r\na\0c"), false, "", 8 },
	{ T("{-1}\r\n"), false, "", 6 },
	{ T("{99999999999999999999}\r\nx"), false, "", 25 },
	{ T("{18446744073709551615}\r\nx"), false, "", 25 },
	{ T("{3"), false, "", 2 },
};

START_TEST(string)
{
	struct scan in = scan_of(strings[_i].in);
	struct str out;

	ck_assert_int_eq(imap_scan_astring(&in, pool, &out), strings[_i].ok);
	if (strings[_i].ok)
		ck_str_is(out, strings[_i].out);
	ck_assert_uint_eq(scan_rest(&in).n, strings[_i].rest);
}
END_TEST

static const struct {
	const char *line;
	bool is, sync;
	uint64_t size;
} literals[] = {
	{ "a LOGIN {5}", true, true, 5 }, { "a APPEND x {10+}", true, false, 10 },
	{ "a {99999999999999999999999}", true, true, UINT64_MAX },
	{ "a {18446744073709551616}", true, true, UINT64_MAX },
	{ "a {-1}", false, false, 0 }, { "a {}", false, false, 0 }, { "a {+}", false, false, 0 },
	{ "a {1x}", false, false, 0 }, { "a {5} ", false, false, 0 }, { "5}", false, false, 0 },
};

START_TEST(literal)
{
	struct imap_literal l = { 0 };

	ck_assert_int_eq(imap_line_literal(str_of(literals[_i].line), &l), literals[_i].is);
	if (!literals[_i].is)
		return;
	ck_assert_uint_eq(l.size, literals[_i].size);
	ck_assert_int_eq(l.sync, literals[_i].sync);
}
END_TEST

static const struct {
	const char *in;
	uint32_t most;
	const char *has;	/* of 1 to 9 */
} sets[] = {
	{ "1", 5, "1" }, { "*", 5, "5" }, { "2:4", 9, "234" }, { "4:2", 9, "234" },
	{ "1,3,5:*", 7, "13567" }, { "*:3", 5, "345" }, { "9:*", 5, "56789" }, { "3:*", 3, "3" },
	{ "1:2,2:3,3,1", 9, "123" }, { "4294967295", 9, "" }, { "1:4294967295", 3, "123456789" },
};

START_TEST(set)
{
	struct scan in = scan_of(str_of(sets[_i].in));
	struct imap_set s;

	ck_assert(imap_scan_set(&in, pool, &s) && scan_done(&in));
	imap_set_resolve(&s, sets[_i].most);
	for (uint32_t n = 1; n <= 9; n++)
		ck_assert_msg(imap_set_has(&s, n) == (strchr(sets[_i].has, (int)('0' + n)) != NULL),
		    "%s: %u", sets[_i].in, (unsigned)n);
}
END_TEST

static const char *const bad_sets[] = { "", "0", "0:5", "1,", ",1", "1:", "-1", "4294967296", "a" };

START_TEST(bad_set)
{
	struct scan in = scan_of(str_of(bad_sets[_i]));
	struct imap_set s;

	ck_assert(!imap_scan_set(&in, pool, &s) || !scan_done(&in));
}
END_TEST

static const struct {
	const char *in;
	bool ok;
	unsigned items;
	size_t sections;
} fetches[] = {
	{ "ALL", true, IMAP_FLAGS | IMAP_INTERNALDATE | IMAP_RFC822_SIZE | IMAP_ENVELOPE, 0 },
	{ "(FLAGS UID)", true, IMAP_FLAGS | IMAP_UID, 0 },
	{ "BODY", true, IMAP_BODY, 0 }, { "body[]", true, 0, 1 },
	{ "(BODY.PEEK[HEADER] BODY[1.2.TEXT]<0.10>)", true, 0, 2 },
	{ "BODY[HEADER.FIELDS (To \"Cc\")]", true, 0, 1 },
	{ "RFC822", true, 0, 1 }, { "(RFC822.HEADER RFC822.SIZE)", true, IMAP_RFC822_SIZE, 1 },
	{ "BODY[1.MIME]", true, 0, 1 },
	{ "(ALL)", false, 0, 0 }, { "()", false, 0, 0 }, { "(FLAGS", false, 0, 0 },
	{ "BODY[MIME]", false, 0, 0 }, { "BODY[0]", false, 0, 0 }, { "BODY[1.]", false, 0, 0 },
	{ "BODY[]<0.0>", false, 0, 0 }, { "BODY[]<-1.5>", false, 0, 0 }, { "BODY[", false, 0, 0 },
	{ "BODY[HEADER.FIELDS ()]", false, 0, 0 }, { "FOO", false, 0, 0 }, { "", false, 0, 0 },
	{ "BODY[]<4294967296.1>", false, 0, 0 }, { "BODY[TEXT.1]", false, 0, 0 },
};

START_TEST(fetch)
{
	struct scan in = scan_of(str_of(fetches[_i].in));
	struct imap_fetch f;

	ck_assert_msg((imap_scan_fetch(&in, pool, &f) && scan_done(&in)) == fetches[_i].ok, "%s",
	    fetches[_i].in);
	if (!fetches[_i].ok)
		return;
	ck_assert_uint_eq(f.items, fetches[_i].items);
	ck_assert_uint_eq(f.sections_n, fetches[_i].sections);
}
END_TEST

static const struct {
	const char *in;
	enum imap_search_fault fault;
} searches[] = {
	{ "ALL", IMAP_SEARCH_OK }, { "1:5 UNSEEN", IMAP_SEARCH_OK },
	{ "OR SEEN NOT (FROM \"x\" SUBJECT y)", IMAP_SEARCH_OK },
	{ "CHARSET utf-8 TEXT x", IMAP_SEARCH_OK }, { "HEADER X-A {3}\r\nabc", IMAP_SEARCH_OK },
	{ "SINCE 1-Feb-1994 BEFORE \"01-Mar-1994\"", IMAP_SEARCH_OK }, { "UID *", IMAP_SEARCH_OK },
	{ "CHARSET KOI8-R TEXT x", IMAP_SEARCH_CHARSET },
	{ "", IMAP_SEARCH_SYNTAX }, { "OR SEEN", IMAP_SEARCH_SYNTAX }, { "NOT", IMAP_SEARCH_SYNTAX },
	{ "(SEEN", IMAP_SEARCH_SYNTAX }, { "SINCE 99-Feb-1994", IMAP_SEARCH_SYNTAX },
	{ "SINCE 1-Foo-1994", IMAP_SEARCH_SYNTAX }, { "LARGER -1", IMAP_SEARCH_SYNTAX },
	{ "KEYWORD \\Seen", IMAP_SEARCH_SYNTAX }, { "FROB", IMAP_SEARCH_SYNTAX },
};

START_TEST(search)
{
	struct scan in = scan_of(str_of(searches[_i].in));
	struct imap_key *k;

	ck_assert_int_eq(imap_scan_search(&in, pool, &k), searches[_i].fault);
}
END_TEST

/* security I2, I3: each kind of nesting has the same cap, and memory stays flat. */
START_TEST(nesting)
{
	static const char *const units[] = { "(", "NOT ", "OR ALL ", "(NOT (", "\"", "[", "<", "\\", "{" };
	struct buf text = { 0 };
	struct scan in;
	struct imap_key *k;
	struct imap_fetch f;

	for (int i = 0; i < 100000; i++)
		buf_addz(&text, units[_i]);
	in = scan_of(buf_str(&text));
	ck_assert_int_eq(imap_scan_search(&in, pool, &k), IMAP_SEARCH_SYNTAX);
	in = scan_of(buf_str(&text));
	ck_assert(!imap_scan_fetch(&in, pool, &f));
	ck_assert_uint_lt(pool_used(pool), 1 << 20);
	buf_free(&text);
}
END_TEST

static const struct {
	const char *utf8, *wire;
} names[] = {
	{ "INBOX", "INBOX" }, { "A&B", "A&-B" }, { "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
	{ "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
	  "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
	{ "\xf0\x9f\x93\xac", "&2D3c7A-" }, { "", "" },
};

START_TEST(mutf7)
{
	struct buf out = { 0 };

	ck_assert(mutf7_encode(&out, str_of(names[_i].utf8)));
	ck_str_is(buf_str(&out), names[_i].wire);
	buf_reset(&out);
	ck_assert(mutf7_decode(&out, str_of(names[_i].wire)));
	ck_str_is(buf_str(&out), names[_i].utf8);
	buf_free(&out);
}
END_TEST

static const char *const bad_names[] = {
	"&", "&AAA", "&AAA-", "&AGE-", "&APw", "a\xff", "&2D0-", "&3Ow-", "&*-", "&APx-", "&U,BTFw-&ZeVnLIqe-",
};

START_TEST(bad_mutf7)
{
	struct buf out = { 0 };

	ck_assert_msg(!mutf7_decode(&out, str_of(bad_names[_i])), "%s", bad_names[_i]);
	ck_assert_uint_eq(out.n, 0);
	buf_free(&out);
}
END_TEST

static const struct {
	const char *pattern, *name;
	bool yes;
} patterns[] = {
	{ "*", "a/b", true }, { "%", "a/b", false }, { "%", "a", true }, { "a/%", "a/b", true },
	{ "%/%", "a/b", true }, { "*b", "a/b", true }, { "inbox", "INBOX", true },
	{ "iN%", "INBOX", true }, { "sent", "Sent", false }, { "", "", true }, { "a*c*e", "abcde", true },
	{ "a*c*f", "abcde", false }, { "**********************x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

START_TEST(match)
{
	ck_assert_int_eq(imap_match(str_of(patterns[_i].pattern), str_of(patterns[_i].name), '/'),
	    patterns[_i].yes);
}
END_TEST

START_TEST(writing)
{
	struct buf out = { 0 };
	struct scan in;
	int64_t wall;
	struct str text;

	imap_add_string(&out, STR("a\"b\\"));
	imap_add_string(&out, STR("x\r\ny"));
	imap_add_nstring(&out, (struct str){ NULL, 0 });
	imap_add_mailbox(&out, STR("two words"));
	imap_add_mailbox(&out, STR("one"));
	ck_str_is(buf_str(&out), "\"a\\\"b\\\\\"{4}\r\nx\r\nyNIL\"two words\"one");
	buf_reset(&out);
	imap_add_datetime(&out, 1000000000);
	ck_str_is(buf_str(&out), "\"09-Sep-2001 01:46:40 +0000\"");
	in = scan_of(buf_str(&out));
	ck_assert(imap_scan_datetime(&in, &wall));
	ck_assert_int_eq(wall, 1000000000);
	in = scan_of(STR("\" 9-Sep-2001 03:46:40 +0200\""));
	ck_assert(imap_scan_datetime(&in, &wall));
	ck_assert_int_eq(wall, 1000000000);
	in = scan_of(STR("\"32-Sep-2001 03:46:40 +0200\""));
	ck_assert(!imap_scan_datetime(&in, &wall));
	/* Before 1970 is 1970. */
	in = scan_of(STR("\"01-Jan-1960 00:00:00 +0000\""));
	ck_assert(imap_scan_datetime(&in, &wall) && scan_done(&in));
	ck_assert_int_eq(wall, 0);
	in = scan_of(STR("\"01-Jan-1970 00:00:00 +0100\""));
	ck_assert(imap_scan_datetime(&in, &wall));
	ck_assert_int_eq(wall, 0);
	in = scan_of(STR("NIL x"));
	ck_assert(imap_scan_nstring(&in, pool, &text));
	ck_assert_ptr_null(text.p);
	buf_free(&out);
}
END_TEST

START_TEST(pop3)
{
	struct buf out = { 0 };
	struct scan in = scan_of(STR("RETR 12"));
	struct str verb;
	uint32_t n;
	bool bol = true;

	ck_assert(pop3_scan_verb(&in, &verb) && pop3_scan_number(&in, true, &n));
	ck_str_is(verb, "RETR");
	ck_assert_uint_eq(n, 12);
	for (const char *const *p = (const char *const[]){ "", "-1", "1x", "4294967296", "+1",
	    "1 2", NULL }; *p != NULL; p++) {
		in = scan_of(str_of(*p));
		ck_assert(!pop3_scan_number(&in, true, &n));
	}
	pop3_stuff(&out, STR(".a\r\n"), &bol);
	pop3_stuff(&out, STR("b."), &bol);
	ck_assert(!bol);
	pop3_stuff(&out, STR(".\r\n."), &bol);
	ck_str_is(buf_str(&out), "..a\r\nb..\r\n..");
	buf_free(&out);
}
END_TEST

#define ROWS(t, f, rows)	tcase_add_loop_test(t, f, 0, sizeof(rows) / sizeof((rows)[0]))

static Suite *
suite(void)
{
	Suite *s = suite_create("proto/imap");
	TCase *t = tcase_create("imap");

	tcase_add_checked_fixture(t, setup, teardown);
	ROWS(t, string, strings);
	ROWS(t, literal, literals);
	ROWS(t, set, sets);
	ROWS(t, bad_set, bad_sets);
	ROWS(t, fetch, fetches);
	ROWS(t, search, searches);
	tcase_add_loop_test(t, nesting, 0, 9);
	ROWS(t, mutf7, names);
	ROWS(t, bad_mutf7, bad_names);
	ROWS(t, match, patterns);
	tcase_add_test(t, writing);
	tcase_add_test(t, pop3);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
