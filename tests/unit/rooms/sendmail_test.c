/* SPDX-License-Identifier: ISC */
/*
 * sendmail and postdrop as their callers know them: real processes, a scratch spool.
 */
#include "unit/rooms/room.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <sys/time.h>

#include "mail/queue_id.h"
#include "unit/rooms/drop_file.h"
#include "unit/rooms/sendmail_callers.h"

#define ARGS	40

static const char *dir;
static char path[600], etc[200];

static void
copy_program(const char *name)
{
	char from[300], to[300], bytes[65536];
	ssize_t n;
	int in, out;

	(void)snprintf(from, sizeof(from), BUILDDIR "/sendmail/%s", name);
	(void)snprintf(to, sizeof(to), "%s/bin/%s", dir, name);
	in = open(from, O_RDONLY);
	out = open(to, O_WRONLY | O_CREAT, 0755);
	ck_assert_msg(in >= 0 && out >= 0, "%s", from);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		ck_assert_int_eq(write(out, bytes, (size_t)n), n);
	(void)close(in);
	(void)close(out);
}

/* A stand-in for a tool that says how it was called. */
static void
echo_program(const char *name)
{
	char rel[100], text[100];

	(void)snprintf(rel, sizeof(rel), "bin/%s", name);
	(void)snprintf(text, sizeof(text), "#!/bin/sh\necho %s \"$@\"\n", name);
	room_file(dir, rel, text);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, rel);
	ck_assert_int_eq(chmod(path, 0755), 0);
}

static void
setup(void)
{
	static const char *const folders[] = { "etc", "bin", "run", "spool", "spool/maildrop" };
	char conf[600];

	/* The leak checker traces, which the jail forbids. */
	(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
	dir = room_dir();
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	(void)snprintf(conf, sizeof(conf), "queue_directory = %s/spool\nrun_directory = %s/run\n"
	    "myhostname = mx.test\nmessage_size_limit = 100k\nalias_database = hash:/etc/aliases, inline:x\n", dir, dir);
	room_file(dir, "etc/main.cf", conf);
	(void)snprintf(etc, sizeof(etc), "%s/etc", dir);
	copy_program("sendmail");
	copy_program("postdrop");
	echo_program("postqueue");
	echo_program("postalias");
	echo_program("posthorn");
}

static void
teardown(void)
{
	unit_remove(dir);
}

static void
clear_maildrop(void)
{
	char folder[200];
	struct dirent *e;
	DIR *d;

	(void)snprintf(folder, sizeof(folder), "%s/spool/maildrop", dir);
	d = opendir(folder);
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			(void)unlink(path);
	}
	(void)closedir(d);
}

/* The files in maildrop/, and the path of one of them in `path`. */
static unsigned
count_maildrop(void)
{
	char folder[200];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	(void)snprintf(folder, sizeof(folder), "%s/spool/maildrop", dir);
	d = opendir(folder);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		n++;
	}
	(void)closedir(d);
	return n;
}

/* Cut at blanks; "''" is empty, "_" a blank. */
static void
make_argv(char *text, char **argv)
{
	unsigned n = 0;

	for (char *word = strtok(text, " "); word != NULL && n < ARGS; word = strtok(NULL, " ")) {
		if (strcmp(word, "''") == 0)
			word[0] = '\0';
		for (char *c = word; *c != '\0'; c++)
			if (*c == '_')
				*c = ' ';
		argv[n++] = word;
	}
	argv[n] = NULL;
}

