/* SPDX-License-Identifier: ISC */
#include "unit/unit.h"

#include "mail/address.h"

#define A64	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L63	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* RFC 5321 4.1.2 and 4.5.3.1; security A1, A2, A4 to A8, F22. */
static const struct path {
	const char *text;
	unsigned flags;
	enum address_fault fault;
	const char *local, *domain, *canonical;
} paths[] = {
	{ "<a@example.org>", 0, ADDRESS_OK, "a", "example.org", "a@example.org" },
	{ "<a.b+c@example.org>", 0, ADDRESS_OK, "a.b+c", "example.org", "a.b+c@example.org" },
	{ "<\"bob\"@x.org>", 0, ADDRESS_OK, "bob", "x.org", "bob@x.org" },
	{ "<\"b o b\"@x.org>", 0, ADDRESS_OK, "b o b", "x.org", "\"b o b\"@x.org" },
	{ "<\"b\\\"\\\\b\"@x.org>", 0, ADDRESS_OK, "b\"\\b", "x.org", "\"b\\\"\\\\b\"@x.org" },
	{ "<\"a@b\"@x.org>", 0, ADDRESS_OK, "a@b", "x.org", "\"a@b\"@x.org" },
	{ "<a@[192.0.2.1]>", 0, ADDRESS_OK, "a", "[192.0.2.1]", "a@[192.0.2.1]" },
	{ "<a@[IPv6:2001:db8::1]>", 0, ADDRESS_OK, "a", "[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]" },
	{ "<a@[192.0.2.1]:25>", 0, ADDRESS_SYNTAX },
	{ "<a@[10.0.0.1:22]>", 0, ADDRESS_DOMAIN },
	{ "<a@[]>", 0, ADDRESS_DOMAIN },
	{ "<a@[192.0.2.256]>", 0, ADDRESS_DOMAIN },
	{ "<a@[2001:db8::1]>", 0, ADDRESS_DOMAIN },
	{ "<a@192.0.2.1>", 0, ADDRESS_DOMAIN },
	{ "<>", ADDRESS_NULL_OK, ADDRESS_OK, "", "", "" },
	{ "<>", 0, ADDRESS_NULL },
	{ "<postmaster>", ADDRESS_BARE_OK, ADDRESS_OK, "postmaster", "", "postmaster" },
	{ "<postmaster>", 0, ADDRESS_BARE },
	{ "<@a.org,@b.org:u@c.org>", 0, ADDRESS_ROUTE },
	{ "<@a.org:u@c.org>", ADDRESS_NULL_OK, ADDRESS_ROUTE },
	{ "<u%other@example.org>", 0, ADDRESS_OK, "u%other", "example.org", "u%other@example.org" },
	{ "<h!u@example.org>", 0, ADDRESS_OK, "h!u", "example.org", "h!u@example.org" },
	{ "<a@b@c.org>", 0, ADDRESS_SYNTAX },
	{ "<.a@x.org>", 0, ADDRESS_SYNTAX },
	{ "<a.@x.org>", 0, ADDRESS_SYNTAX },
	{ "<a..b@x.org>", 0, ADDRESS_SYNTAX },
	{ "<.!@x>", 0, ADDRESS_SYNTAX },
	{ "<\".a\"@x.org>", 0, ADDRESS_OK, ".a", "x.org", "\".a\"@x.org" },
	{ "<\"\">", ADDRESS_BARE_OK, ADDRESS_OK, "", "", "" },
	{ "<\"\"@x.org>", 0, ADDRESS_OK, "", "x.org", "\"\"@x.org" },
	{ "<;for i in 0 1;do touch x;done;>", ADDRESS_BARE_OK, ADDRESS_SYNTAX },
	{ "<${run{/bin/sh}}@x.org>", 0, ADDRESS_OK, "${run{/bin/sh}}", "x.org", "${run{/bin/sh}}@x.org" },
	{ "<-oQ@x.org>", 0, ADDRESS_OK, "-oQ", "x.org", "-oQ@x.org" },
	{ "<a@-x.org>", 0, ADDRESS_DOMAIN },
	{ "<a@x-.org>", 0, ADDRESS_DOMAIN },
	{ "<a@x..org>", 0, ADDRESS_DOMAIN },
	{ "<a@x.org.>", 0, ADDRESS_DOMAIN },
	{ "<a@.x.org>", 0, ADDRESS_DOMAIN },
	{ "<a@x_y.org>", 0, ADDRESS_OK, "a", "x_y.org", "a@x_y.org" },
	{ "<" A64 "@x.org>", 0, ADDRESS_OK, A64, "x.org", A64 "@x.org" },
	{ "<" A64 "a@x.org>", 0, ADDRESS_TOOLONG },
	{ "<a@" L63 ".org>", 0, ADDRESS_OK, "a", L63 ".org", "a@" L63 ".org" },
	{ "<a@" L63 "b.org>", 0, ADDRESS_DOMAIN },
	{ "<a@" L63 "." L63 "." L63 "." L63 ">", 0, ADDRESS_TOOLONG },
	{ "<j\xc3\xb6rg@x.org>", 0, ADDRESS_EIGHTBIT },
	{ "<j\xc3\xb6rg@x.org>", ADDRESS_UTF8_OK, ADDRESS_OK, "j\xc3\xb6rg", "x.org", "j\xc3\xb6rg@x.org" },
	{ "<j\xc3@x.org>", ADDRESS_UTF8_OK, ADDRESS_EIGHTBIT },
	{ "<j@\xc3\xb6.org>", ADDRESS_UTF8_OK, ADDRESS_OK, "j", "\xc3\xb6.org", "j@\xc3\xb6.org" },
	{ "<j@\xff.org>", ADDRESS_UTF8_OK, ADDRESS_DOMAIN },
	{ "<a@x.org", 0, ADDRESS_SYNTAX },
	{ "a@x.org>", 0, ADDRESS_SYNTAX },
	{ "<\"a", 0, ADDRESS_SYNTAX },
	{ "<\"a\\", 0, ADDRESS_SYNTAX },
	{ "<\"a\r\nb\"@x.org>", 0, ADDRESS_SYNTAX },
	{ "<\"a\\\nb\"@x.org>", 0, ADDRESS_SYNTAX },
	{ "<a b@x.org>", 0, ADDRESS_SYNTAX },
	{ "<a@x.org>x", 0, ADDRESS_OK, "a", "x.org", "a@x.org" },
	{ "", 0, ADDRESS_SYNTAX },
};

