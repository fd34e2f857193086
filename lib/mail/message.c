/* SPDX-License-Identifier: ISC */
#include "mail/message.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/panic.h"
#include "base/vec.h"
#include "mail/header.h"

#define WINDOW		(32u << 10)	/* bytes of the content read at once */

struct span {
	uint64_t at, n;
};

struct message {
	const struct message_plan *plan;
	enum message_form form;
	struct str head;	/* everything in front of the content */
	struct span *spans;	/* the parts of the content that stay, in order */
	size_t nspans;
	uint64_t wire;		/* head and spans */

	/* Where reading is. */
	size_t head_at;
	size_t span;		/* index; == nspans: content over */
	uint64_t span_at;	/* offset inside it */
	char *window;
	size_t window_n;
	uint64_t window_at;	/* offset of the window in the content */
	bool cr;		/* a CR is held back: its LF may follow */
	bool mid_line;		/* the last byte written was no line end */
	bool ended;		/* the tail was written */
};

ssize_t
message_pread(void *arg, void *to, size_t n, uint64_t offset)
{
	const struct message_fd *f = arg;
	ssize_t got;

	do
		got = pread(f->fd, to, n, (off_t)(f->offset + offset));
	while (got < 0 && errno == EINTR);
	return got;
}

static uint64_t
content_size(const struct message_plan *p)
{
	return p->read == NULL ? p->memory.n : p->size;
}

/* Bytes of the content from `at`, as many as are at hand, at least one; false with errno. */
static bool
content_view(struct message *m, uint64_t at, struct str *out)
{
	const struct message_plan *p = m->plan;
	uint64_t left = content_size(p) - at;
	ssize_t got;

	if (p->read == NULL) {
		*out = str_sub(p->memory, (size_t)at, (size_t)left);
		return true;
	}
	if (m->window == NULL)
		m->window = mem_alloc(WINDOW);
	if (at < m->window_at || at >= m->window_at + m->window_n) {
		m->window_n = 0;
		got = p->read(p->arg, m->window, left < WINDOW ? (size_t)left : WINDOW, at);
		if (got <= 0) {
			if (got == 0)
				errno = EIO;
			return false;
		}
		m->window_at = at;
		m->window_n = (size_t)got;
	}
	*out = str_n(m->window + (at - m->window_at), m->window_n - (size_t)(at - m->window_at));
	if (out->n > left)
		out->n = (size_t)left;
	return true;
}

/*
 * One line of the header at `at`: its first HEADER_NAME_MAX + 2 bytes (enough to know the field)
 * are copied to `start`, `*n` is its length with the line end.
 */
static bool
line_at(struct message *m, uint64_t at, char *start, size_t room, size_t *kept, uint64_t *n)
{
	uint64_t size = content_size(m->plan), len = 0;
	struct str v;
	const char *nl = NULL;

	*kept = 0;
	while (nl == NULL && at + len < size) {
		size_t take;

		if (!content_view(m, at + len, &v))
			return false;
		nl = memchr(v.p, '\n', v.n);
		take = nl == NULL ? v.n : (size_t)(nl - v.p) + 1;
		len += take;
		if (take > room - *kept)
			take = room - *kept;
		memcpy(start + *kept, v.p, take);
		*kept += take;
	}
	*n = len;
	return true;
}

static bool
dropped(const struct message_plan *p, struct str line)
{
	struct str name, value;

	if (!header_line(line, &name, &value))
		return false;
	for (size_t i = 0; i < p->drop.n; i++)
		if (str_ieq(name, p->drop.v[i]))
			return true;
	return false;
}

static void
add_span(struct vec *spans, uint64_t at, uint64_t end)
{
	struct span *s;

	if (end == at)
		return;
	s = vec_push(spans);
	*s = (struct span){ at, end - at };
}

