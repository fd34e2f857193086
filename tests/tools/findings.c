/* SPDX-License-Identifier: ISC */
/* findings - print all that is found in the configuration of a folder: what wrong.sh compares. */
#include <stdio.h>

#include "conf/conf.h"

int
main(int argc, char **argv)
{
	const struct conf_finding *f;
	struct conf *c;
	size_t n;

	if (argc != 2)
		return 2;
	c = conf_read(argv[1], NULL);
	conf_check(c);
	f = conf_findings(c, &n);
	for (size_t i = 0; i < n; i++) {
		const char *base = strrchr(f[i].file, '/');

		printf("%s:", base == NULL ? f[i].file : base + 1);
		if (f[i].line > 0)
			printf("%u:", f[i].line);
		printf(" %s: %s\n", conf_grade_word(f[i].grade), f[i].text);
	}
	conf_free(c);
	return 0;
}
