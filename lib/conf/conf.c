/* SPDX-License-Identifier: ISC */
/* conf - reading main.cf and putting values where rows say; see conf.h. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/panic.h"
#include "conf/internal.h"
#include "conf/lines.h"

bool
conf_slurp(struct pool *pool, const char *path, size_t max, struct str *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), saved;
	struct buf b = { .limit = max };
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		errno = EISDIR;
		return false;
	}
	for (;;) {
		char part[8192];

		n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		buf_add(&b, str_n(part, (size_t)n));
		if (!buf_ok(&b)) {
			n = -1;
			errno = EFBIG;
			break;
		}
	}
	saved = errno;
	close(fd);
	if (n == 0)
		*out = pool_str(pool, buf_str(&b));
	buf_free(&b);
	errno = saved;
	return n == 0;
}

const char *
conf_grade_word(enum conf_grade g)
{
	return g == CONF_NOTE ? "note" : g == CONF_WARNING ? "warning" : "error";
}

void
conf_report(struct conf *c, enum conf_grade grade, const char *file, unsigned line,
    const char *fmt, ...)
{
	struct conf_finding *f;
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = pool_vprintf(c->pool, fmt, ap).p;
	va_end(ap);
	for (size_t i = 0; i < c->findings.n; i++) {
		f = vec_at(&c->findings, i);
		if (f->line == line && strcmp(f->text, text) == 0 && strcmp(f->file, file) == 0)
			return;
	}
	/* Errors are never left out: conf_broken must see them. */
	if (c->findings.n >= CONF_FINDINGS_MAX && grade != CONF_ERROR)
		return;
	f = vec_push(&c->findings);
	*f = (struct conf_finding){ grade, pool_str(c->pool, str_of(file)).p, line, text };
}

const struct conf_setting *
conf_setting_of(const struct conf *c, struct str name)
{
	uintptr_t at = (uintptr_t)map_get(c->index, name);

	return at == 0 ? NULL : vec_at(&c->settings, at - 1);
}

const struct conf_setting *
conf_settings(const struct conf *c, size_t *n)
{
	*n = c->settings.n;
	return c->settings.p;
}

/* Take one setting; a later one of the same name replaces the value in place. */
static void
set(struct conf *c, struct str name, struct str value, const char *file, unsigned line)
{
	struct conf_setting *s = (struct conf_setting *)conf_setting_of(c, name);

	if (s == NULL) {
		s = vec_push(&c->settings);
		s->name = pool_str(c->pool, name).p;
		map_put(c->index, name, (void *)(uintptr_t)c->settings.n);
	} else if (line != 0) {
		conf_report(c, CONF_WARNING, file, line,
		    "%s was set before, on line %u; this line wins", s->name, s->line);
	}
	s->value = pool_str(c->pool, value).p;
	s->file = file;
	s->line = line;
}

static bool
is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ch_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '-' && s.p[i] != '.')
			return false;
	return s.n > 0;
}

/* name = value */
static void
take_line(struct conf *c, struct str text, const char *file, unsigned line)
{
	struct str rest = text, name;
	ptrdiff_t eq = str_chr(text, '=');

	if (str_chr(text, '\0') >= 0) {
		conf_report(c, CONF_ERROR, file, line, "a NUL byte in the line");
		return;
	}
	if (eq < 0) {
		name = str_sub(str_trim(text), 0, 60);
		conf_report(c, CONF_ERROR, file, line, "no = in \"%.*s\"", STR_ARG(name));
		return;
	}
	str_cut(&rest, '=', &name);
	name = str_trim(name);
	if (!is_name(name)) {
		name = str_sub(name, 0, 60);
		conf_report(c, CONF_ERROR, file, line, "\"%.*s\" is no name of a setting",
		    STR_ARG(name));
		return;
	}
	set(c, name, str_trim(rest), file, line);
}

static void
take_text(struct conf *c, struct str text)
{
	struct lines in = lines_of(text);
	struct buf line = { .limit = CONF_FILE_MAX };
	unsigned at = 0;

	while (lines_next(&in, &line, &at)) {
		if (ch_blank(line.p[0]))
			conf_report(c, CONF_WARNING, c->file, at,
			    "begins with a blank, but there is no line before it to continue");
		take_line(c, buf_str(&line), c->file, at);
	}
	buf_free(&line);
}

