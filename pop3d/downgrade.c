/* SPDX-License-Identifier: ISC */
/*
 * downgrade - a header with UTF-8 in it, for a client that did not ask for UTF8 (RFC 6856 4).
 *
 * In the manner of RFC 6858: text becomes encoded words; an address that cannot be written in ASCII
 * becomes an empty group that names it; in fields of other syntax "?" stands for each character.
 * Bytes that are no UTF-8 are older than all this and pass as they are, and so do the headers of
 * parts.
 */
#include "mail/address.h"
#include "mail/header.h"
#include "pop3d/pop3d.h"

/* Fields whose value is plain text or a list of addresses. */
static const struct {
	const char *name;
	bool addresses;
} fields[] = {
	{ "Subject", false }, { "Comments", false }, { "Content-Description", false },
	{ "Organization", false }, { "From", true }, { "Sender", true }, { "Reply-To", true },
	{ "To", true }, { "Cc", true }, { "Bcc", true }, { "Resent-From", true },
	{ "Resent-Sender", true }, { "Resent-To", true }, { "Resent-Cc", true },
};

static void
add_name(struct buf *out, struct str name)
{
	/* Encoded words stay what they are only outside quotes. */
	if (ascii_ok(name) && str_find(name, STR("=?")) >= 0)
		buf_add(out, name);
	else
		header_phrase(out, name);
}

static void
add_mailbox(struct buf *out, const struct mailbox *m, struct pool *p)
{
	struct str address = address_text(p, &m->address);

	if (m->broken) {
		add_name(out, m->name);
		buf_addz(out, " :;");
	} else if (!ascii_ok(address)) {
		add_name(out, pool_printf(p, "%.*s%s%.*s", STR_ARG(m->name), m->name.n > 0 ? " " : "",
		    STR_ARG(address)));
		buf_addz(out, " :;");
	} else if (m->name.n > 0) {
		add_name(out, m->name);
		buf_addf(out, " <%.*s>", STR_ARG(address));
	} else {
		buf_add(out, address);
	}
}

/* False when there is too much of it to be read. */
static bool
add_list(struct buf *out, struct str value, struct pool *p)
{
	struct vec list = vec_of(sizeof(struct mailbox));
	bool gap = false, ok = mailbox_list(value, p, &list);

	for (size_t i = 0; i < list.n; i++) {
		const struct mailbox *m = vec_at(&list, i);

		if (m->kind == MAILBOX_GROUP_END) {
			buf_addc(out, ';');
			gap = true;
			continue;
		}
		if (gap)
			buf_addz(out, ", ");
		gap = m->kind == MAILBOX_ADDRESS;
		if (gap) {
			add_mailbox(out, m, p);
		} else {
			add_name(out, m->name);
			buf_addz(out, ": ");
		}
	}
	vec_free(&list);
	return ok;
}

static void
add_marks(struct buf *out, struct str whole)
{
	for (size_t i = 0; i < whole.n; i++) {
		unsigned char c = (unsigned char)whole.p[i];

		if (c < 0x80)
			buf_addc(out, whole.p[i]);
		else if (c >= 0xc0)
			buf_addc(out, '?');
	}
}

static void
add_field(struct buf *out, const struct header *h)
{
	struct pool *p = pool_new();
	struct str value = header_unfold(p, h->value);
	struct buf text = { 0 };
	size_t i = 0, n = sizeof(fields) / sizeof(fields[0]);
	bool known;

	while (i < n && !str_ieq(h->name, str_of(fields[i].name)))
		i++;
	/* Of a longer field only the first part was read. */
	known = i < n && h->whole.n <= HEADER_FIELD_MAX;
	if (known && fields[i].addresses)
		known = add_list(&text, value, p);
	else if (known)
		header_phrase(&text, value);
	if (known)
		header_fold(out, h->name, buf_str(&text), STR("\r\n"));
	else
		add_marks(out, h->whole);
	buf_free(&text);
	pool_free(p);
}

void
downgrade_header(struct buf *out, struct str header)
{
	struct headers in = headers_of(header);
	struct header h;

	while (header_next(&in, &h)) {
		if (ascii_ok(h.whole) || !utf8_ok(h.whole))
			buf_add(out, h.whole);
		else
			add_field(out, &h);
	}
	if (in.blank)
		buf_addz(out, "\r\n");
	buf_add(out, in.rest);
}
