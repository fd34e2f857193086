/* SPDX-License-Identifier: ISC */
/*
 * expand - $name in values.
 *
 *	$name  ${name}  $(name)		the value of name
 *	${name?text}  ${name?{text}}	text when name is not empty
 *	${name:text}  ${name:{text}}	text when name is empty
 *	${name?{text}:{text}}		one or the other
 *	${{a} == {b} ? {x} : {y}}	comparison: == != < <= > >=, as numbers when both are
 *	$$				a dollar sign
 *
 * The text of a branch is expanded in its turn.  Names met on the way down form a chain on the
 * stack; a name that is in the chain already is a loop.
 */
#include "conf/internal.h"
#include "conf/lines.h"

struct chain {
	struct str name;
	const struct chain *up;
};

struct walk {
	struct conf *c;
	struct conf_place at;
	unsigned depth;
	bool bad;
};

static void expand(struct walk *w, struct buf *out, struct str text, const struct chain *up);

static bool
name_char(char ch)
{
	return ch_alnum(ch) || ch == '_';
}

/* Bytes of the name at the start of `s`. */
static size_t
name_length(struct str s)
{
	size_t n = 0;

	while (n < s.n && name_char(s.p[n]))
		n++;
	return n;
}

/* The value of a name: what main.cf says, the default of its row, "" with a finding. */
static void
add_name(struct walk *w, struct buf *out, struct str name, const struct chain *up)
{
	const struct conf_setting *s = conf_setting_of(w->c, name);
	const struct conf_param *row;
	struct chain me = { name, up };

	for (const struct chain *i = up; i != NULL; i = i->up) {
		if (str_eq(i->name, name)) {
			conf_report(w->c, CONF_ERROR, w->at.file, w->at.line,
			    "$%.*s leads back to itself", STR_ARG(name));
			w->bad = true;
			return;
		}
	}
	if (s != NULL) {
		expand(w, out, str_of(s->value), &me);
	} else if ((row = conf_row(name)) != NULL) {
		expand(w, out, str_of(conf_default(w->c, row)), &me);
	} else if (conf_foreign(name, &(const char *){ NULL }) == FOREIGN_NONE &&
	    !conf_is_pattern(name, &(struct str){ NULL, 0 }, &(const struct conf_param *){ NULL })) {
		const char *near = conf_nearest(name);

		conf_report(w->c, CONF_WARNING, w->at.file, w->at.line,
		    "$%.*s is not defined%s%s%s", STR_ARG(name),
		    near != NULL ? "; is $" : "", near != NULL ? near : "",
		    near != NULL ? " meant?" : "");
	}
}

/* Compare two texts, as numbers when both are some: <0, 0, >0. */
static int
compare(struct str a, struct str b)
{
	uint64_t x, y;

	if (str_u64(a, UINT64_MAX, &x) && str_u64(b, UINT64_MAX, &y))
		return x < y ? -1 : x > y;
	return str_cmp(a, b);
}

