/* SPDX-License-Identifier: ISC */
/* main.cf: lines, names, types, findings. */
#include <stdio.h>

#include "conf/common.h"
#include "conf/conf.h"
#include "unit/unit.h"

static const struct value {
	const char *text;	/* main.cf */
	const char *want;	/* of the name `x` */
} values[] = {
	{ "x = 1\n", "1" },
	{ "x=1", "1" },
	{ "x =\n", "" },
	{ "# c\n\nx = a\n\tb\n", "a\tb" },
	{ "x = a\n# comment between\n\n b\ny = c\n", "a b" },
	{ "x = a\r\n  b\r\n", "a  b" },
	{ "x = a # not a comment\n", "a # not a comment" },
	{ "x = 1\nx = 2\n", "2" },
	{ "y = 1\nx = $y\n", "1" },
	{ "y = 1\nx = ${y}$(y)\n", "11" },
	{ "y = 1\nx = ${y}2\n", "12" },
	{ "y = 1\nx = $y.2\n", "1.2" },
	{ "x = a$$b\n", "a$b" },
	{ "x = 5 $\n", "5 $" },
	{ "y = 1\nx = ${y?yes}\n", "yes" },
	{ "x = ${y?yes}\n", "" },
	{ "x = ${y:no}\n", "no" },
	{ "y = 1\nx = ${y:no}\n", "" },
	{ "y = 1\nx = ${y?{a b}:{c d}}\n", "a b" },
	{ "y =\nx = ${y?{a b}:{c d}}\n", "c d" },
	{ "y = v\nx = ${y?{a $y}}\n", "a v" },
	{ "y = 2\nx = ${{$y} == {2} ? {two} : {other}}\n", "two" },
	{ "y = 2\nx = ${{$y}!={2}?{two}:{other}}\n", "other" },
	{ "x = ${{$y\n", "" },
	{ "y = 10\nx = ${{$y} < {9} ? {less} : {more}}\n", "more" },
	{ "y = 3.6\nx = ${{$y} <level {2} ? {a} : {b}}\n", "b" },
	{ "x = $x\n", "" },
	{ "x = $y\ny = $z\nz = $x\n", "" },
	{ "x = ${y\n", "" },
	{ "mail_name = M\nx = $mail_name\n", "M" },
};

START_TEST(expand)
{
	struct conf *c = conf_of_text("/nonexistent", str_of(values[_i].text), NULL);

	ck_assert_ptr_nonnull(conf_get(c, "x"));
	ck_assert_str_eq(conf_get(c, "x"), values[_i].want);
	conf_free(c);
}
END_TEST

static struct {
	const char *str;
	bool flag;
	uint64_t number, bytes;
	int64_t time, days;
	struct strs list;
	unsigned word;
} got;

static const struct conf_param rows[] = {
	{ "t_str", CONF_STR, &got.str, "d", NULL, NULL, "" },
	{ "t_bool", CONF_BOOL, &got.flag, "yes", NULL, NULL, "" },
	{ "t_number", CONF_INT, &got.number, "5", "1", "10", "" },
	{ "t_bytes", CONF_BYTES, &got.bytes, "1M", "1k", "2G", "" },
	{ "t_time", CONF_TIME, &got.time, "30s", "1s", "1h", "" },
	{ "t_days", CONF_TIME, &got.days, "5d", NULL, NULL, "" },
	{ "t_list", CONF_LIST, &got.list, "", NULL, NULL, "" },
	{ "t_word", CONF_WORD, &got.word, "may", "none|may|encrypt", NULL, "" },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};

START_TEST(types)
{
	struct conf *c = conf_of_text("/nonexistent", STR("t_bool = No\nt_number = 10\n"
	    "t_bytes = 20k\nt_time = 2m\nt_days = 3\n"
	    "t_list = a, b  inline:{x=1, y=2},{ c d }\nt_word = encrypt\n"), NULL);
	size_t n;

	ck_assert(conf_load(c, rows));
	ck_assert_str_eq(got.str, "d");
	ck_assert(!got.flag);
	ck_assert_uint_eq(got.number, 10);
	ck_assert_uint_eq(got.bytes, 20480);
	ck_assert_int_eq(got.time, 120000);
	ck_assert_int_eq(got.days, (int64_t)3 * 24 * 3600 * 1000);
	ck_assert_uint_eq(got.list.n, 4);
	ck_str_is(got.list.v[1], "b");
	ck_str_is(got.list.v[2], "inline:{x=1, y=2}");
	ck_str_is(got.list.v[3], "{ c d }");
	ck_assert_uint_eq(got.word, 2);
	conf_findings(c, &n);
	ck_assert_uint_eq(n, 0);
	conf_free(c);
}
END_TEST

