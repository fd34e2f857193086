/* SPDX-License-Identifier: ISC */
/*
 * mime - the parts of a message (RFC 2045, 2046).
 *
 * One pass over the bytes, whatever the nesting; past the caps a part is taken as it stands,
 * without looking into it.  Everything views the message or lives in the pool.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "base/pool.h"
#include "base/str.h"

#define MIME_DEPTH_MAX	100
#define MIME_PARTS_MAX	10000
#define MIME_PARAMS_MAX	100	/* of one field */

struct mime_param {
	struct str name;
	struct str value;	/* unquoted; RFC 2231 forms as they stand */
};

struct mime_params {
	struct mime_param *v;
	size_t n;
};

struct mime_part {
	struct mime_part *parent, *child, *next;
	struct str header;	/* with the blank line behind it, if there is one */
	struct str body;
	struct str type, subtype;	/* as written; defaults filled in */
	struct mime_params params;
	struct str encoding;	/* Content-Transfer-Encoding; "7BIT" when there is none */
	struct str id, description, md5, language, location;	/* "" when missing */
	struct str disposition;	/* "" when missing */
	struct mime_params disposition_params;
	bool multipart;		/* its parts are the children (there may be none) */
	bool message;		/* message/rfc822: the one child is the message inside */
};

/* Take a whole message, lines ending in CRLF, apart.  Never fails. */
struct mime_part *mime_parse(struct str message, struct pool *p);

/* Lines of a text: its line ends, and one more for a last line without. */
uint64_t mime_lines(struct str text);

/*
 * Read "word; name=value; …" (RFC 2045 5.1, RFC 2183).  False when there is no word; broken
 * parameters are left out.
 */
bool mime_field(struct str value, struct pool *p, struct str *word, struct mime_params *params);

/* A parameter by name (case-blind), or the empty text. */
struct str mime_param(const struct mime_params *params, struct str name);

#endif
