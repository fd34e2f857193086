/* SPDX-License-Identifier: ISC */
/*
 * mutf7 - modified UTF-7.
 *
 * Printable ASCII stands for itself, "&" is "&-", everything else is UTF-16 in base64 with "," for
 * "/" between "&" and "-".
 */
#include "proto/mutf7.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

bool
utf8_next(struct scan *in, uint32_t *c)
{
	static const struct { unsigned char first, mask; uint32_t least; } forms[] = {
		{ 0x00, 0x7f, 0 }, { 0xc0, 0x1f, 0x80 }, { 0xe0, 0x0f, 0x800 }, { 0xf0, 0x07, 0x10000 },
	};
	size_t left = (size_t)(in->end - in->p);
	unsigned char b;
	uint32_t v;
	size_t n;

	if (left == 0)
		return false;
	b = (unsigned char)in->p[0];
	n = b < 0x80 ? 1 : b < 0xc0 ? 0 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : b < 0xf8 ? 4 : 0;
	if (n == 0 || n > left)
		return false;
	v = b & forms[n - 1].mask;
	for (size_t i = 1; i < n; i++) {
		b = (unsigned char)in->p[i];
		if ((b & 0xc0) != 0x80)
			return false;
		v = v << 6 | (b & 0x3f);
	}
	if (v < forms[n - 1].least || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return false;
	in->p += n;
	*c = v;
	return true;
}

static bool
all_utf8(struct str s)
{
	struct scan in = scan_of(s);
	uint32_t c;

	while (utf8_next(&in, &c))
		;
	return scan_done(&in);
}

/* Bits on their way into base64. */
struct bits {
	uint32_t v;
	unsigned n;
};

static void
put16(struct buf *out, struct bits *b, uint32_t unit)
{
	b->v = b->v << 16 | unit;
	b->n += 16;
	while (b->n >= 6) {
		b->n -= 6;
		buf_addc(out, alphabet[b->v >> b->n & 63]);
	}
}

static void
put_end(struct buf *out, struct bits *b)
{
	if (b->n > 0)
		buf_addc(out, alphabet[b->v << (6 - b->n) & 63]);
	buf_addc(out, '-');
	*b = (struct bits){ 0 };
}

bool
mutf7_encode(struct buf *out, struct str name)
{
	struct scan in = scan_of(name);
	struct bits b = { 0 };
	bool shifted = false;
	uint32_t c;

	if (!all_utf8(name))
		return false;
	while (utf8_next(&in, &c)) {
		bool plain = c >= 0x20 && c < 0x7f;

		if (plain && shifted)
			put_end(out, &b);
		if (!plain && !shifted)
			buf_addc(out, '&');
		shifted = !plain;
		if (plain) {
			buf_addc(out, (char)c);
			if (c == '&')
				buf_addc(out, '-');
		} else if (c < 0x10000) {
			put16(out, &b, c);
		} else {
			put16(out, &b, 0xd800 + ((c - 0x10000) >> 10));
			put16(out, &b, 0xdc00 + ((c - 0x10000) & 0x3ff));
		}
	}
	if (shifted)
		put_end(out, &b);
	return true;
}

static void
put_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
	} else if (c < 0x800) {
		buf_addc(out, (char)(0xc0 | c >> 6));
		buf_addc(out, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		buf_addc(out, (char)(0xe0 | c >> 12));
		buf_addc(out, (char)(0x80 | (c >> 6 & 63)));
		buf_addc(out, (char)(0x80 | (c & 63)));
	} else {
		buf_addc(out, (char)(0xf0 | c >> 18));
		buf_addc(out, (char)(0x80 | (c >> 12 & 63)));
		buf_addc(out, (char)(0x80 | (c >> 6 & 63)));
		buf_addc(out, (char)(0x80 | (c & 63)));
	}
}

/* What stands between "&" and "-". */
static bool
decode_shifted(struct buf *out, struct str in)
{
	uint32_t v = 0, high = 0;
	unsigned n = 0;

	for (size_t i = 0; i < in.n; i++) {
		const char *at = memchr(alphabet, in.p[i], sizeof(alphabet) - 1);
		uint32_t unit;

		if (at == NULL)
			return false;
		v = v << 6 | (uint32_t)(at - alphabet);
		n += 6;
		if (n < 16)
			continue;
		n -= 16;
		unit = v >> n & 0xffff;
		if (unit == 0)
			return false;
		if (high != 0) {
			if (unit < 0xdc00 || unit > 0xdfff)
				return false;
			put_utf8(out, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
			high = 0;
		} else if (unit >= 0xd800 && unit < 0xdc00) {
			high = unit;
		} else {
			put_utf8(out, unit);
		}
	}
	return high == 0;
}

bool
mutf7_decode(struct buf *out, struct str wire)
{
	struct scan in = scan_of(wire);
	size_t start = out->n;
	struct buf again = { 0 };
	struct str part;
	bool ok = true;
	char c;

	while (ok && scan_any(&in, &c)) {
		if (!ch_print(c)) {
			ok = false;
		} else if (c != '&') {
			buf_addc(out, c);
		} else if (scan_char(&in, '-')) {
			buf_addc(out, '&');
		} else {
			ok = scan_until(&in, '-', &part) && decode_shifted(out, part);
			if (ok)
				scan_char(&in, '-');
		}
	}
	/* One spelling only: it must be what we would write. */
	ok = ok && mutf7_encode(&again, str_n(out->p == NULL ? "" : out->p + start, out->n - start)) &&
	    str_eq(buf_str(&again), wire);
	buf_free(&again);
	if (!ok)
		out->n = start;
	return ok;
}
