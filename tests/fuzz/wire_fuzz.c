/* SPDX-License-Identifier: ISC */
/* Every message between our programs: the first byte picks one, the rest is unpacked as it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/panic.h"
#include "base/pool.h"
#include "wire/all.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int stand_ins[IPC_FDS] = { 0 };
	struct pool *pool = pool_new();
	const struct ipc_msg *m;
	struct buf out = { 0 }, text = { 0 };
	int fds[IPC_FDS];
	size_t count = 0, nfds, got = 0;
	void *a, *b;

	while (wire_all[count] != NULL)
		count++;
	if (size >= 2) {
		m = wire_all[data[0] % count];
		nfds = data[1] % 3;
		a = pool_alloc(pool, m->size);
		b = pool_alloc(pool, m->size);
		if (ipc_unpack(str_n(data + 2, size - 2), m, a, stand_ins, nfds, pool)) {
			ASSERT(ipc_pack(&out, m, a, fds, &got) && got == nfds);
			ASSERT(str_eq(buf_str(&out), str_n(data + 2, size - 2)));
			ASSERT(ipc_unpack(buf_str(&out), m, b, fds, got, pool));
			ASSERT(ipc_equal(m, a, b));
			ipc_dump(&text, m, a);
		}
	}
	buf_free(&out);
	buf_free(&text);
	pool_free(pool);
	return 0;
}
