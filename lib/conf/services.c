/* SPDX-License-Identifier: ISC */
/* services - reading master.cf; see services.h. */
#include "conf/services.h"

#include <errno.h>

#include "base/vec.h"
#include "conf/internal.h"
#include "conf/lines.h"

/* What can stand in the command column. */
static const struct command {
	struct str name;
	const char *why;	/* NULL: a program of the suite; else why the service stays unused */
	enum conf_grade grade;
} commands[] = {
	{ STR_INIT("anvil"), NULL, CONF_NOTE },
	{ STR_INIT("authd"), NULL, CONF_NOTE },
	{ STR_INIT("bounce"), NULL, CONF_NOTE },
	{ STR_INIT("cleanup"), NULL, CONF_NOTE },
	{ STR_INIT("dnsd"), NULL, CONF_NOTE },
	{ STR_INIT("imapd"), NULL, CONF_NOTE },
	{ STR_INIT("keyd"), NULL, CONF_NOTE },
	{ STR_INIT("local"), NULL, CONF_NOTE },
	{ STR_INIT("login"), NULL, CONF_NOTE },
	{ STR_INIT("pickup"), NULL, CONF_NOTE },
	{ STR_INIT("pop3d"), NULL, CONF_NOTE },
	{ STR_INIT("qmgr"), NULL, CONF_NOTE },
	{ STR_INIT("router"), NULL, CONF_NOTE },
	{ STR_INIT("smtp"), NULL, CONF_NOTE },
	{ STR_INIT("smtpd"), NULL, CONF_NOTE },
	{ STR_INIT("tlsd"), NULL, CONF_NOTE },
	{ STR_INIT("discard"), "qmgr discards by itself", CONF_NOTE },
	{ STR_INIT("error"), "qmgr fails mail by itself", CONF_NOTE },
	{ STR_INIT("flush"), "qmgr keeps its queue by destination in memory", CONF_NOTE },
	{ STR_INIT("lmtp"), "LMTP is not there yet", CONF_WARNING },
	{ STR_INIT("nqmgr"), "qmgr is the queue manager", CONF_NOTE },
	{ STR_INIT("oqmgr"), "qmgr is the queue manager", CONF_NOTE },
	{ STR_INIT("pipe"), "commands as transports are not there yet", CONF_WARNING },
	{ STR_INIT("postlogd"), "every program logs by itself", CONF_NOTE },
	{ STR_INIT("postscreen"), "not there yet; smtpd takes connections itself", CONF_WARNING },
	{ STR_INIT("dnsblog"), "it belongs to postscreen, which is not there yet", CONF_NOTE },
	{ STR_INIT("tlsproxy"), "tlsd does all TLS", CONF_NOTE },
	{ STR_INIT("proxymap"), "router reads all tables", CONF_NOTE },
	{ STR_INIT("qmqpd"), "the protocol QMQP is not spoken", CONF_WARNING },
	{ STR_INIT("scache"), "smtp keeps its connections itself", CONF_NOTE },
	{ STR_INIT("showq"), "qmgr lists its queue itself", CONF_NOTE },
	{ STR_INIT("spawn"), "commands as services are not there yet", CONF_WARNING },
	{ STR_INIT("tlsmgr"), "tlsd does all TLS", CONF_NOTE },
	{ STR_INIT("trivial-rewrite"), "router rewrites and resolves addresses", CONF_NOTE },
	{ STR_INIT("verify"), "address verification is not there yet", CONF_NOTE },
	{ STR_INIT("virtual"), "local delivers to virtual mailboxes too", CONF_NOTE },
};

static const char *const type_words[] = { "inet", "unix", "fifo", "pass", "unix-dgram" };

struct reading {
	struct conf *c;
	struct pool *pool;
	const char *file;
	unsigned line;
	struct vec services;
};

#define REPORT(r, grade, ...)	conf_report((r)->c, (grade), (r)->file, (r)->line, __VA_ARGS__)

