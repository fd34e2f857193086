/* SPDX-License-Identifier: ISC */
#include "wire/auth.h"

static const struct ipc_field check_rows[] = {
	IPC_TEXT(struct auth_check, service, AUTH_SERVICE_MAX),
	IPC_STR(struct auth_check, user, SESSION_USER_MAX),
	IPC_STR(struct auth_check, password, AUTH_PASSWORD_MAX),
	IPC_TEXT(struct auth_check, client_ip, SESSION_IP_MAX),
	IPC_TEXT(struct auth_check, method, 32),
	IPC_BOOL(struct auth_check, tls),
	IPC_END
};
const struct ipc_msg auth_check_msg = { "auth_check", 85, sizeof(struct auth_check), check_rows };

static const struct ipc_field checked_rows[] = {
	IPC_U64(struct auth_checked, status, AUTH_UNAVAILABLE),
	IPC_TEXT(struct auth_checked, user, SESSION_USER_MAX),
	IPC_U64(struct auth_checked, uid, UINT32_MAX),
	IPC_U64(struct auth_checked, gid, UINT32_MAX),
	IPC_TEXT(struct auth_checked, mailbox, SESSION_MAILBOX_MAX),
	IPC_TEXT(struct auth_checked, reason, 200),
	IPC_U64(struct auth_checked, penalty_ms, AUTH_PENALTY_MAX),
	IPC_END
};
const struct ipc_msg auth_checked_msg = {
	"auth_checked", 86, sizeof(struct auth_checked), checked_rows
};

static const struct ipc_field login_rows[] = {
	IPC_STR(struct auth_login, user, SESSION_USER_MAX),
	IPC_STR(struct auth_login, password, AUTH_PASSWORD_MAX),
	IPC_FD(struct auth_login, fd),
	IPC_U64(struct auth_login, protocol, SESSION_PROTOCOLS - 1),
	IPC_TEXT(struct auth_login, tag, SESSION_TAG_MAX),
	IPC_TEXT(struct auth_login, method, 32),
	IPC_STR(struct auth_login, unread, SESSION_UNREAD_MAX),
	IPC_TEXT(struct auth_login, client_ip, SESSION_IP_MAX),
	IPC_U64(struct auth_login, client_port, UINT16_MAX),
	IPC_TEXT(struct auth_login, server_ip, SESSION_IP_MAX),
	IPC_U64(struct auth_login, server_port, UINT16_MAX),
	TLS_FACTS_ROWS(struct auth_login, tls),
	IPC_END
};
const struct ipc_msg auth_login_msg = { "auth_login", 87, sizeof(struct auth_login), login_rows };

static const struct ipc_field logged_rows[] = {
	IPC_U64(struct auth_logged, status, AUTH_UNAVAILABLE),
	IPC_TEXT(struct auth_logged, user, SESSION_USER_MAX),
	IPC_TEXT(struct auth_logged, reason, 200),
	IPC_U64(struct auth_logged, penalty_ms, AUTH_PENALTY_MAX),
	IPC_END
};
const struct ipc_msg auth_logged_msg = {
	"auth_logged", 90, sizeof(struct auth_logged), logged_rows
};