/* Run bin/sendmail with this argv and input; its status, and what it said (both streams) in `out`. */
static int
run(const char *args, struct str input, struct buf *out)
{
	char text[1000], *argv[ARGS + 1], bytes[4096];
	int in[2], said, status;
	pid_t pid;
	ssize_t n;

	(void)snprintf(text, sizeof(text), "%s", args);
	make_argv(text, argv);
	ck_assert_int_eq(pipe(in), 0);
	(void)snprintf(path, sizeof(path), "%s/said", dir);
	said = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	(void)snprintf(path, sizeof(path), "%s/bin/sendmail", dir);
	pid = fork();
	if (pid == 0) {
		char env[220], asan[] = "ASAN_OPTIONS=detect_leaks=0", *envp[] = { env, asan, NULL };

		(void)snprintf(env, sizeof(env), "MAIL_CONFIG=%s", etc);
		(void)close(in[1]);
		(void)dup2(in[0], 0);
		(void)dup2(said, 1);
		(void)dup2(said, 2);
		(void)execve(path, argv, envp);
		_exit(127);
	}
	(void)close(in[0]);
	(void)signal(SIGPIPE, SIG_IGN);
	while (input.n > 0 && (n = write(in[1], input.p, input.n)) > 0)
		input = str_sub(input, (size_t)n, input.n);
	(void)close(in[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	(void)lseek(said, 0, SEEK_SET);
	while ((n = read(said, bytes, sizeof(bytes))) > 0)
		buf_add(out, str_n(bytes, (size_t)n));
	(void)close(said);
	ck_assert_msg(WIFEXITED(status), "%s: died of signal %d", args, WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* The one file in maildrop/ says this. */
static void
check_drop(const char *sender, const char *rcpts, const char *content, struct drop *d,
    struct pool *p)
{
	const struct envelope_rcpt *r;
	struct buf got = { .p = NULL }, list = { .p = NULL };

	ck_assert_uint_eq(count_maildrop(), 1);
	ck_assert(drop_file_read(path, p, d, &got));
	if (strcmp(sender, ME) == 0)
		sender = getpwuid(getuid())->pw_name;
	ck_str_is(d->sender, sender);
	r = d->rcpts.v;
	for (size_t i = 0; i < d->rcpts.n; i++)
		buf_addf(&list, "%s%.*s", i > 0 ? " " : "", STR_ARG(r[i].addr));
	ck_str_is(buf_str(&list), rcpts);
	ck_str_is(buf_str(&got), content);
	ck_assert_uint_eq(d->uid, getuid());
	ck_assert(queue_id_parse(d->name, NULL));
	buf_free(&got);
	buf_free(&list);
}

START_TEST(caller)
{
	const struct caller *c = &callers[_i];
	struct pool *p = pool_new();
	struct buf out = { .p = NULL };
	struct drop d;
	int status;

	clear_maildrop();
	status = run(c->argv, str_of(c->input), &out);
	ck_assert_msg(status == c->status, "%s: status %d: %s", c->who, status, buf_z(&out));
	if (c->rcpts == NULL) {
		ck_assert_uint_eq(count_maildrop(), 0);
		ck_assert_uint_gt(out.n, 0);
	} else {
		ck_assert_msg(c->warns == NULL ? out.n == 0 : str_find(buf_str(&out), str_of(c->warns)) >= 0,
		    "%s: it said %s", c->who, buf_z(&out));
		check_drop(c->sender, c->rcpts, c->content, &d, p);
		ck_assert_uint_eq(d.flags, c->flags);
		ck_assert_uint_eq(d.ret, c->ret);
		ck_assert_uint_eq(((struct envelope_rcpt *)d.rcpts.v)->notify, c->notify);
		ck_str_is(d.envid, c->envid == NULL ? "" : c->envid);
		if (c->fullname != NULL)
			ck_str_is(d.fullname, c->fullname);
	}
	buf_free(&out);
	pool_free(p);
}
END_TEST

START_TEST(mode)
{
	struct buf out = { .p = NULL }, want = { .p = NULL };
	struct str rest = str_of(modes[_i].says);
	ptrdiff_t at = str_find(rest, STR("DIR"));

	ck_assert_int_eq(run(modes[_i].argv, STR(""), &out), modes[_i].status);
	if (at >= 0)
		buf_addf(&want, "%.*s%s%s\n", (int)at, rest.p, etc, rest.p + at + 3);
	ck_str_is(buf_str(&out), buf_z(&want));
	buf_free(&out);
	buf_free(&want);
}
END_TEST

START_TEST(dialogue)
{
	const struct talk *t = &talks[_i];
	struct buf out = { .p = NULL }, codes = { .p = NULL };
	struct pool *p = pool_new();
	struct str rest, one;
	struct drop d;

	clear_maildrop();
	ck_assert_int_eq(run(t->argv, str_of(t->input), &out), 0);
	rest = buf_str(&out);
	while (str_cut(&rest, '\n', &one))
		if (!str_start(one, STR("postdrop:")))
			buf_add(&codes, str_sub(one, 0, 4));
	ck_str_is(buf_str(&codes), t->codes);
	if (t->rcpts != NULL)
		check_drop(t->sender, t->rcpts, t->content, &d, p);
	else
		ck_assert_uint_eq(count_maildrop(), 0);
	buf_free(&out);
	buf_free(&codes);
	pool_free(p);
}
END_TEST

/* -bs has the name and the limit of main.cf, and announces what works (RFC 1870, RFC 5321 4.1.1.1). */
START_TEST(greeting)
{
	struct buf out = { .p = NULL };

	ck_assert_int_eq(run("sendmail -bs", STR("EHLO x\r\nQUIT\r\n"), &out), 0);
	ck_str_is(buf_str(&out), "220 mx.test ESMTP Posthorn\r\n250-mx.test\r\n250-PIPELINING\r\n"
	    "250-SIZE 102400\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n221 2.0.0 Bye\r\n");
	buf_free(&out);
}
END_TEST

/* -C takes the folder and, as sendmail(1) says, the main.cf in it. */
START_TEST(config_file)
{
	static const struct {
		const char *behind;
		bool whole;
	} ways[] = { { "", true }, { "/", false }, { "/main.cf", true } };
	struct buf args = { .p = NULL }, out = { .p = NULL }, want = { .p = NULL };

	buf_addf(&args, "sendmail -C %s%s -bp", etc, ways[_i].behind);
	buf_addf(&want, "postqueue -c %s%s -p\n", etc, ways[_i].whole ? "" : ways[_i].behind);
	ck_assert_int_eq(run(buf_z(&args), STR(""), &out), 0);
	ck_str_is(buf_str(&out), buf_z(&want));
	buf_reset(&args);
	buf_reset(&out);
	clear_maildrop();
	buf_addf(&args, "sendmail -C%s%s b@y.org", etc, ways[_i].behind);
	ck_assert_int_eq(run(buf_z(&args), STR(TEXT), &out), 0);
	ck_assert_uint_eq(count_maildrop(), 1);
	buf_free(&args);
	buf_free(&out);
	buf_free(&want);
}
END_TEST

/* An entry that no envelope may hold is named, and queued as somebody nobody knows, to come back. */
START_TEST(one_bad_entry)
{
	struct buf out = { .p = NULL };
	struct pool *p = pool_new();
	struct drop d;

	clear_maildrop();
	ck_assert_int_eq(run("sendmail -t -fa@x.org", STR("To: j\xf6rg@x.org, b@y.org\n\nb\n"), &out), 0);
	check_drop("a@x.org", "b@y.org \"? j?rg@x.org\"", "To: j\xf6rg@x.org, b@y.org\r\n\r\nb\r\n", &d, p);
	ck_assert_int_ge(str_find(buf_str(&out), STR("bad recipient address: j\xf6rg@x.org")), 0);
	clear_maildrop();
	ck_assert_int_eq(run("sendmail -t", STR("To: j\xf6rg@x.org\n\nb\n"), &out), 64);
	ck_assert_uint_eq(count_maildrop(), 0);
	buf_free(&out);
	pool_free(p);
}
END_TEST

/* message_size_limit holds, and nothing half-written stays. */
START_TEST(too_big)
{
	struct buf text = { .p = NULL }, out = { .p = NULL };

	clear_maildrop();
	for (unsigned i = 0; i < 20000; i++)
		buf_addz(&text, "line of text\n");
	ck_assert_int_eq(run("sendmail b@y.org", buf_str(&text), &out), 65);
	ck_assert_uint_eq(count_maildrop(), 0);
	ck_assert_int_ge(str_find(buf_str(&out), STR("too big")), 0);
	buf_free(&text);
	buf_free(&out);
}
END_TEST

/* Without maildrop/ it says so, and does not pretend. */
START_TEST(no_spool)
{
	struct buf out = { .p = NULL };
	char away[300];

	clear_maildrop();
	(void)snprintf(path, sizeof(path), "%s/spool/maildrop", dir);
	(void)snprintf(away, sizeof(away), "%s/spool/away", dir);
	ck_assert_int_eq(rename(path, away), 0);
	ck_assert_int_eq(run("sendmail b@y.org", STR(TEXT), &out), 69);
	(void)snprintf(path, sizeof(path), "%s/spool/maildrop", dir);
	ck_assert_int_eq(rename(away, path), 0);
	ck_assert_uint_gt(out.n, 0);
	buf_free(&out);
}
END_TEST

/* Raw records straight into postdrop: what sendmail would never send (security C3, C7, C6). */
static int
run_postdrop(struct str input)
{
	int in[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(in), 0);
	(void)snprintf(path, sizeof(path), "%s/bin/postdrop", dir);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		(void)close(in[1]);
		(void)dup2(in[0], 0);
		(void)dup2(null, 2);
		(void)execl(path, "postdrop", "-r", "-c", etc, (char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)signal(SIGPIPE, SIG_IGN);
	if (input.n > 0)
		(void)!write(in[1], input.p, input.n);
	(void)close(in[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const struct forged {
	const char *what, *sender, *rcpt, *content;
	uint64_t flags;
	int extra;		/* 1: no end mark; 2: wrong total; 3: something behind the end */
	int status;
} forgeries[] = {
	{ "sound", "a@x.org", "b@y.org", "X: y\r\n\r\n", 0, 0, 0 },
	{ "bare LF", "a@x.org", "b@y.org", "X: y\n\r\n", 0, 0, 65 },
	{ "bare CR", "a@x.org", "b@y.org", "X: y\r.\r\n", 0, 0, 65 },
	{ "ends in CR", "a@x.org", "b@y.org", "X: y\r", 0, 0, 65 },
	{ "no end mark", "a@x.org", "b@y.org", "X: y\r\n", 0, 1, 65 },
	{ "wrong total", "a@x.org", "b@y.org", "X: y\r\n", 0, 2, 65 },
	{ "no address", "a@x.org", "b@@y", "X: y\r\n", 0, 0, 65 },
	{ "not canonical", "a@x.org", "\"b\"@y.org", "X: y\r\n", 0, 0, 65 },
	{ "source route", "a@x.org", "@z:b@y.org", "X: y\r\n", 0, 0, 65 },
	{ "dash", "a@x.org", "-b@y.org", "X: y\r\n", 0, 0, 65 },
	{ "empty recipient", "a@x.org", "", "X: y\r\n", 0, 0, 65 },
	{ "control in sender", "\"a\001\"@x.org", "b@y.org", "X: y\r\n", 0, 0, 65 },
	{ "flags of others", "a@x.org", "b@y.org", "X: y\r\n", ENV_REQUIRETLS, 0, 65 },
	{ "unknown flags", "a@x.org", "b@y.org", "X: y\r\n", 1 << 20, 0, 65 },
};

START_TEST(forged)
{
	const struct forged *f = &forgeries[_i];
	struct envelope_rcpt r = { str_of(f->rcpt), STR(""), STR(""), 0 };
	struct drop d = { .sender = str_of(f->sender), .rcpts = { &r, 1 }, .flags = f->flags,
		.uid = 12345, .arrival_us = 1, .name = STR("../evil") };
	struct buf b = { .p = NULL };
	struct pool *p = pool_new();

	clear_maildrop();
	drop_file_write(&b, &d, str_of(f->content), f->extra);
	ck_assert_msg(run_postdrop(buf_str(&b)) == f->status, "%s", f->what);
	ck_assert_uint_eq(count_maildrop(), f->status == 0);
	/* What it must not believe it did not believe. */
	if (f->status == 0)
		check_drop(f->sender, f->rcpt, f->content, &d, p);
	pool_free(p);
	buf_free(&b);
}
END_TEST

START_TEST(garbage)
{
	static const struct str junk[] = { STR_INIT(""), STR_INIT("x"), STR_INIT("PHdrop1\n"),
		STR_INIT("PHdrop1\nE\xff\xff\xff\xff"), STR_INIT("PHdrop1\nC\0\0\0\1x"),
		STR_INIT("PHdrop1\nE\0\0\0\4abcd"), STR_INIT("PHdrop1\nZ\0\0\0\10\0\0\0\0\0\0\0\0"),
		STR_INIT("GET / HTTP/1.1\r\n\r\n") };

	clear_maildrop();
	ck_assert_int_eq(run_postdrop(junk[_i]), 65);
	ck_assert_uint_eq(count_maildrop(), 0);
}
END_TEST

/* security C4: killed at any moment, exit 0 means queued once and nothing else means that. */
START_TEST(signals)
{
	static const int kinds[] = { SIGTERM, SIGHUP, SIGINT };
	struct envelope_rcpt r = { STR("b@y.org"), STR(""), STR(""), 0 };
	struct drop d = { .sender = STR("a@x.org"), .rcpts = { &r, 1 } };
	struct buf b = { .p = NULL };

	/* A child hit before its exec must not run the test program's own handlers. */
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		(void)signal(kinds[i], SIG_DFL);
	drop_file_write(&b, &d, STR("X: y\r\n\r\n"), 0);
	for (unsigned i = 0; i < 60; i++) {
		struct pool *p = pool_new();
		int in[2], status;
		pid_t pid;

		clear_maildrop();
		ck_assert_int_eq(pipe(in), 0);
		(void)snprintf(path, sizeof(path), "%s/bin/postdrop", dir);
		pid = fork();
		if (pid == 0) {
			int null = open("/dev/null", O_WRONLY);

			(void)close(in[1]);
			(void)dup2(in[0], 0);
			(void)dup2(null, 2);
			(void)execl(path, "postdrop", "-c", etc, (char *)NULL);
			_exit(127);
		}
		(void)close(in[0]);
		ck_assert_int_eq(write(in[1], b.p, b.n), (ssize_t)b.n);
		(void)usleep(i * 80);
		(void)kill(pid, kinds[i % 3]);
		(void)close(in[1]);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
			struct buf content = { .p = NULL };

			ck_assert_uint_eq(count_maildrop(), 1);
			ck_assert(drop_file_read(path, p, &d, &content));
			buf_free(&content);
		} else {
			ck_assert_uint_eq(count_maildrop(), 0);
		}
		pool_free(p);
		d = (struct drop){ .sender = STR("a@x.org"), .rcpts = { &r, 1 } };
	}
	buf_free(&b);
}
END_TEST

/* security C1: a strange process state changes nothing. */
START_TEST(strange_process)
{
	struct envelope_rcpt r = { STR("b@y.org"), STR(""), STR(""), 0 };
	struct drop d = { .sender = STR("a@x.org"), .rcpts = { &r, 1 } };
	struct buf b = { .p = NULL };
	int in[2], status;
	pid_t pid;

	clear_maildrop();
	drop_file_write(&b, &d, STR("X: y\r\n\r\n"), 0);
	ck_assert_int_eq(pipe(in), 0);
	(void)snprintf(path, sizeof(path), "%s/bin/postdrop", dir);
	pid = fork();
	if (pid == 0) {
		char c[] = "-c", *argv[] = { NULL, c, etc, NULL };
		sigset_t all;

		argv[0] = c + 2;
		(void)sigfillset(&all);
		(void)sigprocmask(SIG_BLOCK, &all, NULL);
		(void)umask(0777);
		ck_assert_int_eq(chdir("/"), 0);
		(void)dup2(in[0], 0);
		(void)close(1);
		(void)close(2);
		(void)execv(path, argv);
		_exit(127);
	}
	(void)close(in[0]);
	ck_assert_int_eq(write(in[1], b.p, b.n), (ssize_t)b.n);
	(void)close(in[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(count_maildrop(), 1);
	buf_free(&b);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/sendmail");
	TCase *t = tcase_create("sendmail");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, setup, teardown);
	unit_add_rows(t, caller, callers);
	unit_add_rows(t, mode, modes);
	unit_add_rows(t, dialogue, talks);
	tcase_add_test(t, greeting);
	tcase_add_loop_test(t, config_file, 0, 3);
	tcase_add_test(t, one_bad_entry);
	tcase_add_test(t, too_big);
	tcase_add_test(t, no_spool);
	unit_add_rows(t, forged, forgeries);
	tcase_add_loop_test(t, garbage, 0, 8);
	tcase_add_test(t, signals);
	tcase_add_test(t, strange_process);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
