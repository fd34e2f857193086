/* SPDX-License-Identifier: ISC */
/*
 * encode - base64 (RFC 4648 4) and hexadecimal.
 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Append `data` in base64 with padding, no line breaks. */
void base64_add(struct buf *out, struct str data);

/*
 * Append what base64 `text` stands for.  Strict: only the alphabet, whole groups of four, padding
 * only at the end, unused bits zero.  False, with `out` as it was, for anything else.
 */
bool base64_decode(struct buf *out, struct str text);

/* Append `data` in lower-case hexadecimal. */
void hex_add(struct buf *out, struct str data);

/* Append what hexadecimal `text` stands for; false, with `out` as it was, for bad text. */
bool hex_decode(struct buf *out, struct str text);

/* The value of one hexadecimal digit, or -1. */
int hex_digit(char c);

#endif
