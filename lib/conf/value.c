/* SPDX-License-Identifier: ISC */
/* value - from the text of a setting to its type. */
#include <errno.h>

#include "conf/internal.h"
#include "conf/lines.h"

#define MATCH_FILE_MAX	(16u << 20)	/* bytes of a file named in a CONF_MATCH list */

struct unit {
	struct str name;
	uint64_t factor;
};

static const struct unit time_units[] = {
	{ STR_INIT("ms"), 1 },
	{ STR_INIT("s"), 1000 },
	{ STR_INIT("m"), 60 * 1000 },
	{ STR_INIT("h"), 3600 * 1000 },
	{ STR_INIT("d"), 24 * 3600 * 1000 },
	{ STR_INIT("w"), 7 * 24 * 3600 * 1000 },
	{ { NULL, 0 }, 0 },
};

static const struct unit byte_units[] = {
	{ STR_INIT("k"), 1u << 10 },
	{ STR_INIT("M"), 1u << 20 },
	{ STR_INIT("G"), 1u << 30 },
	{ { NULL, 0 }, 0 },
};

/* Digits and a unit; without a unit `factor` is what it had been set to. */
static bool
number_unit(struct str text, const struct unit *units, uint64_t factor, uint64_t *out)
{
	size_t digits = 0;
	struct str unit;
	uint64_t n;

	while (digits < text.n && ch_digit(text.p[digits]))
		digits++;
	unit = str_trim(str_sub(text, digits, text.n));
	if (!str_u64(str_sub(text, 0, digits), INT64_MAX, &n))
		return false;
	if (unit.n > 0) {
		while (units->name.p != NULL && !str_ieq(units->name, unit))
			units++;
		if (units->name.p == NULL)
			return false;
		factor = units->factor;
	}
	if (factor != 0 && n > INT64_MAX / factor)
		return false;
	*out = n * factor;
	return true;
}

/* The unit a bare number has: that of the default, seconds when it has none. */
static uint64_t
default_factor(const struct conf_param *row)
{
	struct str def = str_of(row->def);
	size_t digits = 0;

	while (digits < def.n && ch_digit(def.p[digits]))
		digits++;
	for (const struct unit *u = time_units; u->name.p != NULL; u++)
		if (digits > 0 && str_ieq(u->name, str_sub(def, digits, def.n)))
			return u->factor;
	return 1000;
}

/* What kind of number the row wants: its units, and the factor of a bare number. */
static bool
parse_number(const struct conf_param *row, struct str text, uint64_t *out)
{
	static const struct unit none[] = { { { NULL, 0 }, 0 } };

	if (row->type == CONF_TIME)
		return number_unit(text, time_units, default_factor(row), out);
	return number_unit(text, row->type == CONF_BYTES ? byte_units : none, 1, out);
}

static bool
value_number(const struct conf_param *row, struct str text, void *to, struct buf *why)
{
	uint64_t n, edge;

	if (!parse_number(row, text, &n)) {
		buf_addf(why, "\"%.*s\" is no %s", STR_ARG(text),
		    row->type == CONF_TIME ? "time (like 30s, 5m, 1h, 2d)" :
		    row->type == CONF_BYTES ? "size (like 10240, 10k, 50M)" : "number");
		return false;
	}
	if (row->min != NULL && parse_number(row, str_of(row->min), &edge) && n < edge) {
		buf_addf(why, "%.*s is less than the least value, %s", STR_ARG(text), row->min);
		return false;
	}
	if (row->max != NULL && parse_number(row, str_of(row->max), &edge) && n > edge) {
		buf_addf(why, "%.*s is more than the largest value, %s", STR_ARG(text), row->max);
		return false;
	}
	if (to != NULL && row->type == CONF_TIME)
		*(int64_t *)to = (int64_t)n;
	else if (to != NULL)
		*(uint64_t *)to = n;
	return true;
}

