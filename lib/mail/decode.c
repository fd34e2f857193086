/* SPDX-License-Identifier: ISC */
/*
 * decode - transfer encodings and header words, undone.
 */
#include "mail/decode.h"

#include "base/encode.h"
#include "mail/charset.h"

static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* base64 as mail has it: anything outside the alphabet is passed over (RFC 2045 6.8). */
static void
loose_base64(struct buf *out, struct str in)
{
	unsigned v = 0, bits = 0;

	for (size_t i = 0; i < in.n && in.p[i] != '='; i++) {
		int n = sextet(in.p[i]);

		if (n < 0)
			continue;
		v = (v << 6 | (unsigned)n) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_addc(out, (char)(v >> bits & 0xff));
		}
	}
}

/* quoted-printable; `word` is the form of RFC 2047, where "_" is a blank. */
static void
loose_quoted(struct buf *out, struct str in, bool word)
{
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];

		if (c == '=' && in.n - i > 2 && hex_digit(in.p[i + 1]) >= 0 &&
		    hex_digit(in.p[i + 2]) >= 0) {
			buf_addc(out, (char)(hex_digit(in.p[i + 1]) << 4 | hex_digit(in.p[i + 2])));
			i += 2;
		} else if (c == '=' && !word && in.n - i > 1 && in.p[i + 1] == '\n') {
			i++;
		} else if (c == '=' && !word && in.n - i > 2 && in.p[i + 1] == '\r' &&
		    in.p[i + 2] == '\n') {
			i += 2;
		} else {
			buf_addc(out, word && c == '_' ? ' ' : c);
		}
	}
}

bool
decode_needed(struct str encoding)
{
	return str_ieq(encoding, STR("base64")) || str_ieq(encoding, STR("quoted-printable"));
}

void
decode_body(struct buf *out, struct str encoding, struct str body)
{
	if (str_ieq(encoding, STR("base64")))
		loose_base64(out, body);
	else if (str_ieq(encoding, STR("quoted-printable")))
		loose_quoted(out, body, false);
	else
		buf_add(out, body);
}

/* encoded-word = "=?" charset ["*" language] "?" encoding "?" text "?="; its length, 0: none. */
static size_t
one_word(struct buf *out, struct str in)
{
	struct str rest = str_sub(in, 2, in.n), charset, encoding, text;
	struct buf raw = { 0 };
	ptrdiff_t end;

	if (!str_start(in, STR("=?")) || !str_cut(&rest, '?', &charset) ||
	    !str_cut(&rest, '?', &encoding) || encoding.n != 1 ||
	    (end = str_find(rest, STR("?="))) < 0)
		return 0;
	text = str_sub(rest, 0, (size_t)end);
	if (str_chr(charset, '*') >= 0)
		charset.n = (size_t)str_chr(charset, '*');
	if (ch_lower(encoding.p[0]) == 'b')
		loose_base64(&raw, text);
	else if (ch_lower(encoding.p[0]) == 'q')
		loose_quoted(&raw, text, true);
	else
		return 0;
	if (!charset_add(out, charset, buf_str(&raw)))
		end = -1;
	buf_free(&raw);
	return end < 0 ? 0 : (size_t)(text.p + text.n + 2 - in.p);
}

void
decode_words(struct buf *out, struct str value)
{
	size_t blanks = 0;
	bool after_word = false;

	for (size_t i = 0; i < value.n;) {
		struct str rest = str_sub(value, i, value.n);
		size_t before = out->n, n = 0;

		if (str_start(rest, STR("=?")))
			n = one_word(out, rest);
		if (n > 0) {
			/* Blanks between two encoded words are not part of the text. */
			if (after_word && blanks > 0) {
				memmove(out->p + before - blanks, out->p + before, out->n - before);
				out->n -= blanks;
			}
			after_word = true;
			blanks = 0;
			i += n;
			continue;
		}
		buf_addc(out, value.p[i]);
		if (after_word && ch_blank(value.p[i])) {
			blanks++;
		} else {
			after_word = false;
			blanks = 0;
		}
		i++;
	}
}
