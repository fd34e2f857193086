/* SPDX-License-Identifier: ISC */
/*
 * stream - a byte stream with lines, for fibers.
 *
 * One stream wraps one connected descriptor (socket or pipe), with a buffer in each direction.
 * Buffers exist only while they hold something, so an idle stream costs next to nothing.  All
 * calls wait in the calling fiber until `stream_deadline`; outside fibers (commands that talk to a
 * person) they block.  One fiber reads, one (perhaps another) writes.  The one line reader of the suite is here: only CRLF ends a line (RFC 5321 2.3.8).
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/str.h"

struct stream;

enum io {
	IO_OK,
	IO_EOF,		/* the peer closed; what it had begun is not complete */
	IO_TIMEOUT,	/* the deadline passed */
	IO_SYNTAX,	/* a bare CR or LF, or NUL, in a line */
	IO_TOOLONG,	/* the line passed its maximum */
	IO_ERROR,	/* errno says why */
	IO_CANCEL,	/* the fiber was cancelled */
};

/* For people: "connection closed", "timeout", … */
const char *io_word(enum io r);

/* Wrap `fd`, which becomes non-blocking and belongs to the stream.  Deadline NEVER at first. */
struct stream *stream_open(int fd);

/* Close the descriptor and free; what was not flushed is lost.  NULL is fine. */
void stream_close(struct stream *s);

/* The descriptor, for getsockname and the like; it stays the stream's. */
int stream_fd(const struct stream *s);

/* Every later call gives IO_TIMEOUT once this moment has passed. */
void stream_deadline(struct stream *s, msec_t deadline);

/*
 * Take bare LF as the end of a line too, leave CR and NUL inside lines to the caller, and give a
 * last line that nothing ends: for `sendmail` on its stdin, nothing else.
 */
void stream_lax(struct stream *s);

/*
 * Read one line ending in CRLF (RFC 5321 2.3.8), at most `max` bytes with the CRLF.
 *
 * On IO_OK `line` views the bytes without CRLF; the view belongs to `s` and ends with the next
 * stream_ call on it that reads.  A bare CR or LF or a NUL gives IO_SYNTAX, an overlong line
 * IO_TOOLONG; both skip to the next CRLF, so the session can answer and go on, but at most 64 KB:
 * beyond that the result is IO_ERROR with EMSGSIZE.  `line` views the end of a line that was
 * skipped then, its last STREAM_TAIL - 1 bytes at least.  After IO_EOF, IO_TIMEOUT, IO_ERROR and
 * IO_CANCEL it cannot.  Output that waits is flushed before the call would wait.
 */
#define STREAM_TAIL	32
enum io stream_getline(struct stream *s, struct str *line, size_t max);

/*
 * Give what is there, at least one byte, at most `max`: `data` views the stream's buffer until the
 * next reading call.  The bytes count as read.  Flushes output before it would wait.
 */
enum io stream_read(struct stream *s, struct str *data, size_t max);

/* The same, but the bytes stay; stream_skip consumes them. */
enum io stream_peek(struct stream *s, struct str *data);
void stream_skip(struct stream *s, size_t n);

/* Exactly `n` bytes into `to`. */
enum io stream_readn(struct stream *s, void *to, size_t n);

/* Bytes that were received and not read yet. */
size_t stream_pending(const struct stream *s);

/* Those bytes, without waiting. */
struct str stream_buffered(const struct stream *s);

/* Put bytes in front of what is buffered: what a hand-over brought along.  At most 64 KB. */
void stream_unread(struct stream *s, struct str data);

/* Append to the output buffer; sends when 16 KB wait.  The first failure sticks. */
enum io stream_write(struct stream *s, struct str data);
enum io stream_printf(struct stream *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum io stream_vprintf(struct stream *s, const char *fmt, va_list ap);

/* Send everything that waits. */
enum io stream_flush(struct stream *s);

/* Output bytes that wait. */
size_t stream_unsent(const struct stream *s);

/* Has writing failed?  Then nobody reads answers any more, whatever else was read before. */
bool stream_broken(const struct stream *s);

/*
 * Give the descriptor away: it leaves the loop and the stream is freed.  Nothing may wait in either
 * direction (that is a panic): flush, and look at stream_pending first.
 */
int stream_detach(struct stream *s);

/*
 * Go on with another descriptor (after TLS started): the old one is closed, everything buffered in
 * either direction is gone, deadline and modes stay.
 */
void stream_switch(struct stream *s, int fd);

/* Bytes read and written since the start. */
size_t stream_count_in(const struct stream *s);
size_t stream_count_out(const struct stream *s);

#endif
