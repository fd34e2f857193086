/* SPDX-License-Identifier: ISC */
/* Tables: types, sources, order of lookups, building. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "table/build.h"
#include "table/lookup.h"
#include "table/source.h"
#include "unit/unit.h"

static char dir[64];

static void
setup(void)
{
	unit_folder(dir, sizeof(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void
teardown(void)
{
	char cmd[100];

	/* Only files made here, by name. */
	const char *names[] = { "map", "map.db", "al", "DB_CONFIG", "more" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(cmd, sizeof(cmd), "%s/%s", dir, names[i]);
		(void)unlink(cmd);
	}
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
put_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static struct str
spec(const char *type, const char *name)
{
	static char text[200];

	snprintf(text, sizeof(text), "%s:%s/%s", type, dir, name);
	return str_of(text);
}

static const struct simple {
	const char *spec, *key;
	enum table_result r;
	const char *value;
} simples[] = {
	{ "inline:{a=1, { b = two words }, C=3}", "a", TABLE_FOUND, "1" },
	{ "inline:{a=1, { b = two words }, C=3}", "b", TABLE_FOUND, "two words" },
	{ "inline:{a=1, { b = two words }, C=3}", "c", TABLE_FOUND, "3" },
	{ "inline:{a=1}", "A", TABLE_FOUND, "1" },
	{ "inline:{a=1}", "aa", TABLE_ABSENT, "" },
	{ "inline:{a}", "a", TABLE_LATER, "" },
	{ "inline:a", "a", TABLE_LATER, "" },
	{ "static:5000", "anything", TABLE_FOUND, "5000" },
	{ "static:{a b}", "x", TABLE_FOUND, "a b" },
	{ "nosuch:x", "x", TABLE_LATER, "" },
	{ "texthash:/nonexistent/x", "x", TABLE_LATER, "" },
	{ "hash:/nonexistent/x", "x", TABLE_LATER, "" },
	{ "proxy:unix:passwd.byname", "no such user", TABLE_ABSENT, "" },
	{ "unix:nosuch", "x", TABLE_LATER, "" },
};

START_TEST(simple)
{
	const struct simple *s = &simples[_i];
	struct table *t = table_open(str_of(s->spec), NULL, 0);
	struct buf value = { 0 }, why = { 0 };

	ck_assert_int_eq(table_get(t, str_of(s->key), &value, &why), s->r);
	ck_str_is(buf_str(&value), s->value);
	ck_assert_int_eq(why.n > 0, s->r == TABLE_LATER);
	table_close(t);
	buf_free(&value);
	buf_free(&why);
}
END_TEST

START_TEST(text_file)
{
	struct table *t;
	struct buf value = { 0 };

	put_file("map", "# c\nKey  a value\n\tcontinued\nkey second\nempty\n");
	t = table_open(spec("texthash", "map"), NULL, 0);
	ck_assert_int_eq(table_get(t, STR("KEY"), &value, NULL), TABLE_FOUND);
	ck_str_is(buf_str(&value), "a value\tcontinued");
	ck_assert_int_eq(table_get(t, STR("empty"), NULL, NULL), TABLE_ABSENT);
	put_file("map", "other 1\n");
	ck_assert_int_eq(table_get(t, STR("key"), NULL, NULL), TABLE_ABSENT);
	ck_assert_int_eq(table_get(t, STR("other"), NULL, NULL), TABLE_FOUND);
	(void)unlink("map");
	ck_assert_int_eq(table_get(t, STR("other"), NULL, NULL), TABLE_LATER);
	put_file("map", "again 1\n");
	ck_assert_int_eq(table_get(t, STR("again"), NULL, NULL), TABLE_FOUND);
	table_close(t);
	put_file("al", "Root: alice, bob\n\"a b\":x\n");
	t = table_open(spec("texthash", "al"), NULL, TABLE_ALIASES);
	buf_reset(&value);
	ck_assert_int_eq(table_get(t, STR("root"), &value, NULL), TABLE_FOUND);
	ck_str_is(buf_str(&value), "alice, bob");
	ck_assert_int_eq(table_get(t, STR("a b"), NULL, NULL), TABLE_FOUND);
	table_close(t);
	buf_free(&value);
}
END_TEST

