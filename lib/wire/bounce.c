/* SPDX-License-Identifier: ISC */
#include "wire/bounce.h"

#include "wire/limits.h"
#include "wire/submit.h"

static const struct ipc_field rcpt_fields[] = {
	IPC_TEXT(struct notify_rcpt, addr, LIMIT_ADDRESS),
	IPC_TEXT(struct notify_rcpt, orig, LIMIT_ADDRESS),
	IPC_TEXT(struct notify_rcpt, orcpt, LIMIT_ORCPT),
	IPC_U64(struct notify_rcpt, action, ACTION_EXPANDED),
	IPC_TEXT(struct notify_rcpt, dsn, 16),
	IPC_TEXT(struct notify_rcpt, text, LIMIT_REPLY),
	IPC_TEXT(struct notify_rcpt, diag, LIMIT_REPLY),
	IPC_TEXT(struct notify_rcpt, remote, LIMIT_HOST),
	IPC_U64(struct notify_rcpt, attempt_us, INT64_MAX),
	IPC_END
};

const struct ipc_msg notify_msg = { "notify", 40, sizeof(struct notify),
	(const struct ipc_field[]) {
		IPC_U64(struct notify, kind, NOTICE_SUCCESS),
		IPC_TEXT(struct notify, queue_id, LIMIT_QUEUE_ID),
		IPC_TEXT(struct notify, sender, LIMIT_ADDRESS),
		IPC_TEXT(struct notify, envid, LIMIT_ENVID),
		IPC_U64(struct notify, ret, RET_HDRS),
		IPC_U64(struct notify, flags, UINT32_MAX),
		IPC_U64(struct notify, arrival_us, INT64_MAX),
		IPC_U64(struct notify, expire_us, INT64_MAX),
		IPC_TEXT(struct notify, client_name, LIMIT_HOST),
		IPC_LIST(struct notify, rcpts, LIMIT_RCPTS, struct notify_rcpt, rcpt_fields),
		IPC_STR(struct notify, received, LIMIT_HEADER),
		IPC_U64(struct notify, received_id_at, LIMIT_HEADER),
		IPC_STRS(struct notify, prepend, LIMIT_HEADERS, LIMIT_HEADER),
		IPC_LIST(struct notify, edits, LIMIT_HEADERS, struct envelope_edit,
		    envelope_edit_fields),
		IPC_STR(struct notify, content, LIMIT_SMALL),
		IPC_FD(struct notify, fd),
		IPC_U64(struct notify, offset, INT64_MAX),
		IPC_U64(struct notify, size, INT64_MAX),
		IPC_END
	}
};

const struct ipc_msg notified_msg = { "notified", 41, sizeof(struct notified),
	(const struct ipc_field[]) {
		IPC_U64(struct notified, result, SUBMIT_BAD),
		IPC_TEXT(struct notified, queue_id, LIMIT_QUEUE_ID),
		IPC_END
	}
};
