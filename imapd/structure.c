/* SPDX-License-Identifier: ISC */
/*
 * structure - ENVELOPE, BODY and BODYSTRUCTURE (RFC 3501 7.4.2) as text.
 */
#include "imapd/imapd.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/mime.h"

#define ADDRESSES_MAX	1000	/* of one field that are told */

static struct str
field(struct str header, const char *name, struct pool *p)
{
	struct header h;

	if (!header_find(header, str_of(name), &h))
		return (struct str){ NULL, 0 };
	return header_unfold(p, h.value);
}

/* address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")" */
static void
add_address(struct buf *out, const struct mailbox *m)
{
	static const struct str none = { NULL, 0 };
	ptrdiff_t at;

	buf_addc(out, '(');
	if (m->kind == MAILBOX_GROUP || m->kind == MAILBOX_GROUP_END) {
		buf_addz(out, "NIL NIL ");
		imap_add_nstring(out, m->kind == MAILBOX_GROUP ? m->name : none);
		buf_addz(out, " NIL)");
		return;
	}
	if (m->broken && (at = str_rchr(m->name, '@')) > 0 && m->name.n - (size_t)at > 1) {
		/* What no mail server would take is still what the sender wrote. */
		buf_addz(out, "NIL NIL ");
		imap_add_string(out, str_sub(m->name, 0, (size_t)at));
		buf_addc(out, ' ');
		imap_add_string(out, str_sub(m->name, (size_t)at + 1, m->name.n));
		buf_addc(out, ')');
		return;
	}
	if (m->broken) {
		buf_addz(out, "NIL NIL ");
		imap_add_string(out, m->name);
		buf_addz(out, " \".SYNTAX-ERROR.\")");
		return;
	}
	imap_add_nstring(out, m->name.n > 0 ? m->name : none);
	buf_addc(out, ' ');
	imap_add_nstring(out, m->route.n > 0 ? m->route : none);
	buf_addc(out, ' ');
	imap_add_string(out, m->address.local);
	buf_addc(out, ' ');
	/* NIL would make it a group. */
	imap_add_string(out, m->address.domain.n > 0 ? m->address.domain : STR(".MISSING-HOST."));
	buf_addc(out, ')');
}

static bool
add_addresses(struct buf *out, struct str header, const char *name, struct pool *p)
{
	struct vec list = vec_of(sizeof(struct mailbox));
	struct header h;
	bool any;

	if (header_find(header, str_of(name), &h))
		mailbox_list(h.value, p, &list);
	any = list.n > 0;
	if (any) {
		buf_addc(out, '(');
		for (size_t i = 0; i < list.n && i < ADDRESSES_MAX; i++)
			add_address(out, vec_at(&list, i));
		buf_addc(out, ')');
	}
	vec_free(&list);
	return any;
}

void
add_envelope(struct buf *out, struct str header, struct pool *p)
{
	/* Sender and Reply-To are From where they are missing. */
	static const struct { const char *name; bool from; } lists[] = {
		{ "From", false }, { "Sender", true }, { "Reply-To", true },
		{ "To", false }, { "Cc", false }, { "Bcc", false },
	};

	buf_addc(out, '(');
	imap_add_nstring(out, field(header, "Date", p));
	buf_addc(out, ' ');
	imap_add_nstring(out, field(header, "Subject", p));
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		buf_addc(out, ' ');
		if (!add_addresses(out, header, lists[i].name, p) &&
		    (!lists[i].from || !add_addresses(out, header, "From", p)))
			buf_addz(out, "NIL");
	}
	buf_addc(out, ' ');
	imap_add_nstring(out, field(header, "In-Reply-To", p));
	buf_addc(out, ' ');
	imap_add_nstring(out, field(header, "Message-ID", p));
	buf_addc(out, ')');
}

/* --- parts --- */

