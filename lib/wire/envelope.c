/* SPDX-License-Identifier: ISC */
#include "wire/envelope.h"

#include "wire/limits.h"

const struct ipc_field envelope_rcpt_fields[] = {
	IPC_TEXT(struct envelope_rcpt, addr, LIMIT_ADDRESS),
	IPC_TEXT(struct envelope_rcpt, orig, LIMIT_ADDRESS),
	IPC_TEXT(struct envelope_rcpt, orcpt, LIMIT_ORCPT),
	IPC_U64(struct envelope_rcpt, notify, 15),
	IPC_END
};

const struct ipc_field envelope_edit_fields[] = {
	IPC_U64(struct envelope_edit, kind, EDIT_DROP),
	IPC_TEXT(struct envelope_edit, name, LIMIT_NAME),
	IPC_END
};

const struct ipc_field envelope_fields[] = {
	IPC_TEXT(struct envelope, sender, LIMIT_ADDRESS),
	IPC_LIST(struct envelope, rcpts, LIMIT_RCPTS, struct envelope_rcpt, envelope_rcpt_fields),
	IPC_TEXT(struct envelope, envid, LIMIT_ENVID),
	IPC_U64(struct envelope, ret, RET_HDRS),
	IPC_U64(struct envelope, flags, 255),
	IPC_TEXT(struct envelope, origin, LIMIT_NAME),
	IPC_TEXT(struct envelope, client_name, LIMIT_HOST),
	IPC_TEXT(struct envelope, client_addr, LIMIT_HOST),
	IPC_U64(struct envelope, client_port, 65535),
	IPC_TEXT(struct envelope, helo, LIMIT_HOST),
	IPC_TEXT(struct envelope, proto, LIMIT_NAME),
	IPC_TEXT(struct envelope, sasl_method, LIMIT_NAME),
	IPC_TEXT(struct envelope, sasl_user, LIMIT_NAME),
	IPC_U64(struct envelope, uid, UINT32_MAX),
	IPC_STR(struct envelope, received, LIMIT_HEADER),
	IPC_U64(struct envelope, received_id_at, LIMIT_HEADER),
	IPC_STRS(struct envelope, prepend, LIMIT_HEADERS, LIMIT_HEADER),
	IPC_LIST(struct envelope, edits, LIMIT_HEADERS, struct envelope_edit, envelope_edit_fields),
	IPC_TEXT(struct envelope, maildrop, LIMIT_NAME),
	IPC_U64(struct envelope, arrival_us, INT64_MAX),
	IPC_TEXT(struct envelope, message_id, 1000),
	IPC_END
};

const struct ipc_msg envelope_msg = { "envelope", 20, sizeof(struct envelope), envelope_fields };