static struct conf *
conf_new(const char *dir)
{
	struct conf *c = mem_zero(1, sizeof(*c));
	char *whole = realpath(dir, NULL);

	c->pool = pool_new();
	c->dir = pool_str(c->pool, str_of(whole != NULL ? whole : dir)).p;
	free(whole);
	c->file = pool_printf(c->pool, "%s/main.cf", c->dir).p;
	c->settings = vec_of(sizeof(struct conf_setting));
	c->findings = vec_of(sizeof(struct conf_finding));
	c->sources = vec_of(sizeof(struct conf_source));
	c->index = map_new();
	return c;
}

static void
take_overrides(struct conf *c, const struct strs *overrides)
{
	for (size_t i = 0; overrides != NULL && i < overrides->n; i++)
		take_line(c, lines_unbrace(overrides->v[i]), "-o", 0);
}

static void
take_main(struct conf *c, const struct strs *overrides)
{
	struct str text;

	if (conf_source(c, c->file, CONF_FILE_MAX, &text))
		take_text(c, text);
	else
		conf_report(c, CONF_ERROR, c->file, 0, "cannot read it: %s", strerror(errno));
	take_overrides(c, overrides);
}

struct conf *
conf_of_text(const char *dir, struct str text, const struct strs *overrides)
{
	struct conf *c = conf_new(dir);

	conf_remember(c, str_of(c->file), pool_str(c->pool, text));
	take_main(c, overrides);
	return c;
}

struct conf *
conf_read(const char *dir, const struct strs *overrides)
{
	struct conf *c = conf_new(dir);

	take_main(c, overrides);
	return c;
}

struct conf *
conf_like(const struct conf *c, const struct strs *overrides)
{
	struct conf *like = conf_new(c->dir);

	for (size_t i = 0; i < c->sources.n; i++) {
		const struct conf_source *s = vec_at(&c->sources, i);

		conf_remember(like, s->path, s->text);
	}
	take_main(like, overrides);
	return like;
}

struct conf *
conf_of_snapshot(int fd, const char *dir, const struct strs *overrides)
{
	struct conf *c = conf_new(dir);

	if (snapshot_open(c, fd))
		take_main(c, overrides);
	else
		conf_report(c, CONF_ERROR, c->file, 0, "what master handed over cannot be read; "
		    "was the suite upgraded while it runs? stop and start it");
	return c;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	snapshot_close(c);
	pool_free(c->pool);
	vec_free(&c->settings);
	vec_free(&c->findings);
	vec_free(&c->sources);
	map_free(c->index);
	free(c);
}

const char *
conf_dir(const struct conf *c)
{
	return c->dir;
}

bool
conf_is_set(const struct conf *c, const char *name)
{
	return conf_setting_of(c, str_of(name)) != NULL;
}

static const char *
host_name(struct conf *c)
{
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
		return "localhost.localdomain";
	for (size_t i = 0; name[i] != '\0'; i++)
		name[i] = ch_lower(name[i]);
	return pool_printf(c->pool, "%s%s", name, strchr(name, '.') ? "" : ".localdomain").p;
}

/* $myhostname without its first part; the whole name when that leaves no dot-free domain at all. */
static const char *
domain_name(struct conf *c)
{
	const char *host, *dot;

	if (c->asking_domain) {
		conf_report(c, CONF_ERROR, c->file, 0,
		    "myhostname is made from $mydomain: then mydomain has to be set too");
		return "localdomain";
	}
	c->asking_domain = true;
	host = conf_get(c, "myhostname");
	c->asking_domain = false;
	dot = host == NULL ? NULL : strchr(host, '.');
	return dot == NULL || dot[1] == '\0' ? "localdomain" : dot + 1;
}

const char *
conf_default(struct conf *c, const struct conf_param *row)
{
	struct str name = str_of(row->name);

	if (str_eq(name, STR("config_directory")))
		return c->dir;
	if (row->def != NULL)
		return row->def;
	if (str_eq(name, STR("myhostname")))
		return host_name(c);
	if (str_eq(name, STR("mydomain")))
		return domain_name(c);
	return "";
}

