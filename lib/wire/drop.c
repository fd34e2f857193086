/* SPDX-License-Identifier: ISC */
#include "wire/drop.h"

#include "mail/address.h"
#include "wire/limits.h"

#define FLAGS	(ENV_8BITMIME | ENV_SMTPUTF8 | ENV_NO_EXPAND)

const struct ipc_msg drop_msg = { "drop", 44, sizeof(struct drop),
	(const struct ipc_field[]) {
		IPC_TEXT(struct drop, sender, LIMIT_ADDRESS),
		IPC_TEXT(struct drop, fullname, LIMIT_NAME),
		IPC_LIST(struct drop, rcpts, LIMIT_RCPTS, struct envelope_rcpt,
		    envelope_rcpt_fields),
		IPC_TEXT(struct drop, envid, LIMIT_ENVID),
		IPC_U64(struct drop, ret, RET_HDRS),
		IPC_U64(struct drop, flags, UINT32_MAX),
		IPC_U64(struct drop, uid, UINT32_MAX),
		IPC_U64(struct drop, arrival_us, INT64_MAX),
		IPC_TEXT(struct drop, name, LIMIT_NAME),
		IPC_END
	}
};

void
drop_head(char out[DROP_HEAD], char type, uint32_t n)
{
	out[0] = type;
	for (unsigned i = 0; i < 4; i++)
		out[1 + i] = (char)(n >> (24 - 8 * i));
}

bool
drop_head_parse(const char in[DROP_HEAD], char *type, uint32_t *n)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++)
		v = v << 8 | (unsigned char)in[1 + i];
	*type = in[0];
	*n = v;
	switch (in[0]) {
	case DROP_ENVELOPE:
		return v > 0 && v <= DROP_ENVELOPE_MAX;
	case DROP_CONTENT:
		return v > 0 && v <= DROP_PIECE_MAX;
	case DROP_END:
		return v == 8;
	default:
		return false;
	}
}

void
drop_total(char out[8], uint64_t total)
{
	for (unsigned i = 0; i < 8; i++)
		out[i] = (char)(total >> (56 - 8 * i));
}

uint64_t
drop_total_parse(const char in[8])
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | (unsigned char)in[i];
	return v;
}

static bool
clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 32 || s.p[i] == 127)
			return false;
	return true;
}

static bool
address_ok(struct str text, unsigned flags, struct pool *p, struct address *a)
{
	return address_parse(text, p, flags | ADDRESS_BARE_OK | ADDRESS_UTF8_OK, a) == ADDRESS_OK &&
	    str_eq(address_text(p, a), text) && (text.n == 0 || a->local.n > 0);
}

bool
drop_sender_ok(struct str text, struct pool *p)
{
	struct address a;

	return address_ok(text, ADDRESS_NULL_OK, p, &a);
}

bool
drop_rcpt_ok(struct str text, struct pool *p)
{
	struct address a;

	return address_ok(text, 0, p, &a) && !address_is_dash(&a);
}

bool
drop_ok(const struct drop *d, struct pool *p, const char **why)
{
	const struct envelope_rcpt *r = d->rcpts.v;

	if (!drop_sender_ok(d->sender, p)) {
		*why = "bad sender address";
		return false;
	}
	if (d->rcpts.n == 0) {
		*why = "no recipients";
		return false;
	}
	for (size_t i = 0; i < d->rcpts.n; i++) {
		if (!drop_rcpt_ok(r[i].addr, p) || r[i].orig.n > 0 || r[i].orcpt.n > 0 ||
		    r[i].notify > 15) {
			*why = "bad recipient address";
			return false;
		}
	}
	if (!clean(d->fullname) || !utf8_ok(d->fullname) || !clean(d->envid) ||
	    !ascii_ok(d->envid) || (d->flags & ~(uint64_t)FLAGS) != 0) {
		*why = "bad envelope";
		return false;
	}
	return true;
}

bool
drop_lines_ok(struct drop_lines *l, struct str piece)
{
	for (size_t i = 0; i < piece.n; i++) {
		char c = piece.p[i];

		if (c == '\0' || (c == '\n') != l->cr)
			return false;
		l->cr = c == '\r';
	}
	return true;
}

bool
drop_walk_head(struct drop_walk *w, const char in[DROP_HEAD], uint32_t *n)
{
	if (w->ended || !drop_head_parse(in, &w->type, n) || w->begun == (w->type == DROP_ENVELOPE))
		return false;
	w->begun = true;
	return true;
}

bool
drop_walk_data(struct drop_walk *w, struct str data, const char **why)
{
	switch (w->type) {
	case DROP_CONTENT:
		w->total += data.n;
		*why = "malformed lines";
		return drop_lines_ok(&w->lines, data);
	case DROP_END:
		*why = "the message is not complete";
		w->ended = drop_total_parse(data.p) == w->total && !w->lines.cr;
		return w->ended;
	default:
		return true;
	}
}
