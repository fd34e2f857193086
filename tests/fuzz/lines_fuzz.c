/* SPDX-License-Identifier: ISC */
/*
 * The line reader: the same lines whether bytes come at once or in pieces, and none with CR, LF or
 * NUL in it.  The first byte says how the rest is cut.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/panic.h"
#include "io/stream.h"

#define MOST	20000
#define LINE	64
#define PIECES	100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Everything readable now, as text: a letter for each result, lines in brackets. */
static enum io
drain(struct stream *s, struct buf *got)
{
	struct str line;
	enum io r;

	while ((r = stream_getline(s, &line, LINE)) == IO_OK || r == IO_SYNTAX || r == IO_TOOLONG) {
		if (r == IO_OK) {
			ASSERT(memchr(line.p, '\r', line.n) == NULL && memchr(line.p, 0, line.n) == NULL);
			ASSERT(memchr(line.p, '\n', line.n) == NULL && line.n + 2 <= LINE);
			buf_addc(got, '[');
			buf_add(got, line);
		}
		buf_addc(got, r == IO_OK ? ']' : '!');
	}
	return r;
}

static void
read_all(const uint8_t *data, size_t size, size_t piece, struct buf *got)
{
	struct stream *s;
	int fd[2];
	size_t n;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return;
	s = stream_open(fd[0]);
	for (; size > 0; data += n, size -= n) {
		n = size < piece ? size : piece;
		ASSERT(write(fd[1], data, n) == (ssize_t)n);
		/* Let the reader see it before the rest comes. */
		if (size > n) {
			struct str have;

			ASSERT(stream_peek(s, &have) == IO_OK);
		}
	}
	close(fd[1]);
	ASSERT(drain(s, got) != IO_TIMEOUT);
	stream_close(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = { 0 }, pieces = { 0 };

	if (size < 1 || size > MOST)
		return 0;
	read_all(data + 1, size - 1, MOST, &once);
	/* Not too many pieces: a socket holds some two hundred, however small. */
	read_all(data + 1, size - 1, (size_t)data[0] % 7 + 1 + size / PIECES, &pieces);
	ASSERT(str_eq(buf_str(&once), buf_str(&pieces)));
	buf_free(&once);
	buf_free(&pieces);
	return 0;
}
