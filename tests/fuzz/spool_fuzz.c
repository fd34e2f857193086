/* SPDX-License-Identifier: ISC */
/* A spool file of any bytes: head, envelope, log. */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "spool/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *pool = pool_new();
	struct str all = str_n(data, size);
	struct spool_file f;
	struct spool_head h = { .id = "4abcdefghz1" };
	struct spool_record r;
	enum spool_verdict v;
	size_t at = 0;

	v = spool_parse(all, true, pool, &f);
	if (v == SPOOL_GOOD)
		ASSERT(f.log_end <= size && f.content.n <= size);
	/* The parts behind their checksums. */
	f = (struct spool_file){ .head = h };
	(void)spool_parse_parts(all, all, pool, &f);
	while (spool_record_next(all, &at, &h, 0, &r, pool))
		ASSERT(at <= size);
	(void)ipc_unpack(all, &spool_record_msg, &r, NULL, 0, pool);
	pool_free(pool);
	return 0;
}
