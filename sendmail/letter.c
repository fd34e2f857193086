/* SPDX-License-Identifier: ISC */
#include "sendmail/letter.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

/* The header is complete: who gets it, and off it goes.  Gives a sysexits status. */
static int
begin(struct letter *l)
{
	struct buf header = { .p = NULL };
	int err;

	if (l->extract && !envelope_header(l->rcpts, &l->in, l->notify, l->pool, l->why)) {
		envelope_fault(l->why, l->pool, "too many recipients");
		return EX_DATAERR;
	}
	if (l->rcpts->n == 0) {
		envelope_fault(l->why, l->pool, "no recipient addresses found in message header");
		return EX_USAGE;
	}
	envelope_rcpts(&l->env, l->rcpts);
	err = l->to->open(l->to->arg, &l->env);
	if (err == EMSGSIZE) {
		envelope_fault(l->why, l->pool, "an address is too long");
		return EX_DATAERR;
	}
	if (err != 0) {
		envelope_fault(l->why, l->pool, "cannot start postdrop: %s", strerror(err));
		return err == EAGAIN || err == EMFILE || err == ENFILE || err == ENOMEM ?
		    EX_TEMPFAIL : EX_OSERR;
	}
	l->open = true;
	intake_public_header(&l->in, &header);
	l->to->add(l->to->arg, buf_str(&header));
	buf_free(&header);
	return EX_OK;
}

static void
pass_on(struct letter *l)
{
	if (l->in.ended && !l->in.in_body)
		intake_eof(&l->in);
	if (l->status == EX_OK && !intake_ok(&l->in)) {
		envelope_fault(l->why, l->pool, "message header is too large");
		l->status = EX_DATAERR;
	}
	if (l->status == EX_OK && l->in.in_body && !l->open)
		l->status = begin(l);
	if (l->open)
		l->to->add(l->to->arg, buf_str(&l->in.out));
	buf_reset(&l->in.out);
}

size_t
letter_feed(struct letter *l, struct str bytes)
{
	size_t used = intake_feed(&l->in, bytes);

	pass_on(l);
	return used;
}

void
letter_eof(struct letter *l)
{
	intake_eof(&l->in);
	pass_on(l);
}

int
letter_end(struct letter *l, bool keep)
{
	int status = l->status;

	if (l->open && keep)
		status = l->to->commit(l->to->arg);
	else if (l->open)
		l->to->abort(l->to->arg);
	intake_free(&l->in);
	l->open = false;
	return status;
}