static bool
value_bool(struct str text, bool *to, struct buf *why)
{
	bool yes = str_ieq(text, STR("yes"));

	if (!yes && !str_ieq(text, STR("no"))) {
		buf_addf(why, "\"%.*s\" is neither yes nor no", STR_ARG(text));
		return false;
	}
	if (to != NULL)
		*to = yes;
	return true;
}

/* Equal but for case, and for which blanks and commas stand between the words. */
static bool
same_words(struct str a, struct str b)
{
	for (;;) {
		struct str x, y;
		bool more_a = lines_word(&a, true, &x), more_b = lines_word(&b, true, &y);

		if (!more_a || !more_b)
			return more_a == more_b;
		if (!str_ieq(x, y))
			return false;
	}
}

static bool
value_word(const struct conf_param *row, struct str text, unsigned *to, struct buf *why)
{
	struct str words = str_of(row->min), word;
	unsigned i = 0;

	if (text.n == 0 && row->def != NULL)	/* Postfix's way to say: the default */
		text = str_of(row->def);
	for (; str_cut(&words, '|', &word); i++) {
		if (same_words(word, text)) {
			if (to != NULL)
				*to = i;
			return true;
		}
	}
	buf_addf(why, "\"%.*s\" is none of %s", STR_ARG(text), row->min);
	return false;
}

/* Collect the members of `text`; files among them, when `files`, give theirs. */
static void
collect(struct conf *c, struct str text, bool files, struct conf_place at, struct vec *out)
{
	struct str word, inside;
	struct buf line = { .limit = CONF_VALUE_MAX };
	unsigned n = 0;

	while (lines_word(&text, true, &word)) {
		if (!files || word.p[0] != '/') {
			*(struct str *)vec_push(out) = pool_str(c->pool, word);
		} else if (conf_source(c, pool_str(c->pool, word).p, MATCH_FILE_MAX, &inside)) {
			struct lines in = lines_of(inside);

			while (lines_next(&in, &line, &n))
				collect(c, buf_str(&line), false, at, out);
		} else {
			conf_report(c, CONF_ERROR, at.file, at.line, "cannot read %.*s: %s",
			    STR_ARG(word), strerror(errno));
		}
	}
	buf_free(&line);
}

static bool
value_list(struct conf *c, const struct conf_param *row, struct str text, struct conf_place at,
    struct strs *to)
{
	struct vec v = vec_of(sizeof(struct str));

	collect(c, text, row->type == CONF_MATCH, at, &v);
	if (to != NULL) {
		to->n = v.n;
		to->v = pool_array(c->pool, v.n + 1, sizeof(struct str));
		if (v.n > 0)
			memcpy(to->v, v.p, v.n * sizeof(struct str));
	}
	vec_free(&v);
	return true;
}

static bool
value_typed(struct conf *c, const struct conf_param *row, struct str text, struct conf_place at,
    void *to, struct buf *why)
{
	switch (row->type) {
	case CONF_BOOL:
		return value_bool(text, to, why);
	case CONF_INT:
	case CONF_BYTES:
	case CONF_TIME:
		return value_number(row, text, to, why);
	case CONF_LIST:
	case CONF_MATCH:
		return value_list(c, row, text, at, to);
	case CONF_WORD:
		return value_word(row, text, to, why);
	case CONF_STR:
	case CONF_RAW:
	case CONF_END:
		if (to != NULL)
			*(const char **)to = pool_str(c->pool, text).p;
		break;
	}
	return true;
}

bool
conf_value(struct conf *c, const struct conf_param *row, struct str text, struct conf_place at,
    void *to, struct buf *why)
{
	struct buf out = { .limit = CONF_VALUE_MAX };
	bool ok;

	if (row->type == CONF_RAW)
		return value_typed(c, row, text, at, to, why);
	ok = conf_expand_at(c, &out, text, at);
	if (!ok)
		buf_addz(why, "the value cannot be expanded");
	else
		ok = value_typed(c, row, str_trim(buf_str(&out)), at, to, why);
	buf_free(&out);
	return ok;
}
