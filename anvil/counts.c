/* SPDX-License-Identifier: ISC */
#include "anvil/counts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#include "base/map.h"
#include "base/panic.h"
#include "base/pool.h"

#define RATES		5	/* kinds of events that have a rate */
#define LOOK		64	/* silent clients looked at for one to forget */
#define FAILS_MAX	30	/* doublings beyond this change nothing */
#define STAMP		32

/* One service and client, or (service "") one client's failed logins. */
struct client {
	struct client *newer, *older;	/* by last event */
	struct str key;
	uint64_t open;
	uint64_t rates[RATES];
	msec_t since;			/* the current time unit began */
	unsigned fails;
	msec_t failed;			/* the last time */
};

/* The largest of one kind since the last report. */
struct most {
	uint64_t n;
	char who[ANVIL_SERVICE_MAX + ANVIL_CLIENT_MAX + 2];
	char when[STAMP];
};

static struct counts_limits lim;
static struct map *clients;
static struct client *newest, *oldest;
static struct most rates_most[RATES], open_most, size_most;
static struct pool *report_pool;

/* Which rate an event belongs to, or -1. */
static int
rate_of(uint64_t what)
{
	switch (what) {
	case ANVIL_CONNECT:	return 0;
	case ANVIL_MAIL:	return 1;
	case ANVIL_RCPT:	return 2;
	case ANVIL_NEWTLS:	return 3;
	case ANVIL_AUTH:	return 4;
	default:		return -1;
	}
}

static void
unlink_client(struct client *c)
{
	*(c->newer != NULL ? &c->newer->older : &newest) = c->older;
	*(c->older != NULL ? &c->older->newer : &oldest) = c->newer;
}

static void
make_newest(struct client *c)
{
	c->newer = NULL;
	c->older = newest;
	*(newest != NULL ? &newest->newer : &oldest) = c;
	newest = c;
}

static void
forget(struct client *c)
{
	unlink_client(c);
	(void)map_del(clients, c->key);
	free(c);
}

void
counts_init(const struct counts_limits *limits)
{
	while (newest != NULL)
		forget(newest);
	map_free(clients);
	clients = map_new();
	lim = *limits;
	memset(rates_most, 0, sizeof(rates_most));
	open_most = size_most = (struct most){ 0 };
}

size_t
counts_size(void)
{
	return clients == NULL ? 0 : map_count(clients);
}

/*
 * Room for one more.  One with open connections is kept, as its count would never come right again,
 * and goes out of the way of those behind it.
 */
static void
make_room(void)
{
	struct client *c;

	for (unsigned i = 0; i < LOOK && (c = oldest) != NULL && map_count(clients) >= lim.clients; i++) {
		if (c->open == 0) {
			forget(c);
		} else {
			unlink_client(c);
			make_newest(c);
		}
	}
}

static struct client *
find(struct str key, msec_t now)
{
	struct client *c = map_get(clients, key);

	if (c != NULL) {
		unlink_client(c);
	} else {
		make_room();
		c = mem_zero(1, sizeof(*c) + key.n);
		memcpy(c + 1, key.p, key.n);
		c->key = str_n(c + 1, key.n);
		c->since = now;
		map_put(clients, key, c);
	}
	make_newest(c);
	if (now - c->since >= lim.unit) {
		memset(c->rates, 0, sizeof(c->rates));
		c->since = now;
	}
	return c;
}

static void
stamp(char when[STAMP])
{
	time_t t = (time_t)clock_wall();
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL || strftime(when, STAMP, "%b %e %H:%M:%S", &tm) == 0)
		when[0] = '\0';
}

static void
note_most(struct most *m, uint64_t n, struct str who)
{
	if (n <= m->n || who.n >= sizeof(m->who))
		return;
	m->n = n;
	memcpy(m->who, who.p, who.n);
	m->who[who.n] = '\0';
	stamp(m->when);
}

