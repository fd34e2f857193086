/* SPDX-License-Identifier: ISC */
/* postconf_services - master.cf: -M, -F, -P, and changing it. */
#include <stdio.h>

#include "admin/edit.h"
#include "admin/postconf.h"
#include "base/log.h"
#include "base/panic.h"
#include "conf/lines.h"

#define COLUMNS	8

static const char *const fields[COLUMNS] = {
	"service", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command",
};
static const int widths[COLUMNS] = { 10, 5, 7, 7, 7, 7, 7, 0 };

/* One line of master.cf, in words. */
struct line {
	struct str columns[COLUMNS];
	struct strs words;	/* behind the command; -o and its pair are two */
	size_t part;		/* in the edit */
};

static bool
parse(struct pool *pool, struct str text, struct line *out)
{
	struct vec words = vec_of(sizeof(struct str));
	struct str word;

	for (size_t i = 0; i < COLUMNS; i++)
		if (!lines_word(&text, false, &out->columns[i]))
			return false;
	while (lines_word(&text, false, &word)) {
		if (word.n > 2 && str_start(word, STR("-o"))) {
			*(struct str *)vec_push(&words) = STR("-o");
			word = str_sub(word, 2, word.n);
		}
		*(struct str *)vec_push(&words) = word;
	}
	out->words = (struct strs){ pool_array(pool, words.n + 1, sizeof(struct str)), words.n };
	if (words.n > 0)
		memcpy(out->words.v, words.p, words.n * sizeof(struct str));
	vec_free(&words);
	return true;
}

static struct line *
read_lines(struct postconf *p, struct edit **edit, size_t *n)
{
	struct vec v = vec_of(sizeof(struct line));
	struct edit *e = edit_open(pool_printf(p->pool, "%s/master.cf", p->dir).p,
	    p->edit != EDIT_NONE);
	struct line *out;

	for (size_t i = 0; i < e->parts.n; i++) {
		struct edit_part *part = vec_at(&e->parts, i);
		struct line one = { .part = i };

		if (part->line.n > 0 && parse(p->pool, part->line, &one))
			*(struct line *)vec_push(&v) = one;
	}
	*n = v.n;
	*edit = e;
	out = pool_array(p->pool, v.n + 1, sizeof(*out));
	if (v.n > 0)
		memcpy(out, v.p, v.n * sizeof(*out));
	vec_free(&v);
	return out;
}

/* `-o name=value`: is word `i` the pair, and what are its parts? */
static bool
is_pair(const struct line *l, size_t i, struct str *name, struct str *value)
{
	struct str text;

	if (i == 0 || !str_eq(l->words.v[i - 1], STR("-o")))
		return false;
	text = lines_unbrace(l->words.v[i]);
	if (str_chr(text, '=') < 0)
		return false;
	str_cut(&text, '=', name);
	*name = str_trim(*name);
	*value = str_trim(text);
	return true;
}

/* Does a request "service[/type[/what]]" fit, where * is any?  `what` is what is left of it. */
static bool
fits(const struct line *l, struct str request, struct str *what)
{
	struct str name = str_trim(request), type;
	ptrdiff_t at;

	*what = STR("");
	/* The service's own name may hold a slash: compare it whole. */
	if (str_eq(name, STR("*")) || str_start(name, STR("*/")))
		name = str_sub(name, 1, name.n);
	else if (str_start(name, l->columns[0]))
		name = str_sub(name, l->columns[0].n, name.n);
	else
		return false;
	if (name.n == 0)
		return true;
	if (name.p[0] != '/')
		return false;
	name = str_sub(name, 1, name.n);
	at = str_chr(name, '/');
	type = at < 0 ? name : str_sub(name, 0, (size_t)at);
	if (at >= 0)
		*what = str_sub(name, (size_t)at + 1, name.n);
	return str_eq(type, STR("*")) || str_eq(type, l->columns[1]);
}

