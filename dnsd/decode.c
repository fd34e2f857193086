/* SPDX-License-Identifier: ISC */
#include "dnsd/decode.h"

#include <stdlib.h>

#include "base/hash.h"

#define WIRE_NAME_MAX	255	/* RFC 1035 2.3.4 */

static unsigned
byte(struct str s, size_t i)
{
	return (unsigned char)s.p[i];
}

/* name = *( length label ) 0 */
bool
decode_name(struct str wire, struct str *out, struct pool *pool)
{
	char text[WIRE_NAME_MAX];
	size_t at = 0, n = 0;

	if (wire.n == 0 || wire.n > WIRE_NAME_MAX)
		return false;
	for (;;) {
		size_t len = byte(wire, at++);

		if (len == 0)
			break;
		/* A compression pointer has its upper bits set and is no length here. */
		if (len > DNS_LABEL_MAX || len >= wire.n - at)
			return false;
		if (n > 0)
			text[n++] = '.';
		for (; len > 0; len--)
			text[n++] = ch_lower(wire.p[at++]);
	}
	if (at != wire.n || (n > 0 && !dns_name_ok(str_n(text, n))))
		return false;
	/* A dot inside a label would have made another name of it. */
	for (size_t i = 0, label; (label = byte(wire, i)) != 0; i += label + 1)
		if (str_chr(str_n(wire.p + i + 1, label), '.') >= 0)
			return false;
	*out = pool_str(pool, str_n(text, n));
	return true;
}

/* TXT-DATA = 1*( length string ), joined (RFC 7208 3.3). */
static bool
decode_txt(struct str rdata, struct str *out, struct pool *pool)
{
	char *text;
	size_t n = 0;

	if (rdata.n == 0)
		return false;
	text = pool_alloc(pool, rdata.n);
	for (size_t at = 0; at < rdata.n; ) {
		size_t len = byte(rdata, at++);

		if (len > rdata.n - at)
			return false;
		memcpy(text + n, rdata.p + at, len);
		n += len;
		at += len;
	}
	*out = str_n(text, n);
	return n <= DNS_TXT_MAX;
}

static bool
decode_tlsa(struct str rdata, struct dns_record *out, struct pool *pool)
{
	static const size_t digest[] = { 0, 32, 64 };	/* by matching type */
	size_t n;

	if (rdata.n < 4 || rdata.n > 3 + DNS_TLSA_DATA)
		return false;
	n = rdata.n - 3;
	out->usage = byte(rdata, 0);
	out->selector = byte(rdata, 1);
	out->mtype = byte(rdata, 2);
	if ((out->mtype == 1 || out->mtype == 2) && n != digest[out->mtype])
		return false;
	out->data = pool_str(pool, str_n(rdata.p + 3, n));
	return true;
}

bool
decode_rdata(unsigned type, struct str rdata, struct dns_record *out, struct pool *pool)
{
	*out = (struct dns_record){ 0 };
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		out->data = pool_str(pool, rdata);
		return rdata.n == (type == DNS_A ? 4 : 16);
	case DNS_MX:
		if (rdata.n < 3)
			return false;
		out->pref = byte(rdata, 0) << 8 | byte(rdata, 1);
		return decode_name(str_sub(rdata, 2, rdata.n), &out->name, pool);
	case DNS_PTR:
		return decode_name(rdata, &out->name, pool);
	case DNS_TXT:
		return decode_txt(rdata, &out->data, pool);
	case DNS_TLSA:
		return decode_tlsa(rdata, out, pool);
	default:
		return false;
	}
}

size_t
decode_limit(unsigned type)
{
	switch (type) {
	case DNS_MX:	return DNS_MX_MAX;
	case DNS_A:
	case DNS_AAAA:	return DNS_ADDR_MAX;
	default:	return DNS_RECORD_MAX;
	}
}

static int
by_pref(const void *a, const void *b)
{
	const struct dns_record *x = a, *y = b;

	return x->pref < y->pref ? -1 : x->pref > y->pref;
}

void
decode_order_mx(struct dns_record *v, size_t n)
{
	size_t from = 0;

	if (n < 2)
		return;
	qsort(v, n, sizeof(v[0]), by_pref);
	for (size_t to = 1; to <= n; to++) {
		if (to < n && v[to].pref == v[from].pref)
			continue;
		/* Shuffle those from `from` to before `to`. */
		for (size_t i = to - 1; i > from; i--) {
			size_t k = from + random_below((uint32_t)(i - from + 1));
			struct dns_record swap = v[i];

			v[i] = v[k];
			v[k] = swap;
		}
		from = to;
	}
}
