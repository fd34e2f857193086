/* SPDX-License-Identifier: ISC */
/* deliver - transport, next hop and mailbox of a finished address. */
#include <errno.h>
#include <pwd.h>

#include "router/router.h"
#include "wire/limits.h"

static void
fail(struct work *w, struct route *out, uint64_t code, const char *dsn, struct str text)
{
	out->action = code < 500 ? ROUTE_LATER : ROUTE_FAIL;
	out->code = code;
	out->dsn = str_of(dsn);
	if (out->action == ROUTE_LATER && dsn[0] == '5')
		out->dsn = pool_printf(w->pool, "4%s", dsn + 1);
	out->text = str_sub(text, 0, LIMIT_REPLY);
}

static void
later(struct work *w, struct route *out, const char *dsn, struct str text)
{
	(void)w;
	out->action = ROUTE_LATER;
	out->dsn = str_of(dsn);
	out->text = str_sub(text, 0, LIMIT_REPLY);
}

/* A table could not be read. */
static void
unavailable(struct work *w, struct route *out)
{
	later(w, out, "4.3.0", pool_str(w->pool, buf_str(&w->trouble)));
}

/* "5.1.2 text", "550 5.1.2 text", "text": the parts there are. */
static void
error_text(struct work *w, struct str text, struct route *out)
{
	uint64_t code = 550;
	const char *dsn = "5.0.0";
	struct str word, rest = text;

	if (str_cut(&rest, ' ', &word) && word.n == 3 && str_u64(word, 599, &code) && code >= 400)
		text = rest = str_trim(rest);
	else
		rest = text;
	if (code < 500)
		dsn = "4.0.0";
	if (str_cut(&rest, ' ', &word) && word.n >= 5 && (word.p[0] == '4' || word.p[0] == '5') &&
	    word.p[1] == '.' && word.n <= 11) {
		dsn = pool_str(w->pool, word).p;
		if (dsn[0] == '4' && code >= 500)
			code = 450;
		text = str_trim(rest);
	}
	fail(w, out, code, dsn, text.n > 0 ? text : STR("mail is not delivered here"));
}

/* The same as a reason to wait, whatever it says. */
static void
retry_text(struct work *w, struct str text, struct route *out)
{
	error_text(w, text, out);
	if (out->action == ROUTE_FAIL) {
		later(w, out, "4.3.0", out->text);
		out->code = 450;
	}
}

/* May mail be delivered as this uid?  (master asks the same again.) */
static bool
uid_ok(uint64_t uid)
{
	uint64_t n;

	if (uid == 0)
		return false;
	if (uid >= common.first_valid_uid)
		return true;
	for (size_t i = 0; i < common.mail_uids.n; i++)
		if (str_u64(common.mail_uids.v[i], UINT32_MAX, &n) && n == uid)
			return true;
	return false;
}

static void
to_mailbox(struct route *out, struct str box, uint64_t uid, uint64_t gid, bool virtual_box)
{
	out->action = ROUTE_DELIVER;
	out->worker = true;
	out->virtual_box = virtual_box;
	out->uid = uid;
	out->gid = gid;
	out->mailbox = box;
}

/* One number out of virtual_uid_maps or virtual_gid_maps. */
static bool
number(struct work *w, const struct tables *t, const char *what, const struct address *a,
    uint64_t *out, struct route *route)
{
	struct lookup l = { a->local, a->domain, router.delimiters,
		router_conf.owner_request_special, LOOKUP_FULL | LOOKUP_AT };
	struct str ext;
	enum table_result r;

	buf_reset(&w->value);
	r = lookup_address(t, &l, &w->value, &ext, &w->trouble);
	if (r == TABLE_LATER)
		unavailable(w, route);
	else if (r == TABLE_ABSENT || !str_u64(buf_str(&w->value), UINT32_MAX - 1, out))
		later(w, route, "4.3.5", pool_printf(w->pool,
		    "mail system configuration error: %s has no number for %.*s@%.*s", what,
		    STR_ARG(a->local), STR_ARG(a->domain)));
	else
		return true;
	return false;
}

