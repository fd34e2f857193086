/* SPDX-License-Identifier: ISC */
/*
 * cmd_list - LIST and LSUB (RFC 3501 6.3.8, 6.3.9; RFC 3348 \HasChildren; RFC 6154 special uses).
 */
#include "imapd/imapd.h"
#include "proto/mutf7.h"

/* Folders known by their names; the attribute is only told for one that exists. */
static const struct {
	const char *name, *use;
} special[] = {
	{ "Drafts", "\\Drafts" }, { "Sent", "\\Sent" }, { "Sent Messages", "\\Sent" },
	{ "Trash", "\\Trash" }, { "Junk", "\\Junk" }, { "Spam", "\\Junk" },
	{ "Archive", "\\Archive" },
};

static void
one_line(struct client *c, const char *verb, struct str name, const char *attributes)
{
	struct buf out = { 0 };

	buf_addf(&out, "* %s (%s) \"%c\" ", verb, attributes, STORE_SEPARATOR);
	imap_add_mailbox(&out, name);
	buf_addz(&out, "\r\n");
	stream_write(c->io, buf_str(&out));
	buf_free(&out);
}

/* SP mailbox SP list-mailbox: the pattern is what both make together. */
static bool
scan_pattern(struct client *c, struct scan *args, struct str *pattern)
{
	struct str ref, pat;

	if (!imap_scan_sp(args) || !imap_scan_pattern(args, c->pool, &ref) ||
	    !imap_scan_sp(args) || !imap_scan_pattern(args, c->pool, &pat) || !scan_done(args))
		return false;
	*pattern = pool_printf(c->pool, "%.*s%.*s", STR_ARG(ref), STR_ARG(pat));
	if (pat.n == 0)
		pattern->n = 0;
	return true;
}

/* Patterns speak of names as they are on the wire. */
static bool
matches(struct str pattern, struct str name)
{
	struct buf wire = { 0 };
	bool ok = mutf7_encode(&wire, name) &&
	    imap_match(pattern, buf_str(&wire), STORE_SEPARATOR);

	buf_free(&wire);
	return ok;
}

struct verdict
cmd_list(struct client *c, struct scan *args)
{
	struct store_entry *list;
	struct str pattern;
	enum store_result r;
	size_t n;

	if (!scan_pattern(c, args, &pattern))
		return bad_syntax(c);
	if (pattern.n == 0) {
		/* Only the separator is asked for. */
		one_line(c, "LIST", STR(""), "\\Noselect");
		return verdict(c, S_OK, "List completed");
	}
	if ((r = store_list(c->store, c->pool, &list, &n)) != STORE_OK)
		return verdict_store(c, r);
	for (size_t i = 0; i < n; i++) {
		struct buf attributes = { 0 };

		if ((!list[i].exists && !list[i].children) || !matches(pattern, list[i].name))
			continue;
		buf_addf(&attributes, "%s%s", list[i].exists ? "" : "\\Noselect ",
		    list[i].children ? "\\HasChildren" : "\\HasNoChildren");
		for (size_t k = 0; list[i].exists && k < sizeof(special) / sizeof(special[0]); k++)
			if (str_ieq(list[i].name, str_of(special[k].name)))
				buf_addf(&attributes, " %s", special[k].use);
		one_line(c, "LIST", list[i].name, buf_z(&attributes));
		buf_free(&attributes);
	}
	return verdict(c, S_OK, "List completed");
}

/*
 * A subscribed name that a "%" does not reach is shown by the level above it that it does reach,
 * as \Noselect (RFC 3501 6.3.9).
 */
static void
above(struct client *c, struct str pattern, struct str name, struct str *last)
{
	for (size_t i = 1; i < name.n; i++) {
		struct str up = str_sub(name, 0, i);

		if (name.p[i] != STORE_SEPARATOR || !matches(pattern, up) || str_eq(up, *last))
			continue;
		*last = up;
		one_line(c, "LSUB", up, "\\Noselect");
	}
}

struct verdict
cmd_lsub(struct client *c, struct scan *args)
{
	struct store_entry *list;
	struct str pattern, last = STR("");
	enum store_result r;
	size_t n;

	if (!scan_pattern(c, args, &pattern))
		return bad_syntax(c);
	if ((r = store_list(c->store, c->pool, &list, &n)) != STORE_OK)
		return verdict_store(c, r);
	for (size_t i = 0; i < n; i++) {
		if (!list[i].subscribed)
			continue;
		if (matches(pattern, list[i].name)) {
			one_line(c, "LSUB", list[i].name, "");
			last = list[i].name;
		} else if (str_chr(pattern, '%') >= 0) {
			above(c, pattern, list[i].name, &last);
		}
	}
	return verdict(c, S_OK, "Lsub completed");
}
