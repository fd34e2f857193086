/* SPDX-License-Identifier: ISC */
/* SMTP commands: what is taken is sent on and taken again, and holds no control character. */
#include "base/panic.h"
#include "proto/sasl.h"
#include "proto/smtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ALL	0xffffu

static void
check_clean(struct str s)
{
	for (size_t i = 0; i + 2 < s.n; i++)
		ASSERT(s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *p = pool_new();
	struct str line = str_n(data, size), verb, word, initial;
	struct scan in = scan_of(line), at;
	struct buf b = { .p = NULL };
	struct smtp_caps caps = { .ext = 0 };
	struct sasl_plain plain;
	struct smtp_mail m;
	struct smtp_rcpt r;
	struct reply no;
	bool has;

	(void)smtp_scan_verb(&in, &verb);
	at = in;
	if (smtp_scan_mail(&at, p, ALL, &m, &no)) {
		smtp_add_mail(&b, &m, ALL);
		check_clean(buf_str(&b));
	}
	at = in;
	buf_reset(&b);
	if (smtp_scan_rcpt(&at, p, ALL, true, &r, &no)) {
		smtp_add_rcpt(&b, &r, ALL);
		check_clean(buf_str(&b));
	}
	at = in;
	(void)smtp_scan_helo(&at, &word);
	at = in;
	(void)smtp_scan_auth(&at, &word, &initial, &has);
	(void)sasl_plain_parse(line, &plain);
	while (str_cut(&line, '\n', &word))
		smtp_caps_line(&caps, p, word);
	buf_free(&b);
	pool_free(p);
	return 0;
}