/* A relative name that stays below virtual_mailbox_base. */
static bool
box_ok(struct str box)
{
	struct str rest = box, part;

	if (box.n == 0 || box.n > LIMIT_PATH || box.p[0] == '/')
		return false;
	for (size_t i = 0; i < box.n; i++)
		if (box.p[i] == '\0' || box.p[i] == '\n' || box.p[i] == '\r')
			return false;
	while (str_cut(&rest, '/', &part))
		if (str_eq(part, STR("..")) || str_eq(part, STR(".")))
			return false;
	return true;
}

struct first {
	struct work *w;
	struct str domain;
	struct str key;
};

static void
see_mailbox(void *arg, struct str key, struct str value)
{
	struct first *f = arg;
	ptrdiff_t at = str_rchr(key, '@');

	(void)value;
	if (at <= 0 || !str_ieq(str_sub(key, (size_t)at + 1, key.n), f->domain))
		return;
	if (f->key.n == 0 || str_cmp(key, f->key) < 0)
		f->key = pool_str(f->w->pool, key);
}

/* Who gets postmaster's mail in a domain of virtual mailboxes that names nobody: the first one. */
static bool
first_mailbox(struct work *w, struct str domain, struct address *out)
{
	struct first f = { w, domain, STR("") };

	for (size_t i = 0; i < router.mailbox_maps.n; i++)
		(void)table_each(router.mailbox_maps.v[i], see_mailbox, &f, NULL);
	if (f.key.n == 0)
		return false;
	*out = (struct address){ str_sub(f.key, 0, (size_t)str_rchr(f.key, '@')), domain };
	return true;
}

bool
is_administrator(const struct address *a)
{
	return is_postmaster(a) || (str_ieq(a->local, STR("root")) &&
	    str_ieq(a->domain, str_of(common.myorigin)));
}

enum table_result
mailbox_of(struct work *w, const struct address *a)
{
	struct lookup l = { a->local, a->domain, router.delimiters,
		router_conf.owner_request_special, LOOKUP_FULL | LOOKUP_AT };
	struct str ext;

	buf_reset(&w->value);
	return lookup_address(&router.mailbox_maps, &l, &w->value, &ext, &w->trouble);
}

static void nobody_reads(struct work *w, const struct address *a, struct route *out);

static void
to_virtual(struct work *w, const struct address *a, struct route *out)
{
	struct address instead;
	struct str box;
	uint64_t uid = 0, gid = 0;
	enum table_result r = mailbox_of(w, a);

	if (r == TABLE_LATER) {
		unavailable(w, out);
		return;
	}
	if (r == TABLE_ABSENT && is_administrator(a)) {
		if (first_mailbox(w, a->domain, &instead) && !is_administrator(&instead))
			to_virtual(w, &instead, out);
		else
			nobody_reads(w, a, out);
		return;
	}
	if (r == TABLE_ABSENT) {
		fail(w, out, router_conf.unknown_mailbox_code, "5.1.1", pool_printf(w->pool,
		    "unknown user: \"%.*s\"", STR_ARG(key_of(w, a))));
		return;
	}
	box = pool_str(w->pool, buf_str(&w->value));
	if (!box_ok(box) || box.p[box.n - 1] != '/') {
		later(w, out, box_ok(box) ? "4.3.5" : "4.2.0", pool_printf(w->pool,
		    box_ok(box) ? "mailbox %.*s: only Maildir (with / at the end) is there yet" :
		    "mailbox %.*s is not below virtual_mailbox_base", STR_ARG(box)));
		return;
	}
	if (!number(w, &router.uid_maps, "virtual_uid_maps", a, &uid, out) ||
	    !number(w, &router.gid_maps, "virtual_gid_maps", a, &gid, out))
		return;
	if (!uid_ok(uid)) {
		later(w, out, "4.3.5", pool_printf(w->pool, "uid %llu of mailbox %.*s is neither "
		    "first_valid_uid or more nor in mail_uids", (unsigned long long)uid,
		    STR_ARG(box)));
		return;
	}
	to_mailbox(out, box, uid, gid, true);
}

