/* SPDX-License-Identifier: ISC */
/*
 * stream - see stream.h.
 *
 * Buffers are blocks of one size from a list shared by all streams of the process: a stream takes
 * one when bytes are about to move and gives it back when it is empty, so ten thousand idle
 * streams hold none, and a busy one takes the same warm block again and again.
 *
 * A read that gave less than was asked for drained the socket; the next one waits first instead of
 * asking for an EAGAIN.  That is not so for pipes and terminals, which say EAGAIN or end-of-file
 * only when asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/panic.h"
#include "fiber/fiber.h"
#include "io/stream.h"

#define BLOCK		((size_t)16 << 10)	/* the usual buffer, and how much output waits */
#define BLOCKS_CACHED	64
#define SKIP_MAX	((size_t)64 << 10)	/* bytes of a bad line that are skipped */
#define UNREAD_MAX	((size_t)64 << 10)
#define TURNS		32		/* reads that never waited before others get their turn */
#define BUFFER_MAX	((size_t)2 << 20)	/* a line or an unread larger than this is our bug */

struct block {
	struct block *next;
};

struct buffer {
	char *p;
	size_t at;	/* what was consumed */
	size_t end;	/* what was filled */
	size_t cap;
};

struct stream {
	int fd;
	bool pipe;		/* not a socket: read and write, and ask until EAGAIN */
	bool dry;		/* nothing to read, as far as we know: wait first */
	bool eof;
	bool lax;
	bool flushing;
	enum io broken;		/* the first failure to write */
	int error;		/* its errno */
	msec_t deadline;
	size_t seen;		/* bytes from in.at on that hold no LF */
	unsigned turns;		/* reads since the last wait */
	struct buffer in, out;
	struct fiber_queue flushers;
	size_t count_in, count_out;
};

static struct block *blocks;
static unsigned blocks_n;

/* ---- buffers ---- */

static void
buffer_free(struct buffer *b)
{
	struct block *k;

	if (b->cap == BLOCK && blocks_n < BLOCKS_CACHED) {
		k = (struct block *)(void *)b->p;
		k->next = blocks;
		blocks = k;
		blocks_n++;
	} else {
		free(b->p);
	}
	*b = (struct buffer){ NULL, 0, 0, 0 };
}

/* Room for at least `n` more bytes behind what is there. */
static void
buffer_room(struct buffer *b, size_t n)
{
	size_t have = b->end - b->at, cap;
	char *p;

	if (b->p == NULL && n <= BLOCK) {
		if (blocks != NULL) {
			b->p = (char *)blocks;
			blocks = blocks->next;
			blocks_n--;
		} else {
			b->p = mem_alloc(BLOCK);
		}
		b->cap = BLOCK;
	}
	if (b->cap - b->end >= n)
		return;
	if (b->at > 0 && b->cap - have >= n) {
		memmove(b->p, b->p + b->at, have);
	} else {
		ASSERT(n <= BUFFER_MAX && have <= BUFFER_MAX);
		for (cap = b->cap == 0 ? BLOCK : b->cap; cap < have + n; cap *= 2)
			;
		p = mem_alloc(cap);
		if (have > 0)
			memcpy(p, b->p + b->at, have);
		buffer_free(b);
		b->p = p;
		b->cap = cap;
	}
	b->at = 0;
	b->end = have;
}

/* What is in it; the base may be NULL only when that is nothing. */
static struct str
buffer_str(const struct buffer *b)
{
	return b->p == NULL ? str_n(NULL, 0) : str_n(b->p + b->at, b->end - b->at);
}

/* ---- open and close ---- */

const char *
io_word(enum io r)
{
	static const char *const words[] = {
		[IO_OK] = "ok",
		[IO_EOF] = "connection closed",
		[IO_TIMEOUT] = "timeout",
		[IO_SYNTAX] = "bare CR, LF or NUL in a line",
		[IO_TOOLONG] = "line too long",
		[IO_ERROR] = "input/output error",
		[IO_CANCEL] = "shutting down",
	};

	return words[r];
}

