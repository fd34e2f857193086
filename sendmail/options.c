/* SPDX-License-Identifier: ISC */
#include "sendmail/options.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "mail/limits.h"
#include "proto/smtp.h"

enum value {
	NONE,		/* a letter alone, may stand in a cluster (-ti) */
	NEEDED,		/* a value, glued or as the next argument */
	GLUED,		/* a value only when glued */
};

struct flag {
	char letter;
	enum value value;
	bool (*run)(struct options *, const char *value, char *why);
};

static bool
ignore(struct options *o, const char *value, char *why)
{
	(void)o;
	(void)value;
	(void)why;
	return true;
}

static bool
set_mode(struct options *o, const char *value, char *why)
{
	switch (value[0]) {
	case 'm':
		o->mode = MODE_MAIL;
		return true;
	case 's':
		o->mode = MODE_SMTP;
		return true;
	case 'p':
		o->mode = MODE_QUEUE;
		return true;
	case 'i':
		o->mode = MODE_ALIASES;
		return true;
	case 'd':
	case 'l':
		o->mode = MODE_DAEMON;
		return true;
	case 'v':
		o->mode = MODE_VERIFY;
		return true;
	case 'h':
	case 'H':
		o->mode = MODE_NOTHING;
		return true;
	default:
		(void)snprintf(why, OPTIONS_WHY, "unsupported: -b%.20s", value);
		return false;
	}
}

static bool
set_aliases(struct options *o, const char *value, char *why)
{
	(void)value;
	(void)why;
	o->mode = MODE_ALIASES;
	return true;
}

/* -C names a folder or the main.cf in it; ours are asked for the folder. */
static bool
set_config(struct options *o, const char *value, char *why)
{
	struct str folder = str_of(value);

	if (str_end(folder, STR("/main.cf"))) {
		folder.n -= sizeof("/main.cf") - 1;
		if (folder.n == 0)
			folder = STR("/");
	} else if (str_eq(folder, STR("main.cf"))) {
		folder = STR(".");
	}
	if (folder.n >= sizeof(o->folder)) {
		(void)snprintf(why, OPTIONS_WHY, "-C value is too long: %.100s", value);
		return false;
	}
	(void)snprintf(o->folder, sizeof(o->folder), "%.*s", STR_ARG(folder));
	o->config = o->folder;
	return true;
}

static bool
set_sender(struct options *o, const char *value, char *why)
{
	(void)why;
	o->sender = value;
	return true;
}

static bool
set_fullname(struct options *o, const char *value, char *why)
{
	(void)why;
	o->fullname = value;
	return true;
}

static bool
set_dots(struct options *o, const char *value, char *why)
{
	(void)value;
	(void)why;
	o->dots = true;
	return true;
}

static bool
set_extract(struct options *o, const char *value, char *why)
{
	(void)value;
	(void)why;
	o->extract = true;
	return true;
}

static bool
set_gateway(struct options *o, const char *value, char *why)
{
	(void)value;
	(void)why;
	o->gateway = true;
	return true;
}

static bool
set_body(struct options *o, const char *value, char *why)
{
	(void)why;
	o->eightbit = str_ieq(str_of(value), STR("8BITMIME"));
	return true;
}

/* A wish that is not understood is no reason to refuse mail. */
static bool
ignored(char option, const char *value, char *why)
{
	(void)snprintf(why, OPTIONS_WHY, "bad -%c value, ignored: %.100s", option, value);
	return true;
}

/* -N never, or success, failure and delay with commas (RFC 3461 4.1) */
static bool
set_notify(struct options *o, const char *value, char *why)
{
	struct str list = str_of(value), word;
	unsigned notify = 0;

	while (str_cut(&list, ',', &word)) {
		unsigned bit;

		word = str_trim(word);
		bit = str_ieq(word, STR("never")) ? SMTP_NOTIFY_NEVER :
		    str_ieq(word, STR("success")) ? SMTP_NOTIFY_SUCCESS :
		    str_ieq(word, STR("failure")) ? SMTP_NOTIFY_FAILURE :
		    str_ieq(word, STR("delay")) ? SMTP_NOTIFY_DELAY : 0;
		if (bit == 0)
			return ignored('N', value, why);
		notify |= bit;
	}
	if (notify == 0 || (notify != SMTP_NOTIFY_NEVER && (notify & SMTP_NOTIFY_NEVER)))
		return ignored('N', value, why);
	o->notify = notify;
	return true;
}

static bool
set_ret(struct options *o, const char *value, char *why)
{
	unsigned ret = str_ieq(str_of(value), STR("full")) ? SMTP_RET_FULL :
	    str_ieq(str_of(value), STR("hdrs")) ? SMTP_RET_HDRS : SMTP_RET_NONE;

	if (ret == SMTP_RET_NONE)
		return ignored('R', value, why);
	o->ret = ret;
	return true;
}

