/* SPDX-License-Identifier: ISC */
/*
 * expand - virtual aliases, aliases, lists: from one address to the finished ones.
 *
 * Every address goes through two stages, virtual_alias_maps for all and alias_maps for local ones,
 * and each name is expanded at most once (security L1).  An address that is met again while it is
 * being expanded stands for itself: `alice: alice, bob` delivers to alice.
 */
#include "router/router.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/vec.h"
#include "conf/lines.h"
#include "wire/limits.h"

/* How far an address is. */
enum { AT_VIRTUAL = 1, AT_ALIAS = 2, DONE = 4 };

struct state {
	unsigned bits;
};

struct walk {
	struct work *w;
	struct map *seen;	/* folded "user@domain" -> struct state * */
	struct map *given;	/* finished ones, folded -> walk */
	struct map *files;	/* :include: files read, by name: each is read once */
	unsigned nested;	/* … that are being read now */
	struct vec to;		/* struct str */
	unsigned depth;
	uint64_t virtuals;	/* addresses out of virtual_alias_maps */
	bool looped;
	bool later;
	bool has_owner;
	struct str owner;
};

static void visit(struct walk *k, struct str text, const struct address *like);

static void
give_up(struct walk *k, const char *why, struct str about)
{
	buf_reset(&k->w->trouble);
	buf_addf(&k->w->trouble, "%s: %.*s", why, STR_ARG(about));
	k->later = true;
}

static void
finish(struct walk *k, struct str text)
{
	struct str key;

	if (text.n > LIMIT_ADDRESS) {
		give_up(k, "too long for an address", str_sub(text, 0, 60));
		return;
	}
	/* One person has one mailbox however the name is written; a command is another one. */
	key = text.n > 0 && (text.p[0] == '|' || text.p[0] == '/') ? pool_str(k->w->pool, text) :
	    lower(k->w->pool, text);
	if (map_get(k->given, key) != NULL)
		return;
	if (k->to.n >= LIMIT_RCPTS) {
		give_up(k, "more addresses than one recipient may become", text);
		return;
	}
	text = pool_str(k->w->pool, text);
	map_put(k->given, key, k);
	*(struct str *)vec_push(&k->to) = text;
}

static struct state *
state_of(struct walk *k, const struct address *a)
{
	struct str key = key_of(k->w, a);
	struct state *s;
	char *p = (char *)key.p;

	for (size_t i = 0; i < key.n; i++)
		p[i] = ch_lower(p[i]);
	s = map_get(k->seen, key);
	if (s == NULL) {
		s = pool_alloc(k->w->pool, sizeof(*s));
		map_put(k->seen, key, s);
	}
	return s;
}

/* Does the list propagate_unmatched_extensions, fixed to its default, hold for virtual?  Yes. */
static struct str
with_extension(struct walk *k, struct str text, struct str ext)
{
	struct address a;

	if (ext.n == 0 || !complete(k->w, text, &a))
		return text;
	a.local = pool_printf(k->w->pool, "%.*s%.*s", STR_ARG(a.local), STR_ARG(ext));
	return text_of(k->w, &a);
}

/* virtual(5): true when the address was replaced. */
static bool
virtual_stage(struct walk *k, const struct address *a)
{
	struct lookup l = { a->local, a->domain, router.delimiters,
		router_conf.owner_request_special, LOOKUP_FULL | LOOKUP_AT };
	struct alias_item item;
	struct str ext, list;
	enum table_result r;

	if (router.virtual_alias_maps.n == 0)
		return false;
	if (is_ours(k->w, a->domain))
		l.keys |= LOOKUP_LOCAL;
	buf_reset(&k->w->value);
	r = lookup_address(&router.virtual_alias_maps, &l, &k->w->value, &ext, &k->w->trouble);
	if (r == TABLE_LATER)
		k->later = true;
	if (r != TABLE_FOUND)
		return r == TABLE_LATER;
	list = pool_str(k->w->pool, buf_str(&k->w->value));
	while (!k->later && alias_next(&list, k->w->pool, &item)) {
		struct str text = item.text;

		if (item.kind == ALIAS_COMMAND || item.kind == ALIAS_FILE ||
		    item.kind == ALIAS_INCLUDE) {
			give_up(k, "virtual_alias_maps cannot name files or commands", text);
			return true;
		}
		if (++k->virtuals > router_conf.expansion_limit) {
			give_up(k, "unreasonable virtual_alias_maps expansion size for", a->local);
			return true;
		}
		if (text.n > 0 && text.p[0] == '@')	/* another domain, the same user */
			text = text_of(k->w, &(struct address){ a->local, str_sub(text, 1, text.n) });
		else
			text = with_extension(k, text, ext);
		visit(k, text, a);
	}
	return true;
}

