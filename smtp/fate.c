/* SPDX-License-Identifier: ISC */
#include "smtp/fate.h"

#include "base/buf.h"
#include "wire/limits.h"

/* Printable ASCII on one line, at most LIMIT_REPLY bytes. */
static struct str
clean(struct pool *pool, struct str s)
{
	struct str copy = pool_str(pool, str_sub(s, 0, LIMIT_REPLY));
	char *p = (char *)(uintptr_t)copy.p;

	for (size_t i = 0; i < copy.n; i++)
		if (!ch_print(p[i]))
			p[i] = ch_space(p[i]) ? ' ' : '?';
	return copy;
}

static struct str
flat(struct pool *pool, const struct reply *r)
{
	struct buf b = { 0 };
	struct str text;

	reply_add_flat(&b, r);
	text = clean(pool, str_trim(buf_str(&b)));
	buf_free(&b);
	return text;
}

static struct str
dsn_of(struct pool *pool, const struct reply *r, char class)
{
	char room[REPLY_DSN_MAX];
	struct str dsn = pool_str(pool, reply_dsn(r, room));

	((char *)(uintptr_t)dsn.p)[0] = class;
	return dsn;
}

struct fate
fate_own(struct pool *pool, uint64_t status, const char *dsn, const char *fmt, ...)
{
	struct fate f = { .status = status, .dsn = str_of(dsn) };
	va_list ap;

	va_start(ap, fmt);
	f.text = clean(pool, pool_vprintf(pool, fmt, ap));
	va_end(ap);
	return f;
}

struct fate
fate_sent(struct pool *pool, const struct reply *r, struct str host)
{
	struct fate f = { .status = RESULT_SENT, .dsn = dsn_of(pool, r, '2'),
		.remote = pool_str(pool, host) };

	f.text = f.diag = flat(pool, r);
	return f;
}

static struct fate
from_reply(struct pool *pool, const struct reply *r, struct str host)
{
	bool final = reply_is_no(r);
	struct fate f = { .status = final ? RESULT_BOUNCED : RESULT_DEFERRED,
		.remote = pool_str(pool, host) };

	f.dsn = dsn_of(pool, r, final ? '5' : '4');
	f.diag = flat(pool, r);
	return f;
}

struct fate
fate_refused(struct pool *pool, const struct reply *r, struct str host, struct str peer,
    const char *command)
{
	struct fate f = from_reply(pool, r, host);

	f.text = clean(pool, pool_printf(pool, "host %.*s said: %.*s (in reply to %s)",
	    STR_ARG(peer), STR_ARG(f.diag), command));
	return f;
}

struct fate
fate_silent(struct pool *pool, const struct reply *r, struct str host, struct str peer)
{
	struct fate f = from_reply(pool, r, host);

	f.text = clean(pool, pool_printf(pool, "host %.*s refused to talk to me: %.*s",
	    STR_ARG(peer), STR_ARG(f.diag)));
	return f;
}

void
fate_soften(struct pool *pool, struct fate *f)
{
	if (f->status != RESULT_BOUNCED)
		return;
	f->status = RESULT_DEFERRED;
	f->dsn = pool_str(pool, f->dsn);
	((char *)(uintptr_t)f->dsn.p)[0] = '4';
}

struct fate
fate_broken(struct pool *pool, enum io how, struct str host, struct str peer, const char *stage)
{
	struct fate f = { .status = RESULT_DEFERRED, .dsn = STR("4.4.2"),
		.remote = pool_str(pool, host) };

	switch (how) {
	case IO_TIMEOUT:
		f.text = pool_printf(pool, "conversation with %.*s timed out while %s",
		    STR_ARG(peer), stage);
		break;
	case IO_SYNTAX:
	case IO_TOOLONG:
		f.dsn = STR("4.5.0");
		f.text = pool_printf(pool, "Protocol error: unreadable reply from %.*s while %s",
		    STR_ARG(peer), stage);
		break;
	default:
		f.text = pool_printf(pool, "lost connection with %.*s while %s", STR_ARG(peer),
		    stage);
	}
	f.text = clean(pool, f.text);
	return f;
}
