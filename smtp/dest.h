/* SPDX-License-Identifier: ISC */
/*
 * dest - where a delivery goes, as transport tables and relayhost write it.
 *
 *	destination = domain / "[" host "]" [ ":" port ] ; "domain:port" too
 *	host        = name / IPv4 / IPv6 / "IPv6:" IPv6
 *
 * Brackets mean: this host itself, no MX lookup.  Several destinations stand with commas between
 * them; a later one is for when the earlier ones cannot be reached.
 */
#ifndef SMTP_DEST_H
#define SMTP_DEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "io/net.h"

#define DEST_MAX	10	/* destinations in one list; more are not looked at */

struct dest {
	struct str host;	/* domain or host name, without brackets and port; views the text */
	bool mx;		/* look for MX records */
	bool literal;		/* `addr` is the address */
	uint16_t port;
	struct net_addr addr;	/* with the port */
};

/*
 * Read one destination; `port` is for those that name none.  False for an empty host, a host with
 * bytes no name has, a bad port or brackets that do not match.
 */
bool dest_parse(struct str text, uint16_t port, struct dest *out);

/* The next of a list with commas or blanks between; false at the end. */
bool dest_next(struct str *list, struct str *one);

/* A port number or one of the service names a mail client needs (smtp, submission, …). */
bool dest_port(struct str text, uint16_t *port);

#endif