static void
adopt(struct stream *s, int fd)
{
	int flags;

	s->fd = fd;
	s->pipe = false;
	s->dry = true;
	s->eof = false;
	s->broken = IO_OK;
	s->seen = 0;
	/* Outside fibers the descriptor may be somebody's terminal: poll does there. */
	if (fiber_running() && (flags = fcntl(fd, F_GETFL)) >= 0 && (flags & O_NONBLOCK) == 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

struct stream *
stream_open(int fd)
{
	struct stream *s = mem_zero(1, sizeof(*s));

	s->deadline = NEVER;
	adopt(s, fd);
	return s;
}

void
stream_close(struct stream *s)
{
	if (s == NULL)
		return;
	fiber_forget(s->fd);
	close(s->fd);
	buffer_free(&s->in);
	buffer_free(&s->out);
	free(s);
}

int
stream_fd(const struct stream *s)
{
	return s->fd;
}

void
stream_deadline(struct stream *s, msec_t deadline)
{
	s->deadline = deadline;
}

void
stream_lax(struct stream *s)
{
	s->lax = true;
}

int
stream_detach(struct stream *s)
{
	int fd = s->fd;

	ASSERT(stream_pending(s) == 0 && stream_unsent(s) == 0);
	fiber_forget(fd);
	buffer_free(&s->in);
	buffer_free(&s->out);
	free(s);
	return fd;
}

void
stream_switch(struct stream *s, int fd)
{
	fiber_forget(s->fd);
	if (s->fd != fd)
		close(s->fd);
	buffer_free(&s->in);
	buffer_free(&s->out);
	adopt(s, fd);
}

size_t
stream_count_in(const struct stream *s)
{
	return s->count_in;
}

size_t
stream_count_out(const struct stream *s)
{
	return s->count_out;
}

/* ---- waiting ---- */

static enum io
wait_outside(int fd, short what, msec_t deadline)
{
	struct pollfd p = { .fd = fd, .events = what };
	msec_t left;
	int r;

	do {
		left = deadline == NEVER ? -1 : deadline_left(deadline);
		r = poll(&p, 1, left > 60000 ? 60000 : (int)left);
	} while ((r < 0 && errno == EINTR) || (r == 0 && deadline_left(deadline) > 0));
	return r > 0 ? IO_OK : r == 0 ? IO_TIMEOUT : IO_ERROR;
}

static enum io
wait_fd(struct stream *s, bool write)
{
	enum wake w;

	if (s->deadline != NEVER && deadline_left(s->deadline) == 0)
		return IO_TIMEOUT;
	if (!fiber_running())
		return wait_outside(s->fd, write ? POLLOUT : POLLIN, s->deadline);
	w = write ? fiber_wait_write(s->fd, s->deadline) : fiber_wait_read(s->fd, s->deadline);
	return w == WAKE_READY ? IO_OK : w == WAKE_TIMEOUT ? IO_TIMEOUT : IO_CANCEL;
}

/* ---- reading ---- */

/* One system call: >0 bytes, 0 end, -1 errno. */
static ssize_t
receive(struct stream *s, void *p, size_t n)
{
	ssize_t got;

	if (!s->pipe) {
		got = recv(s->fd, p, n, 0);
		if (got >= 0 || errno != ENOTSOCK)
			return got;
		s->pipe = true;
	}
	return read(s->fd, p, n);
}

/* Wait until something can be read; what waits to be sent goes first. */
static enum io
await(struct stream *s)
{
	enum io r;

	if (stream_unsent(s) > 0 && !s->flushing && (r = stream_flush(s)) != IO_OK)
		return r;
	if (s->in.p != NULL && s->in.at == s->in.end)
		buffer_free(&s->in);
	if ((r = wait_fd(s, false)) == IO_OK)
		s->dry = false;
	s->turns = 0;
	return r;
}

/* Read up to `n` bytes to `p`, which may be NULL: into the buffer then, at least 1 byte. */
static enum io
fill(struct stream *s, char *p, size_t n, size_t *got_out)
{
	char *to;
	ssize_t got;
	enum io r;

	if (s->eof)
		return IO_EOF;
	if (s->deadline != NEVER && deadline_left(s->deadline) == 0)
		return IO_TIMEOUT;
	/* Who sends faster than we read must not keep the process to itself. */
	if (++s->turns >= TURNS && fiber_running()) {
		s->turns = 0;
		fiber_yield();
	}
	for (;;) {
		if (s->dry && (r = await(s)) != IO_OK)
			return r;
		if ((to = p) == NULL) {
			buffer_room(&s->in, n);
			to = s->in.p + s->in.end;
			n = s->in.cap - s->in.end;
		}
		got = receive(s, to, n);
		if (got > 0)
			break;
		if (got == 0) {
			s->eof = true;
			return IO_EOF;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return IO_ERROR;
		s->dry = true;
		fiber_drained_read(s->fd);
	}
	if (p == NULL)
		s->in.end += (size_t)got;
	s->count_in += (size_t)got;
	*got_out = (size_t)got;
	if ((size_t)got < n && !s->pipe) {
		s->dry = true;
		fiber_drained_read(s->fd);
	} else if (!fiber_running()) {
		s->dry = true;
	}
	return IO_OK;
}

static void
consume(struct stream *s, size_t n)
{
	s->in.at += n;
	s->seen = 0;
}

/* Drop what a bad line has so far, but not its tail, with the CR that its LF may follow. */
static size_t
drop_bad(struct stream *s)
{
	size_t have = s->in.end - s->in.at, n = have > STREAM_TAIL ? have - STREAM_TAIL : 0;

	consume(s, n);
	s->seen = have - n;
	return n;
}

static bool
line_clean(const char *p, size_t n)
{
	return memchr(p, '\r', n) == NULL && memchr(p, '\0', n) == NULL;
}

/* The end of input in lax mode: what stands there without an LF is a line too. */
static enum io
last_line(struct stream *s, struct str *line, enum io bad)
{
	size_t n = s->in.end - s->in.at;

	if (!s->lax || n == 0 || bad != IO_OK)
		return IO_EOF;
	*line = str_n(s->in.p + s->in.at, n);
	consume(s, n);
	return IO_OK;
}

/* Take the line that ends with the LF at `i`; false when that LF does not end it. */
static bool
take_line(struct stream *s, size_t i, size_t max, struct str *line, enum io *bad)
{
	const char *p = s->in.p + s->in.at;
	bool cr = i > 0 && p[i - 1] == '\r';

	consume(s, i + 1);
	if (!cr && !s->lax) {
		if (*bad == IO_OK)
			*bad = IO_SYNTAX;
		return false;
	}
	*line = str_n(p, cr ? i - 1 : i);
	if (*bad == IO_OK && i + 1 > max)
		*bad = IO_TOOLONG;
	if (*bad == IO_OK && !s->lax && !line_clean(line->p, line->n))
		*bad = IO_SYNTAX;
	return true;
}

enum io
stream_getline(struct stream *s, struct str *line, size_t max)
{
	enum io bad = IO_OK, r;
	size_t skipped = 0, got;
	struct str have;
	const char *lf;

	for (;;) {
		have = buffer_str(&s->in);
		lf = have.n > s->seen ? memchr(have.p + s->seen, '\n', have.n - s->seen) : NULL;
		if (lf != NULL) {
			skipped += (size_t)(lf - have.p) + 1;
			if (take_line(s, (size_t)(lf - have.p), max, line, &bad))
				return bad;
		} else {
			s->seen = have.n;
			if (bad == IO_OK && have.n >= max)
				bad = IO_TOOLONG;
			if (bad != IO_OK)
				skipped += drop_bad(s);
			r = skipped > SKIP_MAX ? IO_OK : fill(s, NULL, 1, &got);
			if (r == IO_EOF)
				return last_line(s, line, bad);
			if (r != IO_OK)
				return r;
		}
		if (skipped > SKIP_MAX) {
			errno = EMSGSIZE;
			return IO_ERROR;
		}
	}
}

enum io
stream_peek(struct stream *s, struct str *data)
{
	enum io r = IO_OK;
	size_t got;

	if (s->in.at == s->in.end)
		r = fill(s, NULL, 1, &got);
	*data = r == IO_OK ? stream_buffered(s) : str_n(NULL, 0);
	return r;
}

enum io
stream_read(struct stream *s, struct str *data, size_t max)
{
	enum io r = stream_peek(s, data);

	if (r == IO_OK) {
		if (data->n > max)
			data->n = max;
		stream_skip(s, data->n);
	}
	return r;
}

void
stream_skip(struct stream *s, size_t n)
{
	ASSERT(n <= s->in.end - s->in.at);
	consume(s, n);
}

enum io
stream_readn(struct stream *s, void *to, size_t n)
{
	struct str have;
	char *p = to;
	enum io r;
	size_t got;

	while (n > 0) {
		if (s->in.at == s->in.end && n >= BLOCK) {
			if ((r = fill(s, p, n, &got)) != IO_OK)
				return r;
		} else {
			if ((r = stream_peek(s, &have)) != IO_OK)
				return r;
			got = have.n < n ? have.n : n;
			memcpy(p, have.p, got);
			stream_skip(s, got);
		}
		p += got;
		n -= got;
	}
	return IO_OK;
}

size_t
stream_pending(const struct stream *s)
{
	return s->in.end - s->in.at;
}

struct str
stream_buffered(const struct stream *s)
{
	return buffer_str(&s->in);
}

void
stream_unread(struct stream *s, struct str data)
{
	size_t have = stream_pending(s);

	ASSERT(data.n <= UNREAD_MAX);
	if (data.n == 0)
		return;
	if (s->in.at < data.n) {
		buffer_room(&s->in, data.n);
		memmove(s->in.p + s->in.at + data.n, s->in.p + s->in.at, have);
		s->in.end += data.n;
		s->in.at += data.n;
	}
	s->in.at -= data.n;
	memmove(s->in.p + s->in.at, data.p, data.n);
	s->seen = 0;
}

/* ---- writing ---- */

static ssize_t
transmit(struct stream *s, const void *p, size_t n)
{
	ssize_t put;

	if (!s->pipe) {
		put = send(s->fd, p, n, MSG_NOSIGNAL);
		if (put >= 0 || errno != ENOTSOCK)
			return put;
		s->pipe = true;
	}
	return write(s->fd, p, n);
}

static enum io
broke(struct stream *s, enum io r)
{
	s->broken = r;
	s->error = errno;
	return r;
}

/* Send up to `n` bytes: `put` tells how many; 0 with IO_OK never. */
static enum io
send_some(struct stream *s, const char *p, size_t n, size_t *put)
{
	ssize_t r;
	enum io w;

	while ((r = transmit(s, p, n)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return broke(s, IO_ERROR);
		fiber_drained_write(s->fd);
		if ((w = wait_fd(s, true)) != IO_OK)
			return broke(s, w);
	}
	*put = (size_t)r;
	s->count_out += (size_t)r;
	return IO_OK;
}

enum io
stream_flush(struct stream *s)
{
	size_t put;
	enum io r = IO_OK;

	while (s->flushing)
		if (fiber_queue_wait(&s->flushers, NEVER) == WAKE_CANCEL)
			return IO_CANCEL;
	if (s->broken != IO_OK) {
		errno = s->error;
		return s->broken;
	}
	if (s->out.p == NULL)
		return IO_OK;
	s->flushing = true;
	while (r == IO_OK && s->out.at < s->out.end) {
		r = send_some(s, s->out.p + s->out.at, s->out.end - s->out.at, &put);
		if (r == IO_OK)
			s->out.at += put;
	}
	s->flushing = false;
	buffer_free(&s->out);
	fiber_queue_wake_all(&s->flushers);
	return r;
}

/* A piece too large for the buffer goes out from where it stands. */
static enum io
write_through(struct stream *s, struct str data)
{
	enum io r = stream_flush(s);
	size_t put;

	s->flushing = true;
	while (r == IO_OK && data.n > 0) {
		r = send_some(s, data.p, data.n, &put);
		if (r == IO_OK)
			data = str_sub(data, put, data.n - put);
	}
	s->flushing = false;
	fiber_queue_wake_all(&s->flushers);
	return r;
}

enum io
stream_write(struct stream *s, struct str data)
{
	enum io r;

	if (s->broken != IO_OK) {
		errno = s->error;
		return s->broken;
	}
	if (data.n >= BLOCK)
		return write_through(s, data);
	if (s->out.end - s->out.at + data.n > BLOCK && (r = stream_flush(s)) != IO_OK)
		return r;
	if (data.n == 0)
		return IO_OK;
	buffer_room(&s->out, data.n);
	memcpy(s->out.p + s->out.end, data.p, data.n);
	s->out.end += data.n;
	return IO_OK;
}

enum io
stream_vprintf(struct stream *s, const char *fmt, va_list ap)
{
	char small[512], *big;
	va_list again;
	enum io r;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	ASSERT(n >= 0);
	if ((size_t)n < sizeof(small)) {
		r = stream_write(s, str_n(small, (size_t)n));
	} else {
		big = mem_alloc((size_t)n + 1);
		vsnprintf(big, (size_t)n + 1, fmt, again);
		r = stream_write(s, str_n(big, (size_t)n));
		free(big);
	}
	va_end(again);
	return r;
}

enum io
stream_printf(struct stream *s, const char *fmt, ...)
{
	va_list ap;
	enum io r;

	va_start(ap, fmt);
	r = stream_vprintf(s, fmt, ap);
	va_end(ap);
	return r;
}

bool
stream_broken(const struct stream *s)
{
	return s->broken != IO_OK;
}

size_t
stream_unsent(const struct stream *s)
{
	return s->out.end - s->out.at;
}
