/* SPDX-License-Identifier: ISC */
/*
 * postconf - show and change the configuration.
 *
 * Runs as:  the caller.
 * Trusts:   its command line and the configuration.
 * If taken over: is the caller.
 */
#include "admin/postconf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "base/vec.h"
#include "conf/common.h"
#include "table/table.h"

#define FOLD_AT	72	/* column where -f breaks */

static _Noreturn void
usage(void)
{
	fputs("usage: postconf [-c dir] [-dfhHnx] [-o name=value] [name...]\n"
	    "       postconf [-c dir] -e name=value... | -X name... | -# name...\n"
	    "       postconf [-c dir] -M [-f] [service[/type]...]\n"
	    "       postconf [-c dir] -Me service/type=line... | -MX | -M# service/type...\n"
	    "       postconf [-c dir] -F [service[/type[/field]]...]  | -Fe service/type/field=value...\n"
	    "       postconf [-c dir] -P [service[/type[/name]]...]  | -Pe service/type/name=value... | "
	    "-PX service/type/name...\n"
	    "       postconf -m | -l | -a | -A | --man\n", stderr);
	exit(1);
}

void
print_setting(const struct postconf *p, const char *prefix, const char *name, struct str value)
{
	size_t column = strlen(prefix) + strlen(name) + 3;
	struct str word;

	if (p->no_values) {
		printf("%s%s\n", prefix, name);
		return;
	}
	if (!p->no_names)
		printf("%s%s =%s", prefix, name, value.n > 0 ? " " : "");
	if (!p->fold) {
		printf("%.*s\n", STR_ARG(value));
		return;
	}
	for (bool first = true; str_cut(&value, ' ', &word); first = false) {
		if (!first && column + word.n + 1 > FOLD_AT) {
			printf("\n    ");
			column = 4;
		} else if (!first) {
			printf(" ");
			column++;
		}
		printf("%.*s", STR_ARG(word));
		column += word.n;
	}
	printf("\n");
}

