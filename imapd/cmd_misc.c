/* SPDX-License-Identifier: ISC */
/*
 * cmd_misc - CAPABILITY, NOOP, CHECK, LOGOUT, ID, ENABLE, NAMESPACE.
 */
#include "imapd/imapd.h"

struct verdict
cmd_capability(struct client *c, struct scan *args)
{
	if (!scan_done(args))
		return bad_syntax(c);
	tell(c, "CAPABILITY %s", imap_capabilities);
	return verdict(c, S_OK, "Capability completed");
}

struct verdict
cmd_noop(struct client *c, struct scan *args)
{
	if (!scan_done(args))
		return bad_syntax(c);
	return verdict(c, S_OK, "Completed");
}

struct verdict
cmd_logout(struct client *c, struct scan *args)
{
	if (!scan_done(args))
		return bad_syntax(c);
	tell(c, "BYE Logging out");
	c->over = true;
	return verdict(c, S_OK, "Logout completed");
}

/* id-params-list = "(" *(string SP nstring) ")" / nil; at most 30 pairs (RFC 2971 3.3). */
struct verdict
cmd_id(struct client *c, struct scan *args)
{
	struct str text;

	if (!imap_scan_sp(args))
		return bad_syntax(c);
	if (scan_char(args, '(')) {
		for (int i = 0; i < 60 && scan_peek(args) != ')'; i++)
			if ((i > 0 && !imap_scan_sp(args)) || !imap_scan_nstring(args, c->pool, &text))
				return bad_syntax(c);
		if (!scan_char(args, ')'))
			return bad_syntax(c);
	} else if (!imap_scan_nstring(args, c->pool, &text) || text.p != NULL) {
		return bad_syntax(c);
	}
	if (!scan_done(args))
		return bad_syntax(c);
	tell(c, "ID (\"name\" \"Posthorn\")");
	return verdict(c, S_OK, "ID completed");
}

/* There is nothing to enable yet; unknown names are ignored by rule. */
struct verdict
cmd_enable(struct client *c, struct scan *args)
{
	struct str word;
	bool any = false;

	while (imap_scan_sp(args)) {
		if (!imap_scan_atom(args, &word))
			return bad_syntax(c);
		any = true;
	}
	if (!any || !scan_done(args))
		return bad_syntax(c);
	tell(c, "ENABLED");
	return verdict(c, S_OK, "Enabled");
}

struct verdict
cmd_namespace(struct client *c, struct scan *args)
{
	if (!scan_done(args))
		return bad_syntax(c);
	tell(c, "NAMESPACE ((\"\" \"%c\")) NIL NIL", STORE_SEPARATOR);
	return verdict(c, S_OK, "Namespace completed");
}
