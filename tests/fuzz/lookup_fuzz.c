/* SPDX-License-Identifier: ISC */
/*
 * lookup_fuzz - the texts in main.cf that are tables and lists of domains, and the order in which the
 * parts of an address are asked for.  A line each: an inline table, a list of domains, local part,
 * domain, delimiters.
 */
#include "base/panic.h"
#include "conf/lines.h"
#include "table/lookup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMBERS	50

struct seen {
	struct table *table;
	size_t n;
};

static struct str
line(struct str *text)
{
	struct str s = STR("");

	(void)str_cut(text, '\n', &s);
	return s;
}

/* What a table lists it also finds, folded. */
static void
pair(void *arg, struct str key, struct str value)
{
	struct seen *s = arg;
	struct buf got = { .p = NULL };

	ASSERT(key.n > TABLE_KEY_MAX || table_get(s->table, key, &got, NULL) == TABLE_FOUND);
	ASSERT(key.n > TABLE_KEY_MAX || str_eq(buf_str(&got), value));
	for (size_t i = 0; i < key.n; i++)
		ASSERT(key.p[i] == ch_lower(key.p[i]));
	buf_free(&got);
	s->n++;
}

static void
list(struct table *t)
{
	struct buf why = { .p = NULL };
	struct seen seen = { t, 0 };

	if (table_each(t, pair, &seen, &why) == TABLE_LATER)
		ASSERT(seen.n == 0 && why.n > 0);
	buf_free(&why);
}

/* A list says what the first of its members says that matches alone. */
static void
domains(struct str text, struct str domain, struct pool *p)
{
	struct str v[MEMBERS], word, type, name;
	struct strs members = { v, 0 };
	struct buf why = { .p = NULL };
	enum table_result got, first;
	struct domains *d;

	while (members.n < MEMBERS && lines_word(&text, true, &word)) {
		table_split(word, NULL, &type, &name);
		ASSERT(type.n > 0 && name.n <= word.n);
		/* Files of the machine are no part of this. */
		if (!table_is_spec(word) && (word.n == 0 || word.p[0] != '!'))
			v[members.n++] = pool_str(p, word);
	}
	for (unsigned parents = 0; parents < 2; parents++) {
		d = domains_open(members, parents, NULL);
		got = domains_match(d, domain, &why);
		domains_close(d);
		first = TABLE_ABSENT;
		for (size_t i = 0; i < members.n && first == TABLE_ABSENT; i++) {
			d = domains_open((struct strs){ &v[i], 1 }, parents, NULL);
			first = domains_match(d, domain, &why);
			domains_close(d);
		}
		ASSERT(got == first);
	}
	buf_free(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n(data, size), table = line(&text), members = line(&text), ext, user;
	struct lookup l = { .local = line(&text), .domain = line(&text), .delimiters = line(&text),
		.keys = LOOKUP_FULL | LOOKUP_LOCAL | LOOKUP_AT | LOOKUP_DOMAIN | LOOKUP_STAR };
	struct buf value = { .p = NULL }, why = { .p = NULL };
	struct pool *p = pool_new();
	struct str spec = pool_printf(p, "inline:%.*s", STR_ARG(table));
	struct tables t = tables_open((struct strs){ &spec, 1 }, NULL, 0);

	list(t.v[0]);
	for (unsigned special = 0; special < 2; special++) {
		l.special = special;
		buf_reset(&value);
		if (lookup_extension(l.local, l.delimiters, l.special, &user, &ext))
			ASSERT(user.n > 0 && ext.n > 0 && user.n + ext.n == l.local.n);
		if (lookup_address(&t, &l, &value, &ext, &why) != TABLE_FOUND)
			ASSERT(value.n == 0 && ext.n == 0);
		ASSERT(ext.n == 0 || str_end(l.local, ext));
	}
	domains(members, l.domain, p);
	tables_close(&t);
	buf_free(&value);
	buf_free(&why);
	pool_free(p);
	return 0;
}
