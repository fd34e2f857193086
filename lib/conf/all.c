/* SPDX-License-Identifier: ISC */
/*
 * all - every row of the suite, and what is near to a name.
 *
 * A room whose settings are its own keeps struct and rows in conf/room_NAME.h and .c and adds its
 * rows to the list below; that is all it takes for postconf, the manual and `posthorn check` to
 * know them.  A setting that two rooms read is a row in both, the same but for where it goes.
 */
#include "base/map.h"
#include "base/panic.h"
#include "base/vec.h"
#include "conf/common.h"
#include "conf/conf.h"
#include "conf/internal.h"
#include "conf/room_anvil.h"
#include "conf/room_authd.h"
#include "conf/room_bounce.h"
#include "conf/room_dnsd.h"
#include "conf/room_login.h"
#include "conf/room_postdrop.h"
#include "conf/room_queue.h"
#include "conf/room_router.h"
#include "conf/room_smtp.h"
#include "conf/room_tls.h"
#include "conf/room_smtpd.h"

static const struct room {
	const struct conf_param *rows;
	const char *readers;		/* the programs of services that read it; NULL: all of them */
} rooms[] = {
	{ common_params, NULL },
	{ login_params, "login" },
	{ queue_params, "cleanup qmgr" },
	{ router_params, "router" },
	{ smtp_params, "smtp" },
	{ anvil_params, "anvil" },
	{ authd_params, "authd" },
	{ bounce_params, "bounce" },
	{ postdrop_params, "" },
	{ dnsd_params, "dnsd" },
	{ tls_params, "tlsd" },
	{ smtpd_params, "smtpd" },
};

/*
 * Suffixes of names that exist once for each transport, Postfix's; those that mean something here
 * are the rows of transport_params.
 */
static const struct str idle_patterns[] = {
	STR_INIT("_destination_rate_delay"),
	STR_INIT("_transport_rate_delay"),
	STR_INIT("_delivery_slot_cost"),
	STR_INIT("_delivery_slot_loan"),
	STR_INIT("_delivery_slot_discount"),
	STR_INIT("_minimum_delivery_slots"),
	STR_INIT("_extra_recipient_limit"),
	STR_INIT("_recipient_limit"),
	STR_INIT("_recipient_refill_limit"),
	STR_INIT("_recipient_refill_delay"),
	STR_INIT("_time_limit"),
};

static struct {
	struct conf_param *v;
	size_t n;
	struct map *index;
} all;

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct conf_param *)a)->name, ((const struct conf_param *)b)->name);
}

/* Made at the first question and kept until the process ends. */
static void
gather(void)
{
	struct vec v = vec_of(sizeof(struct conf_param));

	if (all.index != NULL)
		return;
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++)
		for (const struct conf_param *row = rooms[i].rows; row->type != CONF_END; row++)
			*(struct conf_param *)vec_push(&v) = *row;
	vec_sort(&v, by_name);
	for (size_t i = 1; i < v.n; ) {
		const struct conf_param *a = vec_at(&v, i - 1), *b = vec_at(&v, i);

		/* Two rooms may read the same setting; they must agree about it. */
		if (strcmp(a->name, b->name) != 0) {
			i++;
			continue;
		}
		if (a->type != b->type || !str_eq(str_of(a->def), str_of(b->def)))
			panic("%s is two different settings", a->name);
		vec_remove(&v, i);
	}
	all.v = v.p;
	all.n = v.n;
	all.index = map_new();
	for (size_t i = 0; i < all.n; i++)
		map_put(all.index, str_of(all.v[i].name), &all.v[i]);
}

const struct conf_param *
conf_all(size_t *n)
{
	gather();
	*n = all.n;
	return all.v;
}

const struct conf_param *
conf_row(struct str name)
{
	gather();
	return map_get(all.index, name);
}

static bool
has_word(struct str list, struct str word)
{
	struct str one;

	while (str_cut(&list, ' ', &one))
		if (str_eq(one, word))
			return true;
	return false;
}

bool
conf_reads(struct str program, struct str name)
{
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		if (rooms[i].readers != NULL && !has_word(str_of(rooms[i].readers), program))
			continue;
		for (const struct conf_param *row = rooms[i].rows; row->type != CONF_END; row++)
			if (str_eq(name, str_of(row->name)))
				return true;
	}
	return false;
}

static bool
ends(struct str name, struct str suffix, struct str *service)
{
	if (name.n <= suffix.n || !str_end(name, suffix))
		return false;
	*service = str_sub(name, 0, name.n - suffix.n);
	return true;
}

bool
conf_is_pattern(struct str name, struct str *service, const struct conf_param **row)
{
	const struct conf_param *t = transport_params;

	for (*row = NULL; t->type != CONF_END; t++) {
		if (ends(name, str_of(t->name), service)) {
			*row = t;
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(idle_patterns) / sizeof(idle_patterns[0]); i++)
		if (ends(name, idle_patterns[i], service))
			return true;
	return false;
}

#define NEAR_MAX	80	/* longest name compared */

/* Edit distance (insert, remove, replace, swap neighbours), or `most` + 1 when it is more. */
static size_t
distance(struct str a, struct str b, size_t most)
{
	size_t rows[3][NEAR_MAX + 1], *prev2 = rows[0], *prev = rows[1], *now = rows[2];

	if (a.n > NEAR_MAX || b.n > NEAR_MAX || a.n > b.n + most || b.n > a.n + most)
		return most + 1;
	for (size_t j = 0; j <= b.n; j++)
		prev[j] = prev2[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t least = now[0] = i, *turn;

		for (size_t j = 1; j <= b.n; j++) {
			size_t d = prev[j - 1] + (a.p[i - 1] != b.p[j - 1]);

			if (prev[j] + 1 < d)
				d = prev[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] && prev2[j - 2] + 1 < d)
				d = prev2[j - 2] + 1;
			now[j] = d;
			if (d < least)
				least = d;
		}
		if (least > most)
			return most + 1;
		turn = prev2;
		prev2 = prev;
		prev = now;
		now = turn;
	}
	return prev[b.n];
}

static void
consider(struct str name, const char *other, size_t *best, const char **found)
{
	size_t d = *best == 0 ? 0 : distance(name, str_of(other), *best - 1);

	if (d < *best) {
		*best = d;
		*found = other;
	}
}

const char *
conf_nearest(struct str name)
{
	size_t best = 1 + (name.n < 6 ? 1 : name.n < 12 ? 2 : 3);
	const char *found = NULL;

	gather();
	for (size_t i = 0; i < all.n; i++)
		consider(name, all.v[i].name, &best, &found);
	for (size_t i = 0; i < conf_foreign_count(); i++)
		consider(name, conf_foreign_name(i), &best, &found);
	return found;
}
