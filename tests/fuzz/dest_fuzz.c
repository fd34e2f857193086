/* SPDX-License-Identifier: ISC */
/*
 * dest_fuzz - next hops: what is read is a host and a port, and written with its brackets means the
 * same again.
 */
#include "base/panic.h"
#include "base/pool.h"
#include "smtp/dest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one(struct str text, struct pool *p)
{
	struct dest d, again;
	struct str plain;

	if (!dest_parse(text, 25, &d))
		return;
	ASSERT(d.host.n > 0 && d.port > 0 && !(d.literal && d.mx));
	ASSERT(d.host.p >= text.p && d.host.p + d.host.n <= text.p + text.n);
	for (size_t i = 0; i < d.host.n; i++)
		ASSERT((unsigned char)d.host.p[i] > ' ' && d.host.p[i] != 127);
	plain = pool_printf(p, d.mx ? "%.*s:%u" : "[%.*s]:%u", STR_ARG(d.host), (unsigned)d.port);
	/* Of a name with two dots at its end one is taken off each time. */
	if (!str_end(d.host, STR("."))) {
		ASSERT(dest_parse(plain, 1, &again) && str_eq(again.host, d.host));
		ASSERT(again.port == d.port && again.mx == d.mx && again.literal == d.literal);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str list = str_n(data, size), text;
	struct pool *p = pool_new();

	while (dest_next(&list, &text)) {
		ASSERT(text.n > 0);
		one(text, p);
	}
	one(str_n(data, size), p);
	pool_free(p);
	return 0;
}
