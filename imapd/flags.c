/* SPDX-License-Identifier: ISC */
/*
 * flags - flag words and bits, and which messages a command means.
 */
#include "imapd/imapd.h"

static const struct {
	const char *word;
	uint32_t bit;
} system_flags[] = {
	{ "\\Answered", STORE_ANSWERED }, { "\\Flagged", STORE_FLAGGED },
	{ "\\Deleted", STORE_DELETED }, { "\\Seen", STORE_SEEN }, { "\\Draft", STORE_DRAFT },
	{ "$Forwarded", STORE_FORWARDED },
};

#define N_SYSTEM	(sizeof(system_flags) / sizeof(system_flags[0]))

uint32_t
system_flag(struct str word)
{
	for (size_t i = 0; i < N_SYSTEM; i++)
		if (str_ieq(word, str_of(system_flags[i].word)))
			return system_flags[i].bit;
	return 0;
}

void
add_flags(struct buf *out, const struct box *box, uint32_t flags, bool recent)
{
	struct strs keywords = mailbox_keywords(box);
	const char *gap = "";

	buf_addc(out, '(');
	for (size_t i = 0; i < N_SYSTEM; i++) {
		if (!(flags & system_flags[i].bit))
			continue;
		buf_addf(out, "%s%s", gap, system_flags[i].word);
		gap = " ";
	}
	if (recent) {
		buf_addf(out, "%s\\Recent", gap);
		gap = " ";
	}
	for (size_t i = 0; i < keywords.n; i++) {
		if (keywords.v[i].n == 0 || !(flags & (1u << (STORE_KEYWORD0 + i))))
			continue;
		buf_addf(out, "%s%.*s", gap, STR_ARG(keywords.v[i]));
		gap = " ";
	}
	buf_addc(out, ')');
}

void
tell_flag_words(struct client *c)
{
	struct buf out = { 0 };

	add_flags(&out, c->box, UINT32_MAX, false);
	tell(c, "FLAGS %s", buf_z(&out));
	c->told_keywords = mailbox_keywords(c->box).n;
	if (mailbox_readonly(c->box)) {
		tell(c, "OK [PERMANENTFLAGS ()] Read-only mailbox");
	} else {
		out.n--;	/* the closing bracket */
		if (c->told_keywords < STORE_KEYWORDS)
			buf_addz(&out, " \\*");
		buf_addc(&out, ')');
		tell(c, "OK [PERMANENTFLAGS %s] Flags permitted", buf_z(&out));
	}
	buf_free(&out);
}

void
tell_flags(struct client *c, size_t i, bool uid)
{
	const struct store_msg *m = mailbox_msg(c->box, i);
	struct buf out = { 0 };

	add_flags(&out, c->box, m->flags, m->recent);
	if (uid)
		tell(c, "%zu FETCH (UID %lu FLAGS %s)", i + 1, (unsigned long)m->uid, buf_z(&out));
	else
		tell(c, "%zu FETCH (FLAGS %s)", i + 1, buf_z(&out));
	buf_free(&out);
}

bool
flag_bits(struct client *c, const struct vec *words, bool create, uint32_t *bits)
{
	*bits = 0;
	for (size_t i = 0; i < words->n; i++) {
		struct str word = *(struct str *)vec_at(words, i);
		uint32_t bit = system_flag(word);

		/* \Recent is the server's alone; clients that send back what they read do no harm. */
		if (str_ieq(word, STR("\\Recent")))
			continue;
		if (bit == 0 && word.p[0] == '\\')
			return false;
		if (bit == 0)
			bit = mailbox_keyword(c->box, word, create);
		*bits |= bit;
	}
	return true;
}

bool
scan_messages(struct client *c, struct scan *in, struct vec *at, struct verdict *no)
{
	size_t n = mailbox_count(c->box);
	struct imap_set set;

	if (!imap_scan_sp(in) || !imap_scan_set(in, c->pool, &set)) {
		*no = bad_syntax(c);
		return false;
	}
	if (c->uid)
		imap_set_resolve(&set, n == 0 ? 0 : mailbox_msg(c->box, n - 1)->uid);
	else
		imap_set_resolve(&set, (uint32_t)c->told);
	for (size_t k = 0; k < set.n; k++) {
		size_t i = c->uid ? mailbox_find(c->box, set.v[k].lo) : set.v[k].lo - 1;

		if (!c->uid && (set.v[k].lo == 0 || set.v[k].hi > c->told)) {
			*no = verdict(c, S_BAD, "No such message number");
			return false;
		}
		for (; i < n && (c->uid ? mailbox_msg(c->box, i)->uid : i + 1) <= set.v[k].hi; i++)
			*(size_t *)vec_push(at) = i;
	}
	return true;
}
