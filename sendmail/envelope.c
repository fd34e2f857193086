/* SPDX-License-Identifier: ISC */
#include "sendmail/envelope.h"

#include <string.h>

#include "mail/address.h"
#include "mail/limits.h"
#include "wire/limits.h"

#define FAULT_MAX	600	/* bytes of what is said about one fault */

void
envelope_fault(struct vec *why, struct pool *p, const char *fmt, ...)
{
	struct buf b = { .p = NULL };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	*(struct str *)vec_push(why) = pool_str(p, str_sub(buf_str(&b), 0, FAULT_MAX));
	buf_free(&b);
}

/* The first part of the GECOS field, "&" being the login name. */
static struct str
full_name(const struct caller *who, struct pool *p)
{
	struct buf b = { .limit = LIMIT_NAME };
	struct str s;

	for (size_t i = 0; i < who->gecos.n && who->gecos.p[i] != ','; i++) {
		if (who->gecos.p[i] == '&' && who->name.n > 0) {
			buf_addc(&b, ch_upper(who->name.p[0]));
			buf_add(&b, str_sub(who->name, 1, who->name.n));
		} else {
			buf_addc(&b, who->gecos.p[i]);
		}
	}
	s = buf_ok(&b) ? pool_str(p, buf_str(&b)) : STR("");
	buf_free(&b);
	return s;
}

static struct str
clean_fullname(struct str name)
{
	if (name.n > LIMIT_NAME || !utf8_ok(name))
		return STR("");
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < 32 || name.p[i] == 127)
			return STR("");
	return name;
}

/* -f takes what a header may hold too: "Name <user@host>". */
static bool
parse_sender(const char *text, struct pool *p, struct address *out)
{
	struct vec list = vec_of(sizeof(struct mailbox));
	const struct mailbox *m;
	bool ok = false;

	if (text[0] == '\0' || strcmp(text, "<>") == 0) {
		*out = (struct address){ STR(""), STR("") };
		return true;
	}
	if (address_parse(str_of(text), p, ADDRESS_BARE_OK | ADDRESS_UTF8_OK, out) == ADDRESS_OK)
		return true;
	if (mailbox_list(str_of(text), p, &list) && list.n == 1) {
		m = vec_at(&list, 0);
		/* What may stand in a header is more than postdrop takes in an envelope. */
		ok = m->kind == MAILBOX_ADDRESS && !m->broken &&
		    drop_sender_ok(address_text(p, &m->address), p);
		*out = m->address;
	}
	vec_free(&list);
	return ok;
}

bool
envelope_start(struct drop *d, const struct options *o, const struct caller *who, struct pool *p,
    struct vec *why)
{
	struct address a = { who->name, STR("") };

	*d = (struct drop){ .name = STR("") };
	if (o->sender != NULL && !parse_sender(o->sender, p, &a)) {
		envelope_fault(why, p, "bad sender address: %s", o->sender);
		return false;
	}
	d->sender = address_text(p, &a);
	d->fullname = clean_fullname(o->fullname != NULL ? str_of(o->fullname) : full_name(who, p));
	d->envid = str_of(o->envid);
	d->ret = o->ret;
	d->flags = (o->eightbit ? ENV_8BITMIME : 0) | (o->gateway ? ENV_NO_EXPAND : 0);
	if (!ascii_ok(d->sender))
		d->flags |= ENV_SMTPUTF8;
	return true;
}

void
envelope_rcpts(struct drop *d, const struct vec *rcpts)
{
	const struct envelope_rcpt *r = rcpts->p;

	d->rcpts = (struct ipc_list){ rcpts->p, rcpts->n };
	for (size_t i = 0; i < rcpts->n; i++)
		if (!ascii_ok(r[i].addr))
			d->flags |= ENV_SMTPUTF8;
}

/* Is it there already?  A person named twice gets one copy. */
static bool
known(const struct vec *rcpts, struct str addr)
{
	const struct envelope_rcpt *r = rcpts->p;

	/* Long lists are not searched: qmgr drops doubles as well. */
	for (size_t i = 0; i < rcpts->n && i < 1000; i++)
		if (str_eq(r[i].addr, addr))
			return true;
	return false;
}

static bool
push(struct vec *rcpts, struct str addr, unsigned notify, struct pool *p, struct vec *why)
{
	struct envelope_rcpt *r;

	if (known(rcpts, addr))
		return true;
	if (rcpts->n == LIMIT_RCPTS) {
		envelope_fault(why, p, "more than %d recipients", LIMIT_RCPTS);
		return false;
	}
	r = vec_push(rcpts);
	*r = (struct envelope_rcpt){ .addr = addr, .orig = STR(""), .orcpt = STR(""),
		.notify = notify };
	return true;
}

/*
 * The name of a user whom nobody has, which reads like the text that is no address: it comes back as
 * undeliverable, and so the sender hears of it even when nobody reads what we print.  The "? " keeps
 * what stands before a recipient_delimiter from being somebody.
 */
static struct str
stand_in(struct str text, struct pool *p)
{
	char name[LOCAL_PART_MAX] = "? ";
	struct address a = { str_n(name, 2), STR("") };

	for (size_t i = 0; i < text.n && a.local.n < sizeof(name) - 2; i++)
		name[a.local.n++] = ch_print(text.p[i]) && text.p[i] != '"' && text.p[i] != '\\' ?
		    text.p[i] : '?';
	return address_text(p, &a);
}

/*
 * Add the addresses of a list.  A broken one is noted, and is an error when `strict`; else those who
 * stand for the broken ones are pushed to `bad`.
 */
static bool
add_list(struct vec *rcpts, const struct vec *list, unsigned notify, bool strict, struct pool *p,
    struct vec *why, struct vec *bad)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct mailbox *m = vec_at(list, i);
		struct str text;

		if (m->kind != MAILBOX_ADDRESS)
			continue;
		text = m->broken ? m->name : address_text(p, &m->address);
		if (!m->broken && drop_rcpt_ok(text, p)) {
			if (!push(rcpts, text, notify, p, why))
				return false;
			continue;
		}
		envelope_fault(why, p, "bad recipient address: %.*s", STR_ARG(text));
		if (strict)
			return false;
		text = stand_in(text, p);
		if (drop_rcpt_ok(text, p))
			*(struct str *)vec_push(bad) = text;
	}
	return true;
}

bool
envelope_arguments(struct vec *rcpts, const struct options *o, struct pool *p, struct vec *why)
{
	for (size_t i = 0; i < o->nrcpts; i++) {
		struct vec list = vec_of(sizeof(struct mailbox));
		bool ok = mailbox_list(str_of(o->rcpts[i]), p, &list);

		if (!ok)
			envelope_fault(why, p, "too much in one recipient: %s", o->rcpts[i]);
		ok = ok && add_list(rcpts, &list, o->notify, true, p, why, NULL);
		vec_free(&list);
		if (!ok)
			return false;
	}
	return true;
}

bool
envelope_header(struct vec *rcpts, const struct intake *in, unsigned notify, struct pool *p,
    struct vec *why)
{
	struct vec list = vec_of(sizeof(struct mailbox)), bad = vec_of(sizeof(struct str));
	bool ok = intake_rcpts(in, p, &list) && add_list(rcpts, &list, notify, false, p, why, &bad);

	/* With nobody to send to, the caller's exit status tells it all. */
	for (size_t i = 0; ok && rcpts->n > 0 && i < bad.n; i++)
		ok = push(rcpts, *(struct str *)vec_at(&bad, i), notify, p, why);
	vec_free(&list);
	vec_free(&bad);
	return ok;
}
