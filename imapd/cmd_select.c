/* SPDX-License-Identifier: ISC */
/*
 * cmd_select - SELECT, EXAMINE, CLOSE, UNSELECT (RFC 3501 6.3.1, 6.3.2, 6.4.2; RFC 3691).
 */
#include "imapd/imapd.h"

static struct verdict
enter(struct client *c, struct scan *args, bool readonly)
{
	enum store_result r;
	struct str name;
	struct box *box;
	size_t unseen = SIZE_MAX;

	if (!imap_scan_sp(args))
		return bad_syntax(c);
	/* Whatever comes of it, the mailbox that was selected is no more (RFC 3501 6.3.1). */
	if (c->box != NULL)
		tell(c, "OK [CLOSED] Previous mailbox closed");
	unselect(c);
	if (!imap_scan_mailbox(args, c->pool, &name) || !scan_done(args))
		return bad_syntax(c);
	if ((r = mailbox_open(c->store, name, readonly, &box)) != STORE_OK)
		return verdict_store(c, r);
	c->box = box;
	c->told = mailbox_count(box);
	c->told_recent = mailbox_recent(box);
	for (size_t i = 0; i < c->told && unseen == SIZE_MAX; i++)
		if (!(mailbox_msg(box, i)->flags & STORE_SEEN))
			unseen = i;
	tell_flag_words(c);
	tell(c, "%zu EXISTS", c->told);
	tell(c, "%zu RECENT", c->told_recent);
	if (unseen != SIZE_MAX)
		tell(c, "OK [UNSEEN %zu] First unseen", unseen + 1);
	tell(c, "OK [UIDVALIDITY %lu] UIDs valid", (unsigned long)mailbox_uidvalidity(box));
	tell(c, "OK [UIDNEXT %lu] Predicted next UID", (unsigned long)mailbox_uidnext(box));
	return verdict(c, S_OK, "[%s] %s completed", readonly ? "READ-ONLY" : "READ-WRITE",
	    readonly ? "Examine" : "Select");
}

struct verdict
cmd_select(struct client *c, struct scan *args)
{
	return enter(c, args, false);
}

struct verdict
cmd_examine(struct client *c, struct scan *args)
{
	return enter(c, args, true);
}

struct verdict
cmd_close(struct client *c, struct scan *args)
{
	struct vec at = vec_of(sizeof(size_t));
	enum store_result r = STORE_OK;

	if (!scan_done(args))
		return bad_syntax(c);
	if (!mailbox_readonly(c->box) && (r = mailbox_poll(c->box)) == STORE_OK) {
		for (size_t i = 0; i < mailbox_count(c->box); i++)
			if (mailbox_msg(c->box, i)->flags & STORE_DELETED)
				*(size_t *)vec_push(&at) = i;
		if (at.n > 0)
			r = mailbox_expunge(c->box, at.p, at.n, STORE_DELETED);
	}
	vec_free(&at);
	/* Of a mailbox that is gone nothing is left to remove. */
	if (r != STORE_OK && r != STORE_ABSENT)
		return verdict_store(c, r);
	unselect(c);
	return verdict(c, S_OK, "Close completed");
}

struct verdict
cmd_unselect(struct client *c, struct scan *args)
{
	if (!scan_done(args))
		return bad_syntax(c);
	unselect(c);
	return verdict(c, S_OK, "Unselect completed");
}