static bool
set_envid(struct options *o, const char *value, char *why)
{
	size_t n = strlen(value);

	for (size_t i = 0; i < n; i++)
		if (!ch_print(value[i]) || n > SMTP_ENVID_MAX)
			return ignored('V', value, why);
	o->envid = value;
	return true;
}

/* -q alone flushes, -qRsite and -qIid part of it; -q30m is a daemon's interval. */
static bool
set_queue(struct options *o, const char *value, char *why)
{
	(void)why;
	if (value[0] == '\0') {
		o->mode = MODE_FLUSH;
	} else if ((value[0] == 'R' || value[0] == 'S') && value[1] != '\0') {
		o->mode = MODE_FLUSH_SITE;
		o->what = value + 1;
	} else if (value[0] == 'I' && value[1] != '\0') {
		o->mode = MODE_FLUSH_ID;
		o->what = value + 1;
	} else {
		o->interval = true;
	}
	return true;
}

/* -o with an old one-letter option: i and 8 mean something, A names an alias file. */
static bool
set_old(struct options *o, const char *value, char *why)
{
	(void)why;
	switch (value[0]) {
	case 'i':
		o->dots = true;
		break;
	case '8':
		o->eightbit = true;
		break;
	case '7':
		o->eightbit = false;
		break;
	case 'A':
		if (value[1] != '\0')
			o->what = value + 1;
		break;
	default:
		break;
	}
	return true;
}

static const struct flag flags[] = {
	{ 'A', NEEDED, ignore },	/* -Ac, -Am: which configuration file */
	{ 'B', NEEDED, set_body },
	{ 'C', NEEDED, set_config },
	{ 'F', NEEDED, set_fullname },
	{ 'G', NONE, set_gateway },
	{ 'I', NONE, set_aliases },
	{ 'L', NEEDED, ignore },	/* log label */
	{ 'N', NEEDED, set_notify },
	{ 'O', NEEDED, ignore },	/* name=value */
	{ 'R', NEEDED, set_ret },
	{ 'V', NEEDED, set_envid },
	{ 'X', NEEDED, ignore },	/* traffic log, -XV */
	{ 'b', NEEDED, set_mode },
	{ 'd', GLUED, ignore },		/* debug */
	{ 'e', NEEDED, ignore },	/* how to report errors */
	{ 'f', NEEDED, set_sender },
	{ 'h', NEEDED, ignore },	/* hop count */
	{ 'i', NONE, set_dots },
	{ 'm', NONE, ignore },		/* me too */
	{ 'n', NONE, ignore },		/* no aliases */
	{ 'o', NEEDED, set_old },
	{ 'p', NEEDED, ignore },	/* protocol */
	{ 'q', GLUED, set_queue },
	{ 'r', NEEDED, set_sender },
	{ 't', NONE, set_extract },
	{ 'v', NONE, ignore },
};

static const struct flag *
find(char letter)
{
	static const struct flag unknown = { '\0', NONE, ignore };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].letter == letter)
			return &flags[i];
	return &unknown;
}

/* One argument that begins with "-": letters, the last of which may have a value. */
static bool
cluster(struct options *o, int argc, char **argv, int *at, char *why)
{
	for (const char *c = argv[*at] + 1; *c != '\0'; c++) {
		const struct flag *f = find(*c);
		const char *value = c + 1;

		if (f->value == NONE) {
			if (!f->run(o, NULL, why))
				return false;
			continue;
		}
		if (f->value == NEEDED && *value == '\0') {
			if (*at + 1 >= argc) {
				(void)snprintf(why, OPTIONS_WHY, "-%c needs a value", *c);
				return false;
			}
			value = argv[++*at];
		}
		return f->run(o, value, why);
	}
	return true;
}

/* The names that say what to do by themselves. */
static void
by_name(struct options *o, const char *argv0)
{
	struct str name = str_of(argv0);
	ptrdiff_t slash = str_rchr(name, '/');

	if (slash >= 0)
		name = str_sub(name, (size_t)slash + 1, name.n);
	if (str_eq(name, STR("mailq")))
		o->mode = MODE_QUEUE;
	else if (str_eq(name, STR("newaliases")))
		o->mode = MODE_ALIASES;
	else if (str_eq(name, STR("smtpd")))
		o->mode = MODE_DAEMON;
}

bool
options_parse(struct options *o, int argc, char **argv, char why[OPTIONS_WHY])
{
	int at;

	*o = (struct options){ .mode = MODE_MAIL };
	why[0] = '\0';
	if (argc > 0)
		by_name(o, argv[0]);
	for (at = 1; at < argc && argv[at][0] == '-' && argv[at][1] != '\0'; at++) {
		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		if (!cluster(o, argc, argv, &at, why))
			return false;
	}
	o->rcpts = at < argc ? argv + at : argv + argc;
	o->nrcpts = at < argc ? (size_t)(argc - at) : 0;
	/* "sendmail -q30m" starts a daemon that does no more than ours do already. */
	if (o->interval && o->mode == MODE_MAIL && o->nrcpts == 0 && !o->extract)
		o->mode = MODE_NOTHING;
	return true;
}
