/* SPDX-License-Identifier: ISC */
/* sendmail -bs: the dialogue on standard input and output, its messages to postdrop. */
#include <errno.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/common.h"
#include "conf/conf.h"
#include "sendmail/dialogue.h"
#include "sendmail/submit.h"

#define INPUT	65536

/* Write what there is to say; false when nobody hears it. */
static bool
say(struct buf *out)
{
	size_t at = 0;

	while (at < out->n) {
		ssize_t n = write(STDOUT_FILENO, out->p + at, out->n - at);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			at += (size_t)n;
	}
	buf_reset(out);
	return true;
}

/* One read's worth of bytes, each answer written before what follows it is looked at. */
static bool
converse(struct dialogue *d, struct buf *out)
{
	static char bytes[INPUT];
	ssize_t got = input_read(bytes, sizeof(bytes));
	struct str rest = str_n(bytes, got > 0 ? (size_t)got : 0);

	if (got <= 0)
		dialogue_eof(d, out);
	while (rest.n > 0 && !d->over) {
		dialogue_take(d, &rest, out);
		complain_of(&d->why);
		if (!say(out))
			return false;
	}
	return say(out) && !d->over;
}

int
run_smtp(const struct options *o, struct pool *p)
{
	struct caller who = caller_find(p);
	struct dropper dropper = { .config = o->config };
	struct taker to = dropper_taker(&dropper);
	struct dialogue d = { .options = o, .caller = &who, .to = &to };
	struct strs none = { NULL, 0 };
	struct conf *c = conf_read(o->config != NULL ? o->config : CONFDIR, &none);
	struct buf out = { .p = NULL };

	/* What is wrong in main.cf has its default; whether mail is taken then is for postdrop to say. */
	(void)conf_common(c);
	d.host = common.myhostname;
	d.size_limit = common.message_size_limit;
	dialogue_begin(&d, &out);
	if (say(&out))
		while (converse(&d, &out))
			continue;
	dialogue_free(&d);
	buf_free(&out);
	conf_free(c);
	return EX_OK;
}
