/* SPDX-License-Identifier: ISC */
/*
 * address - mail addresses: parsing, text, comparison.
 *
 * An address is kept in parts: the local part without its quoting (what the words mean, not how
 * they were written) and the domain as written, an address literal with its brackets.  Quotes are
 * put back, where needed and only there, when it is written out.  So nothing that compares or looks
 * up an address sees two spellings of the same one, and no character of a local part, "@", "%" and
 * "!" included, ever means anything: no source routes, no percent hack.
 *
 * NUL, CR and LF are in no address.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/scan.h"
#include "base/str.h"
#include "base/vec.h"
#include "mail/limits.h"

struct address {
	struct str local;	/* unquoted; empty only in the null sender and for <""> */
	struct str domain;	/* "example.org", "[192.0.2.1]"; empty: none was written */
};

enum address_fault {
	ADDRESS_OK,
	ADDRESS_SYNTAX,		/* not an address */
	ADDRESS_TOOLONG,	/* local part, domain or all of it */
	ADDRESS_ROUTE,		/* "@a,@b:user@c": refused */
	ADDRESS_DOMAIN,		/* the domain is none, or the literal is no IP address */
	ADDRESS_EIGHTBIT,	/* bytes above 127 where SMTPUTF8 was not asked for, or bad UTF-8 */
	ADDRESS_BARE,		/* no domain where one is needed */
	ADDRESS_NULL,		/* <> where it is not allowed */
};

/* What a parser lets pass. */
#define ADDRESS_NULL_OK	0x1	/* <> */
#define ADDRESS_BARE_OK	0x2	/* no domain */
#define ADDRESS_UTF8_OK	0x4	/* RFC 6531 */

/*
 * A Path of RFC 5321 4.1.2 with its angle brackets; the cursor moves behind ">" only when the
 * result is ADDRESS_OK.  Parts that needed unquoting are copied to `p`, the others view the input.
 */
enum address_fault address_scan_path(struct scan *in, struct pool *p, unsigned flags,
    struct address *out);

/* The same without brackets, all of `text`: "user@example.org", "user", "\"a b\"@[192.0.2.1]". */
enum address_fault address_parse(struct str text, struct pool *p, unsigned flags,
    struct address *out);

/* For people: "address too long", …; "" for ADDRESS_OK. */
const char *address_fault_text(enum address_fault f);

/* Append the address as RFC 5321 writes it, without brackets; the null sender adds nothing. */
void address_add(struct buf *out, const struct address *a);

/* The same in a pool. */
struct str address_text(struct pool *p, const struct address *a);

/* Same mailbox: the local part byte by byte, the domain without case. */
bool address_eq(const struct address *a, const struct address *b);

/* Is it the null sender? */
bool address_is_null(const struct address *a);

/* Does the local part begin with "-", so that it could be taken for an option?  (Refused as a
 * recipient from outside, security A5.) */
bool address_is_dash(const struct address *a);

/*
 * Cut canonical text at its last "@" outside quotes: `local` stays as written.  False when there is
 * none, `local` is then all of it and `domain` empty.
 */
bool address_split(struct str text, struct str *local, struct str *domain);

/*
 * A host name: labels of letters, digits, "-" and "_" (and UTF-8 with `utf8`), 1 to 63 bytes each,
 * no "-" at their ends, not all digits and dots, no dot at the end, at most 255 bytes.
 */
bool domain_ok(struct str s, bool utf8);

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]", RFC 5321 4.1.3; `ip` (may be NULL) is the part inside. */
bool domain_literal_ok(struct str s, struct str *ip);

/* Is all of it valid UTF-8 (RFC 3629) without NUL? */
bool utf8_ok(struct str s);

/* Are all bytes below 128? */
bool ascii_ok(struct str s);

/* One entry of an address list in a header (RFC 5322 3.4). */
enum mailbox_kind { MAILBOX_ADDRESS, MAILBOX_GROUP, MAILBOX_GROUP_END };

struct mailbox {
	enum mailbox_kind kind;
	struct str name;	/* display name or group name, unquoted, encoded words as they are */
	struct str route;	/* "@a,@b" of an obsolete route address: known, never used */
	struct address address;
	bool broken;		/* could not be read; `name` is the text that could not */
	size_t bare_end;	/* no domain: where in the field its local part ends; else 0 */
};

/*
 * Read the address list `field` (the value of To:, Cc:, …; folded lines and both line ends are
 * fine) as mailboxes into `out` (a vec of struct mailbox).  Comments are skipped, display names and
 * groups understood, obsolete forms taken; a broken entry is kept as such and reading goes on at
 * the next comma.  False when a cap was passed: then `out` holds what came before it.
 */
bool mailbox_list(struct str field, struct pool *p, struct vec *out);

/*
 * Append `field` with "@origin" put behind every address that has no domain, everything else as it
 * was.  False, with `out` as it was, when there is no such address or the list passed a cap.
 */
bool mailbox_complete(struct buf *out, struct str field, struct str origin, struct pool *p);

#endif
