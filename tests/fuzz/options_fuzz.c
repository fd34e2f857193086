/* SPDX-License-Identifier: ISC */
/*
 * options_fuzz - sendmail's command line, an argument a line, the program's name first: what was
 * understood, written as one plain command line, means the same again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/panic.h"
#include "base/pool.h"
#include "mail/limits.h"
#include "proto/smtp.h"
#include "sendmail/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARGS	64

struct line {
	int argc;
	char *argv[ARGS + 1];
};

/* Each argument in memory of its own, so that reading past its end shows. */
static void
add(struct line *l, struct str s)
{
	char *z = malloc(s.n + 1);

	ASSERT(z != NULL && l->argc < ARGS);
	if (s.n > 0)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	l->argv[l->argc++] = z;
}

static void
add_value(struct line *l, const char *flag, const char *value)
{
	if (value == NULL)
		return;
	add(l, str_of(flag));
	add(l, str_of(value));
}

static void
clear(struct line *l)
{
	for (int i = 0; i < l->argc; i++)
		free(l->argv[i]);
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
add_mode(struct line *l, const struct options *o, struct pool *p)
{
	static const char *const modes[] = {
		[MODE_MAIL] = "-bm", [MODE_SMTP] = "-bs", [MODE_QUEUE] = "-bp", [MODE_ALIASES] = "-bi",
		[MODE_FLUSH] = "-q", [MODE_DAEMON] = "-bd", [MODE_VERIFY] = "-bv", [MODE_NOTHING] = "-bh",
	};

	if (o->mode == MODE_FLUSH_SITE || o->mode == MODE_FLUSH_ID) {
		ASSERT(o->what != NULL && o->what[0] != '\0');
		add(l, pool_printf(p, "-q%c%s", o->mode == MODE_FLUSH_ID ? 'I' : 'S', o->what));
		return;
	}
	if (o->what != NULL)
		add(l, pool_printf(p, "-oA%s", o->what));
	add(l, str_of(modes[o->mode]));
}

static void
add_notify(struct line *l, unsigned notify)
{
	char list[40] = "";

	if (notify == 0)
		return;
	ASSERT(notify == SMTP_NOTIFY_NEVER || !(notify & SMTP_NOTIFY_NEVER));
	(void)snprintf(list, sizeof(list), "%s%s%s%s", notify & SMTP_NOTIFY_NEVER ? ",never" : "",
	    notify & SMTP_NOTIFY_SUCCESS ? ",success" : "", notify & SMTP_NOTIFY_FAILURE ? ",failure" : "",
	    notify & SMTP_NOTIFY_DELAY ? ",delay" : "");
	add_value(l, "-N", list + 1);
}

static void
again(const struct options *o, struct pool *p)
{
	struct line plain = { .argc = 0 };
	char why[OPTIONS_WHY];
	struct options got;

	add(&plain, STR("sendmail"));
	add_mode(&plain, o, p);
	/* A folder that is called main.cf itself is told from the file in it by naming the file. */
	if (o->config != NULL && str_end(str_of(o->config), STR("/main.cf")))
		add_value(&plain, "-C", pool_printf(p, "%s/main.cf", o->config).p);
	else
		add_value(&plain, "-C", o->config);
	add_value(&plain, "-f", o->sender);
	add_value(&plain, "-F", o->fullname);
	add_value(&plain, "-V", o->envid);
	add_notify(&plain, o->notify);
	if (o->ret != SMTP_RET_NONE)
		add_value(&plain, "-R", o->ret == SMTP_RET_FULL ? "full" : "hdrs");
	if (o->eightbit)
		add(&plain, STR("-B8BITMIME"));
	if (o->extract || o->dots || o->gateway)
		add(&plain, pool_printf(p, "-%s%s%s", o->extract ? "t" : "", o->dots ? "i" : "",
		    o->gateway ? "G" : ""));
	add(&plain, STR("--"));
	for (size_t i = 0; i < o->nrcpts && plain.argc < ARGS; i++)
		add(&plain, str_of(o->rcpts[i]));
	ASSERT(options_parse(&got, plain.argc, plain.argv, why) && why[0] == '\0');
	ASSERT(got.mode == o->mode && got.notify == o->notify && got.ret == o->ret);
	ASSERT(got.eightbit == o->eightbit && got.extract == o->extract);
	ASSERT(got.dots == o->dots && got.gateway == o->gateway);
	ASSERT(same(got.config, o->config) && same(got.sender, o->sender) && same(got.what, o->what));
	ASSERT(same(got.fullname, o->fullname) && same(got.envid, o->envid));
	for (size_t i = 0; i < got.nrcpts; i++)
		ASSERT(same(got.rcpts[i], o->rcpts[i]));
	clear(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_n(data, size), arg;
	struct line line = { .argc = 0 };
	struct pool *p = pool_new();
	char why[OPTIONS_WHY] = "";
	struct options o;

	while (line.argc < ARGS / 2 && str_cut(&rest, '\n', &arg)) {
		ptrdiff_t nul = str_chr(arg, '\0');

		add(&line, nul < 0 ? arg : str_sub(arg, 0, (size_t)nul));
	}
	line.argv[line.argc] = NULL;
	if (options_parse(&o, line.argc, line.argv, why)) {
		ASSERT(o.rcpts + o.nrcpts == line.argv + line.argc);
		ASSERT(o.envid == NULL || strlen(o.envid) <= SMTP_ENVID_MAX);
		again(&o, p);
	} else {
		ASSERT(why[0] != '\0' && strlen(why) < sizeof(why));
	}
	clear(&line);
	pool_free(p);
	return 0;
}
