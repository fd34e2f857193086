/* SPDX-License-Identifier: ISC */
#include "wire/route.h"

#include "wire/limits.h"

static const struct ipc_field rcpt_fields[] = {
	IPC_U64(struct resolve_rcpt, num, UINT32_MAX),
	IPC_TEXT(struct resolve_rcpt, addr, LIMIT_ADDRESS),
	IPC_BOOL(struct resolve_rcpt, expanded),
	IPC_END
};

const struct ipc_msg resolve_msg = { "resolve", 50, sizeof(struct resolve),
	(const struct ipc_field[]) {
		IPC_TEXT(struct resolve, sender, LIMIT_ADDRESS),
		IPC_LIST(struct resolve, rcpts, LIMIT_RCPTS, struct resolve_rcpt, rcpt_fields),
		IPC_END
	}
};

static const struct ipc_field route_fields[] = {
	IPC_U64(struct route, num, UINT32_MAX),
	IPC_U64(struct route, action, ROUTE_HOLD),
	IPC_U64(struct route, class, CLASS_DEFAULT),
	IPC_TEXT(struct route, transport, LIMIT_NAME),
	IPC_TEXT(struct route, nexthop, LIMIT_ADDRESS),
	IPC_TEXT(struct route, addr, LIMIT_ADDRESS),
	IPC_BOOL(struct route, worker),
	IPC_BOOL(struct route, virtual_box),
	IPC_U64(struct route, uid, UINT32_MAX),
	IPC_U64(struct route, gid, UINT32_MAX),
	IPC_TEXT(struct route, mailbox, LIMIT_PATH),
	IPC_STRS(struct route, to, LIMIT_RCPTS, LIMIT_ADDRESS),
	IPC_BOOL(struct route, has_owner),
	IPC_TEXT(struct route, owner, LIMIT_ADDRESS),
	IPC_U64(struct route, code, 599),
	IPC_TEXT(struct route, dsn, 16),
	IPC_TEXT(struct route, text, LIMIT_REPLY),
	IPC_END
};

const struct ipc_msg resolved_msg = { "resolved", 51, sizeof(struct resolved),
	(const struct ipc_field[]) {
		IPC_LIST(struct resolved, routes, LIMIT_RCPTS, struct route, route_fields),
		IPC_END
	}
};

const struct ipc_msg check_msg = { "check", 52, sizeof(struct check),
	(const struct ipc_field[]) {
		IPC_U64(struct check, kind, CHECK_SENDER),
		IPC_TEXT(struct check, addr, LIMIT_ADDRESS),
		IPC_BOOL(struct check, trusted),
		IPC_END
	}
};

const struct ipc_msg checked_msg = { "checked", 53, sizeof(struct checked),
	(const struct ipc_field[]) {
		IPC_U64(struct checked, status, CHECK_LATER),
		IPC_U64(struct checked, class, CLASS_DEFAULT),
		IPC_TEXT(struct checked, addr, LIMIT_ADDRESS),
		IPC_U64(struct checked, code, 599),
		IPC_TEXT(struct checked, dsn, 16),
		IPC_TEXT(struct checked, text, LIMIT_REPLY),
		IPC_END
	}
};

const struct ipc_msg complete_msg = { "complete", 54, sizeof(struct complete),
	(const struct ipc_field[]) {
		IPC_STRS(struct complete, addrs, LIMIT_RCPTS, LIMIT_ADDRESS),
		IPC_END
	}
};

const struct ipc_msg completed_msg = { "completed", 55, sizeof(struct completed),
	(const struct ipc_field[]) {
		IPC_STRS(struct completed, addrs, LIMIT_RCPTS, LIMIT_ADDRESS),
		IPC_END
	}
};
