/* SPDX-License-Identifier: ISC */
/* router: classes, expansion, transports, the verdict at RCPT. */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "router/router.h"
#include "unit/unit.h"

/* A small site; `nobody` stands for a system user, whatever the machine has. */
static const char site[] =
    "myhostname = mx.example.test\n"
    "myorigin = example.test\n"
    "mydestination = example.test, localhost\n"
    "recipient_delimiter = +\n"
    "inet_interfaces = 192.0.2.9, [2001:db8::9], loopback-only\n"
    "proxy_interfaces = 198.51.100.7\n"
    "first_valid_uid = 1\n"
    "alias_maps = inline:{ { root = nobody }, { postmaster = root },\n"
    "  { list = nobody, a@far.test, b@far.test, A@Far.test, Nobody }, { owner-list = root },\n"
    "  { self = nobody, self }, { nobody-else = nobody }, { x = y }, { y = x },\n"
    "  { pipe = \"|/bin/cat -u\" }, { file = /var/log/x }, { back = \\nobody },\n"
    "  { inc = :include:/nonexistent/list }, { empty = :include:/dev/null }, { out = someone@far.test. }, { casey = NoBody } }\n"
    "virtual_alias_maps = inline:{ { info@alias.test = nobody }, { two@alias.test = a@b.test, c@d.test },\n"
    "  { @catch.test = nobody }, { @moved.test = @far.test }, { ring1@alias.test = ring2@alias.test },\n"
    "  { ring2@alias.test = ring1@alias.test }, { abuse = a@far.test }, { ext@alias.test = e@far.test } }\n"
    "virtual_alias_domains = alias.test catch.test moved.test\n"
    "virtual_mailbox_domains = box.test\n"
    "virtual_mailbox_maps = inline:{ alice@box.test=alice/, bob@box.test=bob/, evil@box.test=../x/,\n"
    "  mbox@box.test=m }\n"
    "virtual_uid_maps = static:5000\n"
    "virtual_gid_maps = static:5001\n"
    "relay_domains = relay.test\n"
    "relay_recipient_maps = inline:{ known@relay.test=x }\n"
    "transport_maps = inline:{ { bad.test = error:5.1.2 no such place }, { drop.test = discard: },\n"
    "  { wait.test = hold: }, { via.test = smtp:[10.0.0.1]:2525 }, { .via.test = relay: },\n"
    "  { soft.test = error:450 4.2.1 come back },\n"
    "  { late.test = retry:4.7.1 not today }, { later.test = retry:not today }, { user@pick.test = :other.test } }\n";

static struct pool *pool;
static struct conf *conf;

static void
start(const char *text)
{
	conf = conf_of_text("/nonexistent", str_of(text), NULL);
	ck_assert(conf_common(conf));
	ck_assert(conf_load(conf, router_params));
	router_open();
	pool = pool_new();
}

static void
setup(void)
{
	start(site);
}

static void
teardown(void)
{
	router_close();
	conf_free(conf);
	pool_free(pool);
}

static struct route
ask(const char *addr, bool expanded)
{
	struct resolve_rcpt one = { 7, str_of(addr), expanded };
	struct resolve q = { STR("s@far.test"), { &one, 1 } };
	struct resolved a;

	answer_resolve(&q, &a, pool);
	ck_assert_uint_eq(a.routes.n, 1);
	ck_assert_uint_eq(((struct route *)a.routes.v)->num, 7);
	return *(struct route *)a.routes.v;
}