static bool
take_type(struct reading *r, struct str word, struct conf_service *s)
{
	for (size_t i = 0; i < sizeof(type_words) / sizeof(type_words[0]); i++) {
		if (str_eq(word, str_of(type_words[i]))) {
			s->type = (enum service_type)i;
			return true;
		}
	}
	REPORT(r, CONF_ERROR, "\"%.*s\" is no type of service (inet, unix, fifo, pass)",
	    STR_ARG(word));
	return false;
}

/* y, n or - in one of the yes-no columns. */
static bool
take_flag(struct reading *r, const char *column, struct str word, bool def, bool *out)
{
	*out = def;
	if (str_eq(word, STR("y")))
		*out = true;
	else if (str_eq(word, STR("n")))
		*out = false;
	else if (!str_eq(word, STR("-"))) {
		REPORT(r, CONF_ERROR, "column %s: \"%.*s\" is none of y, n, -", column,
		    STR_ARG(word));
		return false;
	}
	return true;
}

/* Seconds, perhaps with Postfix's ? behind them, or -. */
static bool
take_wakeup(struct reading *r, struct str word, int64_t *out)
{
	uint64_t n = 0;

	if (word.n > 1 && word.p[word.n - 1] == '?')
		word.n--;
	if (!str_eq(word, STR("-")) && !str_u64(word, 365 * 86400, &n)) {
		REPORT(r, CONF_ERROR, "column wakeup: \"%.*s\" is neither seconds nor -",
		    STR_ARG(word));
		return false;
	}
	*out = (int64_t)n * 1000;
	return true;
}

static bool
take_maxproc(struct reading *r, struct str word, unsigned *out)
{
	uint64_t n = SERVICE_DEFAULT;

	if (!str_eq(word, STR("-")) && !str_u64(word, 100000, &n)) {
		REPORT(r, CONF_ERROR, "column maxproc: \"%.*s\" is neither a number nor -",
		    STR_ARG(word));
		return false;
	}
	*out = (unsigned)n;
	return true;
}

