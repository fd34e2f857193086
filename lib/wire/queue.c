/* SPDX-License-Identifier: ISC */
#include "wire/queue.h"

#include "wire/limits.h"

const struct ipc_msg queue_ask_msg = { "queue_ask", 100, sizeof(struct queue_ask),
	(const struct ipc_field[]) {
		IPC_U64(struct queue_ask, verb, QUEUE_VERBS - 1),
		IPC_TEXT(struct queue_ask, what, LIMIT_ADDRESS),
		IPC_END
	}
};

const struct ipc_msg queue_answer_msg = { "queue_answer", 101, sizeof(struct queue_answer),
	(const struct ipc_field[]) {
		IPC_BOOL(struct queue_answer, ok),
		IPC_U64(struct queue_answer, n, UINT64_MAX),
		IPC_TEXT(struct queue_answer, text, LIMIT_REPLY),
		IPC_END
	}
};