static const struct expands {
	const char *addr;
	const char *to;		/* joined with blanks; NULL: not expanded */
	const char *owner;	/* NULL: none */
} expands[] = {
	{ "root@example.test", "nobody@example.test", NULL },
	{ "root", "nobody@example.test", NULL },
	{ "postmaster@localhost", "nobody@example.test", NULL },
	{ "postmaster@box.test", "nobody@example.test", NULL },
	{ "list@example.test", "nobody@example.test a@far.test b@far.test",
	  "owner-list@example.test" },
	{ "list+more@example.test", "nobody@example.test a@far.test b@far.test",
	  "owner-list@example.test" },
	{ "LIST@Example.TEST", "nobody@example.test a@far.test b@far.test",
	  "owner-list@example.test" },
	{ "self@example.test", "nobody@example.test self@example.test", NULL },
	{ "pipe@example.test", "|/bin/cat -u", NULL },
	{ "file@example.test", "/var/log/x", NULL },
	{ "back@example.test", "nobody@example.test", NULL },
	{ "out@example.test", "someone@far.test", NULL },
	{ "info@alias.test", "nobody@example.test", NULL },
	{ "two@alias.test", "a@b.test c@d.test", NULL },
	{ "any@catch.test", "nobody@example.test", NULL },
	{ "any@moved.test", "any@far.test", NULL },
	{ "ext+1@alias.test", "e+1@far.test", NULL },
	{ "abuse@example.test", "a@far.test", NULL },
	{ "abuse@far.test", NULL, NULL },
	{ "nobody@example.test", NULL, NULL },
	{ "alice@box.test", NULL, NULL },
};

START_TEST(expansion)
{
	const struct expands *e = &expands[_i];
	struct route r = ask(e->addr, false);
	struct buf to = { 0 };

	if (e->to == NULL) {
		ck_assert_int_ne(r.action, ROUTE_EXPAND);
		return;
	}
	ck_assert_msg(r.action == ROUTE_EXPAND, "%s: action %d: %.*s", e->addr, (int)r.action,
	    STR_ARG(r.text));
	for (size_t i = 0; i < r.to.n; i++)
		buf_addf(&to, "%s%.*s", i > 0 ? " " : "", STR_ARG(r.to.v[i]));
	ck_str_is(buf_str(&to), e->to);
	ck_assert_int_eq(r.has_owner, e->owner != NULL);
	ck_str_is(r.owner, e->owner == NULL ? "" : e->owner);
	buf_free(&to);
}
END_TEST

