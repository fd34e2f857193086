/* SPDX-License-Identifier: ISC */
/* log and event: one line is one line whatever a stranger wrote, and what is lost is counted. */
#include "unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/event.h"
#include "base/log.h"

static char text[100000];

/* What the log wrote to a pipe. */
static const char *
written(int fd)
{
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static const struct {
	const char *said, *line;
} hostile[] = {
	{ "plain", "test: plain\n" },
	{ "a\nMay  1 00:00:00 mx postfix/smtpd[1]: forged",
	  "test: a\\x0aMay  1 00:00:00 mx postfix/smtpd[1]: forged\n" },
	{ "cr\rlf\n", "test: cr\\x0dlf\\x0a\n" },
	{ "tab\tesc\x1b[2J", "test: tab\\x09esc\\x1b[2J\n" },
	{ "del\x7f utf\xc3\xa9", "test: del\\x7f utf\\xc3\\xa9\n" },
	{ "100%s%n", "test: 100%s%n\n" },
};

START_TEST(escaped)
{
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	log_open(p[1], LOG_PLAIN, "test");
	log_info("%s", hostile[_i].said);
	ck_assert_str_eq(written(p[0]), hostile[_i].line);
}
END_TEST

/* A line is never longer than it may be, and still ends. */
START_TEST(cut)
{
	static char big[20000];
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	log_open(p[1], LOG_FILE, "postfix/test");
	for (int c = 'x'; c != 0; c = c == 'x' ? '\n' : 0) {
		memset(big, c, sizeof(big) - 1);
		log_info("%s", big);
		(void)written(p[0]);
		ck_assert_uint_le(strlen(text), LOG_LINE + 200);
		ck_assert_uint_gt(strlen(text), LOG_LINE / 2);
		ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	}
}
END_TEST

START_TEST(forms)
{
	int s[2];
	char want[100];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
	log_open(s[1], LOG_SYSLOG, "postfix/smtpd");
	log_warn("odd");
	(void)snprintf(want, sizeof(want), "postfix/smtpd[%d]: warning: odd", (int)getpid());
	ck_assert_int_eq(strncmp(written(s[0]), "<20>", 4), 0);
	ck_assert_ptr_nonnull(strstr(text, want));
	ck_assert_ptr_null(strchr(text, '\n'));
	log_program("error");
	log_error("x");
	ck_assert_ptr_nonnull(strstr(written(s[0]), " postfix/error["));
	ck_assert_int_eq(strncmp(text, "<19>", 4), 0);
	log_facility(16);
	log_error("x");
	ck_assert_int_eq(strncmp(written(s[0]), "<131>", 5), 0);
	log_facility(2);
	log_debug("not asked for");
	log_verbose(true);
	log_debug("asked for");
	ck_assert_ptr_nonnull(strstr(written(s[0]), "]: asked for"));
}
END_TEST

/* How many lines this text says were lost. */
static unsigned long
reported(const char *in)
{
	unsigned long sum = 0;

	while ((in = strstr(in, "test: warning: ")) != NULL) {
		unsigned long n = 0;

		for (in += strlen("test: warning: "); ch_digit(*in); in++)
			n = n * 10 + (unsigned long)(*in - '0');
		sum += n;
	}
	return sum;
}

/* A full pipe does not stop the program; the next line that fits says how many are missing. */
START_TEST(lost)
{
	static char big[1000];
	unsigned long n, told;
	int p[2];

	memset(big, 'x', sizeof(big) - 1);
	ck_assert_int_eq(pipe2(p, O_NONBLOCK), 0);
	log_open(p[1], LOG_PLAIN, "test");
	for (int i = 0; i < 200; i++)
		log_info("%s", big);
	ck_assert_uint_gt(n = log_lost(), 50);
	/* A short report may have found room among the long lines. */
	told = reported(written(p[0]));
	log_info("again");
	told += reported(written(p[0]));
	ck_assert_uint_eq(told, n);
	ck_assert_ptr_nonnull(strstr(text, "test: again\n"));
	log_info("and on");
	ck_assert_str_eq(written(p[0]), "test: and on\n");
}
END_TEST

/* Gathered lines come out together, a warning brings them out, and a child has none of them. */
START_TEST(gathered)
{
	FILE *f = tmpfile();
	int fd = fileno(f);

	log_open(fd, LOG_PLAIN, "test");
	log_gather(true);
	log_info("one");
	log_info("two");
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
	log_flush();
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 20);
	log_info("three");
	log_warn("four");
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 20 + 12 + 20);
	log_gather(false);
	log_open(2, LOG_PLAIN, "test");
	(void)fclose(f);
}
END_TEST

/* ---- events ---- */

static const struct {
	const char *row, *id, *user, *want;
} events[] = {
	{ "{id}: user={user}", "A", "u", "A: user=u" },
	{ "{id}: x[, user={user}]", "A", "u", "A: x, user=u" },
	{ "{id}: x[, user={user}]", "A", "", "A: x" },
	{ "{id}: x[, [id={id}, ]user={user}] y", "", "u", ": x, user=u y" },
	{ "[[{id}]]", "A", "", "[A]" },
	{ "{{{id}}}", "A", "", "{A}" },
	{ "{id} {nobody}", "A", "", "A " },
	/* What stands in a value is never read as a row. */
	{ "{id}: user={user}", "{user}", "[x]{id}", "{user}: user=[x]{id}" },
};

START_TEST(event)
{
	struct event e = { "test", events[_i].row };
	struct event_field fields[] = { { "id", str_of(events[_i].id) },
		{ "user", str_of(events[_i].user) } };
	struct buf b = { 0 };

	event_line(&b, &e, fields, 2);
	ck_str_is(buf_str(&b), events[_i].want);
	buf_free(&b);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");

	unit_add_rows(t, escaped, hostile);
	tcase_add_test(t, cut);
	tcase_add_test(t, forms);
	tcase_add_test(t, lost);
	tcase_add_test(t, gathered);
	unit_add_rows(t, event, events);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