struct tally {
	unsigned pairs, warnings;
};

static void
on_pair(void *arg, struct str key, struct str value, unsigned line)
{
	ck_assert(key.n > 0 && value.n > 0 && line > 0);
	((struct tally *)arg)->pairs++;
}

static void
on_warn(void *arg, unsigned line, const char *why)
{
	ck_assert(line > 0 && why[0] != '\0');
	((struct tally *)arg)->warnings++;
}

static const struct source {
	enum source_kind kind;
	const char *text;
	unsigned pairs, warnings;
} sources[] = {
	{ SOURCE_MAP, "a b\nc d\n", 2, 0 },
	{ SOURCE_MAP, "a\n", 0, 1 },
	{ SOURCE_MAP, "a: b\n", 1, 1 },
	{ SOURCE_MAP, " a b\n", 1, 1 },
	{ SOURCE_MAP, "\"a b\"@c d\n", 1, 0 },
	{ SOURCE_ALIASES, "a: b\nc : d\n", 2, 0 },
	{ SOURCE_ALIASES, "a:b, c,\n  d\n", 1, 0 },
	{ SOURCE_ALIASES, "a b\n", 0, 1 },
	{ SOURCE_ALIASES, "a:\n", 0, 1 },
	{ SOURCE_ALIASES, "\"x:y\": |\"/bin/cat z\"\n", 1, 0 },
};

START_TEST(source)
{
	struct tally n = { 0, 0 };
	struct source_reader r = { sources[_i].kind, true, &n, on_pair, on_warn };

	source_read(str_of(sources[_i].text), &r);
	ck_assert_uint_eq(n.pairs, sources[_i].pairs);
	ck_assert_uint_eq(n.warnings, sources[_i].warnings);
}
END_TEST

static const struct order {
	const char *table, *local, *domain;
	unsigned keys;
	enum table_result r;
	const char *value, *ext;
} orders[] = {
	{ "u+x@d=1,u@d=2", "u+x", "d", LOOKUP_FULL, TABLE_FOUND, "1", "" },
	{ "u@d=2", "u+x", "d", LOOKUP_FULL, TABLE_FOUND, "2", "+x" },
	{ "u=2", "u+x", "d", LOOKUP_FULL, TABLE_ABSENT, "", "" },
	{ "u=2", "u+x", "d", LOOKUP_FULL | LOOKUP_LOCAL, TABLE_FOUND, "2", "+x" },
	{ "@d=3", "u+x", "d", LOOKUP_FULL | LOOKUP_LOCAL | LOOKUP_AT, TABLE_FOUND, "3", "+x" },
	{ "u@d=1,@d=3", "U", "D", LOOKUP_FULL | LOOKUP_AT, TABLE_FOUND, "1", "" },
	{ "a.b=1,.b=2,*=3", "u", "a.b", LOOKUP_DOMAIN | LOOKUP_STAR, TABLE_FOUND, "1", "" },
	{ "a.b=1,.b=2,*=3", "u", "x.b", LOOKUP_DOMAIN | LOOKUP_STAR, TABLE_FOUND, "2", "" },
	{ "a.b=1,.b=2,*=3", "u", "x.y.b", LOOKUP_DOMAIN | LOOKUP_STAR, TABLE_FOUND, "2", "" },
	{ "a.b=1,.b=2,*=3", "u", "b", LOOKUP_DOMAIN | LOOKUP_STAR, TABLE_FOUND, "3", "" },
	{ "a.b=1", "u", "b", LOOKUP_DOMAIN | LOOKUP_STAR, TABLE_ABSENT, "", "" },
};

START_TEST(order)
{
	const struct order *o = &orders[_i];
	struct lookup l = { str_of(o->local), str_of(o->domain), STR("+"), true, o->keys };
	struct buf value = { 0 };
	char text[200];
	struct str one = { text, 0 }, ext;
	struct tables t;

	one.n = (size_t)snprintf(text, sizeof(text), "inline:{%s}", o->table);
	t = tables_open((struct strs){ &one, 1 }, NULL, 0);
	ck_assert_int_eq(lookup_address(&t, &l, &value, &ext, NULL), o->r);
	ck_str_is(buf_str(&value), o->value);
	ck_str_is(ext, o->ext);
	tables_close(&t);
	buf_free(&value);
}
END_TEST

