/* SPDX-License-Identifier: ISC */
/*
 * bounce_fuzz - a notice about a message that could not be delivered: whatever strangers said, it is
 * CRLF lines, three parts, and in the report no field that we did not write.
 *
 * Byte 0: bits 0 and 1 are the kind, bit 2 is SMTPUTF8, bit 3 RET=HDRS, bit 4 a postmaster's copy.
 * Then a line each: sender, recipient, original recipient, ORCPT, status, text, the remote's words,
 * its name, ENVID, client.  Behind them stands the message.
 */
#include "base/panic.h"
#include "bounce/report.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "wire/drop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BOUNDARY	"4abcdefghz1.1700000000/me.test"
#define FIELDS_MAX	12	/* of the report about the message, and of one recipient */

static void
sink(void *arg, struct str piece)
{
	buf_add(arg, piece);
}

static struct str
line(struct str *text)
{
	struct str s = STR("");

	(void)str_cut(text, '\n', &s);
	return s;
}

/* The message as the spool has it: CRLF lines without NUL. */
static void
add_lines(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\n')
			buf_addz(out, "\r\n");
		else if (text.p[i] != '\r' && text.p[i] != '\0')
			buf_addc(out, text.p[i]);
}

static void
check_status(struct str part)
{
	static const char *const names[] = { "Original-Envelope-Id", "Reporting-MTA", "X-Posthorn-Queue-ID",
		"X-Posthorn-Sender", "Received-From-MTA", "Arrival-Date", "Original-Recipient",
		"Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code",
		"Last-Attempt-Date", "Will-Retry-Until" };

	for (unsigned group = 0; group < 2; group++) {
		struct headers h = headers_of(part);
		struct header f;

		while (header_next(&h, &f)) {
			size_t i = 0;

			while (i < sizeof(names) / sizeof(names[0]) && !str_eq(f.name, str_of(names[i])))
				i++;
			ASSERT(i < sizeof(names) / sizeof(names[0]) && h.count <= FIELDS_MAX);
		}
		ASSERT(h.blank || group == 1);
		part = h.rest;
	}
	ASSERT(str_trim(part).n == 0);
}

static void
check(struct str said, struct pool *p)
{
	struct mime_part *root = mime_parse(said, p), *k;
	unsigned parts = 0;

	for (size_t i = 0; i < said.n; i++) {
		ASSERT(said.p[i] != '\0' && (said.p[i] == '\n') == (i > 0 && said.p[i - 1] == '\r'));
		ASSERT(said.p[i] != '\r' || i + 1 < said.n);
	}
	ASSERT(root->multipart);
	for (k = root->child; k != NULL; k = k->next)
		if (++parts == 2)
			check_status(k->body);
	ASSERT(parts == 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = { .p = NULL }, content = { .p = NULL };
	struct pool *p = pool_new();
	struct notify_rcpt rcpt = { .action = ACTION_FAILED, .attempt_us = 1700000000000000 };
	struct notify n = { .queue_id = STR("4abcdefghz1"), .rcpts = { &rcpt, 1 }, .fd = -1,
		.arrival_us = 1700000000000000, .expire_us = 1700000900000000 };
	struct report r = { .about = &n, .host = "me.test", .now = 1700000001,
		.boundary = STR(BOUNDARY), .size_limit = 50000 };
	struct str text;

	if (size > 0 && str_find(str_n(data, size), STR("4abcdefghz1.")) < 0) {
		text = str_n(data + 1, size - 1);
		n.kind = (data[0] & 3) % 3;
		n.flags = data[0] & 4 ? ENV_SMTPUTF8 : 0;
		n.ret = data[0] & 8 ? RET_HDRS : RET_FULL;
		r.to_postmaster = (data[0] & 16) != 0;
		n.sender = line(&text);
		/* No other sender comes so far. */
		if (!drop_sender_ok(n.sender, p))
			n.sender = STR("a@x.org");
		r.to = n.sender;
		rcpt.addr = line(&text);
		rcpt.orig = line(&text);
		rcpt.orcpt = line(&text);
		rcpt.dsn = line(&text);
		rcpt.text = line(&text);
		rcpt.diag = line(&text);
		rcpt.remote = line(&text);
		n.envid = line(&text);
		n.client_name = line(&text);
		add_lines(&content, text);
		n.content = buf_str(&content);
		n.size = content.n;
		ASSERT(report_write(&r, p, sink, &out));
		check(buf_str(&out), p);
	}
	buf_free(&out);
	buf_free(&content);
	pool_free(p);
	return 0;
}