/* The line as text; with `fold` each -o stands on a line of its own. */
static struct str
line_text(struct pool *pool, const struct line *l, bool fold)
{
	struct buf out = { 0 };
	struct str name, value, text;
	size_t want = 0;

	for (size_t i = 0; i < COLUMNS; i++) {
		buf_add(&out, l->columns[i]);
		want += (size_t)widths[i] + 1;
		if (i + 1 < COLUMNS)
			do
				buf_addc(&out, ' ');
			while (out.n < want);
	}
	for (size_t i = 0; i < l->words.n; i++) {
		bool option = str_eq(l->words.v[i], STR("-o"));
		bool after_o = i > 0 && str_eq(l->words.v[i - 1], STR("-o"));

		buf_addz(&out, fold && option && !after_o ? "\n    " : " ");
		if (!is_pair(l, i, &name, &value))
			buf_add(&out, l->words.v[i]);
		else if (str_chr(value, ' ') >= 0)
			buf_addf(&out, "{%.*s=%.*s}", STR_ARG(name), STR_ARG(value));
		else
			buf_addf(&out, "%.*s=%.*s", STR_ARG(name), STR_ARG(value));
	}
	text = pool_str(pool, buf_str(&out));
	buf_free(&out);
	return text;
}

/* Walk the lines that the requests name, in the order of the file; warn about one that fits none. */
static int
show(struct postconf *p, void (*print)(struct postconf *, const struct line *, struct str what))
{
	struct edit *e;
	size_t n;
	struct line *lines = read_lines(p, &e, &n);
	struct str what;

	for (size_t i = 0; i < n && p->names[0] == NULL; i++)
		print(p, &lines[i], STR(""));
	for (char **name = p->names; *name != NULL; name++) {
		bool any = false;

		for (size_t i = 0; i < n; i++) {
			if (!fits(&lines[i], str_of(*name), &what))
				continue;
			print(p, &lines[i], what);
			any = true;
		}
		if (!any)
			log_warn("unmatched request: \"%s\"", *name);
	}
	edit_free(e);
	return 0;
}

static void
print_line(struct postconf *p, const struct line *l, struct str what)
{
	struct str text = line_text(p->pool, l, p->fold);

	(void)what;
	printf("%.*s\n", STR_ARG(text));
}

static const char *
prefix_of(struct postconf *p, const struct line *l)
{
	return pool_printf(p->pool, "%.*s/%.*s/", STR_ARG(l->columns[0]), STR_ARG(l->columns[1])).p;
}

static void
print_fields(struct postconf *p, const struct line *l, struct str what)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		struct str value = l->columns[i];

		if (what.n > 0 && !str_eq(what, str_of(fields[i])))
			continue;
		if (i == COLUMNS - 1) {
			struct str all = line_text(p->pool, l, false);
			size_t at = 0;

			/* The command with everything behind it. */
			for (size_t k = 0; k < COLUMNS - 1; k++) {
				at += l->columns[k].n;
				while (at < all.n && all.p[at] == ' ')
					at++;
			}
			value = str_sub(all, at, all.n);
		}
		print_setting(p, prefix_of(p, l), fields[i], value);
	}
}

static void
print_overrides(struct postconf *p, const struct line *l, struct str what)
{
	struct str name, value;

	for (size_t i = 0; i < l->words.n; i++)
		if (is_pair(l, i, &name, &value) && (what.n == 0 || str_eq(what, name)))
			print_setting(p, prefix_of(p, l), pool_str(p->pool, name).p, value);
}

int
show_services(struct postconf *p)
{
	return show(p, print_line);
}

int
show_fields(struct postconf *p)
{
	return show(p, print_fields);
}

int
show_overrides(struct postconf *p)
{
	return show(p, print_overrides);
}

/* The request of an edit, cut at its =. */
static struct str
request_of(const struct postconf *p, char *arg, struct str *value)
{
	struct str rest = str_of(arg), request;

	if (strpbrk(arg, "\r\n") != NULL)
		fatal("a value of several lines: \"%s\"", arg);
	if (p->edit == EDIT_SET && str_chr(rest, '=') < 0)
		fatal("missing = in \"%s\"", arg);
	str_cut(&rest, '=', &request);
	*value = str_trim(rest);
	return str_trim(request);
}