static void take_list(struct walk *k, struct str list, const struct address *like);

/*
 * May anyone on the machine say who is on the list (security L2)?  They may when the file, or the
 * folder without a sticky bit, is writable by everyone.  NULL when not, and for what is no file:
 * that one fails to be read, or is as empty as /dev/null.
 */
static const char *
open_to_all(struct walk *k, struct str name)
{
	struct str folder = str_sub(name, 0, (size_t)str_rchr(name, '/') + 1);
	struct stat st;

	if (stat(name.p, &st) != 0 || !S_ISREG(st.st_mode))
		return NULL;
	if (st.st_mode & S_IWOTH)
		return "file is writable by everyone";
	if (stat(pool_str(k->w->pool, folder).p, &st) == 0 && (st.st_mode & S_IWOTH) &&
	    !(st.st_mode & S_ISVTX))
		return "its folder is writable by everyone";
	return NULL;
}

/* The addresses in an :include: file, one list a line. */
static void
take_include(struct walk *k, struct str name, const struct address *like)
{
	struct buf line = { .limit = TABLE_VALUE_MAX };
	const char *fault;
	struct lines in;
	struct str text;
	unsigned at;

	if (name.n == 0 || name.p[0] != '/') {
		give_up(k, ":include: wants an absolute file name", name);
		return;
	}
	if (map_get(k->files, name) != NULL)
		return;
	map_put(k->files, name = pool_str(k->w->pool, name), k);
	if (k->nested >= INCLUDE_DEPTH_MAX) {
		give_up(k, "too many :include: files inside each other", name);
		return;
	}
	if ((fault = open_to_all(k, name)) != NULL) {
		give_up(k, fault, pool_printf(k->w->pool, ":include:%.*s", STR_ARG(name)));
		return;
	}
	if (!conf_slurp(k->w->pool, name.p, INCLUDE_FILE_MAX, &text)) {
		give_up(k, errno != EACCES ? strerror(errno) : "not readable for router, or in a folder "
		    "that no alias named before the last reload",
		    pool_printf(k->w->pool, ":include:%.*s", STR_ARG(name)));
		return;
	}
	in = lines_of(text);
	k->nested++;
	while (!k->later && lines_next(&in, &line, &at))
		take_list(k, pool_str(k->w->pool, buf_str(&line)), like);
	k->nested--;
	buf_free(&line);
}

static void
take_list(struct walk *k, struct str list, const struct address *like)
{
	struct alias_item item;
	struct address a;

	while (!k->later && alias_next(&list, k->w->pool, &item)) {
		switch (item.kind) {
		case ALIAS_ADDRESS:
			visit(k, item.text, like);
			break;
		case ALIAS_FINAL:
			if (complete(k->w, item.text, &a))
				finish(k, text_of(k->w, &a));
			break;
		case ALIAS_COMMAND:
			finish(k, pool_printf(k->w->pool, "|%.*s", STR_ARG(item.text)));
			break;
		case ALIAS_FILE:
			finish(k, item.text);
			break;
		case ALIAS_INCLUDE:
			take_include(k, item.text, like);
			break;
		}
	}
}

/* owner-NAME becomes the sender of what goes through NAME; the outermost list's owner holds. */
static void
note_owner(struct walk *k, struct str name, const struct address *a)
{
	struct str owner = pool_printf(k->w->pool, "owner-%.*s", STR_ARG(lower(k->w->pool, name)));
	struct address full;
	struct alias_item item;
	struct str list;

	if (k->has_owner || str_istart(name, STR("owner-")))
		return;
	buf_reset(&k->w->value);
	if (tables_get(&router.alias_maps, owner, &k->w->value, NULL) != TABLE_FOUND)
		return;
	full = (struct address){ owner, a->domain };
	list = pool_str(k->w->pool, buf_str(&k->w->value));
	if (router_conf.expand_owner_alias && alias_next(&list, k->w->pool, &item))
		(void)complete(k->w, item.text, &full);
	k->owner = text_of(k->w, &full);
	k->has_owner = true;
}

/* aliases(5): true when the address was replaced. */
static bool
alias_stage(struct walk *k, const struct address *a)
{
	struct str user, ext, list, name = a->local;
	enum table_result r;

	if (router.alias_maps.n == 0)
		return false;
	buf_reset(&k->w->value);
	r = tables_get(&router.alias_maps, name, &k->w->value, &k->w->trouble);
	if (r == TABLE_ABSENT && lookup_extension(name, router.delimiters,
	    router_conf.owner_request_special, &user, &ext)) {
		name = user;
		r = tables_get(&router.alias_maps, name, &k->w->value, &k->w->trouble);
	}
	/* Postmaster must be there (RFC 5321 4.5.1): root's mail goes to someone who reads it. */
	if (r == TABLE_ABSENT && is_postmaster(a)) {
		name = STR("root");
		r = tables_get(&router.alias_maps, name, &k->w->value, &k->w->trouble);
	}
	if (r == TABLE_LATER)
		k->later = true;
	if (r != TABLE_FOUND)
		return r == TABLE_LATER;
	list = pool_str(k->w->pool, buf_str(&k->w->value));
	note_owner(k, name, a);
	take_list(k, list, a);
	return true;
}