static const struct routes {
	const char *addr;
	bool expanded;
	enum route_action action;
	enum route_class class;
	const char *transport, *nexthop, *detail;	/* mailbox or text */
} routes[] = {
	{ "nobody@example.test", false, ROUTE_DELIVER, CLASS_LOCAL, "local", "example.test", "nobody" },
	{ "nobody+x@example.test", true, ROUTE_DELIVER, CLASS_LOCAL, "local", "example.test", "nobody" },
	{ "NOBODY@example.test", true, ROUTE_DELIVER, CLASS_LOCAL, "local", "example.test", "nobody" },
	{ "no.such.user@example.test", false, ROUTE_FAIL, CLASS_LOCAL, "local", "example.test",
	  "unknown user: \"no.such.user\"" },
	{ "self@example.test", true, ROUTE_FAIL, CLASS_LOCAL, "local", "example.test",
	  "unknown user: \"self\"" },
	{ "x@example.test", false, ROUTE_FAIL, CLASS_LOCAL, "local", "example.test",
	  "alias loop: x leads back to itself" },
	{ "ring1@alias.test", false, ROUTE_FAIL, CLASS_ALIAS, "", "",
	  "alias loop: ring1 leads back to itself" },
	{ "root@example.test", true, ROUTE_DELIVER, CLASS_MAILBOX, "virtual", "box.test", "alice/" },
	{ "|/bin/cat -u", true, ROUTE_LATER, CLASS_LOCAL, "", "",
	  "delivery to a command is not there yet: |/bin/cat -u" },
	{ "/var/log/x", true, ROUTE_LATER, CLASS_LOCAL, "", "",
	  "delivery to a file is not there yet: /var/log/x" },
	{ "/var/log/x", false, ROUTE_FAIL, CLASS_LOCAL, "local", "example.test",
	  "unknown user: \"/var/log/x\"" },
	{ "inc@example.test", false, ROUTE_LATER, CLASS_LOCAL, "", "",
	  "No such file or directory: :include:/nonexistent/list" },
	{ "empty@example.test", false, ROUTE_FAIL, CLASS_LOCAL, "local", "example.test",
	  "the list empty has no members" },
	{ "nobody@[192.0.2.9]", false, ROUTE_DELIVER, CLASS_LOCAL, "local", "[192.0.2.9]", "nobody" },
	{ "nobody@[IPv6:2001:db8::9]", false, ROUTE_DELIVER, CLASS_LOCAL, "local",
	  "[IPv6:2001:db8::9]", "nobody" },
	{ "nobody@[198.51.100.7]", false, ROUTE_DELIVER, CLASS_LOCAL, "local", "[198.51.100.7]",
	  "nobody" },
	{ "nobody@[192.0.2.10]", false, ROUTE_DELIVER, CLASS_DEFAULT, "smtp", "[192.0.2.10]", "" },
	{ "alice@box.test", false, ROUTE_DELIVER, CLASS_MAILBOX, "virtual", "box.test", "alice/" },
	{ "Alice+x@BOX.test", false, ROUTE_DELIVER, CLASS_MAILBOX, "virtual", "box.test", "alice/" },
	{ "carol@box.test", false, ROUTE_FAIL, CLASS_MAILBOX, "virtual", "box.test",
	  "unknown user: \"carol@box.test\"" },
	{ "evil@box.test", false, ROUTE_LATER, CLASS_MAILBOX, "virtual", "box.test",
	  "mailbox ../x/ is not below virtual_mailbox_base" },
	{ "mbox@box.test", false, ROUTE_LATER, CLASS_MAILBOX, "virtual", "box.test",
	  "mailbox m: only Maildir (with / at the end) is there yet" },
	{ "u@relay.test", false, ROUTE_DELIVER, CLASS_RELAY, "relay", "relay.test", "" },
	{ "u@sub.relay.test", false, ROUTE_DELIVER, CLASS_RELAY, "relay", "sub.relay.test", "" },
	{ "u@far.test", false, ROUTE_DELIVER, CLASS_DEFAULT, "smtp", "far.test", "" },
	{ "u@bad.test", false, ROUTE_FAIL, CLASS_DEFAULT, "error", NULL, "no such place" },
	{ "u@soft.test", false, ROUTE_LATER, CLASS_DEFAULT, "error", NULL, "come back" },
	{ "u@late.test", false, ROUTE_LATER, CLASS_DEFAULT, "retry", NULL, "not today" },
	{ "u@later.test", false, ROUTE_LATER, CLASS_DEFAULT, "retry", NULL, "not today" },
	{ "u@drop.test", false, ROUTE_DISCARD, CLASS_DEFAULT, "discard", NULL, NULL },
	{ "u@wait.test", false, ROUTE_HOLD, CLASS_DEFAULT, "hold", NULL, NULL },
	{ "u@via.test", false, ROUTE_DELIVER, CLASS_DEFAULT, "smtp", "[10.0.0.1]:2525", "" },
	{ "u@x.via.test", false, ROUTE_DELIVER, CLASS_DEFAULT, "relay", "x.via.test", "" },
	{ "user@pick.test", false, ROUTE_DELIVER, CLASS_DEFAULT, "smtp", "other.test", "" },
	{ "else@pick.test", false, ROUTE_DELIVER, CLASS_DEFAULT, "smtp", "pick.test", "" },
	{ "double-bounce@example.test", false, ROUTE_DISCARD, CLASS_LOCAL, "", "", NULL },
	{ "a@b@c d", false, ROUTE_FAIL, CLASS_LOCAL, "", "", "bad address syntax" },
};

START_TEST(resolve)
{
	const struct routes *e = &routes[_i];
	struct route r = ask(e->addr, e->expanded);

	ck_assert_msg(r.action == e->action, "%s: action %d, want %d: %.*s", e->addr, (int)r.action,
	    (int)e->action, STR_ARG(r.text));
	ck_assert_uint_eq(r.class, e->class);
	ck_str_is(r.transport, e->transport);
	if (e->nexthop != NULL)
		ck_str_is(r.nexthop, e->nexthop);
	if (e->detail != NULL && e->action == ROUTE_DELIVER)
		ck_str_is(r.mailbox, e->detail);
	else if (e->detail != NULL)
		ck_str_is(r.text, e->detail);
	if (r.virtual_box) {
		ck_assert_uint_eq(r.uid, 5000);
		ck_assert_uint_eq(r.gid, 5001);
	}
}
END_TEST

