/* SPDX-License-Identifier: ISC */
/*
 * services - master.cf: which programs run, and where they listen.
 *
 *	name type private unpriv chroot wakeup maxproc command [args]
 *
 * Postfix's syntax, `-o name=value`, `-o { name = value }` and continuation lines included.  The
 * chroot column is read and has no effect (every program is jailed whatever it says).
 */
#ifndef CONF_SERVICES_H
#define CONF_SERVICES_H

#include <stdbool.h>

#include "base/pool.h"
#include "base/str.h"
#include "conf/conf.h"

enum service_type { SERVICE_INET, SERVICE_UNIX, SERVICE_FIFO, SERVICE_PASS, SERVICE_DGRAM };

struct conf_service {
	struct str name;	/* "smtp", "127.0.0.1:10025", "local" */
	enum service_type type;
	bool private;
	int64_t wakeup_ms;	/* 0: never */
	unsigned maxproc;	/* 0: no limit; SERVICE_DEFAULT for "-" */
	struct str command;	/* "smtpd" */
	struct strs args;	/* everything behind it, -o pairs taken out */
	struct strs overrides;	/* "name=value" of each -o */
	bool unused;		/* a command that does not exist here (a finding said so): do not start it */
	unsigned line;
};

#define SERVICE_DEFAULT	UINT32_MAX

/*
 * Read DIR/master.cf.  Gives the services it could read; findings (syntax, unknown command, the same
 * name and type twice: the last wins) are added to `c`.
 */
struct conf_service *services_read(struct conf *c, struct pool *pool, size_t *n);

/* The same from a text that stands for master.cf. */
struct conf_service *services_of_text(struct conf *c, struct pool *pool, struct str text, size_t *n);

#endif
