/* SPDX-License-Identifier: ISC */
#include "wire/anvil.h"

static const struct ipc_field count_rows[] = {
	IPC_U64(struct anvil_count, what, ANVIL_WHATS - 1),
	IPC_TEXT(struct anvil_count, service, ANVIL_SERVICE_MAX),
	IPC_TEXT(struct anvil_count, client, ANVIL_CLIENT_MAX),
	IPC_END
};
const struct ipc_msg anvil_count_msg = { "anvil_count", 95, sizeof(struct anvil_count), count_rows };
const struct ipc_msg anvil_tell_msg = { "anvil_tell", 96, sizeof(struct anvil_count), count_rows };

static const struct ipc_field counted_rows[] = {
	IPC_U64(struct anvil_counted, connections, UINT32_MAX),
	IPC_U64(struct anvil_counted, rate, UINT32_MAX),
	IPC_U64(struct anvil_counted, penalty_ms, UINT32_MAX),
	IPC_END
};
const struct ipc_msg anvil_counted_msg = {
	"anvil_counted", 97, sizeof(struct anvil_counted), counted_rows
};
