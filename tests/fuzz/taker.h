/* SPDX-License-Identifier: ISC */
/*
 * taker - in the place of postdrop: what sendmail hands over must be what postdrop and pickup accept,
 * and all of it is written down, so that two runs can be held against each other.
 */
#ifndef FUZZ_TAKER_H
#define FUZZ_TAKER_H

#include <errno.h>
#include <sysexits.h>

#include "base/panic.h"
#include "sendmail/letter.h"

struct log {
	struct buf text;
	bool open;
	struct drop_lines lines;
};

static int
log_begin(void *arg, const struct drop *env)
{
	struct buf packed = { .limit = DROP_ENVELOPE_MAX };
	struct pool *p = pool_new();
	struct log *l = arg;
	struct drop got;
	const char *why;
	size_t nfds = 0;
	bool fits;

	ASSERT(!l->open);
	fits = ipc_pack(&packed, &drop_msg, env, NULL, &nfds);
	if (fits) {
		ASSERT(ipc_unpack(buf_str(&packed), &drop_msg, &got, NULL, 0, p));
		ASSERT(drop_ok(&got, p, &why));
		l->open = true;
		l->lines = (struct drop_lines){ .cr = false };
		buf_addz(&l->text, "[open ");
		buf_add(&l->text, buf_str(&packed));
		buf_addz(&l->text, "]");
	}
	buf_free(&packed);
	pool_free(p);
	return fits ? 0 : EMSGSIZE;
}

static void
log_content(void *arg, struct str content)
{
	struct log *l = arg;

	ASSERT(l->open && drop_lines_ok(&l->lines, content));
	buf_add(&l->text, content);
}

static int
log_commit(void *arg)
{
	struct log *l = arg;

	ASSERT(l->open && !l->lines.cr);
	l->open = false;
	buf_addz(&l->text, "[commit]");
	return EX_OK;
}

static void
log_abort(void *arg)
{
	struct log *l = arg;

	ASSERT(l->open);
	l->open = false;
	buf_addz(&l->text, "[abort]");
}

static struct taker
log_taker(struct log *l)
{
	return (struct taker){ l, log_begin, log_content, log_commit, log_abort };
}

#endif
