/* SPDX-License-Identifier: ISC */
#include "wire/arrive.h"

#include "wire/limits.h"

const struct ipc_msg arrive_msg = { "arrive", 28, sizeof(struct arrive),
	(const struct ipc_field[]) {
		IPC_TEXT(struct arrive, queue_id, LIMIT_QUEUE_ID),
		IPC_U64(struct arrive, size, INT64_MAX),
		IPC_U64(struct arrive, envelope_len, UINT32_MAX),
		IPC_U64(struct arrive, sum, UINT32_MAX),
		IPC_U64(struct arrive, key0, UINT64_MAX),
		IPC_U64(struct arrive, key1, UINT64_MAX),
		IPC_STRUCT(struct arrive, envelope, envelope_fields),
		IPC_STR(struct arrive, content, LIMIT_SMALL),
		IPC_END
	}
};