/* The system user of this name; 1 found, 0 none, -1 cannot say. */
static int
find_user(struct work *w, struct str name, struct passwd **out)
{
	char text[256];

	if (name.n == 0 || name.n >= sizeof(text))
		return 0;
	for (size_t i = 0; i < name.n; i++)
		text[i] = ch_lower(name.p[i]);
	text[name.n] = '\0';
	errno = 0;
	if ((*out = getpwnam(text)) != NULL)
		return 1;
	if (errno == 0 || errno == ENOENT || errno == ESRCH || errno == EBADF || errno == EPERM)
		return 0;
	buf_reset(&w->trouble);
	buf_addf(&w->trouble, "cannot look up user %s: %s", text, strerror(errno));
	return -1;
}

/* Mail for postmaster, root or mailer-daemon that no alias takes goes to the first mailbox. */
static void
nobody_reads(struct work *w, const struct address *a, struct route *out)
{
	struct address instead;

	for (size_t i = 0; i < router_conf.virtual_mailbox_domains.n; i++) {
		struct str domain = router_conf.virtual_mailbox_domains.v[i];

		if (!table_is_spec(domain) && first_mailbox(w, domain, &instead) &&
		    !is_administrator(&instead)) {
			out->class = CLASS_MAILBOX;
			out->transport = STR("virtual");
			out->nexthop = domain;
			out->addr = text_of(w, &instead);
			to_virtual(w, &instead, out);
			return;
		}
	}
	later(w, out, "4.3.5", pool_printf(w->pool, "nobody reads mail for %.*s: add an alias "
	    "\"root: you\" to the alias file", STR_ARG(a->local)));
}

static void
to_user(struct work *w, const struct address *a, struct route *out)
{
	struct passwd *pw = NULL;
	struct str user, ext;
	int found = find_user(w, a->local, &pw);

	if (found == 0 && lookup_extension(a->local, router.delimiters,
	    router_conf.owner_request_special, &user, &ext))
		found = find_user(w, user, &pw);
	if (found < 0) {
		unavailable(w, out);
	} else if (found > 0 && uid_ok(pw->pw_uid)) {
		to_mailbox(out, pool_str(w->pool, str_of(pw->pw_name)), pw->pw_uid, pw->pw_gid, false);
	} else if (is_postmaster(a) || str_ieq(a->local, STR("root")) ||
	    str_ieq(a->local, STR("mailer-daemon"))) {
		nobody_reads(w, a, out);
	} else {
		fail(w, out, router_conf.unknown_local_code, "5.1.1", pool_printf(w->pool,
		    "unknown user: \"%.*s\"", STR_ARG(a->local)));
	}
}

/* transport, transport:nexthop, :nexthop; what is not named stays as it was. */
static void
take_transport(struct work *w, struct str value, struct route *out)
{
	struct str rest = value, name;

	str_cut(&rest, ':', &name);
	if (name.n > 0)
		out->transport = pool_str(w->pool, str_sub(name, 0, LIMIT_NAME));
	if (rest.n > 0)
		out->nexthop = pool_str(w->pool, rest);
}

