/* SPDX-License-Identifier: ISC */
/* alpn_fuzz - protocols that a TLS client offers: a list that holds ours has it where we found it. */
#include <stdint.h>

#include "base/buf.h"
#include "base/panic.h"
#include "tlsd/alpn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str list = str_n(data, size), want = STR("imap"), at;
	struct buf more = { .p = NULL };

	if (alpn_find(list, want, &at)) {
		ASSERT(str_eq(at, want) && at.p > list.p && at.p + at.n <= list.p + list.n);
		ASSERT(at.p[-1] == 4);
		/* It was there for what stands up to it alone, and still is with anything behind. */
		list.n = (size_t)(at.p + at.n - list.p);
		ASSERT(alpn_find(list, want, &at));
		list.n--;
		ASSERT(!alpn_find(list, want, &at));
	} else {
		/* In front of all others it is always found. */
		buf_addz(&more, "\4imap");
		buf_add(&more, list);
		ASSERT(alpn_find(buf_str(&more), want, &at) && at.p == more.p + 1);
	}
	buf_free(&more);
	return 0;
}