/* The default of a setting: of the row of that very name where there is one. */
static struct str
default_of(struct conf *c, const struct conf_param *row, const char *name)
{
	const struct conf_param *own = conf_row(str_of(name));

	return str_of(conf_default(c, own != NULL ? own : row));
}

/* Set or default text of a row, and where it stands. */
static struct str
row_text(struct conf *c, const struct conf_param *row, const char *name, struct conf_place *at)
{
	const struct conf_setting *s = conf_setting_of(c, str_of(name));

	if (s != NULL) {
		*at = (struct conf_place){ s->file, s->line };
		return str_of(s->value);
	}
	*at = (struct conf_place){ c->file, 0 };
	return default_of(c, row, name);
}

/* Neither the value nor the default would do (a $name in it is broken): something harmless. */
static void
blank(const struct conf_param *row, void *to)
{
	if (row->type == CONF_STR || row->type == CONF_RAW)
		*(const char **)to = "";
	else if (row->type == CONF_LIST || row->type == CONF_MATCH)
		*(struct strs *)to = (struct strs){ NULL, 0 };
}

/* Put one value in place, or the default when it is bad. */
static bool
load_row(struct conf *c, const struct conf_param *row, const char *name, void *to)
{
	struct conf_place at;
	struct str text = row_text(c, row, name, &at);
	struct buf why = { 0 };
	bool ok;

	ok = conf_value(c, row, text, at, to, &why);
	if (!ok) {
		conf_report(c, CONF_ERROR, at.file, at.line, "%s: %s", name, buf_z(&why));
		buf_reset(&why);
		if (to != NULL && !conf_value(c, row, default_of(c, row, name),
		    (struct conf_place){ c->file, 0 }, to, &why)) {
			conf_report(c, CONF_ERROR, c->file, 0, "%s: the default: %s", name,
			    buf_z(&why));
			blank(row, to);
		}
	}
	buf_free(&why);
	return ok;
}

bool
conf_load(struct conf *c, const struct conf_param *rows)
{
	bool ok = true;

	for (const struct conf_param *row = rows; row->type != CONF_END; row++)
		ok &= load_row(c, row, row->name, row->value);
	return ok;
}

bool
conf_load_transport(struct conf *c, struct str transport, const struct conf_param *rows)
{
	bool ok = true;

	for (const struct conf_param *row = rows; row->type != CONF_END; row++)
		ok &= load_row(c, row,
		    pool_printf(c->pool, "%.*s%s", STR_ARG(transport), row->name).p, row->value);
	return ok;
}

const char *
conf_get(struct conf *c, const char *name)
{
	const struct conf_setting *s = conf_setting_of(c, str_of(name));
	const struct conf_param *row = conf_row(str_of(name));
	struct buf out = { .limit = CONF_VALUE_MAX };
	struct conf_place at;
	const char *value;

	if (s == NULL && row == NULL)
		return NULL;
	if (s != NULL)
		at = (struct conf_place){ s->file, s->line };
	else
		at = (struct conf_place){ c->file, 0 };
	value = s != NULL ? s->value : conf_default(c, row);
	if (row == NULL || row->type != CONF_RAW) {
		conf_expand_at(c, &out, str_of(value), at);
		value = pool_str(c->pool, buf_str(&out)).p;
		buf_free(&out);
	}
	return value;
}

static int
by_place(const void *a, const void *b)
{
	const struct conf_finding *x = a, *y = b;
	int r = strcmp(x->file, y->file);

	if (r != 0)
		return r;
	return x->line < y->line ? -1 : x->line > y->line;
}

const struct conf_finding *
conf_findings(const struct conf *c, size_t *n)
{
	/* Sorting in place changes nothing a caller could see but the order it asked for. */
	vec_sort((struct vec *)&c->findings, by_place);
	*n = c->findings.n;
	return c->findings.p;
}

bool
conf_broken(const struct conf *c)
{
	for (size_t i = 0; i < c->findings.n; i++)
		if (((struct conf_finding *)vec_at(&c->findings, i))->grade == CONF_ERROR)
			return true;
	return false;
}
