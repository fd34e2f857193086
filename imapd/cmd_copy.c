/* SPDX-License-Identifier: ISC */
/*
 * cmd_copy - COPY, MOVE, EXPUNGE, STORE: what changes messages.
 */
#include "imapd/imapd.h"

/* Append "1:3,7" for numbers in any order (RFC 4315 4: in the order of the copies). */
static void
add_set(struct buf *out, const uint32_t *v, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t k = i;

		while (k + 1 < n && v[k + 1] == v[k] + 1)
			k++;
		buf_addf(out, "%s%lu", i > 0 ? "," : "", (unsigned long)v[i]);
		if (k > i)
			buf_addf(out, ":%lu", (unsigned long)v[k]);
		i = k + 1;
	}
}

static void
drop_gone(struct client *c, struct vec *at)
{
	for (size_t i = at->n; i-- > 0;)
		if (mailbox_msg(c->box, *(size_t *)vec_at(at, i))->gone)
			vec_remove(at, i);
}

static struct verdict
copied(struct client *c, const struct vec *at, bool move, uint32_t validity, const uint32_t *uids)
{
	uint32_t *from = pool_array(c->pool, at->n, sizeof(*from));
	struct buf out = { 0 };
	struct verdict v;

	for (size_t i = 0; i < at->n; i++)
		from[i] = mailbox_msg(c->box, *(size_t *)vec_at(at, i))->uid;
	buf_addf(&out, "[COPYUID %lu ", (unsigned long)validity);
	add_set(&out, from, at->n);
	buf_addc(&out, ' ');
	add_set(&out, uids, at->n);
	buf_addz(&out, "]");
	if (move) {
		/* RFC 6851 4.3: before the EXPUNGEs. */
		stream_write(c->io, STR("* OK "));
		stream_write(c->io, buf_str(&out));
		stream_write(c->io, STR(" Moved\r\n"));
		v = verdict(c, S_OK, "Move completed");
	} else {
		buf_addz(&out, " Copy completed");
		v = (struct verdict){ S_OK, pool_str(c->pool, buf_str(&out)) };
	}
	buf_free(&out);
	return v;
}

static struct verdict
copy_or_move(struct client *c, struct scan *args, bool move)
{
	struct vec at = vec_of(sizeof(size_t));
	struct verdict v;
	enum store_result r;
	uint32_t validity, *uids;
	struct str to;

	if (!scan_messages(c, args, &at, &v)) {
		vec_free(&at);
		return v;
	}
	drop_gone(c, &at);
	uids = pool_array(c->pool, at.n + 1, sizeof(*uids));
	if (!imap_scan_sp(args) || !imap_scan_mailbox(args, c->pool, &to) || !scan_done(args)) {
		v = bad_syntax(c);
	} else if (move && mailbox_readonly(c->box)) {
		v = verdict(c, S_NO, "[READ-ONLY] Mailbox is read-only");
	} else if (!store_exists(c->store, to)) {
		v = store_name_ok(to) ? verdict(c, S_NO, "[TRYCREATE] No such mailbox") :
		    verdict_store(c, STORE_NAME);
	} else if (at.n == 0) {
		v = verdict(c, S_OK, "No messages");
	} else if ((r = mailbox_copy(c->box, at.p, at.n, to, move, &validity, uids)) == STORE_ABSENT) {
		v = verdict(c, S_NO, "[EXPUNGEISSUED] Some messages are no longer there");
	} else if (r != STORE_OK) {
		v = verdict_store(c, r);
	} else {
		v = copied(c, &at, move, validity, uids);
	}
	vec_free(&at);
	return v;
}

struct verdict
cmd_copy(struct client *c, struct scan *args)
{
	return copy_or_move(c, args, false);
}

struct verdict
cmd_move(struct client *c, struct scan *args)
{
	return copy_or_move(c, args, true);
}

/* Those of the set (all without UID) that are marked \Deleted; the loop tells the rest. */
struct verdict
cmd_expunge(struct client *c, struct scan *args)
{
	struct vec at = vec_of(sizeof(size_t));
	enum store_result r = STORE_OK;
	struct verdict v;

	if (c->uid && !scan_messages(c, args, &at, &v)) {
		vec_free(&at);
		return v;
	}
	for (size_t i = 0; !c->uid && i < mailbox_count(c->box); i++)
		*(size_t *)vec_push(&at) = i;
	for (size_t i = at.n; i-- > 0;)
		if (!(mailbox_msg(c->box, *(size_t *)vec_at(&at, i))->flags & STORE_DELETED))
			vec_remove(&at, i);
	if (!scan_done(args))
		v = bad_syntax(c);
	else if (mailbox_readonly(c->box))
		v = verdict(c, S_NO, "[READ-ONLY] Mailbox is read-only");
	else if (at.n > 0 && (r = mailbox_expunge(c->box, at.p, at.n, STORE_DELETED)) != STORE_OK)
		v = verdict_store(c, r);
	else
		v = verdict(c, S_OK, "Expunge completed");
	vec_free(&at);
	return v;
}

/* store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag))) */
static bool
scan_change(struct scan *in, enum store_set *how, bool *silent, struct vec *words)
{
	struct str flag;

	*how = scan_char(in, '+') ? STORE_ADD : scan_char(in, '-') ? STORE_REMOVE : STORE_REPLACE;
	if (!scan_itext(in, STR("FLAGS")))
		return false;
	*silent = scan_itext(in, STR(".SILENT"));
	if (!imap_scan_sp(in))
		return false;
	if (scan_peek(in) == '(')
		return imap_scan_flags(in, words) && scan_done(in);
	do {
		if (words->n >= IMAP_FLAGS_MAX || !imap_scan_flag(in, &flag))
			return false;
		*(struct str *)vec_push(words) = flag;
	} while (imap_scan_sp(in));
	return scan_done(in);
}

static struct verdict
change(struct client *c, const struct vec *at, enum store_set how, bool silent, struct vec *words)
{
	enum store_result r;
	uint32_t flags;
	bool gone = false;

	if (mailbox_readonly(c->box))
		return verdict(c, S_NO, "[READ-ONLY] Mailbox is read-only");
	if (!flag_bits(c, words, how != STORE_REMOVE, &flags))
		return verdict(c, S_BAD, "Unknown system flag");
	if (mailbox_keywords(c->box).n > c->told_keywords)
		tell_flag_words(c);
	if ((r = mailbox_set_flags(c->box, at->p, at->n, how, flags)) != STORE_OK)
		return verdict_store(c, r);
	for (size_t i = 0; i < at->n; i++) {
		size_t k = *(size_t *)vec_at(at, i);

		if (mailbox_msg(c->box, k)->gone)
			gone = true;
		else if (!silent)
			tell_flags(c, k, c->uid);
	}
	return gone ? verdict(c, S_NO, "[EXPUNGEISSUED] Some messages are no longer there") :
	    verdict(c, S_OK, "Store completed");
}

struct verdict
cmd_store(struct client *c, struct scan *args)
{
	struct vec at = vec_of(sizeof(size_t)), words = vec_of(sizeof(struct str));
	enum store_set how;
	struct verdict v;
	bool silent;

	if (scan_messages(c, args, &at, &v)) {
		if (!imap_scan_sp(args) || !scan_change(args, &how, &silent, &words))
			v = bad_syntax(c);
		else
			v = change(c, &at, how, silent, &words);
	}
	vec_free(&at);
	vec_free(&words);
	return v;
}