static const struct bad {
	const char *line;
	const char *want;
} bads[] = {
	{ "t_bool = maybe", "t_bool: \"maybe\" is neither yes nor no" },
	{ "t_number = 11", "t_number: 11 is more than the largest value, 10" },
	{ "t_number = 0", "t_number: 0 is less than the least value, 1" },
	{ "t_number = -1", "t_number: \"-1\" is no number" },
	{ "t_number = 18446744073709551616", "t_number: \"18446744073709551616\" is no number" },
	{ "t_bytes = 9999999999999999999G", "t_bytes: \"9999999999999999999G\" is no size "
	  "(like 10240, 10k, 50M)" },
	{ "t_time = 5x", "t_time: \"5x\" is no time (like 30s, 5m, 1h, 2d)" },
	{ "t_time = 2h", "t_time: 2h is more than the largest value, 1h" },
	{ "t_word = some", "t_word: \"some\" is none of none|may|encrypt" },
	{ "t_str", "no = in \"t_str\"" },
	{ "t str = 1", "\"t str\" is no name of a setting" },
	{ "t_str = ${x", "${ without its }" },
	{ "t_str = $t_str", "$t_str leads back to itself" },
};

START_TEST(refused)
{
	struct conf *c;
	const struct conf_finding *f;
	char text[200];
	size_t n, i;

	snprintf(text, sizeof(text), "mail_name = a\n%s\n", bads[_i].line);
	c = conf_of_text("/nonexistent", str_of(text), NULL);
	conf_load(c, rows);
	ck_assert(conf_broken(c));
	f = conf_findings(c, &n);
	for (i = 0; i < n && strcmp(f[i].text, bads[_i].want) != 0; i++)
		;
	ck_assert_msg(i < n, "want \"%s\", first is \"%s\"", bads[_i].want, f[0].text);
	ck_assert_uint_eq(f[i].line, 2);
	ck_assert_str_eq(f[i].file, "/nonexistent/main.cf");
	ck_assert_uint_eq(got.number, 5);
	ck_assert_int_eq(got.time, 30000);
	conf_free(c);
}
END_TEST

static const struct name {
	const char *text;
	enum conf_grade grade;
	const char *want;	/* NULL: nothing about it */
} names[] = {
	{ "mydestinaton = x", CONF_WARNING, "mydestinaton is not known; is mydestination meant?" },
	{ "completely_new_words = x", CONF_WARNING, "completely_new_words is not known" },
	{ "my_list = x\nmyorigin = $my_list", CONF_WARNING, NULL },
	{ "smtpd_restriction_classes = strict_people\nstrict_people = x", CONF_WARNING, NULL },
	{ "smtp_destination_concurrency_limit = 3", CONF_WARNING, NULL },
	{ "nosuch_destination_recipient_limit = 3", CONF_WARNING,
	  "nosuch_destination_recipient_limit: master.cf has no service nosuch" },
	{ "tlsproxy_service_name = x", CONF_NOTE, "tlsproxy_service_name has no effect: "
	  "programs find each other through master, not by socket name" },
	{ "virtual_maps = x", CONF_WARNING,
	  "virtual_maps is an old name and has no effect: use virtual_alias_maps and virtual_alias_domains" },
	{ "myhostname = a\nmyhostname = b", CONF_WARNING,
	  "myhostname was set before, on line 1; this line wins" },
	{ "myorigin = $mydomian", CONF_WARNING,
	  "$mydomian is not defined; is $mydomain meant?" },
	{ "hopcount_limit = many", CONF_ERROR, "hopcount_limit: \"many\" is no number" },
};

START_TEST(check)
{
	struct conf *c = conf_of_text("/nonexistent", str_of(names[_i].text), NULL);
	const struct conf_finding *f;
	size_t n, i, about = 0;

	conf_check(c);
	f = conf_findings(c, &n);
	for (i = 0; i < n; i++) {
		about += strstr(f[i].text, "is not known") != NULL;
		if (names[_i].want != NULL && strcmp(f[i].text, names[_i].want) == 0) {
			ck_assert_int_eq(f[i].grade, names[_i].grade);
			break;
		}
	}
	if (names[_i].want == NULL)
		ck_assert_uint_eq(about, 0);
	else
		ck_assert_msg(i < n, "want \"%s\", got \"%s\"", names[_i].want,
		    n > 0 ? f[0].text : "nothing");
	conf_free(c);
}
END_TEST

