/* SPDX-License-Identifier: ISC */
/*
 * The passport of every program against master's table: whom a program says it asks is whom master
 * connects it to, and whoever may ask has a connection to ask by.
 */
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/programs.h"

#define TEXT_MAX	4000

static const char *const names[] = { "smtpd", "login", "pickup", "pop3d", "imapd", "qmgr", "bounce",
	"cleanup", "smtp", "local", "router", "dnsd", "tlsd", "keyd", "authd", "anvil" };

#define NAMES	(sizeof(names) / sizeof(names[0]))

static struct passport {
	unsigned asks;		/* bits of those it asks */
	unsigned hears;		/* of those who may send it anything */
	char calls[100];
} seen[PEER_COUNT];

static void
ask_program(const char *name, char text[TEXT_MAX])
{
	char path[500];
	size_t n = 0;
	ssize_t got;
	int p[2], status;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", BUILDDIR, name, name);
	ck_assert_int_eq(pipe(p), 0);
	if ((pid = fork()) == 0) {
		(void)dup2(p[1], 1);
		(void)execl(path, name, "--passport", (char *)NULL);
		_exit(127);
	}
	(void)close(p[1]);
	while (n < TEXT_MAX - 1 && (got = read(p[0], text + n, TEXT_MAX - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	(void)close(p[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "%s --passport ended with %d", name, status);
}

/* Bits of the names behind the first `skip` words of a line. */
static unsigned
bits(char *line, unsigned skip)
{
	unsigned mask = 0, at = 0;
	char *rest = NULL;

	for (char *w = strtok_r(line, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
		if (at++ < skip)
			continue;
		ck_assert_msg(peer_by_name(w) != PEER_NONE, "no program is called %s", w);
		mask |= PEER_BIT(peer_by_name(w));
	}
	return mask;
}

static void
read_passport(const char *name)
{
	struct passport *p = &seen[peer_by_name(name)];
	char text[TEXT_MAX], *rest = NULL;
	bool named = false;

	ask_program(name, text);
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "program ", 8) == 0)
			named = strcmp(line + 8, name) == 0;
		else if (strncmp(line, "asks", 4) == 0)
			p->asks = bits(line, 1);
		else if (strncmp(line, "serves ", 7) == 0)
			p->hears |= bits(line, 2);
		else if (strncmp(line, "calls", 5) == 0)
			(void)snprintf(p->calls, sizeof(p->calls), "%s", line + 5);
		else
			ck_abort_msg("%s: what is \"%s\"?", name, line);
	}
	ck_assert_msg(named, "%s calls itself something else", name);
}

static void
read_all(void)
{
	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < NAMES; i++)
		read_passport(names[i]);
}

/* Every program of master's table has its passport, and both name the same others. */
START_TEST(asks)
{
	read_all();
	for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
		const struct program *row = program_by_peer(peer);
		bool listed = false;

		for (size_t i = 0; i < NAMES; i++)
			listed |= row != NULL && strcmp(names[i], row->name) == 0;
		ck_assert_msg(row == NULL || listed, "%s is not tested", row->name);
		if (row != NULL)
			ck_assert_msg(row->asks == seen[peer].asks,
			    "%s: master connects it to %#x, its passport says %#x", row->name,
			    row->asks, seen[peer].asks);
	}
}
END_TEST

/* Who may send a message has a connection to do it, and a connection is good for something. */
START_TEST(hears)
{
	read_all();
	for (size_t i = 0; i < NAMES; i++) {
		const struct program *server = program_by_name(names[i]);
		unsigned may = seen[server->peer].hears, can = 0;

		may &= ~(PEER_BIT(PEER_MASTER) | PEER_BIT(PEER_TOOL));
		for (size_t k = 0; k < NAMES; k++) {
			const struct program *asker = program_by_name(names[k]);

			/* Both ends of a connection may ask: agents tell qmgr their results. */
			if (asker->asks & PEER_BIT(server->peer) || server->asks & PEER_BIT(asker->peer))
				can |= PEER_BIT(asker->peer);
		}
		/* Workers are connected on request, to these two. */
		if (server->kind == PROGRAM_WORKER)
			can |= PEER_BIT(PEER_QMGR) | PEER_BIT(PEER_AUTHD);
		if (server->peer == PEER_QMGR)
			can |= PEER_BIT(PEER_LOCAL);
		ck_assert_msg((may & ~can) == 0, "%s hears %#x, which cannot reach it", names[i],
		    may & ~can);
		for (size_t k = 0; k < NAMES; k++) {
			const struct program *asker = program_by_name(names[k]);

			if (asker->asks & PEER_BIT(server->peer))
				ck_assert_msg(may & PEER_BIT(asker->peer), "%s asks %s, which never listens",
				    names[k], names[i]);
		}
	}
}
END_TEST

/* What the kernel is asked to allow; a program that gets more says so here too. */
static const struct {
	const char *name;
	const char *calls;
} allowed[] = {
	{ "smtpd", " accept" },
	{ "login", " accept" },
	{ "bounce", "" },
	{ "keyd", "" },
	{ "anvil", "" },
	{ "tlsd", "" },
	{ "router", " unix read" },
	{ "authd", " read" },
	{ "smtp", " connect" },
	{ "dnsd", " connect" },
	{ "local", " write" },
	{ "pop3d", " write" },
	{ "imapd", " write" },
	{ "cleanup", " write" },
	{ "qmgr", " write" },
	{ "pickup", " accept write" },
};

START_TEST(calls)
{
	const char *name = allowed[_i].name, *got;

	read_passport(name);
	got = seen[peer_by_name(name)].calls;
	ck_assert_msg(strcmp(got, allowed[_i].calls) == 0, "%s:%s", name, got);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("passport");
	TCase *t = tcase_create("passport");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, asks);
	tcase_add_test(t, hears);
	unit_add_rows(t, calls, allowed);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
