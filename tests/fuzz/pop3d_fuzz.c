/* SPDX-License-Identifier: ISC */
/*
 * pop3d_fuzz - a whole POP3 session on a small maildrop, and headers made plain ASCII for clients that
 * know no other.  Byte 0: bit 0 says that the client asked for UTF8; bit 1 that the rest is no session
 * but a message, of which the client is told without it.
 */
#include "base/log.h"
#include "fuzz/scratch.h"
#include "fuzz/talk.h"
#include "mail/address.h"
#include "mail/header.h"
#include "pop3d/pop3d.h"
#include "wire/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX	8000

static int dir;
static bool utf8;

static void
serve(struct stream *s)
{
	struct session hello = { .user = STR("test"), .tag = utf8 ? STR(SESSION_TAG_UTF8) : STR("") };
	struct store *store;

	ASSERT(store_open(dir, STR("."), true, &store) == STORE_OK);
	pop3_session(s, store, &hello);
	store_close(store);
}

/* Every answer is +OK or -ERR first; a session that was served ends a line. */
static void
session(struct str input)
{
	struct talk t;

	dir = scratch_begin();
	scratch_message(dir, "cur/1.a:2,S", "From: A <a@x.org>\nSubject: s\n\n.dot\nbody\n");
	scratch_message(dir, "new/2.b", "From: \xc3\xa9 <\xc3\xa9@x.org>\nSubject: \xc3\xa9\n\n..\n");
	talk(&t, input, serve);
	ASSERT(str_start(buf_str(&t.said), STR("+OK")) && str_end(buf_str(&t.said), STR("\r\n")));
	buf_free(&t.said);
	(void)close(dir);
}

/* Fields without UTF-8 stay as they are; of the others none is left in it, and none is added. */
static void
downgrade(struct str text)
{
	struct buf out = { .p = NULL };
	struct headers before = headers_of(text), after;
	struct header a, b;

	downgrade_header(&out, text);
	after = headers_of(buf_str(&out));
	while (header_next(&before, &a)) {
		ASSERT(header_next(&after, &b) && str_eq(a.name, b.name));
		if (ascii_ok(a.whole) || !utf8_ok(a.whole))
			ASSERT(str_eq(a.whole, b.whole));
		else
			ASSERT(ascii_ok(b.whole));
	}
	ASSERT(!header_next(&after, &b) && str_eq(before.rest, after.rest));
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready)
		log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_PLAIN, "pop3d");
	ready = true;
	if (size == 0 || size > INPUT_MAX)
		return 0;
	utf8 = (data[0] & 1) != 0;
	if (data[0] & 2)
		downgrade(str_n(data + 1, size - 1));
	else
		session(str_n(data + 1, size - 1));
	return 0;
}