static bool
holds(struct str op, int order, bool *known)
{
	static const struct { struct str op; bool less, same, more; } ops[] = {
		{ STR_INIT("=="), false, true, false }, { STR_INIT("!="), true, false, true },
		{ STR_INIT("<"), true, false, false }, { STR_INIT("<="), true, true, false },
		{ STR_INIT(">"), false, false, true }, { STR_INIT(">="), false, true, true },
		{ STR_INIT("<level"), true, false, false }, { STR_INIT("<=level"), true, true, false },
		{ STR_INIT(">level"), false, false, true }, { STR_INIT(">=level"), false, true, true },
		{ STR_INIT("==level"), false, true, false }, { STR_INIT("!=level"), true, false, true },
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (str_eq(op, ops[i].op)) {
			*known = true;
			return order < 0 ? ops[i].less : order == 0 ? ops[i].same : ops[i].more;
		}
	*known = false;
	return false;
}

/* `{x} : {y}` or `{x}` behind a ?, or `{y}` behind a :, given whether the condition holds. */
static void
add_choice(struct walk *w, struct buf *out, struct str rest, bool yes, const struct chain *up)
{
	struct str text, other;
	char mark;

	rest = str_trim(rest);
	if (rest.n == 0)
		return;
	mark = rest.p[0];
	text = str_trim(str_sub(rest, 1, rest.n));
	other = text;
	if (!lines_group(&other, &text) || other.n == 0 || other.p[0] != ':')
		other = STR("");
	else
		other = lines_unbrace(str_sub(other, 1, other.n));
	if (mark == '?')
		expand(w, out, yes ? text : other, up);
	else if (mark == ':' && !yes)
		expand(w, out, text, up);
}

/* {a} op {b} ? …; `in` begins with {. */
static void
add_comparison(struct walk *w, struct buf *out, struct str in, const struct chain *up)
{
	struct str a, op = STR(""), b, rest = in;
	struct buf x = { .limit = CONF_VALUE_MAX }, y = { .limit = CONF_VALUE_MAX };
	bool known = false, yes = false;

	if (lines_group(&rest, &a)) {
		op.p = rest.p;
		while (op.n < rest.n && rest.p[op.n] != '{')
			op.n++;
		rest = str_sub(rest, op.n, rest.n);
	}
	if (lines_group(&rest, &b)) {
		expand(w, &x, a, up);
		expand(w, &y, b, up);
		yes = holds(str_trim(op), compare(buf_str(&x), buf_str(&y)), &known);
	}
	if (known) {
		add_choice(w, out, rest, yes, up);
	} else {
		conf_report(w->c, CONF_ERROR, w->at.file, w->at.line,
		    "no comparison: ${%.*s}", STR_ARG(str_sub(in, 0, 60)));
		w->bad = true;
	}
	buf_free(&x);
	buf_free(&y);
}

/* What stands between ${ and }. */
static void
add_group(struct walk *w, struct buf *out, struct str in, const struct chain *up)
{
	struct str name;
	size_t n;

	in = str_trim(in);
	if (in.n > 0 && in.p[0] == '{') {
		add_comparison(w, out, in, up);
		return;
	}
	n = name_length(in);
	name = str_sub(in, 0, n);
	in = str_trim(str_sub(in, n, in.n));
	if (n == 0 || (in.n > 0 && in.p[0] != '?' && in.p[0] != ':')) {
		conf_report(w->c, CONF_ERROR, w->at.file, w->at.line, "bad ${…} in the value");
		w->bad = true;
	} else if (in.n == 0) {
		add_name(w, out, name, up);
	} else {
		struct buf value = { .limit = CONF_VALUE_MAX };
		const struct conf_setting *s = conf_setting_of(w->c, name);

		/* Asking whether a name has a value is no use of it: an unknown one is just empty. */
		if (s != NULL || conf_row(name) != NULL)
			add_name(w, &value, name, up);
		add_choice(w, out, in, value.n > 0, up);
		buf_free(&value);
	}
}

/* Offset of the closing mark that belongs to the opening one at the start of `s`, or -1. */
static ptrdiff_t
closing(struct str s, char open, char shut)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == open)
			depth++;
		else if (s.p[i] == shut && --depth == 0)
			return (ptrdiff_t)i;
	}
	return -1;
}

/* What follows a $; gives how many bytes it was. */
static size_t
add_dollar(struct walk *w, struct buf *out, struct str s, const struct chain *up)
{
	ptrdiff_t end;
	size_t n;

	if (s.n > 0 && s.p[0] == '$') {
		buf_addc(out, '$');
		return 1;
	}
	if (s.n > 0 && (s.p[0] == '{' || s.p[0] == '(')) {
		end = s.p[0] == '{' ? closing(s, '{', '}') : closing(s, '(', ')');
		if (end < 0) {
			conf_report(w->c, CONF_ERROR, w->at.file, w->at.line,
			    "$%c without its %c", s.p[0], s.p[0] == '{' ? '}' : ')');
			w->bad = true;
			return s.n;
		}
		add_group(w, out, str_sub(s, 1, (size_t)end - 1), up);
		return (size_t)end + 1;
	}
	n = name_length(s);
	if (n == 0)
		buf_addc(out, '$');
	else
		add_name(w, out, str_sub(s, 0, n), up);
	return n;
}

static void
expand(struct walk *w, struct buf *out, struct str text, const struct chain *up)
{
	if (w->depth >= CONF_DEPTH_MAX) {
		conf_report(w->c, CONF_ERROR, w->at.file, w->at.line,
		    "more than %d names inside each other", CONF_DEPTH_MAX);
		w->bad = true;
		return;
	}
	w->depth++;
	while (text.n > 0 && !w->bad) {
		ptrdiff_t at = str_chr(text, '$');
		size_t n = at < 0 ? text.n : (size_t)at;

		buf_add(out, str_sub(text, 0, n));
		text = str_sub(text, n, text.n);
		if (text.n > 0) {
			text = str_sub(text, 1, text.n);
			text = str_sub(text, add_dollar(w, out, text, up), text.n);
		}
		if (!buf_ok(out)) {
			conf_report(w->c, CONF_ERROR, w->at.file, w->at.line, "the value is too large");
			w->bad = true;
		}
	}
	w->depth--;
}

bool
conf_expand_at(struct conf *c, struct buf *out, struct str text, struct conf_place at)
{
	struct walk w = { c, at, 0, false };

	expand(&w, out, text, NULL);
	return !w.bad;
}

void
conf_expand(struct conf *c, struct buf *out, struct str text)
{
	conf_expand_at(c, out, text, (struct conf_place){ c->file, 0 });
}

void
conf_names_in(struct str text, void (*see)(void *arg, struct str name), void *arg)
{
	for (size_t i = 0; i + 1 < text.n; i++) {
		struct str name;

		if (text.p[i] != '$')
			continue;
		i++;
		if (text.p[i] == '{' || text.p[i] == '(')
			i++;
		name = str_sub(text, i, text.n);
		name.n = name_length(name);
		if (name.n > 0)
			see(arg, name);
		i += name.n;
		i--;
	}
}
