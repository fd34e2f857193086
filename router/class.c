/* SPDX-License-Identifier: ISC */
/* class - what an address lacks, and whose domain it is in. */
#include "router/router.h"

struct str
lower(struct pool *pool, struct str s)
{
	char *p = pool_alloc(pool, s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		p[i] = ch_lower(s.p[i]);
	return str_n(p, s.n);
}

bool
complete(struct work *w, struct str text, struct address *out)
{
	if (text.n == 0)
		text = str_of(router_conf.empty_address_recipient);
	/* "user@x.org." out of a table; from outside none comes this far. */
	if (str_end(text, STR(".")) && !str_end(text, STR("..")) && str_chr(text, '@') >= 0)
		text.n--;
	if (address_parse(text, w->pool, ADDRESS_BARE_OK | ADDRESS_UTF8_OK, out) != ADDRESS_OK ||
	    out->local.n == 0)
		return false;
	if (out->domain.n == 0)
		out->domain = str_of(common.myorigin);
	else if (router_conf.append_dot_mydomain && str_chr(out->domain, '.') < 0 &&
	    out->domain.p[0] != '[')
		out->domain = pool_printf(w->pool, "%.*s.%s", STR_ARG(out->domain), common.mydomain);
	/* Literals keep their spelling: [IPv6:…] is compared without case anyway. */
	if (out->domain.n > 0 && out->domain.p[0] != '[')
		out->domain = lower(w->pool, out->domain);
	return true;
}

struct str
text_of(struct work *w, const struct address *a)
{
	return address_text(w->pool, a);
}

struct str
key_of(struct work *w, const struct address *a)
{
	return pool_printf(w->pool, "%.*s@%.*s", STR_ARG(a->local), STR_ARG(a->domain));
}

static bool
is_own_ip(struct str literal)
{
	for (size_t i = 0; i < router.own_ips.n; i++)
		if (str_ieq(literal, router.own_ips.v[i]))
			return true;
	return false;
}

enum table_result
class_of(struct work *w, struct str domain, enum route_class *out)
{
	const struct { struct domains *list; enum route_class class; } steps[] = {
		{ router.local, CLASS_LOCAL },
		{ router.alias, CLASS_ALIAS },
		{ router.mailbox, CLASS_MAILBOX },
		{ router.relay, CLASS_RELAY },
	};

	*out = CLASS_LOCAL;
	if (domain.n > 0 && domain.p[0] == '[' && is_own_ip(domain))
		return TABLE_FOUND;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		enum table_result r = domains_match(steps[i].list, domain, &w->trouble);

		*out = steps[i].class;
		if (r != TABLE_ABSENT)
			return r;
	}
	*out = CLASS_DEFAULT;
	return TABLE_FOUND;
}

bool
is_ours(struct work *w, struct str domain)
{
	return str_ieq(domain, str_of(common.myorigin)) ||
	    (domain.n > 0 && domain.p[0] == '[' && is_own_ip(domain)) ||
	    domains_match(router.local, domain, &w->trouble) == TABLE_FOUND;
}

bool
is_double_bounce(const struct address *a)
{
	return str_ieq(a->local, str_of(common.double_bounce_sender)) &&
	    (str_ieq(a->domain, str_of(common.myorigin)) ||
	    str_ieq(a->domain, str_of(common.myhostname)));
}

bool
is_postmaster(const struct address *a)
{
	return str_ieq(a->local, STR("postmaster"));
}