static const struct checks {
	const char *addr;
	bool trusted;
	enum check_status status;
	unsigned code;
	const char *dsn, *text;
} checks[] = {
	{ "nobody@example.test", false, CHECK_OK, 0, "", "" },
	{ "list@example.test", false, CHECK_OK, 0, "", "" },
	{ "postmaster", false, CHECK_OK, 0, "", "" },
	{ "postmaster@box.test", false, CHECK_OK, 0, "", "" },
	{ "alice@box.test", false, CHECK_OK, 0, "", "" },
	{ "known@relay.test", false, CHECK_OK, 0, "", "" },
	{ "u@far.test", true, CHECK_OK, 0, "", "" },
	{ "u@far.test", false, CHECK_REFUSED, 554, "5.7.1", "<u@far.test>: Relay access denied" },
	{ "no.one@example.test", false, CHECK_REFUSED, 550, "5.1.1", "<no.one@example.test>: "
	  "Recipient address rejected: User unknown in local recipient table" },
	{ "no.one@example.test", true, CHECK_REFUSED, 550, "5.1.1", "<no.one@example.test>: "
	  "Recipient address rejected: User unknown in local recipient table" },
	{ "carol@box.test", false, CHECK_REFUSED, 550, "5.1.1", "<carol@box.test>: "
	  "Recipient address rejected: User unknown in virtual mailbox table" },
	{ "nope@alias.test", false, CHECK_REFUSED, 550, "5.1.1", "<nope@alias.test>: "
	  "Recipient address rejected: User unknown in virtual alias table" },
	{ "other@relay.test", false, CHECK_REFUSED, 550, "5.1.1", "<other@relay.test>: "
	  "Recipient address rejected: User unknown in relay recipient table" },
	{ "x@example.test", false, CHECK_REFUSED, 550, "5.4.6", NULL },
	{ "bad address", false, CHECK_REFUSED, 501, "5.1.3", NULL },
	{ "inc@example.test", false, CHECK_LATER, 451, "4.3.0",
	  "<inc@example.test>: Temporary lookup failure" },
};

START_TEST(check)
{
	const struct checks *e = &checks[_i];
	struct check q = { CHECK_RCPT, str_of(e->addr), e->trusted };
	struct checked a;

	answer_check(&q, &a, pool);
	ck_assert_msg(a.status == e->status, "%s: status %d: %.*s", e->addr, (int)a.status,
	    STR_ARG(a.text));
	ck_assert_uint_eq(a.code, e->code);
	ck_str_is(a.dsn, e->dsn);
	if (e->text != NULL)
		ck_str_is(a.text, e->text);
}
END_TEST

START_TEST(completion)
{
	struct str in[] = { STR("root"), STR("a@B.Test"), STR(""), STR("not an address"),
		STR("\"a b\"") };
	struct complete q = { { in, 5 } };
	struct completed a;

	answer_complete(&q, &a, pool);
	ck_str_is(a.addrs.v[0], "root@example.test");
	ck_str_is(a.addrs.v[1], "a@b.test");
	ck_str_is(a.addrs.v[2], "");
	ck_str_is(a.addrs.v[3], "not an address");
	ck_str_is(a.addrs.v[4], "\"a b\"@example.test");
}
END_TEST