int
edit_services(struct postconf *p)
{
	struct edit *e;
	size_t n;
	struct line *lines = read_lines(p, &e, &n);

	for (char **arg = p->names; *arg != NULL; arg++) {
		struct str value, request = request_of(p, *arg, &value), what;
		struct line one = { .part = 0 };
		bool placed = false;

		if (p->edit == EDIT_SET && !parse(p->pool, value, &one))
			fatal("want 8 columns: \"%.*s\"", STR_ARG(value));
		for (size_t i = 0; i < n; i++) {
			if (!fits(&lines[i], request, &what) || what.n > 0)
				continue;
			if (p->edit == EDIT_COMMENT)
				edit_comment(e, lines[i].part);
			else if (p->edit == EDIT_REMOVE || placed)
				edit_replace(e, lines[i].part, STR(""));
			else
				edit_replace(e, lines[i].part, line_text(p->pool, &one, true));
			placed = true;
		}
		if (!placed && p->edit == EDIT_SET)
			edit_append(e, line_text(p->pool, &one, true));
		else if (!placed)
			log_warn("unmatched request: \"%s\"", *arg);
	}
	edit_save(e);
	edit_free(e);
	return 0;
}

int
edit_fields(struct postconf *p)
{
	struct edit *e;
	size_t n;
	struct line *lines = read_lines(p, &e, &n);

	if (p->edit != EDIT_SET)
		fatal("-F takes -e only");
	for (char **arg = p->names; *arg != NULL; arg++) {
		struct str value, request = request_of(p, *arg, &value), what;
		bool placed = false;

		for (size_t i = 0; i < n; i++) {
			size_t k = 0;

			if (!fits(&lines[i], request, &what))
				continue;
			while (k < COLUMNS && !str_eq(what, str_of(fields[k])))
				k++;
			if (k == COLUMNS || value.n == 0)
				fatal("no such field, or no value: \"%s\"", *arg);
			if (k < COLUMNS - 1) {
				lines[i].columns[k] = value;
			} else {
				lines_word(&value, false, &lines[i].columns[k]);
				lines[i].words = (struct strs){ NULL, 0 };
				if (value.n > 0) {
					struct line words;
					struct str text = pool_printf(p->pool,
					    "a b c d e f g h %.*s", STR_ARG(value));

					(void)parse(p->pool, text, &words);
					lines[i].words = words.words;
				}
			}
			edit_replace(e, lines[i].part, line_text(p->pool, &lines[i], true));
			placed = true;
		}
		if (!placed)
			log_warn("unmatched request: \"%s\"", *arg);
	}
	edit_save(e);
	edit_free(e);
	return 0;
}

/* Set, change or take out one -o. */
static void
change_override(struct postconf *p, struct line *l, struct str name, struct str value)
{
	struct strs out = { pool_array(p->pool, l->words.n + 3, sizeof(struct str)), 0 };
	struct str pair = pool_printf(p->pool, str_chr(value, ' ') >= 0 ? "{%.*s=%.*s}" :
	    "%.*s=%.*s", STR_ARG(name), STR_ARG(value)), old, unused;
	bool placed = false;

	for (size_t i = 0; i < l->words.n; i++) {
		bool same = is_pair(l, i + 1 < l->words.n ? i + 1 : i, &old, &unused) &&
		    i + 1 < l->words.n && str_eq(old, name);

		if (!same) {
			out.v[out.n++] = l->words.v[i];
			continue;
		}
		if (p->edit == EDIT_SET && !placed) {
			out.v[out.n++] = STR("-o");
			out.v[out.n++] = pair;
		}
		placed = true;
		i++;
	}
	if (p->edit == EDIT_SET && !placed) {
		out.v[out.n++] = STR("-o");
		out.v[out.n++] = pair;
	}
	l->words = out;
}

int
edit_overrides(struct postconf *p)
{
	struct edit *e;
	size_t n;
	struct line *lines = read_lines(p, &e, &n);

	if (p->edit == EDIT_COMMENT)
		fatal("-P takes -e and -X only");
	for (char **arg = p->names; *arg != NULL; arg++) {
		struct str value, request = request_of(p, *arg, &value), what;
		bool placed = false;

		for (size_t i = 0; i < n; i++) {
			if (!fits(&lines[i], request, &what) || what.n == 0)
				continue;
			change_override(p, &lines[i], what, value);
			edit_replace(e, lines[i].part, line_text(p->pool, &lines[i], true));
			placed = true;
		}
		if (!placed)
			log_warn("unmatched request: \"%s\"", *arg);
	}
	edit_save(e);
	edit_free(e);
	return 0;
}