/*
 * Does an alias say who an administrator is?  "postmaster: root" alone does not: without a "root: you"
 * the mail belongs to somebody of its own domain.
 */
static bool
is_somebody(struct walk *k, struct str name)
{
	struct str value = name;

	for (unsigned i = 0; i < 4; i++) {
		enum table_result r;

		buf_reset(&k->w->value);
		r = tables_get(&router.alias_maps, value, &k->w->value, &k->w->trouble);
		if (r == TABLE_LATER)
			k->later = true;
		if (r != TABLE_FOUND)
			return false;
		value = str_trim(pool_str(k->w->pool, buf_str(&k->w->value)));
		if (!str_ieq(value, STR("root")) && !str_ieq(value, STR("postmaster")))
			return true;
	}
	return false;
}

/* Does aliases(5) hold for the address: is it delivered by local, or an administrator without a mailbox? */
static bool
has_aliases(struct walk *k, const struct address *a)
{
	enum route_class class;

	if (class_of(k->w, a->domain, &class) == TABLE_LATER) {
		k->later = true;
		return false;
	}
	if (class == CLASS_MAILBOX && is_administrator(a)) {
		enum table_result r = mailbox_of(k->w, a);

		k->later = r == TABLE_LATER;
		return r == TABLE_ABSENT && router.alias_maps.n > 0 && is_somebody(k, a->local);
	}
	return class == CLASS_LOCAL && str_istart(str_of(router_conf.local_transport), STR("local")) &&
	    (router_conf.local_transport[5] == ':' || router_conf.local_transport[5] == '\0');
}

static void
visit_address(struct walk *k, const struct address *a)
{
	struct state *s = state_of(k, a);

	if (s->bits & DONE)
		return;
	if (!(s->bits & AT_VIRTUAL)) {
		s->bits |= AT_VIRTUAL;
		if (virtual_stage(k, a) || k->later) {
			s->bits |= DONE;
			return;
		}
	} else if (k->depth > 2) {
		k->looped = true;
	}
	if (!(s->bits & AT_ALIAS)) {
		s->bits |= AT_ALIAS;
		if (has_aliases(k, a) && (alias_stage(k, a) || k->later)) {
			s->bits |= DONE;
			return;
		}
	}
	finish(k, text_of(k->w, a));
}

static void
visit(struct walk *k, struct str text, const struct address *like)
{
	struct address a;

	if (k->later)
		return;
	if (text.n == 0 || !complete(k->w, text, &a)) {
		give_up(k, "not an address", pool_printf(k->w->pool, "\"%.*s\" in the alias of %.*s",
		    STR_ARG(str_sub(text, 0, 100)), STR_ARG(like->local)));
		return;
	}
	if (k->depth >= EXPAND_DEPTH_MAX || k->depth > router_conf.recursion_limit) {
		give_up(k, "too many aliases inside each other", a.local);
		return;
	}
	k->depth++;
	visit_address(k, &a);
	k->depth--;
}

enum expanded
expand(struct work *w, const struct address *a, struct expansion *out)
{
	struct walk k = { .w = w, .seen = map_new(), .given = map_new(),
		.files = map_new(),
		.to = vec_of(sizeof(struct str)) };
	struct str self = text_of(w, a);
	enum expanded r = EXPANDED_TO;

	*out = (struct expansion){ 0 };
	visit(&k, self, a);
	if (k.later)
		r = EXPANDED_LATER;
	else if (k.to.n == 1 && str_eq(*(struct str *)k.to.p, self))
		r = k.looped ? EXPANDED_LOOP : EXPANDED_SAME;
	else if (k.to.n == 0)
		r = k.looped ? EXPANDED_LOOP : EXPANDED_NOBODY;
	if (r == EXPANDED_TO) {
		out->to = (struct strs){ pool_array(w->pool, k.to.n, sizeof(struct str)), k.to.n };
		memcpy(out->to.v, k.to.p, k.to.n * sizeof(struct str));
		out->has_owner = k.has_owner;
		out->owner = k.owner;
	}
	vec_free(&k.to);
	map_free(k.seen);
	map_free(k.given);
	map_free(k.files);
	return r;
}
