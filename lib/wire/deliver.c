/* SPDX-License-Identifier: ISC */
#include "wire/deliver.h"

#include "wire/limits.h"

static const struct ipc_field rcpt_fields[] = {
	IPC_U64(struct deliver_rcpt, num, UINT32_MAX),
	IPC_TEXT(struct deliver_rcpt, addr, LIMIT_ADDRESS),
	IPC_TEXT(struct deliver_rcpt, orig, LIMIT_ADDRESS),
	IPC_TEXT(struct deliver_rcpt, orcpt, LIMIT_ORCPT),
	IPC_U64(struct deliver_rcpt, notify, 15),
	IPC_END
};

const struct ipc_msg deliver_msg = { "deliver", 30, sizeof(struct deliver),
	(const struct ipc_field[]) {
		IPC_U64(struct deliver, serial, UINT64_MAX),
		IPC_TEXT(struct deliver, queue_id, LIMIT_QUEUE_ID),
		IPC_TEXT(struct deliver, transport, LIMIT_NAME),
		IPC_TEXT(struct deliver, nexthop, LIMIT_ADDRESS),
		IPC_TEXT(struct deliver, mailbox, LIMIT_PATH),
		IPC_TEXT(struct deliver, sender, LIMIT_ADDRESS),
		IPC_TEXT(struct deliver, envid, LIMIT_ENVID),
		IPC_U64(struct deliver, ret, RET_HDRS),
		IPC_U64(struct deliver, flags, 255),
		IPC_LIST(struct deliver, rcpts, LIMIT_RCPTS, struct deliver_rcpt, rcpt_fields),
		IPC_U64(struct deliver, arrival_us, INT64_MAX),
		IPC_U64(struct deliver, active_us, INT64_MAX),
		IPC_STR(struct deliver, received, LIMIT_HEADER),
		IPC_U64(struct deliver, received_id_at, LIMIT_HEADER),
		IPC_STRS(struct deliver, prepend, LIMIT_HEADERS, LIMIT_HEADER),
		IPC_LIST(struct deliver, edits, LIMIT_HEADERS, struct envelope_edit,
		    envelope_edit_fields),
		IPC_TEXT(struct deliver, client_name, LIMIT_HOST),
		IPC_TEXT(struct deliver, client_addr, LIMIT_HOST),
		IPC_TEXT(struct deliver, helo, LIMIT_HOST),
		IPC_TEXT(struct deliver, proto, LIMIT_NAME),
		IPC_TEXT(struct deliver, sasl_user, LIMIT_NAME),
		IPC_STR(struct deliver, content, LIMIT_SMALL),
		IPC_FD(struct deliver, fd),
		IPC_U64(struct deliver, offset, INT64_MAX),
		IPC_U64(struct deliver, size, INT64_MAX),
		IPC_END
	}
};

static const struct ipc_field result_rcpt_fields[] = {
	IPC_U64(struct result_rcpt, num, UINT32_MAX),
	IPC_U64(struct result_rcpt, status, RESULT_EXPANDED),
	IPC_TEXT(struct result_rcpt, dsn, 16),
	IPC_TEXT(struct result_rcpt, text, LIMIT_REPLY),
	IPC_TEXT(struct result_rcpt, diag, LIMIT_REPLY),
	IPC_TEXT(struct result_rcpt, remote, LIMIT_HOST),
	IPC_BOOL(struct result_rcpt, notifies),
	IPC_STRS(struct result_rcpt, to, LIMIT_RCPTS, LIMIT_ADDRESS),
	IPC_TEXT(struct result_rcpt, owner, LIMIT_ADDRESS),
	IPC_END
};

const struct ipc_msg result_msg = { "result", 31, sizeof(struct result),
	(const struct ipc_field[]) {
		IPC_U64(struct result, serial, UINT64_MAX),
		IPC_TEXT(struct result, queue_id, LIMIT_QUEUE_ID),
		IPC_LIST(struct result, rcpts, LIMIT_RCPTS, struct result_rcpt, result_rcpt_fields),
		IPC_U64(struct result, hop, 2),
		IPC_END
	}
};

const struct ipc_msg settled_msg = { "settled", 32, sizeof(struct settled),
	(const struct ipc_field[]) {
		IPC_U64(struct settled, serial, UINT64_MAX),
		IPC_END
	}
};

const struct ipc_msg inflight_msg = { "inflight", 33, sizeof(struct inflight),
	(const struct ipc_field[]) {
		IPC_U64(struct inflight, unused, 0),
		IPC_END
	}
};

static const struct ipc_field num_fields[] = {
	IPC_U64(struct inflight_num, num, UINT32_MAX),
	IPC_END
};

static const struct ipc_field one_fields[] = {
	IPC_U64(struct inflight_one, serial, UINT64_MAX),
	IPC_TEXT(struct inflight_one, queue_id, LIMIT_QUEUE_ID),
	IPC_LIST(struct inflight_one, nums, LIMIT_RCPTS, struct inflight_num, num_fields),
	IPC_END
};

const struct ipc_msg inflight_reply_msg = { "inflight_reply", 34, sizeof(struct inflight_reply),
	(const struct ipc_field[]) {
		IPC_TEXT(struct inflight_reply, service, LIMIT_NAME),
		IPC_LIST(struct inflight_reply, list, 100000, struct inflight_one, one_fields),
		IPC_END
	}
};

void
result_soften(struct result_rcpt *r, struct pool *pool)
{
	if (r->status != RESULT_BOUNCED)
		return;
	r->status = RESULT_DEFERRED;
	if (str_start(r->dsn, STR("5")))
		r->dsn = pool_printf(pool, "4%.*s", STR_ARG(str_sub(r->dsn, 1, r->dsn.n)));
}