/* Walk the header once and note what stays. */
static bool
find_spans(struct message *m, struct vec *spans)
{
	char start[HEADER_NAME_MAX + 64];
	uint64_t size = content_size(m->plan), from = 0, at = 0, n;
	bool drop = false;
	size_t kept, fields = 0;

	while (m->plan->drop.n > 0 && at < size && fields < HEADER_COUNT_MAX) {
		struct str line, name, value;

		if (!line_at(m, at, start, sizeof(start), &kept, &n))
			return false;
		line = str_n(start, kept);
		if (fields == 0 || !ch_blank(start[0])) {
			bool now = dropped(m->plan, line);

			if (!header_line(line, &name, &value))
				break;
			if (now && !drop)
				add_span(spans, from, at);
			if (!now && drop)
				from = at;
			drop = now;
			fields++;
		}
		at += n;
	}
	if (drop)
		from = at;
	add_span(spans, from, size);
	return true;
}

/*
 * Text that has no header at all would be read as part of ours: a blank line goes between.  A line
 * out of a mailbox file ("From x Sun …") stands in front of a header all the same.  False with errno.
 */
static bool
is_bare_text(struct message *m, const struct vec *spans, bool *yes)
{
	const struct span *first = spans->p;
	char start[HEADER_NAME_MAX + 64];
	struct str line, name, value;
	size_t kept;
	uint64_t n;

	*yes = false;
	if (spans->n == 0 || m->plan->top.n + m->plan->received.n + m->plan->prepend.n == 0)
		return true;
	if (!line_at(m, first->at, start, sizeof(start), &kept, &n))
		return false;
	line = str_n(start, kept);
	*yes = !str_start(line, STR("\r\n")) && !str_start(line, STR("\n")) &&
	    !str_start(line, STR("From ")) && !str_start(line, STR(">From ")) &&
	    !header_line(line, &name, &value);
	return true;
}

/* A field that somebody built: a line of its own whatever it ends in (security F3). */
static void
add_whole(struct buf *b, struct str field)
{
	buf_add(b, field);
	if (!str_end(field, STR("\r\n")))
		buf_add(b, STR("\r\n"));
}

static struct str
build_head(struct pool *pool, const struct message_plan *p, bool bare)
{
	struct buf b = { .p = NULL };
	struct str head;

	for (size_t i = 0; i < p->top.n; i++)
		add_whole(&b, p->top.v[i]);
	if (p->received.n > 0 && p->received_id_at > 0 && p->received_id_at <= p->received.n) {
		buf_add(&b, str_sub(p->received, 0, p->received_id_at));
		buf_add(&b, p->queue_id);
		add_whole(&b, str_sub(p->received, p->received_id_at, p->received.n));
	} else if (p->received.n > 0) {
		add_whole(&b, p->received);
	}
	for (size_t i = 0; i < p->prepend.n; i++)
		add_whole(&b, p->prepend.v[i]);
	if (bare)
		buf_add(&b, STR("\r\n"));
	head = pool_str(pool, buf_str(&b));
	buf_free(&b);
	return head;
}

struct message *
message_open(struct pool *p, const struct message_plan *plan, enum message_form form)
{
	struct message *m = pool_alloc(p, sizeof(*m));
	struct vec spans = vec_of(sizeof(struct span));
	bool bare;

	m->plan = plan;
	m->form = form;
	if (!find_spans(m, &spans) || !is_bare_text(m, &spans, &bare)) {
		vec_free(&spans);
		message_close(m);
		return NULL;
	}
	m->head = build_head(p, plan, bare);
	m->nspans = spans.n;
	m->spans = pool_array(p, spans.n + 1, sizeof(struct span));
	if (spans.n > 0)
		memcpy(m->spans, spans.p, spans.n * sizeof(struct span));
	vec_free(&spans);
	m->wire = m->head.n;
	for (size_t i = 0; i < m->nspans; i++)
		m->wire += m->spans[i].n;
	return m;
}

uint64_t
message_wire_size(const struct message *m)
{
	return m->wire;
}

void
message_rewind(struct message *m)
{
	m->head_at = m->span = 0;
	m->span_at = 0;
	m->cr = m->mid_line = m->ended = false;
}

void
message_close(struct message *m)
{
	if (m == NULL)
		return;
	free(m->window);
	m->window = NULL;
	m->window_n = 0;
}

/* The bytes that come next before any change of form; empty at the end; false with errno. */
static bool
next_view(struct message *m, struct str *out)
{
	*out = STR("");
	if (m->head_at < m->head.n) {
		*out = str_sub(m->head, m->head_at, m->head.n);
		return true;
	}
	if (m->span == m->nspans)
		return true;
	if (!content_view(m, m->spans[m->span].at + m->span_at, out))
		return false;
	if (out->n > m->spans[m->span].n - m->span_at)
		out->n = (size_t)(m->spans[m->span].n - m->span_at);
	return true;
}

