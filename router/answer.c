/* SPDX-License-Identifier: ISC */
/* answer - the three questions. */
#include "base/clock.h"
#include "base/log.h"
#include "router/router.h"
#include "wire/limits.h"

#define TELL_AGAIN_MS	10000	/* the same trouble is logged once in this time */

/* A table that cannot be read is news for whoever keeps it, not only for the sender. */
static void
tell_trouble(const struct work *w)
{
	static struct buf last;
	static msec_t told;

	if (str_eq(buf_str(&w->trouble), buf_str(&last)) && clock_ms() < told + TELL_AGAIN_MS)
		return;
	buf_reset(&last);
	buf_add(&last, buf_str(&w->trouble));
	told = clock_ms();
	log_warn("%s", buf_z(&last));
}

static void
work_end(struct work *w)
{
	if (w->trouble.n > 0)
		tell_trouble(w);
	buf_free(&w->trouble);
	buf_free(&w->value);
}

static void
route_one(struct work *w, const struct resolve_rcpt *ask, struct route *out)
{
	struct expansion e;
	struct address a;

	out->num = ask->num;
	out->addr = ask->addr;
	out->action = ROUTE_LATER;
	out->dsn = STR("4.3.0");
	buf_reset(&w->trouble);
	if (ask->expanded && ask->addr.n > 0 && (ask->addr.p[0] == '|' || ask->addr.p[0] == '/') &&
	    str_rchr(ask->addr, '@') < 0) {
		deliver(w, &(struct address){ ask->addr, STR("") }, out);
		out->addr = ask->addr;
		return;
	}
	if (!complete(w, ask->addr, &a)) {
		out->action = ROUTE_FAIL;
		out->code = 501;
		out->dsn = STR("5.1.3");
		out->text = STR("bad address syntax");
		return;
	}
	if (ask->expanded) {
		deliver(w, &a, out);
		return;
	}
	switch (expand(w, &a, &e)) {
	case EXPANDED_SAME:
		deliver(w, &a, out);
		break;
	case EXPANDED_TO:
		out->action = ROUTE_EXPAND;
		out->addr = text_of(w, &a);
		out->to = e.to;
		out->has_owner = e.has_owner;
		out->owner = e.owner;
		break;
	case EXPANDED_LOOP:
		deliver(w, &a, out);
		if (out->action == ROUTE_DELIVER && out->worker)
			break;
		out->action = ROUTE_FAIL;
		out->code = 550;
		out->dsn = STR("5.4.6");
		out->text = pool_printf(w->pool, "alias loop: %.*s leads back to itself",
		    STR_ARG(a.local));
		break;
	case EXPANDED_NOBODY:
		deliver(w, &a, out);
		out->action = ROUTE_FAIL;
		out->code = 550;
		out->dsn = STR("5.2.4");
		out->text = pool_printf(w->pool, "the list %.*s has no members", STR_ARG(a.local));
		break;
	case EXPANDED_LATER:
		out->text = str_sub(pool_str(w->pool, buf_str(&w->trouble)), 0, LIMIT_REPLY);
		break;
	}
}

void
answer_resolve(const struct resolve *ask, struct resolved *out, struct pool *pool)
{
	const struct resolve_rcpt *rcpts = ask->rcpts.v;
	struct route *routes = pool_array(pool, ask->rcpts.n + 1, sizeof(*routes));
	struct work w = { .pool = pool };

	for (size_t i = 0; i < ask->rcpts.n; i++) {
		route_one(&w, &rcpts[i], &routes[i]);
		if (w.trouble.n > 0)
			tell_trouble(&w);
	}
	out->routes = (struct ipc_list){ routes, ask->rcpts.n };
	work_end(&w);
}

static void
refuse(struct checked *out, struct pool *pool, uint64_t code, const char *dsn, const char *prefix,
    struct str text)
{
	out->status = code < 500 ? CHECK_LATER : CHECK_REFUSED;
	out->code = code;
	out->dsn = str_of(dsn);
	if (out->status == CHECK_LATER && dsn[0] == '5')
		out->dsn = pool_printf(pool, "4%s", dsn + 1);
	out->text = str_sub(pool_printf(pool, "<%.*s>: %s%.*s", STR_ARG(out->addr), prefix,
	    STR_ARG(text)), 0, LIMIT_REPLY);
}

static void
try_later(struct checked *out, struct pool *pool)
{
	refuse(out, pool, 451, "4.3.0", "", STR("Temporary lookup failure"));
}

