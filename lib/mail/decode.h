/* SPDX-License-Identifier: ISC */
/*
 * decode - transfer encodings of bodies (RFC 2045 6) and words of headers (RFC 2047), undone.
 *
 * For looking into mail, so nothing is ever refused: what cannot be decoded stands as it was.
 */
#ifndef MAIL_DECODE_H
#define MAIL_DECODE_H

#include "base/buf.h"
#include "base/str.h"

/* Is it an encoding that changes bytes (base64, quoted-printable)? */
bool decode_needed(struct str encoding);

/* Append the body as it was before it was encoded. */
void decode_body(struct buf *out, struct str encoding, struct str body);

/*
 * Append an unfolded header value with its encoded words in UTF-8.  Words in charsets that
 * charset.h does not know stand as they were.
 */
void decode_words(struct buf *out, struct str value);

#endif
