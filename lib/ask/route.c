/* SPDX-License-Identifier: ISC */
#include "ask/route.h"

#include "base/log.h"
#include "ipc/peer.h"
#include "wire/peers.h"

void
route_resolve(const struct resolve *ask, struct resolved *out, struct pool *pool, msec_t deadline)
{
	const struct resolve_rcpt *rcpts = ask->rcpts.v;
	struct route *routes;
	enum ipc_result r;

	r = peer_ask(PEER_ROUTER, &resolve_msg, ask, &resolved_msg, out, pool, deadline);
	if (r == IPC_DONE && out->routes.n == ask->rcpts.n)
		return;
	log_warn("no answer from router about %zu recipients", ask->rcpts.n);
	routes = pool_array(pool, ask->rcpts.n + 1, sizeof(*routes));
	for (size_t i = 0; i < ask->rcpts.n; i++)
		routes[i] = (struct route){ .num = rcpts[i].num, .action = ROUTE_LATER,
			.addr = rcpts[i].addr, .dsn = STR("4.3.0"),
			.text = STR("mail transport unavailable: no answer from router") };
	out->routes = (struct ipc_list){ routes, ask->rcpts.n };
}

const struct route *
route_at(const struct resolved *r, size_t i)
{
	return i < r->routes.n ? (const struct route *)r->routes.v + i : NULL;
}

static enum check_status
ask_check(const struct check *ask, struct checked *out, struct pool *pool, msec_t deadline)
{
	if (peer_ask(PEER_ROUTER, &check_msg, ask, &checked_msg, out, pool, deadline) == IPC_DONE)
		return (enum check_status)out->status;
	log_warn("no answer from router about <%.*s>", STR_ARG(ask->addr));
	*out = (struct checked){ .status = CHECK_LATER, .class = CLASS_DEFAULT, .addr = ask->addr,
		.code = 451, .dsn = STR("4.3.0"),
		.text = pool_printf(pool, "<%.*s>: Temporary lookup failure", STR_ARG(ask->addr)) };
	return CHECK_LATER;
}

enum check_status
route_check_rcpt(struct str addr, bool trusted, struct checked *out, struct pool *pool,
    msec_t deadline)
{
	struct check ask = { CHECK_RCPT, addr, trusted };

	return ask_check(&ask, out, pool, deadline);
}

enum check_status
route_check_sender(struct str addr, struct checked *out, struct pool *pool, msec_t deadline)
{
	struct check ask = { CHECK_SENDER, addr, false };

	return ask_check(&ask, out, pool, deadline);
}

bool
route_complete(struct strs addrs, struct strs *out, struct pool *pool, msec_t deadline)
{
	struct complete ask = { addrs };
	struct completed got;
	enum ipc_result r;

	r = peer_ask(PEER_ROUTER, &complete_msg, &ask, &completed_msg, &got, pool, deadline);
	*out = r == IPC_DONE && got.addrs.n == addrs.n ? got.addrs : addrs;
	return r == IPC_DONE && got.addrs.n == addrs.n;
}