/* Is the address in a table of recipients?  No tables: every address is. */
static enum table_result
listed(struct work *w, const struct tables *t, const struct address *a)
{
	struct lookup l = { a->local, a->domain, router.delimiters,
		router_conf.owner_request_special, LOOKUP_FULL | LOOKUP_LOCAL | LOOKUP_AT };
	struct str ext;

	if (t->n == 0)
		return TABLE_FOUND;
	return lookup_address(t, &l, NULL, &ext, &w->trouble);
}

/* In a domain of ours: is there such a recipient?  What qmgr would be told decides. */
static void
check_listed(struct work *w, const struct address *a, struct checked *out)
{
	struct resolve_rcpt ask = { .addr = out->addr };
	enum table_result r = TABLE_FOUND;
	struct route route = { 0 };

	route_one(w, &ask, &route);
	if (route.action == ROUTE_EXPAND)
		return;
	if (out->class == CLASS_LOCAL && !is_postmaster(a) && !is_double_bounce(a))
		r = listed(w, &router.local_recipients, a);
	else if (out->class == CLASS_RELAY)
		r = listed(w, &router.relay_recipients, a);
	/* Postmaster's mail is always taken (RFC 5321 4.5.1), even while nobody is there to read it. */
	if (is_postmaster(a) && route.action == ROUTE_LATER && out->class != CLASS_RELAY)
		return;
	if (r == TABLE_LATER || (route.action == ROUTE_LATER && route.code == 0)) {
		/* The client hears no more than that; who keeps the tables has to know what it is. */
		if (w->trouble.n == 0 && route.text.n > 0)
			buf_addf(&w->trouble, "%.*s: %.*s", STR_ARG(out->addr), STR_ARG(route.text));
		try_later(out, w->pool);
		return;
	}
	if (r == TABLE_FOUND && route.action != ROUTE_FAIL && route.action != ROUTE_LATER)
		return;
	if (r == TABLE_ABSENT && out->class == CLASS_RELAY)
		refuse(out, w->pool, router_conf.unknown_relay_code, "5.1.1",
		    "Recipient address rejected: ", STR("User unknown in relay recipient table"));
	else if (r == TABLE_ABSENT || (out->class == CLASS_LOCAL && str_eq(route.dsn, STR("5.1.1"))))
		refuse(out, w->pool, router_conf.unknown_local_code, "5.1.1",
		    "Recipient address rejected: ", STR("User unknown in local recipient table"));
	else if (out->class == CLASS_MAILBOX && str_eq(route.dsn, STR("5.1.1")))
		refuse(out, w->pool, router_conf.unknown_mailbox_code, "5.1.1",
		    "Recipient address rejected: ", STR("User unknown in virtual mailbox table"));
	else
		refuse(out, w->pool, route.code, pool_str(w->pool, route.dsn).p,
		    "Recipient address rejected: ", route.text);
}

static void
check_rcpt(struct work *w, const struct check *ask, const struct address *a, struct checked *out)
{
	enum route_class class;

	if (class_of(w, a->domain, &class) == TABLE_LATER) {
		try_later(out, w->pool);
		return;
	}
	out->class = class;
	if (class == CLASS_DEFAULT && !ask->trusted)
		refuse(out, w->pool, router_conf.relay_denied_code, "5.7.1", "",
		    STR("Relay access denied"));
	else if (router_conf.reject_unlisted)
		check_listed(w, a, out);
}

void
answer_check(const struct check *ask, struct checked *out, struct pool *pool)
{
	struct work w = { .pool = pool };
	struct address a;

	*out = (struct checked){ .status = CHECK_OK, .class = CLASS_DEFAULT, .addr = ask->addr };
	if (ask->kind == CHECK_SENDER && ask->addr.n == 0)
		return;
	if (!complete(&w, ask->addr, &a)) {
		refuse(out, pool, 501, ask->kind == CHECK_SENDER ? "5.1.7" : "5.1.3", "",
		    STR("Bad address syntax"));
		return;
	}
	out->addr = text_of(&w, &a);
	if (ask->kind == CHECK_RCPT)
		check_rcpt(&w, ask, &a, out);
	else if (class_of(&w, a.domain, &(enum route_class){ 0 }) == TABLE_LATER)
		try_later(out, pool);
	work_end(&w);
}

void
answer_complete(const struct complete *ask, struct completed *out, struct pool *pool)
{
	struct work w = { .pool = pool };
	struct str *v = pool_array(pool, ask->addrs.n + 1, sizeof(*v));

	for (size_t i = 0; i < ask->addrs.n; i++) {
		struct address a;

		v[i] = ask->addrs.v[i];
		if (v[i].n > 0 && complete(&w, v[i], &a))
			v[i] = text_of(&w, &a);
		if (v[i].n > LIMIT_ADDRESS)
			v[i] = ask->addrs.v[i];
	}
	out->addrs = (struct strs){ v, ask->addrs.n };
	work_end(&w);
}
