/* SPDX-License-Identifier: ISC */
/* master.cf: columns, arguments, findings. */
#include "conf/services.h"
#include "unit/unit.h"

START_TEST(columns)
{
	struct conf *c = conf_of_text("/nonexistent", STR(""), NULL);
	struct pool *pool = pool_new();
	struct conf_service *s;
	size_t n;

	s = services_of_text(c, pool, STR(
	    "# comment\n"
	    "smtp      inet  n       -       y       -       -       smtpd -v\n"
	    "  -o syslog_name=postfix/x -osmtpd_tls_wrappermode=yes\n"
	    "# in between\n"
	    "  -o { mynetworks = 127.0.0.0/8, [::1]/128 }\n"
	    "127.0.0.1:10025 inet n n n - 10 smtpd\n"
	    "qmgr fifo n - - 300? 1 qmgr\n"), &n);
	ck_assert_uint_eq(n, 3);
	ck_str_is(s[0].name, "smtp");
	ck_assert_int_eq(s[0].type, SERVICE_INET);
	ck_assert(!s[0].private && !s[0].unused);
	ck_assert_uint_eq(s[0].maxproc, SERVICE_DEFAULT);
	ck_assert_uint_eq(s[0].args.n, 1);
	ck_str_is(s[0].args.v[0], "-v");
	ck_assert_uint_eq(s[0].overrides.n, 3);
	ck_str_is(s[0].overrides.v[0], "syslog_name=postfix/x");
	ck_str_is(s[0].overrides.v[1], "smtpd_tls_wrappermode=yes");
	ck_str_is(s[0].overrides.v[2], "mynetworks=127.0.0.0/8, [::1]/128");
	ck_assert_uint_eq(s[0].line, 2);
	ck_str_is(s[1].name, "127.0.0.1:10025");
	ck_assert_uint_eq(s[1].maxproc, 10);
	ck_assert_int_eq(s[2].type, SERVICE_FIFO);
	ck_assert_int_eq(s[2].wakeup_ms, 300000);
	conf_findings(c, &n);
	ck_assert_uint_eq(n, 0);
	pool_free(pool);
	conf_free(c);
}
END_TEST

static const struct bad {
	const char *text;
	enum conf_grade grade;
	const char *want;
	size_t services;
} bads[] = {
	{ "smtp inet n - y", CONF_ERROR, "only 5 columns: want name type private unpriv chroot "
	  "wakeup maxproc command", 0 },
	{ "smtp tcp n - y - - smtpd", CONF_ERROR,
	  "\"tcp\" is no type of service (inet, unix, fifo, pass)", 0 },
	{ "smtp inet x - y - - smtpd", CONF_ERROR, "column private: \"x\" is none of y, n, -", 0 },
	{ "smtp inet n - y soon - smtpd", CONF_ERROR,
	  "column wakeup: \"soon\" is neither seconds nor -", 0 },
	{ "smtp inet n - y - all smtpd", CONF_ERROR,
	  "column maxproc: \"all\" is neither a number nor -", 0 },
	{ "smtp inet n - y - - smptd", CONF_ERROR, "no program is called \"smptd\"", 1 },
	{ "smtp inet n - y - - smtpd -o", CONF_ERROR,
	  "-o at the end of the line: want name=value", 1 },
	{ "smtp inet n - y - - smtpd -o mynetworks", CONF_ERROR,
	  "-o mynetworks: want name=value", 1 },
	{ "x unix - n n - - pipe flags=R user=x argv=/bin/x { a b }", CONF_WARNING,
	  "service x (pipe) stays unused: commands as transports are not there yet", 1 },
	{ "proxymap unix - - n - - proxymap", CONF_NOTE,
	  "service proxymap (proxymap) stays unused: router reads all tables", 1 },
	{ "a unix - - n - - smtp\na unix - - n - 2 smtp", CONF_WARNING,
	  "service a unix stood before, on line 1; this line wins", 1 },
};

START_TEST(refused)
{
	struct conf *c = conf_of_text("/nonexistent", STR(""), NULL);
	struct pool *pool = pool_new();
	const struct conf_finding *f;
	size_t n;

	services_of_text(c, pool, str_of(bads[_i].text), &n);
	ck_assert_uint_eq(n, bads[_i].services);
	f = conf_findings(c, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(f[0].text, bads[_i].want);
	ck_assert_int_eq(f[0].grade, bads[_i].grade);
	ck_assert_str_eq(f[0].file, "/nonexistent/master.cf");
	pool_free(pool);
	conf_free(c);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("conf/services");
	TCase *t = tcase_create("master.cf");

	tcase_add_test(t, columns);
	tcase_add_loop_test(t, refused, 0, sizeof(bads) / sizeof(bads[0]));
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
