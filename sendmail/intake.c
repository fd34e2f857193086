/* SPDX-License-Identifier: ISC */
#include "sendmail/intake.h"

#include "mail/address.h"

static void
put(struct intake *in, char c)
{
	buf_addc(in->in_body ? &in->out : &in->header, c);
}

/* The header is over; `line` was read and is no part of it. */
static void
end_header(struct intake *in, struct str line)
{
	in->in_body = true;
	if (!in->watch.blank)
		buf_add(&in->out, STR("\r\n"));
	buf_add(&in->out, line);
	buf_add(&in->out, STR("\r\n"));
	in->header.n = in->line_at;
}

/* A line ended. */
static void
end_line(struct intake *in)
{
	struct str line;

	if (in->dot && in->dot_ends) {
		in->ended = true;
		in->dot = false;
		return;
	}
	if (in->dot)
		put(in, '.');
	in->dot = in->mid = false;
	if (in->in_body) {
		buf_add(&in->out, STR("\r\n"));
		return;
	}
	line = str_sub(buf_str(&in->header), in->line_at, in->header.n);
	if (!in->started && (str_start(line, STR("From ")) || str_start(line, STR(">From ")))) {
		in->header.n = in->line_at;
		return;
	}
	in->started = true;
	if (!header_watch(&in->watch, line)) {
		end_header(in, line);
		return;
	}
	buf_add(&in->header, STR("\r\n"));
	in->line_at = in->header.n;
}

/*
 * A CR without its LF, as progress bars write it.  It never ends a header line nor the message: who
 * hands in a stranger's text guards against LF (security F1).  In the body what follows is shown on
 * a line of its own, which is as if it stood in the middle of one.
 */
static void
lone_cr(struct intake *in)
{
	if (in->dot)
		put(in, '.');
	in->dot = false;
	in->mid = true;
	if (in->in_body)
		buf_add(&in->out, STR("\r\n"));
	else
		put(in, ' ');
}

size_t
intake_feed(struct intake *in, struct str bytes)
{
	size_t i;

	if (in->header.limit == 0)
		in->header.limit = INTAKE_HEADER_MAX;
	for (i = 0; i < bytes.n && !in->ended; i++) {
		char c = bytes.p[i];

		if (c == '\0') {
			/* It goes, and what stands behind it is not the start of a line. */
			if (in->cr)
				lone_cr(in);
			if (in->dot)
				put(in, '.');
			in->cr = in->dot = false;
			in->mid = true;
			continue;
		}
		if (c == '\r') {
			in->cr = true;
			continue;
		}
		if (c == '\n') {
			in->cr = false;
			end_line(in);
			continue;
		}
		if (in->cr) {
			in->cr = false;
			lone_cr(in);
		}
		if (!in->mid && !in->dot && c == '.' && (in->dot_ends || in->unstuff)) {
			in->dot = true;
			continue;
		}
		if (in->dot && !in->unstuff)
			put(in, '.');
		in->dot = false;
		in->mid = true;
		put(in, c);
	}
	return i;
}

void
intake_eof(struct intake *in)
{
	if (in->mid || in->dot || in->cr)
		end_line(in);
	in->cr = false;
	if (!in->in_body) {
		in->line_at = in->header.n;
		in->in_body = true;
		buf_add(&in->out, STR("\r\n"));
	}
	in->ended = true;
}

bool
intake_ok(const struct intake *in)
{
	return buf_ok(&in->header);
}

void
intake_free(struct intake *in)
{
	buf_free(&in->header);
	buf_free(&in->out);
}

void
intake_public_header(const struct intake *in, struct buf *out)
{
	struct headers h = headers_of(buf_str(&in->header));
	struct header f;

	while (header_next(&h, &f))
		if (!(header_bits(f.name) & HEADER_DROP))
			buf_add(out, f.whole);
	buf_add(out, h.rest);
}

bool
intake_rcpts(const struct intake *in, struct pool *p, struct vec *out)
{
	unsigned want = in->watch.seen & HEADER_RESENT ? HEADER_RESENT_TO | HEADER_RESENT_BCC :
	    HEADER_TO | HEADER_BCC;
	struct headers h = headers_of(buf_str(&in->header));
	struct header f;
	bool ok = true;

	while (ok && header_next(&h, &f))
		if (header_bits(f.name) & want)
			ok = mailbox_list(f.value, p, out);
	return ok;
}
