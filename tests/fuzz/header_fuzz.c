/* SPDX-License-Identifier: ISC */
/* Header fields and dates: the iterator covers the text without gap, folding keeps every word. */
#include "base/panic.h"
#include "mail/date.h"
#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n(data, size);
	struct headers h = headers_of(text);
	struct header_watch w = { .seen = 0 };
	struct buf b = { .p = NULL };
	struct header f;
	size_t sum = 0;
	int64_t wall;
	int east;

	while (header_next(&h, &f)) {
		sum += f.whole.n;
		header_fold(&b, f.name, f.value, STR("\r\n"));
		(void)header_watch(&w, str_sub(f.whole, 0, 80));
		(void)date_parse(f.value, &wall, &east);
	}
	ASSERT(sum + h.rest.n <= size);
	ASSERT(header_length(text) <= size);
	buf_free(&b);
	return 0;
}
