/* SPDX-License-Identifier: ISC */
/* A user's .forward: no entry of it becomes an address that could end a line or mean more. */
#include "base/panic.h"
#include "local/forward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
local_domain(struct str domain)
{
	return str_ieq(domain, STR("here.test"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct forward_self self = { STR_INIT("alice"), STR_INIT("alice@here.test"),
		local_domain, STR_INIT("here.test") };
	struct pool *pool = pool_new();
	struct forward f;
	struct str why;

	if (size <= FORWARD_BYTES && forward_parse(str_n(data, size), &self, pool, &f, &why) == FORWARD_OK)
		for (size_t i = 0; i < f.to.n; i++) {
			ASSERT(f.to.v[i].n > 0 && str_chr(f.to.v[i], '\n') < 0);
			ASSERT(str_chr(f.to.v[i], '\0') < 0 && str_chr(f.to.v[i], '@') >= 0);
		}
	pool_free(pool);
	return 0;
}
