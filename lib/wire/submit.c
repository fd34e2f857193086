/* SPDX-License-Identifier: ISC */
#include "wire/submit.h"

#include "wire/limits.h"

const struct ipc_msg submit_msg = { "submit", 21, sizeof(struct submit),
	(const struct ipc_field[]) {
		IPC_STRUCT(struct submit, envelope, envelope_fields),
		IPC_STR(struct submit, content, LIMIT_SMALL),
		IPC_END
	}
};

const struct ipc_msg submit_open_msg = { "submit_open", 22, sizeof(struct submit_open),
	(const struct ipc_field[]) {
		IPC_U64(struct submit_open, expect, INT64_MAX),
		IPC_END
	}
};

const struct ipc_msg submit_opened_msg = { "submit_opened", 23, sizeof(struct submit_opened),
	(const struct ipc_field[]) {
		IPC_U64(struct submit_opened, result, SUBMIT_BAD),
		IPC_U64(struct submit_opened, handle, UINT32_MAX),
		IPC_TEXT(struct submit_opened, queue_id, LIMIT_QUEUE_ID),
		IPC_END
	}
};

const struct ipc_msg submit_data_msg = { "submit_data", 24, sizeof(struct submit_data),
	(const struct ipc_field[]) {
		IPC_U64(struct submit_data, handle, UINT32_MAX),
		IPC_STR(struct submit_data, data, LIMIT_CHUNK),
		IPC_END
	}
};

const struct ipc_msg submit_end_msg = { "submit_end", 25, sizeof(struct submit_end),
	(const struct ipc_field[]) {
		IPC_U64(struct submit_end, handle, UINT32_MAX),
		IPC_U64(struct submit_end, size, INT64_MAX),
		IPC_STRUCT(struct submit_end, envelope, envelope_fields),
		IPC_END
	}
};

const struct ipc_msg submit_abort_msg = { "submit_abort", 26, sizeof(struct submit_abort),
	(const struct ipc_field[]) {
		IPC_U64(struct submit_abort, handle, UINT32_MAX),
		IPC_END
	}
};

const struct ipc_msg submitted_msg = { "submitted", 27, sizeof(struct submitted),
	(const struct ipc_field[]) {
		IPC_U64(struct submitted, result, SUBMIT_BAD),
		IPC_TEXT(struct submitted, queue_id, LIMIT_QUEUE_ID),
		IPC_TEXT(struct submitted, text, LIMIT_REPLY),
		IPC_END
	}
};
