/* SPDX-License-Identifier: ISC */
#include "sendmail/submit.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define CHUNK	65536

void
complain(const char *fmt, ...)
{
	char line[600];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	(void)fprintf(stderr, "sendmail: %s\n", line);
}

ssize_t
input_read(void *to, size_t n)
{
	ssize_t got;

	do
		got = read(STDIN_FILENO, to, n);
	while (got < 0 && errno == EINTR);
	return got;
}

struct caller
caller_find(struct pool *p)
{
	const struct passwd *pw = getpwuid(getuid());

	if (pw == NULL)
		return (struct caller){ STR("unknown"), STR("") };
	return (struct caller){ pool_str(p, str_of(pw->pw_name)), pool_str(p, str_of(pw->pw_gecos)) };
}

void
complain_of(struct vec *why)
{
	for (size_t i = 0; i < why->n; i++)
		complain("%.*s", STR_ARG(*(struct str *)vec_at(why, i)));
	vec_reset(why);
}

/* Read standard input to its end (or the lone dot) and pass it on.  Gives a sysexits status. */
static int
transfer(struct letter *l)
{
	static char bytes[CHUNK];

	while (!l->in.ended && l->status == EX_OK) {
		ssize_t got = input_read(bytes, sizeof(bytes));

		if (got < 0) {
			envelope_fault(l->why, l->pool, "cannot read the message: %s", strerror(errno));
			l->status = EX_IOERR;
		} else if (got == 0) {
			letter_eof(l);
		} else {
			(void)letter_feed(l, str_n(bytes, (size_t)got));
		}
	}
	return letter_end(l, l->status == EX_OK);
}

int
run_mail(const struct options *o, struct pool *p)
{
	struct caller who = caller_find(p);
	struct dropper d = { .config = o->config };
	struct taker to = dropper_taker(&d);
	struct vec rcpts = vec_of(sizeof(struct envelope_rcpt)), why = vec_of(sizeof(struct str));
	struct letter letter = { .in = { .dot_ends = !o->dots }, .rcpts = &rcpts,
		.extract = o->extract, .notify = o->notify, .to = &to, .pool = p, .why = &why };
	int status = EX_DATAERR;

	if (!o->extract && o->nrcpts == 0) {
		complain("recipient addresses must be specified on the command line or via the"
		    " -t option");
		return EX_USAGE;
	}
	if (envelope_start(&letter.env, o, &who, p, &why) && envelope_arguments(&rcpts, o, p, &why))
		status = transfer(&letter);
	complain_of(&why);
	vec_free(&rcpts);
	vec_free(&why);
	return status;
}
