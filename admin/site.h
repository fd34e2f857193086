/* SPDX-License-Identifier: ISC */
/*
 * site.h - what `posthorn init` is asked to make, and the texts of its main.cf and master.cf.
 */
#ifndef ADMIN_SITE_H
#define ADMIN_SITE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/pool.h"
#include "base/str.h"

struct site {
	struct pool *pool;
	bool system;			/* in the folders the suite was built with; else all in one */
	const char *etc, *spool, *data, *run, *mail;
	const char *log;		/* folder; NULL: syslog */
	const char *domain;
	const char *address;
	uint64_t base;			/* added to each port */
	bool root;
	struct str alternates;		/* what a list of other instances says that stands in for main.cf */
	const char *owner;		/* mail_owner */
	const char *group;		/* setgid_group */
	uid_t spool_uid, mail_uid;
	gid_t spool_gid, mail_gid, drop_gid, auth_gid;
};

/* Texts in the pool of the site. */
struct str site_main_cf(const struct site *s);
struct str site_master_cf(const struct site *s);

#endif
