/* SPDX-License-Identifier: ISC */
/*
 * forwarded - what a copy that a user's .forward sent on says about it.
 *
 * It carries a Delivered-To of everyone who forwarded it, so that one that comes back here by way of
 * another host is known and returned, not sent round until its hops are counted out.
 */
#include "qmgr/qmgr.h"

/* Parents come before their children. */
static uint32_t
parent_of(const struct message *m, uint32_t num)
{
	return m->rcpts[num].parent < num ? m->rcpts[num].parent : UINT32_MAX;
}

/* The recipient whose .forward made this one, however many lists lie between; UINT32_MAX: none. */
uint32_t
forwarder_of(const struct message *m, uint32_t num)
{
	/* What router made of an address is marked; the others that have a parent come from local. */
	while (num != UINT32_MAX && m->rcpts[num].expanded)
		num = parent_of(m, num);
	return num != UINT32_MAX ? parent_of(m, num) : UINT32_MAX;
}

static bool
is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return true;
}

/* The message's own fields and those of its forwarders. */
struct strs
forwarded_fields(const struct message *m, uint32_t num, struct pool *pool)
{
	struct strs all = m->env->prepend;
	struct str *v;

	if ((num = forwarder_of(m, num)) == UINT32_MAX)
		return all;
	v = pool_array(pool, LIMIT_HEADERS + 1, sizeof(*v));
	memcpy(v, all.v, all.n * sizeof(*v));
	all.v = v;
	for (; num != UINT32_MAX && all.n < LIMIT_HEADERS; num = forwarder_of(m, num))
		if (is_printable(m->rcpts[num].addr))
			v[all.n++] = pool_printf(pool, "Delivered-To: %.*s\r\n",
			    STR_ARG(m->rcpts[num].addr));
	return all;
}
