/* SPDX-License-Identifier: ISC */
/*
 * pop3_fuzz - command lines, and dot stuffing that does not depend on how the text is cut.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/pop3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, verb;
	struct scan in = scan_of(text);
	struct buf whole = { 0 }, bytes = { 0 };
	bool a = true, b = true;
	uint32_t n;

	if (pop3_scan_verb(&in, &verb) && pop3_scan_number(&in, false, &n))
		pop3_scan_number(&in, true, &n);
	pop3_stuff(&whole, text, &a);
	for (size_t i = 0; i < size; i++)
		pop3_stuff(&bytes, str_sub(text, i, 1), &b);
	if (a != b || !str_eq(buf_str(&whole), buf_str(&bytes)))
		abort();
	buf_free(&whole);
	buf_free(&bytes);
	return 0;
}
