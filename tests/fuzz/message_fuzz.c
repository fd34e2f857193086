/* SPDX-License-Identifier: ISC */
/* The merging reader: DATA form is always one message, sizes are what was promised. */
#include "base/buf.h"
#include "base/panic.h"
#include "mail/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is it one DATA transfer: every LF behind a CR, every CR before a LF, the first CRLF.CRLF at the end? */
static void
check_data(struct str s)
{
	ptrdiff_t end;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			ASSERT(i > 0 && s.p[i - 1] == '\r');
		if (s.p[i] == '\r')
			ASSERT(i + 1 < s.n && s.p[i + 1] == '\n');
	}
	if (str_eq(s, STR(".\r\n")))
		return;
	end = str_find(s, STR("\r\n.\r\n"));
	ASSERT(end >= 0 && (size_t)end + 5 == s.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str names[] = { STR("Bcc"), STR("X") };
	struct message_plan plan = { .memory = str_n(data, size), .drop = { names, 2 } };
	struct buf got = { .p = NULL };
	char part[64];
	ssize_t n;

	for (unsigned form = MESSAGE_CRLF; form <= MESSAGE_DATA; form++) {
		struct pool *p = pool_new();
		struct message *m = message_open(p, &plan, (enum message_form)form);

		ASSERT(m != NULL);
		buf_reset(&got);
		while ((n = message_read(m, part, sizeof(part))) > 0)
			buf_add(&got, str_n(part, (size_t)n));
		ASSERT(n == 0 && message_size(m) == (int64_t)got.n);
		if (form == MESSAGE_DATA)
			check_data(buf_str(&got));
		message_close(m);
		pool_free(p);
	}
	buf_free(&got);
	return 0;
}
