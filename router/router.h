/* SPDX-License-Identifier: ISC */
/*
 * router.h - what the files of router share: the open tables and the steps of a decision.
 *
 *	complete	add what an address lacks			class.c
 *	class		whose domain is it?				class.c
 *	expand		virtual aliases, aliases, lists			expand.c, alias.c
 *	deliver		transport, next hop, mailbox			deliver.c
 *	answer		the three questions				answer.c
 *
 * A step that cannot be taken now says so by a false result and `r->trouble`; nothing here logs or
 * waits for other programs.
 */
#ifndef ROUTER_ROUTER_H
#define ROUTER_ROUTER_H

#include "base/pool.h"
#include "conf/common.h"
#include "conf/room_router.h"
#include "mail/address.h"
#include "table/lookup.h"
#include "wire/route.h"

#define EXPAND_DEPTH_MAX	60	/* aliases inside each other */
#define INCLUDE_FILE_MAX	(4u << 20)
#define INCLUDE_DEPTH_MAX	10	/* :include: files inside each other */

/* The tables and lists that main.cf names, open. */
struct router {
	struct domains *local;
	struct domains *alias;
	struct domains *mailbox;
	struct domains *relay;
	struct tables alias_maps;
	struct tables virtual_alias_maps;
	struct tables mailbox_maps;
	struct tables uid_maps;
	struct tables gid_maps;
	struct tables local_recipients;
	struct tables relay_recipients;
	struct tables transports;
	struct str delimiters;
	struct strs own_ips;		/* addresses of this host, as they stand in [literals] */
};

extern struct router router;

/* One question being answered. */
struct work {
	struct pool *pool;
	struct buf trouble;	/* why it cannot be answered now */
	struct buf value;	/* what a table said last */
};

/* Open what common and router_conf name; router_close undoes it (tests). */
void router_open(void);
void router_close(void);

/*
 * The whole address that `text` stands for: unquoted parts, domain completed and in lower case.
 * False when it is no address.
 */
bool complete(struct work *w, struct str text, struct address *out);

/* A copy in lower case. */
struct str lower(struct pool *pool, struct str s);

/* As text; the inverse of complete. */
struct str text_of(struct work *w, const struct address *a);

/* "user@domain" without quoting, as it stands in tables. */
struct str key_of(struct work *w, const struct address *a);

/* The class of a domain; TABLE_LATER with trouble when a list cannot be read, else TABLE_FOUND. */
enum table_result class_of(struct work *w, struct str domain, enum route_class *out);

/* Are bare user names keys of virtual_alias_maps for this domain? */
bool is_ours(struct work *w, struct str domain);

/* Is it the double-bounce address? */
bool is_double_bounce(const struct address *a);
bool is_postmaster(const struct address *a);

/* Postmaster anywhere; root (cron's and the system's mail) where bare names belong. */
bool is_administrator(const struct address *a);

/* What virtual_mailbox_maps says of the address, into w->value. */
enum table_result mailbox_of(struct work *w, const struct address *a);

/* One entry of the right side of an alias. */
enum alias_kind { ALIAS_ADDRESS, ALIAS_FINAL, ALIAS_COMMAND, ALIAS_FILE, ALIAS_INCLUDE };

struct alias_item {
	enum alias_kind kind;
	struct str text;	/* address, command without |, file name */
};

/*
 * The next entry of `*text`, a list of addresses, "|command", /file/name and :include:/file/name,
 * at commas.  Views `*text` or `pool`.  False at the end; a broken entry has empty text.
 */
bool alias_next(struct str *text, struct pool *pool, struct alias_item *out);

/* What expanding an address gave. */
enum expanded {
	EXPANDED_SAME,		/* itself: deliver it */
	EXPANDED_TO,		/* `to`, and perhaps an owner */
	EXPANDED_LOOP,		/* nothing but itself, by way of others */
	EXPANDED_NOBODY,	/* a list that names nobody */
	EXPANDED_LATER,		/* trouble says why */
};

struct expansion {
	struct strs to;		/* finished addresses; "|…" and "/…" are a command and a file */
	bool has_owner;
	struct str owner;
};

enum expanded expand(struct work *w, const struct address *a, struct expansion *out);

/* Where a finished address goes; fills everything but the number. */
void deliver(struct work *w, const struct address *a, struct route *out);

/* The questions. */
void answer_resolve(const struct resolve *ask, struct resolved *out, struct pool *pool);
void answer_check(const struct check *ask, struct checked *out, struct pool *pool);
void answer_complete(const struct complete *ask, struct completed *out, struct pool *pool);

#endif