START_TEST(overrides)
{
	struct str pairs[] = { STR("mail_name=Two"), STR("{ syslog_name = a/b }") };
	struct strs over = { pairs, 2 };
	struct conf *c = conf_of_text("/nonexistent", STR("mail_name = One\n"), &over);

	ck_assert_str_eq(conf_get(c, "mail_name"), "Two");
	ck_assert_str_eq(conf_get(c, "syslog_name"), "a/b");
	ck_assert(conf_is_set(c, "syslog_name") && !conf_is_set(c, "myorigin"));
	conf_free(c);
}
END_TEST

START_TEST(shared)
{
	struct conf *c = conf_of_text("/nonexistent",
	    STR("myhostname = mx.example.test\ninet_protocols = ipv4, ipv6\n"), NULL);
	size_t n;

	ck_assert(conf_common(c));
	ck_assert_str_eq(common.mydomain, "example.test");
	ck_assert_str_eq(common.myorigin, "mx.example.test");
	ck_assert_str_eq(common.config_directory, "/nonexistent");
	ck_assert_uint_eq(common.mydestination.n, 3);
	ck_str_is(common.mydestination.v[1], "localhost.example.test");
	ck_assert_uint_eq(common.inet_protocols, 0);
	ck_assert_uint_eq(common.message_size_limit, 50u << 20);
	ck_assert_uint_eq(common_facility(), 2);
	conf_findings(c, &n);
	ck_assert_uint_eq(n, 0);
	conf_free(c);
}
END_TEST

/* A broken name spoils the value and the default: still nothing is left undefined. */
START_TEST(spoiled)
{
	struct conf *c = conf_of_text("/nonexistent", STR("mydomain = $mydomain\n"
	    "myhostname = $mydomain\nmyorigin = $myhostname\nmydestination = $myhostname\n"), NULL);

	common.myorigin = NULL;
	common.mydestination = (struct strs){ NULL, 77 };
	ck_assert(!conf_common(c));
	ck_assert_str_eq(common.myorigin, "");
	ck_assert_uint_eq(common.mydestination.n, 0);
	conf_free(c);
}
END_TEST

/* Every row has a sentence, a default inside its own limits, and stands in order. */
START_TEST(all_rows)
{
	struct conf *c = conf_of_text("/nonexistent", STR(""), NULL);
	const struct conf_param *all;
	size_t n;

	all = conf_all(&n);
	ck_assert_uint_gt(n, 30);
	for (size_t i = 0; i < n; i++) {
		struct conf_param one[2] = { all[i], { NULL, CONF_END } };

		ck_assert_msg(all[i].text != NULL && strlen(all[i].text) > 10, "%s", all[i].name);
		ck_assert_msg(i == 0 || strcmp(all[i - 1].name, all[i].name) < 0, "%s twice",
		    all[i].name);
		ck_assert_msg(conf_load(c, one), "default of %s", all[i].name);
	}
	conf_free(c);
}
END_TEST

static uint64_t most;

static const struct conf_param of_transport[] = {
	{ "_destination_concurrency_limit", CONF_INT, &most, "$default_destination_concurrency_limit",
	  "1", "10000", "" },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};

static const struct {
	const char *text, *transport;
	uint64_t want;
} limits[] = {
	{ "", "smtp", 20 },
	{ "", "local", 100 },		/* which has a default of its own */
	{ "default_destination_concurrency_limit = 7\n", "smtp", 7 },
	{ "default_destination_concurrency_limit = 7\n", "local", 100 },
	{ "local_destination_concurrency_limit = 3\n", "local", 3 },
	{ "local_destination_concurrency_limit = 3\n", "virtual", 100 },
	{ "slow_destination_concurrency_limit = 2\n", "slow", 2 },
	{ "local_destination_concurrency_limit = x\n", "local", 100 },
	{ "slow_destination_concurrency_limit = x\n", "slow", 20 },
};

START_TEST(transport)
{
	struct conf *c = conf_of_text("/nonexistent", str_of(limits[_i].text), NULL);

	ck_assert(conf_load_transport(c, str_of(limits[_i].transport), of_transport) !=
	    (strchr(limits[_i].text, 'x') != NULL));
	ck_assert_uint_eq(most, limits[_i].want);
	conf_free(c);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("conf/conf");
	TCase *t = tcase_create("main.cf");

	tcase_add_loop_test(t, expand, 0, sizeof(values) / sizeof(values[0]));
	tcase_add_test(t, types);
	tcase_add_loop_test(t, refused, 0, sizeof(bads) / sizeof(bads[0]));
	tcase_add_loop_test(t, check, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_test(t, overrides);
	tcase_add_test(t, shared);
	tcase_add_test(t, spoiled);
	tcase_add_test(t, all_rows);
	tcase_add_loop_test(t, transport, 0, sizeof(limits) / sizeof(limits[0]));
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
