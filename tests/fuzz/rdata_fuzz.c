/* SPDX-License-Identifier: ISC */
/*
 * rdata_fuzz - DNS resource data: byte 0 chooses the type, the rest is what a server sent.
 */
#include <stdint.h>
#include <stdlib.h>

#include "dnsd/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned types[] = { DNS_A, DNS_AAAA, DNS_MX, DNS_PTR, DNS_TXT, DNS_TLSA };
	struct dns_record r;
	struct pool *pool;

	if (size == 0)
		return 0;
	pool = pool_new();
	if (decode_rdata(types[data[0] % 6], str_n(data + 1, size - 1), &r, pool)) {
		/* What passes may stand in messages, logs and headers. */
		if (r.name.n > DNS_NAME_MAX || r.data.n > DNS_TXT_MAX || r.pref > 65535)
			abort();
		if (r.name.n > 0 && !dns_name_ok(r.name))
			abort();
	}
	pool_free(pool);
	return 0;
}
