/* SPDX-License-Identifier: ISC */
/*
 * cmd_mailbox - CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS (RFC 3501 6.3.3 to 6.3.10).
 */
#include "imapd/imapd.h"

/* SP mailbox, and nothing behind it. */
static bool
scan_only_name(struct client *c, struct scan *args, struct str *name)
{
	return imap_scan_sp(args) && imap_scan_mailbox(args, c->pool, name) && scan_done(args);
}

static struct verdict
done(struct client *c, enum store_result r, const char *what)
{
	return r == STORE_OK ? verdict(c, S_OK, "%s completed", what) : verdict_store(c, r);
}

struct verdict
cmd_create(struct client *c, struct scan *args)
{
	struct str name;

	if (!scan_only_name(c, args, &name))
		return bad_syntax(c);
	/* "a." says that there will be names below "a" (RFC 3501 6.3.3). */
	if (name.n > 1 && name.p[name.n - 1] == STORE_SEPARATOR)
		name.n--;
	return done(c, store_create(c->store, name), "Create");
}

struct verdict
cmd_delete(struct client *c, struct scan *args)
{
	struct str name;
	enum store_result r;

	if (!scan_only_name(c, args, &name))
		return bad_syntax(c);
	r = store_delete(c->store, name);
	/* By its name, or by the one it has got since it was selected. */
	if (r == STORE_OK && c->box != NULL && (str_eq(mailbox_name(c->box), name) ||
	    mailbox_poll(c->box) == STORE_ABSENT))
		unselect(c);
	return done(c, r, "Delete");
}

struct verdict
cmd_rename(struct client *c, struct scan *args)
{
	struct str from, to;

	if (!imap_scan_sp(args) || !imap_scan_mailbox(args, c->pool, &from) ||
	    !scan_only_name(c, args, &to))
		return bad_syntax(c);
	return done(c, store_rename(c->store, from, to), "Rename");
}

struct verdict
cmd_subscribe(struct client *c, struct scan *args)
{
	struct str name;

	if (!scan_only_name(c, args, &name))
		return bad_syntax(c);
	return done(c, store_subscribe(c->store, name, true), "Subscribe");
}

struct verdict
cmd_unsubscribe(struct client *c, struct scan *args)
{
	struct str name;

	if (!scan_only_name(c, args, &name))
		return bad_syntax(c);
	return done(c, store_subscribe(c->store, name, false), "Unsubscribe");
}

struct verdict
cmd_status(struct client *c, struct scan *args)
{
	struct store_counts n;
	struct str name;
	struct buf out = { 0 };
	enum store_result r;
	unsigned items;
	size_t start;

	if (!imap_scan_sp(args) || !imap_scan_mailbox(args, c->pool, &name) ||
	    !imap_scan_sp(args) || !imap_scan_status(args, &items) || !scan_done(args))
		return bad_syntax(c);
	if ((r = store_status(c->store, name, false, &n)) != STORE_OK)
		return verdict_store(c, r);
	/* What this session was told of is recent for it alone. */
	if (c->box != NULL && !mailbox_readonly(c->box) && str_eq(mailbox_name(c->box), name))
		n.recent += (uint32_t)mailbox_recent(c->box);
	{
		const struct { unsigned item; const char *word; uint32_t value; } rows[] = {
			{ IMAP_STATUS_MESSAGES, "MESSAGES", n.messages },
			{ IMAP_STATUS_RECENT, "RECENT", n.recent },
			{ IMAP_STATUS_UIDNEXT, "UIDNEXT", n.uidnext },
			{ IMAP_STATUS_UIDVALIDITY, "UIDVALIDITY", n.uidvalidity },
			{ IMAP_STATUS_UNSEEN, "UNSEEN", n.unseen },
		};

		imap_add_mailbox(&out, name);
		buf_addz(&out, " (");
		start = out.n;
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (items & rows[i].item)
				buf_addf(&out, "%s%s %lu", out.n > start ? " " : "", rows[i].word,
				    (unsigned long)rows[i].value);
		buf_addz(&out, ")");
	}
	stream_write(c->io, STR("* STATUS "));
	stream_write(c->io, buf_str(&out));
	stream_write(c->io, STR("\r\n"));
	buf_free(&out);
	return verdict(c, S_OK, "Status completed");
}
