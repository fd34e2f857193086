/* SPDX-License-Identifier: ISC */
/*
 * imapd_fuzz - a whole IMAP session on a small mailbox: any commands end in answers of whole lines,
 * and the mailbox can be opened after them.
 */
#include "base/log.h"
#include "fuzz/scratch.h"
#include "fuzz/talk.h"
#include "imapd/imapd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX	8000	/* each command is worth a few system calls */

#define STACK		(512u << 10)	/* structures nest, and the frames of ASan are large */

static int dir;

static void
serve(struct stream *s)
{
	struct store *store;
	struct box *box;

	ASSERT(store_open(dir, STR("."), true, &store) == STORE_OK);
	imap_session(s, store, NULL);
	ASSERT(mailbox_open(store, STR("INBOX"), false, &box) == STORE_OK);
	for (size_t i = 1; i < mailbox_count(box); i++)
		ASSERT(mailbox_msg(box, i - 1)->uid < mailbox_msg(box, i)->uid);
	mailbox_close(box);
	store_close(store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct talk t;

	if (!ready) {
		log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_PLAIN, "imapd");
		fold_ready();
		fiber_stack_size(STACK);
		ready = true;
	}
	if (size > INPUT_MAX)
		return 0;
	dir = scratch_begin();
	scratch_message(dir, "cur/1.a:2,S", "From: A <a@x.org>\nTo: b@y.org\nSubject: =?utf-8?q?=C3=A9?=\n"
	    "Date: Mon, 1 Jan 2024 10:00:00 +0100\nMessage-ID: <1@x.org>\n\nbody\n");
	scratch_message(dir, "new/2.b", "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
	    "--x\nContent-Type: text/plain\n\none\n--x\nContent-Type: message/rfc822\n\nSubject: s\n\ntwo\n"
	    "--x--\n");
	talk(&t, str_n(data, size), serve);
	ASSERT(t.said.n > 2 && str_end(buf_str(&t.said), STR("\r\n")));
	buf_free(&t.said);
	(void)close(dir);
	return 0;
}
