/* SPDX-License-Identifier: ISC */
/* Sources of tables, both formats. */
#include "base/panic.h"
#include "table/source.h"
#include "table/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
pair(void *arg, struct str key, struct str value, unsigned line)
{
	(void)arg;
	ASSERT(key.n <= TABLE_KEY_MAX && value.n > 0 && line > 0);
	ASSERT(str_chr(value, '\n') < 0 && str_chr(value, '\0') < 0);
}

static void
complain(void *arg, unsigned line, const char *text)
{
	(void)arg;
	ASSERT(line > 0 && text != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source_reader maps = { SOURCE_MAP, true, NULL, pair, complain };
	struct source_reader aliases = { SOURCE_ALIASES, true, NULL, pair, complain };
	struct source_reader lax = { SOURCE_ALIASES, false, NULL, pair, NULL };

	source_read(str_n(data, size), &maps);
	source_read(str_n(data, size), &aliases);
	source_read(str_n(data, size), &lax);
	return 0;
}