static void
add_params(struct buf *out, const struct mime_params *params)
{
	if (params->n == 0) {
		buf_addz(out, "NIL");
		return;
	}
	buf_addc(out, '(');
	for (size_t i = 0; i < params->n; i++) {
		if (i > 0)
			buf_addc(out, ' ');
		imap_add_string(out, params->v[i].name);
		buf_addc(out, ' ');
		imap_add_string(out, params->v[i].value);
	}
	buf_addc(out, ')');
}

static void
add_or_nil(struct buf *out, struct str s)
{
	buf_addc(out, ' ');
	imap_add_nstring(out, s.n > 0 ? s : (struct str){ NULL, 0 });
}

/* body-fld-lang = nstring / "(" string *(SP string) ")" (RFC 3282: tags between commas) */
static void
add_language(struct buf *out, struct str languages)
{
	struct str rest = languages, tag;
	const char *gap = " (";

	if (str_chr(languages, ',') < 0) {
		add_or_nil(out, languages);
		return;
	}
	while (str_cut(&rest, ',', &tag)) {
		if ((tag = str_trim(tag)).n == 0)
			continue;
		buf_addz(out, gap);
		imap_add_string(out, tag);
		gap = " ";
	}
	buf_addz(out, gap[1] == '(' ? " NIL" : ")");
}

/* body-fld-dsp SP body-fld-lang SP body-fld-loc */
static void
add_extension(struct buf *out, const struct mime_part *part)
{
	if (part->disposition.n == 0) {
		buf_addz(out, " NIL");
	} else {
		buf_addz(out, " (");
		imap_add_string(out, part->disposition);
		buf_addc(out, ' ');
		add_params(out, &part->disposition_params);
		buf_addc(out, ')');
	}
	add_language(out, part->language);
	add_or_nil(out, part->location);
}

/* body-type-basic, body-type-msg, body-type-text */
static void
add_leaf(struct buf *out, const struct mime_part *part, bool extended, struct pool *p)
{
	bool text = str_ieq(part->type, STR("text"));
	struct mime_params plain = part->params;
	struct mime_param us_ascii = { STR_INIT("CHARSET"), STR_INIT("us-ascii") };

	if (text && mime_param(&plain, STR("charset")).n == 0 && plain.n == 0)
		plain = (struct mime_params){ &us_ascii, 1 };
	buf_addc(out, '(');
	imap_add_string(out, part->type);
	buf_addc(out, ' ');
	imap_add_string(out, part->subtype);
	buf_addc(out, ' ');
	add_params(out, &plain);
	add_or_nil(out, part->id);
	add_or_nil(out, part->description);
	buf_addc(out, ' ');
	imap_add_string(out, part->encoding);
	buf_addf(out, " %zu", part->body.n);
	if (part->message && part->child != NULL) {
		buf_addc(out, ' ');
		add_envelope(out, part->child->header, p);
		buf_addc(out, ' ');
		add_structure(out, part->child, extended, p);
		buf_addf(out, " %llu", (unsigned long long)mime_lines(part->body));
	} else if (text) {
		buf_addf(out, " %llu", (unsigned long long)mime_lines(part->body));
	}
	if (extended) {
		add_or_nil(out, part->md5);
		add_extension(out, part);
	}
	buf_addc(out, ')');
}

/* Depth is at most MIME_DEPTH_MAX: the parser saw to that. */
void
add_structure(struct buf *out, const struct mime_part *part, bool extended, struct pool *p)
{
	if (!part->multipart) {
		add_leaf(out, part, extended, p);
		return;
	}
	buf_addc(out, '(');
	for (const struct mime_part *kid = part->child; kid != NULL; kid = kid->next)
		add_structure(out, kid, extended, p);
	buf_addc(out, ' ');
	imap_add_string(out, part->subtype);
	if (extended) {
		buf_addc(out, ' ');
		add_params(out, &part->params);
		add_extension(out, part);
	}
	buf_addc(out, ')');
}
