/* SPDX-License-Identifier: ISC */
#include "ask/route.h"

#include "ask/recent.h"
#include "base/log.h"
#include "conf/common.h"
#include "ipc/peer.h"
#include "wire/peers.h"

#define RECENT_MOST	256	/* answers of each kind */

/*
 * Ask router, or remember what it said within route_cache_time.  `keep` says which answers are worth
 * remembering: what is refused now may be right in a moment, because somebody is mending it.
 */
static bool
ask(struct recent **recent, const struct ipc_msg *question, const void *q,
    const struct ipc_msg *answer, void *out, bool (*keep)(const void *), struct pool *pool,
    msec_t deadline)
{
	if (*recent != NULL && recent_get(*recent, q, out, pool))
		return true;
	if (peer_ask(PEER_ROUTER, question, q, answer, out, pool, deadline) != IPC_DONE)
		return false;
	if (common.route_cache_time_ms > 0 && keep(out)) {
		if (*recent == NULL)
			*recent = recent_new(question, answer, RECENT_MOST);
		recent_put(*recent, q, out, deadline_in(common.route_cache_time_ms));
	}
	return true;
}

/* Every recipient goes somewhere. */
static bool
keep_resolved(const void *answer)
{
	const struct resolved *r = answer;

	for (size_t i = 0; i < r->routes.n; i++)
		if (route_at(r, i)->action == ROUTE_FAIL || route_at(r, i)->action == ROUTE_LATER)
			return false;
	return true;
}

static bool
keep_checked(const void *answer)
{
	return ((const struct checked *)answer)->status == CHECK_OK;
}

void
route_resolve(const struct resolve *q, struct resolved *out, struct pool *pool, msec_t deadline)
{
	static struct recent *recent;
	const struct resolve_rcpt *rcpts = q->rcpts.v;
	struct route *routes;

	if (ask(&recent, &resolve_msg, q, &resolved_msg, out, keep_resolved, pool, deadline) &&
	    out->routes.n == q->rcpts.n)
		return;
	log_warn("no answer from router about %zu recipients", q->rcpts.n);
	routes = pool_array(pool, q->rcpts.n + 1, sizeof(*routes));
	for (size_t i = 0; i < q->rcpts.n; i++)
		routes[i] = (struct route){ .num = rcpts[i].num, .action = ROUTE_LATER,
			.addr = rcpts[i].addr, .dsn = STR("4.3.0"),
			.text = STR("mail transport unavailable: no answer from router") };
	out->routes = (struct ipc_list){ routes, q->rcpts.n };
}

const struct route *
route_at(const struct resolved *r, size_t i)
{
	return i < r->routes.n ? (const struct route *)r->routes.v + i : NULL;
}

static enum check_status
check(const struct check *q, struct checked *out, struct pool *pool, msec_t deadline)
{
	static struct recent *recent;

	if (ask(&recent, &check_msg, q, &checked_msg, out, keep_checked, pool, deadline))
		return (enum check_status)out->status;
	log_warn("no answer from router about <%.*s>", STR_ARG(q->addr));
	*out = (struct checked){ .status = CHECK_LATER, .class = CLASS_DEFAULT, .addr = q->addr,
		.code = 451, .dsn = STR("4.3.0"),
		.text = pool_printf(pool, "<%.*s>: Temporary lookup failure", STR_ARG(q->addr)) };
	return CHECK_LATER;
}

enum check_status
route_check_rcpt(struct str addr, bool trusted, struct checked *out, struct pool *pool,
    msec_t deadline)
{
	struct check q = { CHECK_RCPT, addr, trusted };

	return check(&q, out, pool, deadline);
}

enum check_status
route_check_sender(struct str addr, struct checked *out, struct pool *pool, msec_t deadline)
{
	struct check q = { CHECK_SENDER, addr, false };

	return check(&q, out, pool, deadline);
}

bool
route_complete(struct strs addrs, struct strs *out, struct pool *pool, msec_t deadline)
{
	struct complete q = { addrs };
	struct completed got;
	enum ipc_result r;

	r = peer_ask(PEER_ROUTER, &complete_msg, &q, &completed_msg, &got, pool, deadline);
	*out = r == IPC_DONE && got.addrs.n == addrs.n ? got.addrs : addrs;
	return r == IPC_DONE && got.addrs.n == addrs.n;
}
