/* SPDX-License-Identifier: ISC */
#include "wire/session.h"

static const struct ipc_field session_rows[] = {
	IPC_FD(struct session, fd),
	IPC_U64(struct session, protocol, SESSION_PROTOCOLS - 1),
	IPC_TEXT(struct session, user, SESSION_USER_MAX),
	IPC_TEXT(struct session, tag, SESSION_TAG_MAX),
	IPC_TEXT(struct session, method, 32),
	IPC_STR(struct session, unread, SESSION_UNREAD_MAX),
	IPC_TEXT(struct session, client_ip, SESSION_IP_MAX),
	IPC_U64(struct session, client_port, UINT16_MAX),
	IPC_TEXT(struct session, server_ip, SESSION_IP_MAX),
	IPC_U64(struct session, server_port, UINT16_MAX),
	TLS_FACTS_ROWS(struct session, tls),
	IPC_END
};
const struct ipc_msg session_msg = { "session", 88, sizeof(struct session), session_rows };

static const struct ipc_field accepted_rows[] = {
	IPC_BOOL(struct session_accepted, ok),
	IPC_BOOL(struct session_accepted, ending),
	IPC_TEXT(struct session_accepted, reason, 200),
	IPC_END
};
const struct ipc_msg session_accepted_msg = {
	"session_accepted", 89, sizeof(struct session_accepted), accepted_rows
};
