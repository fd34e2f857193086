/* SPDX-License-Identifier: ISC */
/*
 * encode_fuzz - base64 and hexadecimal: what decodes, encodes to the same text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct buf plain = { 0 }, back = { 0 };

	if (base64_decode(&plain, text)) {
		base64_add(&back, buf_str(&plain));
		if (!str_eq(buf_str(&back), text))
			abort();
	}
	buf_reset(&plain);
	buf_reset(&back);
	if (hex_decode(&plain, text)) {
		hex_add(&back, buf_str(&plain));
		if (!str_ieq(buf_str(&back), text))
			abort();
	}
	buf_free(&plain);
	buf_free(&back);
	return 0;
}