static const struct member {
	const char *list, *domain;
	bool parents;
	enum table_result r;
} members[] = {
	{ "a.test", "A.test", false, TABLE_FOUND },
	{ "a.test", "x.a.test", false, TABLE_ABSENT },
	{ "a.test", "x.a.test", true, TABLE_FOUND },
	{ "a.test", "xa.test", true, TABLE_ABSENT },
	{ ".a.test", "x.a.test", false, TABLE_FOUND },
	{ ".a.test", "a.test", false, TABLE_ABSENT },
	{ "!b.test a.test b.test", "b.test", false, TABLE_ABSENT },
	{ "inline:{b.test=x}", "b.test", false, TABLE_FOUND },
	{ "!inline:{b.test=x} b.test", "b.test", false, TABLE_ABSENT },
	{ "texthash:/nonexistent/x", "b.test", false, TABLE_LATER },
	{ "a.test texthash:/nonexistent/x", "a.test", false, TABLE_FOUND },
};

START_TEST(domain_list)
{
	struct str rest = str_of(members[_i].list), v[8];
	struct strs list = { v, 0 };
	struct domains *d;

	while (str_cut(&rest, ' ', &v[list.n]))
		list.n++;
	d = domains_open(list, members[_i].parents, NULL);
	ck_assert_int_eq(domains_match(d, str_of(members[_i].domain), NULL), members[_i].r);
	domains_close(d);
}
END_TEST

#ifdef WITH_DB
static void
build(const char *type, const char *key, const char *value, bool merge)
{
	struct buf why = { 0 };
	struct build *b = build_begin(spec(type, "map"), NULL, merge, &why);

	ck_assert_msg(b != NULL, "%s", buf_z(&why));
	ck_assert_int_eq(build_put(b, str_of(key), str_of(value), false), BUILD_NEW);
	ck_assert_int_eq(build_put(b, str_of(key), STR("x"), false), BUILD_DUPLICATE);
	ck_assert_msg(build_commit(b, &why), "%s", buf_z(&why));
	buf_free(&why);
}

START_TEST(database)
{
	const char *type = _i == 0 ? "hash" : "btree";
	struct table *t = table_open(spec(type, "map"), NULL, 0);
	struct buf value = { 0 };
	struct stat st;

	/* Security C2: a folder somebody else may have prepared; the library must not read this. */
	put_file("DB_CONFIG", "set_lg_dir /nonexistent\nno such line\n");
	put_file("map", "");
	ck_assert_int_eq(chmod("map", 0640), 0);
	build(type, "a", "1", false);
	ck_assert_int_eq(table_get(t, STR("A"), &value, NULL), TABLE_FOUND);
	ck_str_is(buf_str(&value), "1");
	build(type, "b", "2", true);
	ck_assert_int_eq(table_get(t, STR("a"), NULL, NULL), TABLE_FOUND);
	ck_assert_int_eq(table_get(t, STR("b"), NULL, NULL), TABLE_FOUND);
	build(type, "c", "3", false);
	ck_assert_int_eq(table_get(t, STR("a"), NULL, NULL), TABLE_ABSENT);
	ck_assert_int_eq(stat("map.db", &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	table_close(t);
	put_file("map.db", "this is no database");
	t = table_open(spec(type, "map"), NULL, 0);
	ck_assert_int_eq(table_get(t, STR("a"), NULL, NULL), TABLE_LATER);
	table_close(t);
	buf_free(&value);
}
END_TEST
#endif

static Suite *
suite(void)
{
	Suite *s = suite_create("table/table");
	TCase *t = tcase_create("table");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, simple, 0, sizeof(simples) / sizeof(simples[0]));
	tcase_add_test(t, text_file);
	tcase_add_loop_test(t, source, 0, sizeof(sources) / sizeof(sources[0]));
	tcase_add_loop_test(t, order, 0, sizeof(orders) / sizeof(orders[0]));
	tcase_add_loop_test(t, domain_list, 0, sizeof(members) / sizeof(members[0]));
#ifdef WITH_DB
	tcase_add_loop_test(t, database, 0, 2);
#endif
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
