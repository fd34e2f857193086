/* SPDX-License-Identifier: ISC */
/*
 * lookup - in which order the parts of an address are looked up, and lists of domains.
 */
#ifndef TABLE_LOOKUP_H
#define TABLE_LOOKUP_H

#include "base/pool.h"
#include "table/table.h"

/*
 * Cut a local part at its extension: "user+ext" with "+" among `delimiters` gives user and "ext".
 * Not at the first character, not for owner-x and x-request when `special`, nor for postmaster,
 * MAILER-DAEMON and double-bounce.  False when there is none; then `user` is all of it.
 */
bool lookup_extension(struct str local, struct str delimiters, bool special, struct str *user,
    struct str *ext);

/* Which keys lookup_address tries, in this order. */
enum {
	LOOKUP_FULL = 1,	/* user+ext@domain, user@domain */
	LOOKUP_LOCAL = 2,	/* user+ext, user */
	LOOKUP_AT = 4,		/* @domain */
	LOOKUP_DOMAIN = 8,	/* domain, then .parent domains */
	LOOKUP_STAR = 16,	/* * */
};

struct lookup {
	struct str local;	/* of the address, unquoted as in the tables */
	struct str domain;
	struct str delimiters;
	bool special;		/* owner_request_special */
	unsigned keys;		/* LOOKUP_… */
};

/*
 * Look an address up.  When FOUND `value` has what the table says, and `ext` the extension (with its
 * delimiter) that did not take part in the match, empty when it did or there is none.
 */
enum table_result lookup_address(const struct tables *t, const struct lookup *l,
    struct buf *value, struct str *ext, struct buf *why);

/*
 * A list like mydestination: domains, !domains, .domain (its subdomains), [address], and tables
 * whose keys are domains.  The first member that matches decides.  With `parents` a plain domain
 * stands for its subdomains too.
 */
struct domains;

/* Members are copied; tables among them are opened.  Close what was opened; NULL is fine. */
struct domains *domains_open(struct strs members, bool parents, const char *default_type);
void domains_close(struct domains *d);

/* Is `domain` in the list?  LATER, with the reason, when a table in it cannot be read. */
enum table_result domains_match(struct domains *d, struct str domain, struct buf *why);

#endif
