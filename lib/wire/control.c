/* SPDX-License-Identifier: ISC */
#include "wire/control.h"

#include "wire/limits.h"
#include "wire/peers.h"

#define ROWS	(const struct ipc_field[])

const struct ipc_msg ctl_connect_msg = { "ctl_connect", 1, sizeof(struct ctl_connect), ROWS {
	IPC_U64(struct ctl_connect, peer, PEER_COUNT - 1),
	IPC_BOOL(struct ctl_connect, asking),
	IPC_FD(struct ctl_connect, fd),
	IPC_END
} };

const struct ipc_msg ctl_ready_msg = { "ctl_ready", 2, sizeof(struct ctl_ready), ROWS {
	IPC_TEXT(struct ctl_ready, jail, 200),
	IPC_END
} };

const struct ipc_msg ctl_stop_msg = { "ctl_stop", 3, sizeof(struct ctl_stop), ROWS {
	IPC_U64(struct ctl_stop, grace_ms, INT64_MAX),
	IPC_BOOL(struct ctl_stop, idle),
	IPC_BOOL(struct ctl_stop, ends),
	IPC_END
} };

const struct ipc_msg ctl_log_msg = { "ctl_log", 4, sizeof(struct ctl_log), ROWS {
	IPC_FD(struct ctl_log, fd),
	IPC_END
} };

const struct ipc_msg ctl_worker_msg = { "ctl_worker", 5, sizeof(struct ctl_worker), ROWS {
	IPC_U64(struct ctl_worker, worker, PEER_COUNT - 1),
	IPC_U64(struct ctl_worker, uid, UINT32_MAX),
	IPC_U64(struct ctl_worker, gid, UINT32_MAX),
	IPC_TEXT(struct ctl_worker, mailbox, LIMIT_PATH),
	IPC_BOOL(struct ctl_worker, virtual_box),
	IPC_END
} };

const struct ipc_msg ctl_worker_reply_msg = { "ctl_worker_reply", 6,
	sizeof(struct ctl_worker_reply), ROWS {
	IPC_FD(struct ctl_worker_reply, fd),
	IPC_TEXT(struct ctl_worker_reply, text, LIMIT_REPLY),
	IPC_END
} };

const struct ipc_msg ctl_idle_msg = { "ctl_idle", 7, sizeof(struct ctl_idle), ROWS {
	IPC_U64(struct ctl_idle, sessions, UINT32_MAX),
	IPC_BOOL(struct ctl_idle, replaced),
	IPC_END
} };

const struct ipc_msg ctl_tool_msg = { "ctl_tool", 8, sizeof(struct ctl_tool), ROWS {
	IPC_U64(struct ctl_tool, verb, CTL_STOP),
	IPC_BOOL(struct ctl_tool, json),
	IPC_END
} };

const struct ipc_msg ctl_tool_reply_msg = { "ctl_tool_reply", 9, sizeof(struct ctl_tool_reply),
	ROWS {
	IPC_BOOL(struct ctl_tool_reply, ok),
	IPC_STR(struct ctl_tool_reply, text, LIMIT_SMALL),
	IPC_FD(struct ctl_tool_reply, fd),
	IPC_END
} };