/* transport(5) for this address; false when it cannot be said now. */
static bool
from_transport_maps(struct work *w, const struct address *a, struct route *out)
{
	struct lookup l = { a->local, a->domain, router.delimiters,
		router_conf.owner_request_special, LOOKUP_FULL | LOOKUP_DOMAIN | LOOKUP_STAR };
	struct str ext, value;
	enum table_result r;

	if (router.transports.n == 0)
		return true;
	buf_reset(&w->value);
	r = lookup_address(&router.transports, &l, &w->value, &ext, &w->trouble);
	value = buf_str(&w->value);
	if (r != TABLE_FOUND)
		return r == TABLE_ABSENT;
	/* A transport without next hop goes to the domain of the address, not to relayhost. */
	if (value.n > 0 && value.p[0] != ':' && out->class >= CLASS_RELAY)
		out->nexthop = a->domain;
	take_transport(w, value, out);
	return true;
}

/* Transport and next hop that the class gives. */
static void
from_class(struct work *w, const struct address *a, struct route *out)
{
	const char *transport = router_conf.default_transport;

	out->nexthop = a->domain;
	if (out->class == CLASS_LOCAL)
		transport = router_conf.local_transport;
	else if (out->class == CLASS_MAILBOX)
		transport = router_conf.virtual_transport;
	else if (out->class == CLASS_RELAY)
		transport = router_conf.relay_transport;
	if (out->class >= CLASS_RELAY && router_conf.relayhost[0] != '\0')
		out->nexthop = str_of(router_conf.relayhost);
	take_transport(w, str_of(transport), out);
}

/* Commands and files come only out of aliases; strangers cannot write them. */
static void
not_yet(struct work *w, struct str text, struct route *out)
{
	later(w, out, "4.3.5", pool_printf(w->pool, text.p[0] == '|' ?
	    "delivery to a command is not there yet: %.*s" :
	    "delivery to a file is not there yet: %.*s", STR_ARG(text)));
}

void
deliver(struct work *w, const struct address *a, struct route *out)
{
	enum route_class class;

	out->addr = text_of(w, a);
	if (a->domain.n == 0) {
		not_yet(w, a->local, out);
		return;
	}
	if (is_double_bounce(a)) {
		out->action = ROUTE_DISCARD;
		out->text = STR("undeliverable postmaster notification discarded");
		return;
	}
	if (class_of(w, a->domain, &class) == TABLE_LATER) {
		unavailable(w, out);
		return;
	}
	out->class = class;
	if (class == CLASS_ALIAS) {
		fail(w, out, router_conf.unknown_alias_code, "5.1.1",
		    STR("User unknown in virtual alias table"));
		return;
	}
	from_class(w, a, out);
	if (!from_transport_maps(w, a, out)) {
		unavailable(w, out);
		return;
	}
	if (out->nexthop.n > LIMIT_ADDRESS && !str_ieq(out->transport, STR("error")) &&
	    !str_ieq(out->transport, STR("retry")) && !str_ieq(out->transport, STR("discard")) &&
	    !str_ieq(out->transport, STR("hold"))) {
		later(w, out, "4.3.5", STR("the next hop in the configuration is too long"));
		return;
	}
	if (str_ieq(out->transport, STR("error"))) {
		error_text(w, out->nexthop, out);
	} else if (str_ieq(out->transport, STR("retry"))) {
		retry_text(w, out->nexthop, out);
	} else if (str_ieq(out->transport, STR("discard"))) {
		out->action = ROUTE_DISCARD;
		out->text = str_sub(out->nexthop, 0, LIMIT_REPLY);
	} else if (str_ieq(out->transport, STR("hold"))) {
		out->action = ROUTE_HOLD;
		out->text = str_sub(out->nexthop, 0, LIMIT_REPLY);
	} else if (str_ieq(out->transport, STR("local"))) {
		out->nexthop = a->domain;
		to_user(w, a, out);
	} else if (str_ieq(out->transport, STR("virtual"))) {
		out->nexthop = a->domain;
		to_virtual(w, a, out);
	} else {
		out->action = ROUTE_DELIVER;
	}
	if (out->action != ROUTE_DELIVER && out->nexthop.n > LIMIT_ADDRESS)
		out->nexthop = STR("");
}
