/* SPDX-License-Identifier: ISC */
/*
 * smtp_data - the text after DATA (RFC 5321 4.1.1.4, 4.5.2).
 *
 * Only CRLF ends a line and only CRLF.CRLF ends the text: the one place in the suite that knows.
 * A CR without LF, an LF without CR and a NUL are noticed, the text is still read to its true end,
 * so that the caller refuses the message and nothing in it is ever taken for a command.
 */
#ifndef PROTO_SMTP_DATA_H
#define PROTO_SMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct smtp_data {
	unsigned state;
	bool ended;		/* CRLF.CRLF was read */
	bool bare;		/* a bare CR or LF was in it */
	bool nul;		/* a NUL was in it */
};

/* Before the first byte of a text. */
void smtp_data_begin(struct smtp_data *d);

/*
 * Take bytes from `in`; text with CRLF lines and without the dots of transparency goes to `out`,
 * which has room for in.n + 3 bytes (what was held back at an edge comes with the next piece).
 * Gives how many bytes of `in` were used: all, or up to and with the last of CRLF.CRLF, after which
 * `ended` is set.  `*n` is what was put out.
 */
size_t smtp_data_take(struct smtp_data *d, struct str in, char *out, size_t *n);

#endif
