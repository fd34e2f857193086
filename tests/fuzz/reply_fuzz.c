/* SPDX-License-Identifier: ISC */
/* Replies of remote servers: whatever comes, what is kept is printable and inside its caps. */
#include "base/panic.h"
#include "mail/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply_reader rd = { .lines = 0 };
	struct str all = str_n(data, size), line;
	struct buf b = { .p = NULL };

	while (str_cut(&all, '\n', &line)) {
		enum reply_read got = reply_line(&rd, line, NULL);

		ASSERT(rd.reply.dsn[0] == '\0' || dsn_code_ok(str_of(rd.reply.dsn)));
		if (got == REPLY_MORE)
			continue;
		reply_add(&b, &rd.reply);
		reply_add_flat(&b, &rd.reply);
		rd = (struct reply_reader){ .lines = 0 };
	}
	for (const char *c = rd.reply.text; *c != '\0'; c++)
		ASSERT((unsigned char)*c >= 32 || *c == '\n');
	buf_free(&b);
	return 0;
}
