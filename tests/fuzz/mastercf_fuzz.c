/* SPDX-License-Identifier: ISC */
/* master.cf: any bytes give services and findings. */
#include "base/panic.h"
#include "conf/services.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *c = conf_of_text("/nonexistent", STR(""), NULL);
	struct pool *pool = pool_new();
	struct conf_service *s;
	size_t n;

	s = services_of_text(c, pool, str_n(data, size), &n);
	for (size_t i = 0; i < n; i++) {
		ASSERT(s[i].name.n > 0 && s[i].command.n > 0 && s[i].line > 0);
		for (size_t j = 0; j < s[i].overrides.n; j++)
			ASSERT(str_chr(s[i].overrides.v[j], '=') >= 0);
	}
	pool_free(pool);
	conf_free(c);
	return 0;
}
