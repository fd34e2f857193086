/* SPDX-License-Identifier: ISC */
/*
 * letter_fuzz - sendmail's message, with the recipients of its arguments or of its header (-t): what
 * is handed over is acceptable to postdrop, and the same in whatever pieces the text comes.
 *
 * Byte 0: bit 0 is -t, bit 1 -i, bit 2 -G, the rest says how the text is cut.  Then a line each: the
 * sender ("-" for none given), the full name ("-": that of the caller, whose GECOS field is the next
 * line), two arguments.  Behind them stands the text.
 */
#include "fuzz/taker.h"
#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RCPTS	2

/* As a C string, which an argument is. */
static char *
line(struct str *text, struct pool *p)
{
	struct str s = STR("");

	(void)str_cut(text, '\n', &s);
	return (char *)(uintptr_t)pool_str(p, s).p;
}

static char *
unless_dash(char *s)
{
	return strcmp(s, "-") == 0 ? NULL : s;
}

static int
run(const struct options *o, const struct caller *who, struct str text, size_t piece, struct log *log)
{
	struct vec rcpts = vec_of(sizeof(struct envelope_rcpt)), why = vec_of(sizeof(struct str));
	struct pool *p = pool_new();
	struct taker to = log_taker(log);
	struct letter l = { .in = { .dot_ends = !o->dots }, .rcpts = &rcpts, .extract = o->extract,
		.notify = o->notify, .to = &to, .pool = p, .why = &why };
	int status = EX_DATAERR;

	if (envelope_start(&l.env, o, who, p, &why) && envelope_arguments(&rcpts, o, p, &why)) {
		while (text.n > 0 && !l.in.ended && l.status == EX_OK) {
			struct str part = str_sub(text, 0, piece);

			ASSERT(letter_feed(&l, part) == part.n || l.in.ended);
			text = str_sub(text, part.n, text.n);
		}
		if (!l.in.ended && l.status == EX_OK)
			letter_eof(&l);
		status = letter_end(&l, l.status == EX_OK);
	}
	ASSERT(!log->open && (status == EX_OK || why.n > 0));
	buf_addf(&log->text, "status %d, %zu faults", status, why.n);
	vec_free(&rcpts);
	vec_free(&why);
	pool_free(p);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log a = { .open = false }, b = { .open = false };
	struct pool *p = pool_new();
	struct options o = { .mode = MODE_MAIL };
	struct caller who = { STR("alice"), STR("") };
	char *rcpts[RCPTS];
	struct str text;

	if (size > 0) {
		text = str_n(data + 1, size - 1);
		o.extract = (data[0] & 1) != 0;
		o.dots = (data[0] & 2) != 0;
		o.gateway = (data[0] & 4) != 0;
		o.sender = unless_dash(line(&text, p));
		o.fullname = unless_dash(line(&text, p));
		who.gecos = str_of(line(&text, p));
		for (size_t i = 0; i < RCPTS; i++)
			rcpts[i] = line(&text, p);
		o.rcpts = rcpts;
		o.nrcpts = RCPTS;
		ASSERT(run(&o, &who, text, text.n + 1, &a) ==
		    run(&o, &who, text, 1 + (data[0] >> 3) % 7, &b));
		ASSERT(str_eq(buf_str(&a.text), buf_str(&b.text)));
	}
	buf_free(&a.text);
	buf_free(&b.text);
	pool_free(p);
	return 0;
}