START_TEST(path)
{
	const struct path *row = &paths[_i];
	struct pool *p = pool_new();
	struct scan in = scan_of(str_of(row->text));
	struct address a;
	enum address_fault f = address_scan_path(&in, p, row->flags, &a);

	ck_assert_msg(f == row->fault, "%s: fault %d, want %d", row->text, f, row->fault);
	if (f == ADDRESS_OK) {
		struct address again;

		ck_str_is(a.local, row->local);
		ck_str_is(a.domain, row->domain);
		ck_str_is(address_text(p, &a), row->canonical);
		/* What we write we read again as the same. */
		if (row->canonical[0] != '\0') {
			ck_assert_int_eq(address_parse(str_of(row->canonical), p, row->flags,
			    &again), ADDRESS_OK);
			ck_assert(address_eq(&a, &again));
		}
	} else {
		ck_assert(in.p == row->text || row->text[0] == '\0');
	}
	pool_free(p);
}
END_TEST

START_TEST(nul)
{
	static const char quoted[] = "<\"a\0b\"@x.org>", bare[] = "<a\0b@x.org>";
	struct pool *p = pool_new();
	struct scan in = scan_of(str_n(quoted, sizeof(quoted) - 1));
	struct address a;

	ck_assert_int_eq(address_scan_path(&in, p, 0, &a), ADDRESS_SYNTAX);
	in = scan_of(str_n(bare, sizeof(bare) - 1));
	ck_assert_int_eq(address_scan_path(&in, p, 0, &a), ADDRESS_SYNTAX);
	pool_free(p);
}
END_TEST

START_TEST(small)
{
	struct address a = { STR("Bob"), STR("X.org") }, b = { STR("Bob"), STR("x.ORG") },
	    c = { STR("bob"), STR("x.org") }, dash = { STR("-x"), STR("x.org") };
	struct str local, domain;

	ck_assert(address_eq(&a, &b) && !address_eq(&a, &c));
	ck_assert(address_is_dash(&dash) && !address_is_dash(&a));
	ck_assert(address_split(STR("\"a@b\"@c"), &local, &domain));
	ck_str_is(local, "\"a@b\"");
	ck_str_is(domain, "c");
	ck_assert(!address_split(STR("\"a@b\""), &local, &domain));
	ck_assert(!address_split(STR("root"), &local, &domain));
	ck_assert(!domain_ok(STR(""), false) && !domain_ok(STR("1.2"), false));
	ck_assert(utf8_ok(STR("\xf4\x8f\xbf\xbf")) && !utf8_ok(STR("\xf4\x90\x80\x80")));
	ck_assert(!utf8_ok(STR("\xed\xa0\x80")) && !utf8_ok(STR("\xc0\x80")) && !utf8_ok(STR("\xe2\x82")));
}
END_TEST