/* An IPv6 client owns its whole /64: failures of one count against all of it. */
static void
penalty_key(struct buf *out, struct str client)
{
	struct in6_addr a;
	char text[ANVIL_CLIENT_MAX + 1];

	buf_addc(out, ':');
	memcpy(text, client.p, client.n);
	text[client.n] = '\0';
	if (client.n < sizeof(text) && inet_pton(AF_INET6, text, &a) == 1 &&
	    !IN6_IS_ADDR_V4MAPPED(&a) && !IN6_IS_ADDR_LOOPBACK(&a))
		buf_add(out, str_n(a.s6_addr, 8));
	else
		buf_add(out, client);
}

static uint64_t
penalty(uint64_t what, struct str client, msec_t now)
{
	struct buf key = { 0 };
	struct client *c;
	msec_t ms;

	penalty_key(&key, client);
	c = find(buf_str(&key), now);
	buf_free(&key);
	if (now - c->failed > lim.penalty_memory)
		c->fails = 0;
	if (what == ANVIL_AUTH_OK) {
		/* Down, not away: one good account must not buy endless guesses. */
		c->fails /= 2;
		if (c->fails == 0)
			forget(c);
		return 0;
	}
	c->failed = now;
	ms = lim.penalty;
	for (unsigned i = 0; i < c->fails && ms < lim.penalty_max; i++)
		ms *= 2;
	if (c->fails < FAILS_MAX)
		c->fails++;
	return (uint64_t)(ms < lim.penalty_max ? ms : lim.penalty_max);
}

struct anvil_counted
counts_add(const struct anvil_count *q, msec_t now)
{
	struct anvil_counted out = { 0 };
	struct buf key = { 0 };
	struct client *c;
	int rate = rate_of(q->what);

	if (q->client.n == 0 || q->client.n > ANVIL_CLIENT_MAX || q->service.n > ANVIL_SERVICE_MAX)
		return out;
	if (q->what == ANVIL_AUTH_FAIL || q->what == ANVIL_AUTH_OK) {
		out.penalty_ms = penalty(q->what, q->client, now);
		return out;
	}
	buf_add(&key, q->service);
	buf_addc(&key, ':');
	buf_add(&key, q->client);
	c = find(buf_str(&key), now);
	if (q->what == ANVIL_CONNECT)
		c->open++;
	if (q->what == ANVIL_DISCONNECT && c->open > 0)
		c->open--;
	if (rate >= 0) {
		out.rate = ++c->rates[rate];
		note_most(&rates_most[rate], out.rate, buf_str(&key));
	}
	out.connections = c->open;
	note_most(&open_most, c->open, buf_str(&key));
	note_most(&size_most, map_count(clients), STR(""));
	buf_free(&key);
	return out;
}

size_t
counts_report(struct str lines[COUNTS_LINES])
{
	static const char *const names[RATES] = {
		"connection", "message", "recipient", "newtls", "auth"
	};
	size_t n = 0;

	if (report_pool == NULL)
		report_pool = pool_new();
	pool_reset(report_pool);
	for (unsigned i = 0; i < RATES; i++) {
		if (rates_most[i].n > 0)
			lines[n++] = pool_printf(report_pool, "max %s rate %llu/%llds for (%s) at %s",
			    names[i], (unsigned long long)rates_most[i].n,
			    (long long)(lim.unit / 1000), rates_most[i].who, rates_most[i].when);
		if (i == 0 && open_most.n > 0)
			lines[n++] = pool_printf(report_pool, "max connection count %llu for (%s) at %s",
			    (unsigned long long)open_most.n, open_most.who, open_most.when);
	}
	if (size_most.n > 0)
		lines[n++] = pool_printf(report_pool, "max cache size %llu at %s",
		    (unsigned long long)size_most.n, size_most.when);
	memset(rates_most, 0, sizeof(rates_most));
	open_most = size_most = (struct most){ 0 };
	return n;
}