/* Text between blanks, one blank between. */
static struct str
squeeze(struct pool *pool, struct str s)
{
	char *out = pool_alloc(pool, s.n + 1);
	size_t n = 0;

	s = str_trim(s);
	for (size_t i = 0; i < s.n; i++) {
		if (!ch_space(s.p[i]))
			out[n++] = s.p[i];
		else if (n > 0 && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	return str_n(out, n);
}

/* What is set for a name, or NULL. */
static const char *
setting_of(struct postconf *p, const char *name)
{
	size_t n;
	const struct conf_setting *s = conf_settings(p->conf, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(s[i].name, name) == 0)
			return s[i].value;
	return NULL;
}

/* False for a name that nothing knows. */
static bool
show_name(struct postconf *p, const char *name)
{
	const struct conf_param *row = conf_row(str_of(name)), *pattern;
	const char *value = p->defaults ? NULL : setting_of(p, name);
	struct buf out = { 0 };
	struct str service;

	if (value == NULL && row != NULL)
		value = conf_default(p->conf, row);
	if (value == NULL && conf_is_pattern(str_of(name), &service, &pattern) && pattern != NULL)
		value = pattern->def;
	if (value == NULL)
		return false;
	if (p->expand && (row == NULL || row->type != CONF_RAW))
		conf_expand(p->conf, &out, str_of(value));
	else
		buf_addz(&out, value);
	print_setting(p, "", name, squeeze(p->pool, buf_str(&out)));
	buf_free(&out);
	return true;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All names: the rows, or what is set. */
static void
show_all(struct postconf *p)
{
	struct vec names = vec_of(sizeof(const char *));
	size_t n;
	const struct conf_setting *s = conf_settings(p->conf, &n);
	const struct conf_param *all;

	for (size_t i = 0; i < n && !p->defaults; i++)
		*(const char **)vec_push(&names) = s[i].name;
	all = conf_all(&n);
	for (size_t i = 0; i < n && !p->set_only; i++)
		if (p->defaults || setting_of(p, all[i].name) == NULL)
			*(const char **)vec_push(&names) = all[i].name;
	vec_sort(&names, by_text);
	for (size_t i = 0; i < names.n; i++)
		(void)show_name(p, *(const char **)vec_at(&names, i));
	vec_free(&names);
}

/* What the whole configuration gives to say, on standard error. */
static void
tell_findings(struct postconf *p)
{
	const struct conf_finding *f;
	size_t n;

	conf_check(p->conf);
	f = conf_findings(p->conf, &n);
	for (size_t i = 0; i < n; i++) {
		if (f[i].grade == CONF_WARNING)
			log_warn("%s, line %u: %s", f[i].file, f[i].line, f[i].text);
		else if (f[i].grade == CONF_ERROR)
			log_error("%s, line %u: %s", f[i].file, f[i].line, f[i].text);
	}
}

int
show_main(struct postconf *p)
{
	if (p->names[0] == NULL) {
		if (!p->defaults)
			tell_findings(p);
		show_all(p);
		return 0;
	}
	for (char **name = p->names; *name != NULL; name++) {
		if (p->set_only && setting_of(p, *name) == NULL)
			continue;
		if (!show_name(p, *name)) {
			const char *near = conf_nearest(str_of(*name));

			log_warn("%s: unknown parameter%s%s%s", *name, near ? "; is " : "",
			    near ? near : "", near ? " meant?" : "");
		}
	}
	return 0;
}

/* The table of settings for main.cf(5), in mdoc. */
static void
show_manual(void)
{
	size_t n;
	const struct conf_param *all = conf_all(&n);

	for (size_t i = 0; i < n; i++) {
		const char *def = all[i].def;

		printf(".It Ic %s", all[i].name);
		if (def == NULL)
			printf(" Pq default: found out\n");
		else if (def[0] == '\0')
			printf(" Pq default: empty\n");
		else
			printf(" Pq default: %s\n", def);
		printf("%s\n", all[i].text);
		if (all[i].type == CONF_WORD)
			printf("One of: %s.\n", all[i].min);
		else if (all[i].min != NULL && all[i].max != NULL)
			printf("From %s to %s.\n", all[i].min, all[i].max);
		else if (all[i].min != NULL)
			printf("At least %s.\n", all[i].min);
	}
}

static void
print_types(void)
{
	for (const char *const *t = table_types(); *t != NULL; t++)
		puts(*t);
}

static const char *
config_dir(void)
{
	const char *env = getenv("MAIL_CONFIG");

	return env != NULL && getuid() == geteuid() ? env : CONFDIR;
}

/* The defaults are ours: they need no main.cf, and are the same whatever stands in one. */
static void
read_conf(struct postconf *p, int mode, const struct strs *overrides)
{
	if (p->defaults && mode == 'p' && p->edit == EDIT_NONE) {
		p->conf = conf_of_text(p->dir, STR(""), overrides);
		return;
	}
	p->conf = conf_read(p->dir, overrides);
	if (access(pool_printf(p->pool, "%s/main.cf", p->dir).p, R_OK) != 0)
		fatal("open %s/main.cf: %s", p->dir, strerror(errno));
}

int
main(int argc, char **argv)
{
	static struct postconf p;
	struct vec overrides = vec_of(sizeof(struct str));
	struct strs over;
	int c, mode = 'p', status;

	p.dir = config_dir();
	p.pool = pool_new();
	log_open(2, LOG_PLAIN, "postconf");
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--man") == 0) {
			show_manual();
			return 0;
		}
	}
	while ((c = getopt(argc, argv, "aAbc:C:deEfFhHlmMno:pPtTvxX#")) != -1) {
		switch (c) {
		case 'c': p.dir = optarg; break;
		case 'd': p.defaults = true; break;
		case 'n': p.set_only = true; break;
		case 'h': p.no_names = true; break;
		case 'H': p.no_values = true; break;
		case 'x': p.expand = true; break;
		case 'f': p.fold = true; break;
		case 'e': p.edit = EDIT_SET; break;
		case 'X': p.edit = EDIT_REMOVE; break;
		case '#': p.edit = EDIT_COMMENT; break;
		case 'o': *(struct str *)vec_push(&overrides) = str_of(optarg); break;
		case 'm': print_types(); return 0;
		case 'l': puts("flock\nfcntl\ndotlock"); return 0;
		case 'a': puts("authd"); return 0;
		case 'A': return 0;
		case 'M': case 'F': case 'P': case 'p': mode = c; break;
		case 'C': case 'v': break;
		default: usage();
		}
	}
	p.names = argv + optind;
	over = (struct strs){ overrides.p, overrides.n };
	/* Postfix takes name=value without -e as an order to edit, too. */
	if (p.edit == EDIT_NONE && p.names[0] != NULL && strchr(p.names[0], '='))
		p.edit = EDIT_SET;
	if (p.edit != EDIT_NONE && p.names[0] == NULL)
		usage();
	read_conf(&p, mode, &over);
	if (mode == 'M')
		status = p.edit == EDIT_NONE ? show_services(&p) : edit_services(&p);
	else if (mode == 'F')
		status = p.edit == EDIT_NONE ? show_fields(&p) : edit_fields(&p);
	else if (mode == 'P')
		status = p.edit == EDIT_NONE ? show_overrides(&p) : edit_overrides(&p);
	else
		status = p.edit == EDIT_NONE ? show_main(&p) : edit_main(&p);
	if (fflush(stdout) != 0)
		fatal("cannot write: %s", strerror(errno));
	conf_free(p.conf);
	pool_free(p.pool);
	vec_free(&overrides);
	return status;
}
