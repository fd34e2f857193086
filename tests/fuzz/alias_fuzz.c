/* SPDX-License-Identifier: ISC */
/* The right side of an alias: any bytes end, and entries lie inside their limits. */
#include "base/panic.h"
#include "router/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_n(data, size);
	struct pool *pool = pool_new();
	struct alias_item item;
	size_t left = rest.n + 1;

	while (alias_next(&rest, pool, &item)) {
		ASSERT(rest.n < left && item.text.n <= size);
		left = rest.n;
	}
	pool_free(pool);
	return 0;
}