START_TEST(broken_table)
{
	struct check q = { CHECK_RCPT, STR("a@b.test"), true };
	struct checked a;
	struct route r;

	teardown();
	start("mydestination = example.test\nvirtual_alias_maps = texthash:/nonexistent/v\n"
	    "virtual_alias_domains =\nalias_maps =\n");
	r = ask("a@b.test", false);
	ck_assert_int_eq(r.action, ROUTE_LATER);
	ck_str_is(r.text, "texthash:/nonexistent/v is unavailable: cannot open /nonexistent/v: "
	    "No such file or directory");
	answer_check(&q, &a, pool);
	ck_assert_int_eq(a.status, CHECK_LATER);
}
END_TEST

START_TEST(relayhost)
{
	struct route r;

	teardown();
	start("relayhost = [smart.test]:587\nalias_maps =\nmydestination =\n"
	    "virtual_mailbox_domains = v.test\nvirtual_mailbox_maps = inline:{a@v.test=a/}\n");
	r = ask("a@b.test", false);
	ck_str_is(r.nexthop, "[smart.test]:587");
	r = ask("x@v.test", false);
	ck_assert_int_eq(r.action, ROUTE_FAIL);
	ck_str_is(r.dsn, "5.1.1");
	r = ask("a@v.test", false);
	ck_assert_int_eq(r.action, ROUTE_LATER);
	ck_str_is(r.text,
	    "mail system configuration error: virtual_uid_maps has no number for a@v.test");
}
END_TEST

START_TEST(root_without_alias)
{
	struct route r;

	teardown();
	start("mydestination =\nalias_maps =\nmyorigin = v.test\nfirst_valid_uid = 1\n"
	    "virtual_mailbox_domains = v.test w.test\nvirtual_uid_maps = static:9\n"
	    "virtual_gid_maps = static:9\n"
	    "virtual_mailbox_maps = inline:{bob@v.test=bob/,carl@w.test=carl/}\n");
	r = ask("root", false);
	ck_assert_int_eq(r.action, ROUTE_DELIVER);
	ck_str_is(r.mailbox, "bob/");
	r = ask("root@w.test", false);
	ck_assert_int_eq(r.action, ROUTE_FAIL);
	/* An alias says who, unless there is a mailbox of that name. */
	teardown();
	start("mydestination =\nalias_maps = inline:{postmaster=root,root=carl@w.test,bob=no@w.test}\n"
	    "myorigin = v.test\nfirst_valid_uid = 1\n"
	    "virtual_mailbox_domains = v.test w.test\nvirtual_uid_maps = static:9\n"
	    "virtual_gid_maps = static:9\n"
	    "virtual_mailbox_maps = inline:{bob@v.test=bob/,carl@w.test=carl/,postmaster@w.test=pm/}\n");
	r = ask("root", false);
	ck_assert_int_eq(r.action, ROUTE_EXPAND);
	ck_str_is(r.to.v[0], "carl@w.test");
	r = ask("postmaster@v.test", false);
	ck_assert_int_eq(r.action, ROUTE_EXPAND);
	ck_str_is(r.to.v[0], "carl@w.test");
	r = ask("postmaster@w.test", false);
	ck_assert_int_eq(r.action, ROUTE_DELIVER);
	ck_str_is(r.mailbox, "pm/");
	r = ask("bob@v.test", false);
	ck_assert_int_eq(r.action, ROUTE_DELIVER);
	/* One that names nobody in the end is as none; where no one has a mailbox, another domain's gets it. */
	teardown();
	start("mydestination =\nalias_maps = inline:{postmaster=root}\n"
	    "myorigin = v.test\nfirst_valid_uid = 1\n"
	    "virtual_mailbox_domains = v.test w.test\nvirtual_uid_maps = static:9\n"
	    "virtual_gid_maps = static:9\nvirtual_mailbox_maps = inline:{carl@w.test=carl/}\n");
	r = ask("postmaster@w.test", false);
	ck_assert_int_eq(r.action, ROUTE_DELIVER);
	ck_str_is(r.mailbox, "carl/");
	r = ask("postmaster@v.test", false);
	ck_assert_int_eq(r.action, ROUTE_DELIVER);
	ck_str_is(r.mailbox, "carl/");
	/* Nobody has a mailbox: it waits for one. */
	teardown();
	start("mydestination = here.test\nalias_maps =\nmyorigin = here.test\n");
	r = ask("root@here.test", false);
	ck_assert_int_eq(r.action, ROUTE_LATER);
	ck_str_is(r.text, "nobody reads mail for root: add an alias \"root: you\" to the alias file");
}
END_TEST

