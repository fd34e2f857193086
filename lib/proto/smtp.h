/* SPDX-License-Identifier: ISC */
/*
 * smtp - the grammar of SMTP (RFC 5321), both sides.
 *
 * Server: commands and their parameters, refusals as replies.  Client: what EHLO announced, and the
 * commands to send.  Which extensions are on is a set of bits; a parameter of an extension that is
 * off is refused as unknown.
 */
#ifndef PROTO_SMTP_H
#define PROTO_SMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/scan.h"
#include "mail/address.h"
#include "mail/reply.h"

/* Extensions, by EHLO keyword. */
enum {
	SMTP_PIPELINING		= 0x0001,	/* RFC 2920 */
	SMTP_SIZE		= 0x0002,	/* RFC 1870 */
	SMTP_8BITMIME		= 0x0004,	/* RFC 6152 */
	SMTP_ENHANCED		= 0x0008,	/* RFC 2034 ENHANCEDSTATUSCODES */
	SMTP_STARTTLS		= 0x0010,	/* RFC 3207 */
	SMTP_AUTH		= 0x0020,	/* RFC 4954 */
	SMTP_DSN		= 0x0040,	/* RFC 3461 */
	SMTP_SMTPUTF8		= 0x0080,	/* RFC 6531 */
	SMTP_CHUNKING		= 0x0100,	/* RFC 3030 */
	SMTP_BINARYMIME		= 0x0200,	/* RFC 3030 */
	SMTP_LIMITS		= 0x0400,	/* RFC 9422 */
	SMTP_REQUIRETLS		= 0x0800,	/* RFC 8689 */
	SMTP_VRFY		= 0x1000,
	SMTP_HELP		= 0x2000,
	SMTP_ETRN		= 0x4000,	/* RFC 1985 */
	SMTP_BARE		= 0x10000,	/* no keyword: addresses may lack a domain (sendmail -bs) */
};

/* "PIPELINING" for one bit, NULL for none. */
const char *smtp_ext_name(unsigned bit);

/* The command verb: letters, at most 12, up to a blank or the end of the line. */
bool smtp_scan_verb(struct scan *in, struct str *verb);

/* BODY=, RFC 6152 and 3030. */
enum { SMTP_BODY_NONE, SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };

/* RET= and NOTIFY= of RFC 3461; the same numbers as in wire/envelope.h. */
enum { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };
enum { SMTP_NOTIFY_NEVER = 1, SMTP_NOTIFY_SUCCESS = 2, SMTP_NOTIFY_FAILURE = 4,
	SMTP_NOTIFY_DELAY = 8 };

struct smtp_mail {
	struct address sender;	/* the null sender when both parts are empty */
	bool has_size;
	uint64_t size;		/* announced bytes */
	unsigned body;		/* SMTP_BODY_ */
	unsigned ret;		/* SMTP_RET_ */
	struct str envid;	/* decoded */
	bool smtputf8;
	bool requiretls;
	bool has_auth;
	struct str auth;	/* AUTH=, decoded; "" for <> */
};

struct smtp_rcpt {
	struct address to;	/* domain empty: <postmaster> (RFC 5321 4.5.1), or with SMTP_BARE */
	unsigned notify;	/* SMTP_NOTIFY_ bits; 0: not said */
	struct str orcpt;	/* "rfc822;user@example.org", the address decoded; empty: not said */
};

/*
 * What follows MAIL: " FROM:<reverse-path> [parameters]", RFC 5321 4.1.1.2, with the extensions in
 * `ext`.  False with the refusal in `no`.  Texts in `out` live in `p` or view the command line:
 * copy the line into the pool first if it goes away.
 */
bool smtp_scan_mail(struct scan *args, struct pool *p, unsigned ext, struct smtp_mail *out,
    struct reply *no);

/* What follows RCPT; `utf8`: SMTPUTF8 was given with MAIL. */
bool smtp_scan_rcpt(struct scan *args, struct pool *p, unsigned ext, bool utf8,
    struct smtp_rcpt *out, struct reply *no);

/* What follows HELO, EHLO, LHLO: one word of printable characters, at most DOMAIN_MAX bytes. */
bool smtp_scan_helo(struct scan *args, struct str *name);

/* What follows AUTH: mechanism and, when `has_initial`, the initial response (still base64, "=" for
 * an empty one), RFC 4954 4. */
bool smtp_scan_auth(struct scan *args, struct str *mechanism, struct str *initial,
    bool *has_initial);

/* Nothing but blanks is left, as DATA, RSET, QUIT and STARTTLS want it. */
bool smtp_scan_end(struct scan *args);

/* xtext of RFC 3461 4.  Decoding refuses bad escapes and anything that decodes to a control
 * character: NUL, CR and LF hide in no envelope (security F18). */
void xtext_add(struct buf *out, struct str plain);
bool xtext_decode(struct str coded, struct pool *p, struct str *out);

/* What a server announced. */
#define SMTP_MECHS_MAX	16

struct smtp_caps {
	unsigned ext;			/* SMTP_ bits */
	unsigned lines;			/* EHLO lines read so far */
	uint64_t size;			/* SIZE value; 0: none given */
	uint64_t rcptmax;		/* LIMITS RCPTMAX; 0: none */
	uint64_t mailmax;		/* LIMITS MAILMAX; 0: none */
	struct str mechs[SMTP_MECHS_MAX];	/* AUTH mechanisms, in `pool` */
	unsigned nmechs;
	struct str host;		/* first word of the first line, in `pool` */
};

/* Take the text of one line of an EHLO reply, in order (reply_line gives it as `rest`). */
void smtp_caps_line(struct smtp_caps *caps, struct pool *pool, struct str text);

/* Was this mechanism announced? */
bool smtp_caps_mech(const struct smtp_caps *caps, struct str name);

/*
 * Append the command with CRLF, and of its parameters those whose extension is in `ext`.
 */
void smtp_add_mail(struct buf *out, const struct smtp_mail *m, unsigned ext);
void smtp_add_rcpt(struct buf *out, const struct smtp_rcpt *r, unsigned ext);

#endif
