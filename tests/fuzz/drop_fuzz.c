/* SPDX-License-Identifier: ISC */
/* Envelopes of maildrop files: what drop_ok lets pass holds nothing that could hurt a line format. */
#include "base/panic.h"
#include "wire/drop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		ASSERT(((unsigned char)s.p[i] >= 32 || s.p[i] == '\t') && s.p[i] != 127);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *p = pool_new();
	struct drop d;
	const char *why;
	char type;
	uint32_t n;

	if (size >= DROP_HEAD)
		(void)drop_head_parse((const char *)data, &type, &n);
	if (ipc_unpack(str_n(data, size), &drop_msg, &d, NULL, 0, p) && drop_ok(&d, p, &why)) {
		const struct envelope_rcpt *r = d.rcpts.v;

		ASSERT(d.rcpts.n > 0);
		check_clean(d.sender);
		check_clean(d.fullname);
		check_clean(d.envid);
		for (size_t i = 0; i < d.rcpts.n; i++) {
			check_clean(r[i].addr);
			ASSERT(r[i].addr.n > 0 && r[i].addr.p[0] != '-');
		}
	}
	pool_free(p);
	return 0;
}
