/* SPDX-License-Identifier: ISC */
#include "table/lookup.h"

bool
lookup_extension(struct str local, struct str delimiters, bool special, struct str *user,
    struct str *ext)
{
	*user = local;
	*ext = STR("");
	if (delimiters.n == 0 || str_ieq(local, STR("postmaster")) ||
	    str_ieq(local, STR("mailer-daemon")) || str_ieq(local, STR("double-bounce")))
		return false;
	if (special && str_chr(delimiters, '-') >= 0 && (str_istart(local, STR("owner-")) ||
	    (local.n > 8 && str_iend(local, STR("-request")))))
		return false;
	for (size_t i = 1; i < local.n; i++) {
		if (str_chr(delimiters, local.p[i]) >= 0) {
			*user = str_sub(local, 0, i);
			*ext = str_sub(local, i, local.n);
			return true;
		}
	}
	return false;
}

/* The key `local` @ `domain` (either part may be empty, then without @) asked of the tables. */
static enum table_result
ask(const struct tables *t, struct str local, bool at, struct str domain, struct buf *value,
    struct buf *why)
{
	char room[TABLE_KEY_MAX];

	if (local.n + domain.n + 1 > sizeof(room))
		return TABLE_ABSENT;
	if (local.n > 0)
		memcpy(room, local.p, local.n);
	if (at)
		room[local.n] = '@';
	if (domain.n > 0)
		memcpy(room + local.n + at, domain.p, domain.n);
	return tables_get(t, str_n(room, local.n + at + domain.n), value, why);
}

static enum table_result
ask_domains(const struct tables *t, struct str domain, struct buf *value, struct buf *why)
{
	enum table_result r = tables_get(t, domain, value, why);
	ptrdiff_t dot;

	if (domain.n > 0 && domain.p[0] == '[')
		return r;
	/* host.example.com: .example.com, then .com */
	while (r == TABLE_ABSENT && (dot = str_chr(str_sub(domain, 1, domain.n), '.')) >= 0) {
		domain = str_sub(domain, (size_t)dot + 1, domain.n);
		r = tables_get(t, domain, value, why);
	}
	return r;
}

enum table_result
lookup_address(const struct tables *t, const struct lookup *l, struct buf *value,
    struct str *ext, struct buf *why)
{
	struct str user, rest, none = STR("");
	bool cut = lookup_extension(l->local, l->delimiters, l->special, &user, &rest);
	enum table_result r = TABLE_ABSENT;

	*ext = none;
	if (t->n == 0)
		return TABLE_ABSENT;
	if (l->keys & LOOKUP_FULL)
		r = ask(t, l->local, true, l->domain, value, why);
	if (r == TABLE_ABSENT && (l->keys & LOOKUP_FULL) && cut) {
		r = ask(t, user, true, l->domain, value, why);
		if (r == TABLE_FOUND)
			*ext = rest;
	}
	if (r == TABLE_ABSENT && (l->keys & LOOKUP_LOCAL))
		r = ask(t, l->local, false, none, value, why);
	if (r == TABLE_ABSENT && (l->keys & LOOKUP_LOCAL) && cut) {
		r = ask(t, user, false, none, value, why);
		if (r == TABLE_FOUND)
			*ext = rest;
	}
	if (r == TABLE_ABSENT && (l->keys & LOOKUP_AT)) {
		r = ask(t, none, true, l->domain, value, why);
		if (r == TABLE_FOUND)
			*ext = rest;
	}
	if (r == TABLE_ABSENT && (l->keys & LOOKUP_DOMAIN))
		r = ask_domains(t, l->domain, value, why);
	if (r == TABLE_ABSENT && (l->keys & LOOKUP_STAR))
		r = tables_get(t, STR("*"), value, why);
	return r;
}

struct member {
	struct str name;	/* folded by comparison */
	struct table *table;	/* NULL: the name itself */
	bool not;
};

struct domains {
	struct pool *pool;
	struct member *v;
	size_t n;
	bool parents;
};

struct domains *
domains_open(struct strs members, bool parents, const char *default_type)
{
	struct pool *pool = pool_new();
	struct domains *d = pool_alloc(pool, sizeof(*d));

	d->pool = pool;
	d->parents = parents;
	d->n = members.n;
	d->v = pool_array(pool, members.n + 1, sizeof(*d->v));
	for (size_t i = 0; i < members.n; i++) {
		struct str s = members.v[i];

		while (s.n > 0 && s.p[0] == '!') {
			d->v[i].not = !d->v[i].not;
			s = str_sub(s, 1, s.n);
		}
		if (table_is_spec(s))
			d->v[i].table = table_open(s, default_type, 0);
		d->v[i].name = pool_str(pool, s);
	}
	return d;
}

void
domains_close(struct domains *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++)
		table_close(d->v[i].table);
	pool_free(d->pool);
}

/* Is `domain` below `parent`, with a dot between them? */
static bool
is_below(struct str domain, struct str parent)
{
	return domain.n > parent.n + 1 && str_iend(domain, parent) &&
	    domain.p[domain.n - parent.n - 1] == '.';
}

static enum table_result
match_table(struct table *t, struct str domain, bool parents, struct buf *why)
{
	enum table_result r = table_get(t, domain, NULL, why);
	ptrdiff_t dot;

	while (r == TABLE_ABSENT && parents && (dot = str_chr(domain, '.')) >= 0) {
		domain = str_sub(domain, (size_t)dot + 1, domain.n);
		if (domain.n > 0)
			r = table_get(t, domain, NULL, why);
	}
	return r;
}

enum table_result
domains_match(struct domains *d, struct str domain, struct buf *why)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct member *m = &d->v[i];
		enum table_result r;

		if (m->table != NULL)
			r = match_table(m->table, domain, d->parents, why);
		else if (m->name.n > 1 && m->name.p[0] == '.')
			r = is_below(domain, str_sub(m->name, 1, m->name.n)) ? TABLE_FOUND :
			    TABLE_ABSENT;
		else
			r = str_ieq(domain, m->name) || (d->parents && is_below(domain, m->name)) ?
			    TABLE_FOUND : TABLE_ABSENT;
		if (r == TABLE_LATER)
			return r;
		if (r == TABLE_FOUND)
			return m->not ? TABLE_ABSENT : TABLE_FOUND;
	}
	return TABLE_ABSENT;
}
