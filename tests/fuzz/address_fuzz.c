/* SPDX-License-Identifier: ISC */
/* Addresses: what is read is written and read again as the same; lists end and stay in their caps. */
#include "base/panic.h"
#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *p = pool_new();
	struct str text = str_n(data, size);
	struct vec v = vec_of(sizeof(struct mailbox));
	struct scan in = scan_of(text);
	struct address a, b;

	if (address_scan_path(&in, p, ADDRESS_NULL_OK | ADDRESS_UTF8_OK, &a) == ADDRESS_OK &&
	    !address_is_null(&a)) {
		ASSERT(address_parse(address_text(p, &a), p, ADDRESS_UTF8_OK, &b) == ADDRESS_OK ||
		    address_text(p, &a).n > ADDRESS_MAX || a.local.n > LOCAL_PART_MAX - 2);
	}
	(void)mailbox_list(text, p, &v);
	ASSERT(v.n <= HEADER_LIST_MAX + 2);
	vec_free(&v);
	pool_free(p);
	return 0;
}
