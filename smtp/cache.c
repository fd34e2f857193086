/* SPDX-License-Identifier: ISC */
#include "smtp/cache.h"

#include "conf/room_smtp.h"
#include "fiber/fiber.h"

#define SWEEP_MS	500

static struct session *idle;	/* newest first: it is the least likely to be dead */
static unsigned count;
static bool sweeping;

static bool
fit(const struct session *c)
{
	return !c->broken && (smtp_conf.reuse_count == 0 || c->uses < smtp_conf.reuse_count) &&
	    (c->caps.mailmax == 0 || c->uses < c->caps.mailmax) &&
	    clock_ms() - c->opened < smtp_conf.reuse_time_ms;
}

/* Take `*at` out of the list. */
static struct session *
unlink_at(struct session **at)
{
	struct session *c = *at;

	*at = c->next;
	c->next = NULL;
	count--;
	return c;
}

static struct session *
take(bool (*is)(const struct session *, const void *), const void *arg)
{
	struct session **at = &idle, *c;

	while ((c = *at) != NULL) {
		if (!is(c, arg)) {
			at = &c->next;
			continue;
		}
		c = unlink_at(at);
		/* Bytes nobody asked for are a goodbye. */
		if (fit(c) && stream_pending(c->s) == 0 && clock_ms() < c->until)
			return c;
		session_close(c);	/* may wait: the list may have changed */
		at = &idle;
	}
	return NULL;
}

static bool
is_dest(const struct session *c, const void *arg)
{
	return str_ieq(c->dest, *(const struct str *)arg);
}

static bool
is_addr(const struct session *c, const void *arg)
{
	const struct net_addr *a = arg;

	return c->addr.len == a->len && memcmp(&c->addr.ss, &a->ss, a->len) == 0;
}

struct session *
cache_take(struct str dest)
{
	return take(is_dest, &dest);
}

struct session *
cache_take_addr(const struct net_addr *addr)
{
	return take(is_addr, addr);
}

/* Close the oldest until only `most` are left that have not waited too long. */
static void
shrink(unsigned most)
{
	struct session **at, *c;
	msec_t now = clock_ms();

	for (at = &idle; *at != NULL && count > 0;) {
		if ((*at)->until > now && most > 0) {
			most--;
			at = &(*at)->next;
			continue;
		}
		c = unlink_at(at);
		session_close(c);
		at = &idle;
		most = CACHE_MAX;
	}
}

static void
sweep(void *arg)
{
	(void)arg;
	while (count > 0 && fiber_sleep(deadline_in(SWEEP_MS)) != WAKE_CANCEL)
		shrink(CACHE_MAX);
	sweeping = false;
}

void
cache_put(struct session *c, struct str dest)
{
	if (!smtp_conf.cache_on_demand || !fit(c)) {
		session_close(c);
		return;
	}
	if (!str_eq(c->dest, dest))
		c->dest = pool_str(c->pool, dest);
	c->until = clock_ms() + smtp_conf.cache_time_ms;
	c->next = idle;
	idle = c;
	count++;
	if (count > CACHE_MAX)
		shrink(CACHE_MAX);
	if (!sweeping) {
		sweeping = true;
		(void)fiber_start(sweep, NULL, "cache");
	}
}

void
cache_clear(void)
{
	while (idle != NULL)
		session_close(unlink_at(&idle));
}
