/* SPDX-License-Identifier: ISC */
#include "wire/tls.h"

static const struct ipc_field tlsa_rows[] = {
	IPC_U64(struct tls_tlsa, usage, 255),
	IPC_U64(struct tls_tlsa, selector, 255),
	IPC_U64(struct tls_tlsa, mtype, 255),
	IPC_STR(struct tls_tlsa, data, TLS_TLSA_DATA),
	IPC_END
};

static const struct ipc_field start_rows[] = {
	IPC_U64(struct tls_start, role, TLS_CLIENT),
	IPC_U64(struct tls_start, policy, TLS_VERIFY),
	IPC_FD(struct tls_start, fd),
	IPC_TEXT(struct tls_start, service, TLS_SERVICE_MAX),
	IPC_TEXT(struct tls_start, peer, 400),
	IPC_TEXT(struct tls_start, name, TLS_NAME_MAX),
	IPC_TEXT(struct tls_start, match, TLS_NAME_MAX),
	IPC_TEXT(struct tls_start, alpn, TLS_NAME_MAX),
	IPC_BOOL(struct tls_start, exporter),
	IPC_LIST(struct tls_start, tlsa, TLS_TLSA_MAX, struct tls_tlsa, tlsa_rows),
	IPC_U64(struct tls_start, timeout_ms, TLS_TIMEOUT_MAX),
	IPC_END
};
const struct ipc_msg tls_start_msg = { "tls_start", 70, sizeof(struct tls_start), start_rows };

static const struct ipc_field started_rows[] = {
	IPC_FD(struct tls_started, fd),
	TLS_FACTS_ROWS(struct tls_started, facts),
	IPC_END
};
const struct ipc_msg tls_started_msg = {
	"tls_started", 71, sizeof(struct tls_started), started_rows
};