/* An :include: file that everyone can write is not believed (security L2). */
static const struct open_lists {
	mode_t folder, file;
	const char *fault;	/* NULL: believed */
} open_lists[] = {
	{ 0755, 0644, NULL },
	{ 0755, 0664, NULL },
	{ 0755, 0646, "file is writable by everyone" },
	{ 0777, 0644, "its folder is writable by everyone" },
	{ 01777, 0644, NULL },
	{ 01777, 0666, "file is writable by everyone" },
};

START_TEST(include_of_everyone)
{
	const struct open_lists *e = &open_lists[_i];
	struct buf text = { 0 }, want = { 0 };
	char dir[64], list[80];
	struct route r;
	FILE *f;

	unit_folder(dir, sizeof(dir));
	(void)snprintf(list, sizeof(list), "%s/list", dir);
	ck_assert_ptr_nonnull(f = fopen(list, "w"));
	(void)fputs("a@far.test\n", f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(list, e->file), 0);
	ck_assert_int_eq(chmod(dir, e->folder), 0);
	teardown();
	buf_addf(&text, "mydestination = l.test\nalias_maps = inline:{ { list = :include:%s } }\n", list);
	start(buf_z(&text));
	r = ask("list@l.test", false);
	if (e->fault == NULL) {
		ck_assert_int_eq(r.action, ROUTE_EXPAND);
		ck_assert_uint_eq(r.to.n, 1);
		ck_str_is(r.to.v[0], "a@far.test");
	} else {
		buf_addf(&want, "%s: :include:%s", e->fault, list);
		ck_assert_int_eq(r.action, ROUTE_LATER);
		ck_str_is(r.text, buf_z(&want));
	}
	unit_remove(dir);
	buf_free(&text);
	buf_free(&want);
}
END_TEST

static const struct items {
	const char *text;
	const char *want;	/* kind as a letter, text; joined with | */
} items[] = {
	{ "a, b@c ,,d", "Aa|Ab@c|Ad" },
	{ "\"|cmd a, b\"", "Ccmd a, b" },
	{ "|\"cmd a, b\"", "Ccmd a, b" },
	{ "/a/b, :include:/c/d", "F/a/b|I/c/d" },
	{ "\":include:/c d\"", "I/c d" },
	{ "\\a", "Xa" },
	{ "Some One <a@b>, c (note, more)", "Aa@b|Ac" },
	{ "\"a b\"@c.d", "A\"a b\"@c.d" },
	{ "/o=x/@y.z", "A/o=x/@y.z" },
	{ "\"unclosed, x", "A\"unclosed, x" },
	{ "", "" },
	{ " , ", "" },
};

START_TEST(alias_items)
{
	struct str text = str_of(items[_i].text);
	struct alias_item item;
	struct buf out = { 0 };

	while (alias_next(&text, pool, &item))
		buf_addf(&out, "%s%c%.*s", out.n > 0 ? "|" : "", "AXCFI"[item.kind],
		    STR_ARG(item.text));
	ck_str_is(buf_str(&out), items[_i].want);
	buf_free(&out);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("router");
	TCase *t = tcase_create("router");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, alias_items, 0, sizeof(items) / sizeof(items[0]));
	tcase_add_loop_test(t, expansion, 0, sizeof(expands) / sizeof(expands[0]));
	tcase_add_loop_test(t, resolve, 0, sizeof(routes) / sizeof(routes[0]));
	tcase_add_loop_test(t, check, 0, sizeof(checks) / sizeof(checks[0]));
	tcase_add_test(t, completion);
	tcase_add_test(t, broken_table);
	tcase_add_test(t, relayhost);
	tcase_add_test(t, root_without_alias);
	unit_add_rows(t, include_of_everyone, open_lists);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