static void
consume(struct message *m, size_t n)
{
	if (m->head_at < m->head.n) {
		m->head_at += n;
		return;
	}
	m->span_at += n;
	if (m->span_at == m->spans[m->span].n) {
		m->span++;
		m->span_at = 0;
	}
}

/* CRLF becomes LF; a CR alone stays.  Never more bytes than came in, plus one CR held back. */
static char *
put_lf(struct message *m, struct str v, char *to)
{
	while (v.n > 0) {
		const char *cr;
		size_t n;

		if (m->cr && v.p[0] != '\n')
			*to++ = '\r';
		m->cr = false;
		cr = memchr(v.p, '\r', v.n);
		n = cr == NULL ? v.n : (size_t)(cr - v.p);
		memcpy(to, v.p, n);
		to += n;
		m->cr = cr != NULL;
		v = str_sub(v, n + (cr != NULL), v.n);
	}
	return to;
}

/*
 * Lines as RFC 5321 4.5.2 sends them.  A lone LF is made a line end and a lone CR a blank, should
 * one ever have got this far: no reader after us may see another message in it (security F2).
 */
static char *
put_data(struct message *m, struct str v, char *to)
{
	while (v.n > 0) {
		size_t n = 0;

		if (m->cr) {
			m->cr = false;
			if (v.p[0] != '\n')
				*to++ = ' ';
		}
		if (v.p[0] == '\n') {
			*to++ = '\r';
			*to++ = '\n';
			m->mid_line = false;
			v = str_sub(v, 1, v.n);
			continue;
		}
		if (v.p[0] == '\r') {
			m->cr = true;
			m->mid_line = true;
			v = str_sub(v, 1, v.n);
			continue;
		}
		if (!m->mid_line && v.p[0] == '.')
			*to++ = '.';
		m->mid_line = true;
		while (n < v.n && v.p[n] != '\r' && v.p[n] != '\n')
			n++;
		memcpy(to, v.p, n);
		to += n;
		v = str_sub(v, n, v.n);
	}
	return to;
}

/* What follows the last byte of the content. */
static char *
put_tail(struct message *m, char *to)
{
	m->ended = true;
	if (m->form == MESSAGE_LF && m->cr)
		*to++ = '\r';
	if (m->form == MESSAGE_DATA) {
		if (m->cr || m->mid_line) {
			*to++ = '\r';
			*to++ = '\n';
		}
		memcpy(to, ".\r\n", 3);
		to += 3;
	}
	m->cr = false;
	return to;
}

ssize_t
message_read(struct message *m, void *buf, size_t n)
{
	char *to = buf, *end = to + n;
	struct str v;

	ASSERT(n >= MESSAGE_READ_MIN);
	while (!m->ended && end - to >= MESSAGE_READ_MIN) {
		size_t room = (size_t)(end - to);

		if (!next_view(m, &v))
			return -1;
		if (v.n == 0) {
			to = put_tail(m, to);
			break;
		}
		/* Every byte may become two, and one was held back. */
		if (m->form == MESSAGE_DATA)
			room = (room - 4) / 2;
		if (m->form == MESSAGE_LF)
			room--;
		v = str_sub(v, 0, room);
		if (m->form == MESSAGE_CRLF) {
			memcpy(to, v.p, v.n);
			to += v.n;
		} else {
			to = m->form == MESSAGE_LF ? put_lf(m, v, to) : put_data(m, v, to);
		}
		consume(m, v.n);
	}
	/* Nothing yet though bytes were read: a lone CR is held; the next round brings more. */
	if (to == buf && !m->ended)
		return message_read(m, buf, n);
	return to - (char *)buf;
}

int64_t
message_size(struct message *m)
{
	char part[4096];
	int64_t total = 0;
	ssize_t got;

	if (m->form == MESSAGE_CRLF)
		return (int64_t)m->wire;
	message_rewind(m);
	while ((got = message_read(m, part, sizeof(part))) > 0)
		total += got;
	message_rewind(m);
	return got < 0 ? -1 : total;
}
