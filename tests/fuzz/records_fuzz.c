/* SPDX-License-Identifier: ISC */
/*
 * records_fuzz - a maildrop file as postdrop and pickup walk it, and what pickup makes of one that is
 * sound: fields that are one field each, an envelope inside its limits, whatever the pieces.
 *
 * Byte 0, bit 0 clear: the rest is the file.  Set: such a file is made, from a line each for sender,
 * full name and recipient and from the text behind them, in pieces of as many bytes as bits 2 to 7
 * say; bit 1 is -G.
 */
#include "base/panic.h"
#include "conf/common.h"
#include "pickup/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add_record(struct buf *out, char type, struct str data)
{
	char head[DROP_HEAD];

	drop_head(head, type, (uint32_t)data.n);
	buf_add(out, str_n(head, sizeof(head)));
	buf_add(out, data);
}

static void
make_file(struct buf *out, struct str text, unsigned how)
{
	struct envelope_rcpt rcpt = { STR(""), STR(""), STR(""), 0 };
	struct drop d = { .uid = 1000, .name = STR("4abcdefghz1"), .arrival_us = 1700000000000000,
		.rcpts = { &rcpt, 1 }, .flags = how & 2 ? ENV_NO_EXPAND : 0 };
	size_t piece = 1 + (how >> 2), nfds = 0;
	struct buf packed = { .limit = DROP_ENVELOPE_MAX };
	char total[8];

	(void)str_cut(&text, '\n', &d.sender);
	(void)str_cut(&text, '\n', &d.fullname);
	(void)str_cut(&text, '\n', &rcpt.addr);
	drop_total(total, text.n);
	if (!ipc_pack(&packed, &drop_msg, &d, NULL, &nfds))
		buf_reset(&packed);
	add_record(out, DROP_ENVELOPE, buf_str(&packed));
	for (; text.n > 0; text = str_sub(text, piece, text.n))
		add_record(out, DROP_CONTENT, str_sub(text, 0, piece));
	add_record(out, DROP_END, str_n(total, sizeof(total)));
	buf_free(&packed);
}

/* One header field: CRLF only where it goes on or ends. */
static void
check_field(struct str field)
{
	struct headers h = headers_of(field);
	struct header f;

	ASSERT(header_next(&h, &f) && f.whole.n == field.n && str_end(field, STR("\r\n")));
	for (size_t i = 0; i < field.n; i++) {
		ASSERT(field.p[i] != '\0' && (field.p[i] == '\n') == (i > 0 && field.p[i - 1] == '\r'));
		if (field.p[i] == '\n' && i + 1 < field.n)
			ASSERT(ch_blank(field.p[i + 1]));
	}
}

static void
build(const struct drop *d, struct str content, const struct seen *pieces, struct pool *p)
{
	struct buf a = { .p = NULL }, b = { .p = NULL };
	struct seen bytes = { .eightbit = false };
	struct envelope env;
	size_t nfds = 0;

	envelope_build(&env, d, pieces, STR("origin.test"), p);
	ASSERT(ipc_pack(&a, &envelope_msg, &env, NULL, &nfds));
	check_field(env.received);
	for (size_t i = 0; i < env.prepend.n; i++)
		check_field(env.prepend.v[i]);
	for (size_t i = 0; i < content.n; i++)
		seen_add(&bytes, str_sub(content, i, 1));
	envelope_build(&env, d, &bytes, STR("origin.test"), p);
	ASSERT(ipc_pack(&b, &envelope_msg, &env, NULL, &nfds) && str_eq(buf_str(&a), buf_str(&b)));
	seen_free(&bytes);
	buf_free(&a);
	buf_free(&b);
}

/* The envelope, as both programs check it; false when it may not go on. */
static bool
unpack(struct drop_walk *w, struct str data, struct drop *d, struct pool *p)
{
	const char *why;

	return w->type != DROP_ENVELOPE ||
	    (ipc_unpack(data, &drop_msg, d, NULL, 0, p) && drop_ok(d, p, &why));
}

static void
walk(struct str file, struct pool *p)
{
	struct drop_walk w = { .begun = false };
	struct seen seen = { .eightbit = false };
	struct buf content = { .p = NULL };
	struct drop d = { .uid = 0 };
	const char *why = NULL;
	uint32_t n;

	while (file.n >= DROP_HEAD && drop_walk_head(&w, file.p, &n) && n <= file.n - DROP_HEAD) {
		struct str data = str_sub(file, DROP_HEAD, n);

		if (!drop_walk_data(&w, data, &why)) {
			ASSERT(why != NULL && !w.ended);
			break;
		}
		if (!unpack(&w, data, &d, p))
			break;
		if (w.type == DROP_CONTENT) {
			buf_add(&content, data);
			seen_add(&seen, data);
		}
		file = str_sub(file, DROP_HEAD + n, file.n);
	}
	if (w.ended) {
		ASSERT(content.n == w.total && d.rcpts.n > 0);
		build(&d, buf_str(&content), &seen, p);
	}
	seen_free(&seen);
	buf_free(&content);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *p = pool_new();
	struct buf file = { .p = NULL };

	common.myhostname = "me.test";
	common.mail_name = "Posthorn";
	common.hopcount_limit = 50;
	if (size > 0 && (data[0] & 1)) {
		make_file(&file, str_n(data + 1, size - 1), data[0]);
		walk(buf_str(&file), p);
	} else if (size > 0) {
		walk(str_n(data + 1, size - 1), p);
	}
	buf_free(&file);
	pool_free(p);
	return 0;
}