/* RFC 5322 3.4 and 4.4; `want` writes one entry as "name|local|domain", "{name", "}" or "!text". */
static const struct list {
	const char *text, *want;
} lists[] = {
	{ "a@x.org", "|a|x.org" },
	{ "a@x.org, b@y.org", "|a|x.org |b|y.org" },
	{ " A B <a@x.org> ", "A B|a|x.org" },
	{ "\"B, A\" <a@x.org>,b", "B, A|a|x.org |b|" },
	{ "a@x.org (comment (nested) \\) here), b@y.org", "|a|x.org |b|y.org" },
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|pete|silly.test" },
	{ "Group: a@x.org, B <b@y.org>; , c@z.org", "{Group |a|x.org B|b|y.org } |c|z.org" },
	{ "undisclosed-recipients:;", "{undisclosed-recipients }" },
	{ "Cruisers: a", "{Cruisers |a| }" },
	{ "<@r.org,@s.org:a@x.org>", "|a|x.org" },
	{ "Joe <@r.org:a@x.org>", "Joe|a|x.org" },
	{ "a@x.org,\r\n b@y.org", "|a|x.org |b|y.org" },
	{ "a@x.org,\n\tb@y.org\n", "|a|x.org |b|y.org" },
	{ ", ,a@x.org,,", "|a|x.org" },
	{ "\"q w\"@x.org", "|q w|x.org" },
	{ "jdoe@test   . example", "|jdoe|test.example" },
	{ "jdoe@test.example., B <b@y.org.>, c@z..", "|jdoe|test.example B|b|y.org !c@z.." },
	{ "a@[192.0.2.1]", "|a|[192.0.2.1]" },
	{ "=?UTF-8?Q?J=C3=B6rg?= <j@x.org>", "=?UTF-8?Q?J=C3=B6rg?=|j|x.org" },
	{ "Mary Smith", "!Mary Smith" },
	{ "a b@x.org, ok@x.org", "!a b@x.org |ok|x.org" },
	{ "<a@x.org, ok@x.org", "!<a@x.org |ok|x.org" },
	{ "a@b@c, ok@x.org", "!a@b@c |ok|x.org" },
	{ "a@, ok@x.org", "!a@ |ok|x.org" },
	{ "<>", "||" },
	{ "(x\\", "" },
	{ "\"\\", "|\\|" },
	{ "", "" },
};

static void
add_mailbox(struct buf *b, const struct mailbox *m)
{
	if (b->n > 0)
		buf_addc(b, ' ');
	if (m->kind == MAILBOX_GROUP_END)
		buf_addc(b, '}');
	else if (m->kind == MAILBOX_GROUP || m->broken)
		buf_addf(b, "%c%.*s", m->broken ? '!' : '{', STR_ARG(m->name));
	else
		buf_addf(b, "%.*s|%.*s|%.*s", STR_ARG(m->name), STR_ARG(m->address.local),
		    STR_ARG(m->address.domain));
}

START_TEST(list)
{
	struct pool *p = pool_new();
	struct vec v = vec_of(sizeof(struct mailbox));
	struct buf got = { .p = NULL };

	ck_assert(mailbox_list(str_of(lists[_i].text), p, &v));
	for (size_t i = 0; i < v.n; i++)
		add_mailbox(&got, vec_at(&v, i));
	ck_str_is(buf_str(&got), lists[_i].want);
	buf_free(&got);
	vec_free(&v);
	pool_free(p);
}
END_TEST

static const struct complete {
	const char *field, *want;	/* NULL: nothing to complete */
} completes[] = {
	{ " root", " root@o.org" },
	{ " root (Cron Daemon)", " root@o.org (Cron Daemon)" },
	{ " A B <root >, x@y.org,\r\n \"c d\"", " A B <root@o.org >, x@y.org,\r\n \"c d\"@o.org" },
	{ " g: a, b@x.org;, c", " g: a@o.org, b@x.org;, c@o.org" },
	{ " a@x.org", NULL },
	{ " <>", NULL },
	{ " Mary Smith", NULL },
	{ "", NULL },
};

START_TEST(complete)
{
	struct pool *p = pool_new();
	struct buf b = { .p = NULL };
	bool some = mailbox_complete(&b, str_of(completes[_i].field), STR("o.org"), p);

	ck_assert_int_eq(some, completes[_i].want != NULL);
	ck_str_is(buf_str(&b), some ? completes[_i].want : "");
	buf_free(&b);
	pool_free(p);
}
END_TEST

/* security A6: thousands of brackets of each kind end soon and harm nothing. */
START_TEST(crackaddr)
{
	static const char marks[] = "(<\"[:;,\\@\xff.";
	char *text = malloc(20000);
	struct pool *p = pool_new();

	for (size_t k = 0; k < sizeof(marks) - 1; k++) {
		struct vec v = vec_of(sizeof(struct mailbox));

		memset(text, marks[k], 20000);
		(void)mailbox_list(str_n(text, 20000), p, &v);
		ck_assert_uint_le(v.n, HEADER_LIST_MAX + 1);
		vec_free(&v);
		pool_reset(p);
	}
	for (size_t i = 0; i < 20000; i++)
		text[i] = "<(\""[i % 3];
	for (size_t n = 0; n < 400; n++) {
		struct vec v = vec_of(sizeof(struct mailbox));

		(void)mailbox_list(str_n(text, n), p, &v);
		vec_free(&v);
	}
	pool_free(p);
	free(text);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("mail/address");
	TCase *t = tcase_create("address");

	unit_add_rows(t, path, paths);
	tcase_add_test(t, nul);
	tcase_add_test(t, small);
	unit_add_rows(t, list, lists);
	unit_add_rows(t, complete, completes);
	tcase_add_test(t, crackaddr);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