static const struct command *
find_command(struct str name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (str_eq(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static void
take_command(struct reading *r, struct conf_service *s)
{
	const struct command *known = find_command(s->command);

	if (known == NULL) {
		REPORT(r, CONF_ERROR, "no program is called \"%.*s\"", STR_ARG(s->command));
		s->unused = true;
	} else if (known->why != NULL) {
		REPORT(r, known->grade, "service %.*s (%.*s) stays unused: %s", STR_ARG(s->name),
		    STR_ARG(s->command), known->why);
		s->unused = true;
	}
}

/* One -o: `name=value`, or `{ name = value }`; as "name=value" without blanks around the =. */
static void
take_override(struct reading *r, struct str text, struct vec *overrides)
{
	struct str name;

	text = lines_unbrace(text);
	if (str_chr(text, '=') <= 0) {
		REPORT(r, CONF_ERROR, "-o %.*s: want name=value", STR_ARG(text));
		return;
	}
	str_cut(&text, '=', &name);
	name = str_trim(name);
	text = str_trim(text);
	*(struct str *)vec_push(overrides) =
	    pool_printf(r->pool, "%.*s=%.*s", STR_ARG(name), STR_ARG(text));
}

static struct strs
strs_of(struct pool *pool, struct vec *v)
{
	struct strs out = { pool_array(pool, v->n + 1, sizeof(struct str)), v->n };

	if (v->n > 0)
		memcpy(out.v, v->p, v->n * sizeof(struct str));
	vec_free(v);
	return out;
}

static void
take_args(struct reading *r, struct str rest, struct conf_service *s)
{
	struct vec args = vec_of(sizeof(struct str)), overrides = vec_of(sizeof(struct str));
	struct str word;
	bool options = true;

	while (lines_word(&rest, false, &word)) {
		if (!options || word.n < 2 || word.p[0] != '-') {
			options = false;
			*(struct str *)vec_push(&args) = pool_str(r->pool, lines_unbrace(word));
		} else if (word.p[1] != 'o') {
			*(struct str *)vec_push(&args) = pool_str(r->pool, word);
		} else if (word.n > 2) {
			take_override(r, str_sub(word, 2, word.n), &overrides);
		} else if (lines_word(&rest, false, &word)) {
			take_override(r, word, &overrides);
		} else {
			REPORT(r, CONF_ERROR, "-o at the end of the line: want name=value");
		}
	}
	s->args = strs_of(r->pool, &args);
	s->overrides = strs_of(r->pool, &overrides);
}

/* The port of an inet service, when it is a number: getaddrinfo would take it modulo 65536. */
static bool
check_port(struct reading *r, const struct conf_service *s)
{
	ptrdiff_t colon = str_rchr(s->name, ':');
	struct str port = colon < 0 ? s->name : str_sub(s->name, (size_t)colon + 1, s->name.n);
	uint64_t n;

	if (s->type != SERVICE_INET || port.n == 0)
		return true;
	for (size_t i = 0; i < port.n; i++)
		if (!ch_digit(port.p[i]))
			return true;
	if (str_u64(port, 65535, &n) && n > 0)
		return true;
	REPORT(r, CONF_ERROR, "port %.*s: ports are numbers from 1 to 65535", STR_ARG(port));
	return false;
}

static bool
take_columns(struct reading *r, struct str *rest, struct conf_service *s)
{
	struct str col[8];
	bool unused, ok = true;

	for (size_t i = 0; i < 8; i++) {
		if (!lines_word(rest, false, &col[i])) {
			REPORT(r, CONF_ERROR, "only %zu columns: want name type private "
			    "unpriv chroot wakeup maxproc command", i);
			return false;
		}
	}
	s->name = pool_str(r->pool, col[0]);
	s->command = pool_str(r->pool, col[7]);
	s->line = r->line;
	ok &= take_type(r, col[1], s);
	ok &= take_flag(r, "private", col[2], true, &s->private);
	ok &= take_flag(r, "unpriv", col[3], true, &unused);
	ok &= take_flag(r, "chroot", col[4], false, &unused);
	ok &= take_wakeup(r, col[5], &s->wakeup_ms);
	ok &= take_maxproc(r, col[6], &s->maxproc);
	return ok && check_port(r, s);
}

/* Where the same name and type stood before, or a new place. */
static struct conf_service *
place_for(struct reading *r, const struct conf_service *s)
{
	for (size_t i = 0; i < r->services.n; i++) {
		struct conf_service *old = vec_at(&r->services, i);

		if (str_eq(old->name, s->name) && old->type == s->type) {
			REPORT(r, CONF_WARNING, "service %.*s %s stood before, on line %u; "
			    "this line wins", STR_ARG(s->name), type_words[s->type], old->line);
			return old;
		}
	}
	return vec_push(&r->services);
}

static void
take_service(struct reading *r, struct str text)
{
	struct conf_service s = { 0 };

	if (str_chr(text, '\0') >= 0) {
		REPORT(r, CONF_ERROR, "a NUL byte in the line");
		return;
	}
	if (!take_columns(r, &text, &s))
		return;
	take_command(r, &s);
	take_args(r, text, &s);
	*place_for(r, &s) = s;
}

struct conf_service *
services_of_text(struct conf *c, struct pool *pool, struct str text, size_t *n)
{
	struct reading r = { c, pool, NULL, 0, vec_of(sizeof(struct conf_service)) };
	struct lines in = lines_of(text);
	struct buf line = { .limit = CONF_FILE_MAX };
	struct conf_service *out;

	r.file = pool_printf(pool, "%s/master.cf", c->dir).p;
	while (lines_next(&in, &line, &r.line))
		take_service(&r, buf_str(&line));
	buf_free(&line);
	*n = r.services.n;
	out = pool_array(pool, r.services.n + 1, sizeof(*out));
	if (r.services.n > 0)
		memcpy(out, r.services.p, r.services.n * sizeof(*out));
	vec_free(&r.services);
	return out;
}

struct conf_service *
services_read(struct conf *c, struct pool *pool, size_t *n)
{
	const char *path = pool_printf(pool, "%s/master.cf", c->dir).p;
	struct str text;

	if (conf_source(c, path, CONF_FILE_MAX, &text))
		return services_of_text(c, pool, text, n);
	conf_report(c, CONF_ERROR, path, 0, "cannot read it: %s", strerror(errno));
	return services_of_text(c, pool, STR(""), n);
}
