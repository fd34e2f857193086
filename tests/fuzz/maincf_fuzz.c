/* SPDX-License-Identifier: ISC */
/* main.cf: any bytes give a conf and findings; every value can be asked for. */
#include "conf/common.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A folder of its own, so that a list cannot name files of the machine and read them slowly. */
	struct conf *c = conf_of_text("/nonexistent", str_n(data, size), NULL);
	const struct conf_setting *s;
	size_t n;

	(void)conf_common(c);
	conf_check(c);
	s = conf_settings(c, &n);
	for (size_t i = 0; i < n; i++)
		(void)conf_get(c, s[i].name);
	(void)conf_findings(c, &n);
	conf_free(c);
	return 0;
}
