/* SPDX-License-Identifier: ISC */
#include "base/encode.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_add(struct buf *out, struct str data)
{
	const unsigned char *p = (const unsigned char *)data.p;
	size_t i;

	for (i = 0; i + 2 < data.n; i += 3) {
		unsigned v = (unsigned)p[i] << 16 | (unsigned)p[i + 1] << 8 | p[i + 2];

		buf_add(out, str_n((char[]){ alphabet[v >> 18], alphabet[v >> 12 & 63],
		    alphabet[v >> 6 & 63], alphabet[v & 63] }, 4));
	}
	if (data.n - i == 1)
		buf_add(out, str_n((char[]){ alphabet[p[i] >> 2], alphabet[(p[i] & 3) << 4],
		    '=', '=' }, 4));
	if (data.n - i == 2)
		buf_add(out, str_n((char[]){ alphabet[p[i] >> 2],
		    alphabet[(p[i] & 3) << 4 | p[i + 1] >> 4],
		    alphabet[(p[i + 1] & 15) << 2], '=' }, 4));
}

static int
value64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ch_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four; gives how many bytes it stands for, 0 when it is bad. */
static int
group(const char *t, bool last, unsigned char out[3])
{
	int a = value64(t[0]), b = value64(t[1]), c = value64(t[2]), d = value64(t[3]);

	if (a < 0 || b < 0)
		return 0;
	out[0] = (unsigned char)(a << 2 | b >> 4);
	if (last && t[2] == '=' && t[3] == '=')
		return (b & 15) == 0 ? 1 : 0;
	if (c < 0)
		return 0;
	out[1] = (unsigned char)(b << 4 | c >> 2);
	if (last && t[3] == '=')
		return (c & 3) == 0 ? 2 : 0;
	if (d < 0)
		return 0;
	out[2] = (unsigned char)(c << 6 | d);
	return 3;
}

bool
base64_decode(struct buf *out, struct str text)
{
	size_t before = out->n;

	if (text.n % 4 != 0)
		return false;
	for (size_t i = 0; i < text.n; i += 4) {
		unsigned char bytes[3];
		int n = group(text.p + i, i + 4 == text.n, bytes);

		if (n == 0) {
			out->n = before;
			return false;
		}
		buf_add(out, str_n(bytes, (size_t)n));
	}
	return true;
}

void
hex_add(struct buf *out, struct str data)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < data.n; i++) {
		unsigned char c = (unsigned char)data.p[i];

		buf_add(out, str_n((char[]){ digits[c >> 4], digits[c & 15] }, 2));
	}
}

int
hex_digit(char c)
{
	if (ch_digit(c))
		return c - '0';
	c = ch_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
hex_decode(struct buf *out, struct str text)
{
	size_t before = out->n;

	if (text.n % 2 != 0)
		return false;
	for (size_t i = 0; i < text.n; i += 2) {
		int hi = hex_digit(text.p[i]), lo = hex_digit(text.p[i + 1]);

		if (hi < 0 || lo < 0) {
			out->n = before;
			return false;
		}
		buf_addc(out, (char)(hi << 4 | lo));
	}
	return true;
}
