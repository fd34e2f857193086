/* SPDX-License-Identifier: ISC */
/*
 * text - read a message as the network wants it: CRLF, and no NUL.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/panic.h"
#include "store/mailbox.h"

#define TEXT_BLOCK	65536

struct text {
	const struct box *m;
	int fd;
	bool failed;		/* a read did: what follows would look like the end */
	off_t disk;		/* where the next block of the file begins */
	uint64_t at;		/* offset in CRLF form of the next byte given out */
	bool cr;		/* the byte before was a CR */
	bool lf;		/* a CR was put in front of an LF that still has to come */
	bool end;
	uint64_t size;		/* when `sized` */
	bool sized;
	char *block;
	size_t n, used;
};

/* Open the file of message `i`, which another session may just be renaming. */
static int
open_file(struct box *m, size_t i)
{
	for (int pass = 0; pass < 3; pass++) {
		const struct store_msg *msg = msg_at(m, i);
		int fd;

		if (msg->gone)
			break;
		fd = beneath(msg_dir(m, msg), msg->file, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		if (fd >= 0 || errno != ENOENT)
			return fd;
		if (mailbox_scan(m, false) != STORE_OK)
			break;
	}
	errno = ENOENT;
	return -1;
}

enum store_result
text_open(struct box *m, size_t i, struct text **out)
{
	int fd = open_file(m, i);
	struct stat st;
	struct text *t;

	*out = NULL;
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
		errno = EACCES;
	}
	if (fd < 0)
		return store_fail(m->s, "cannot open a message of \"%s\"", m->name);
	t = mem_zero(1, sizeof(*t));
	t->m = m;
	t->fd = fd;
	t->block = mem_alloc(TEXT_BLOCK);
	*out = t;
	return STORE_OK;
}

void
text_close(struct text *t)
{
	if (t == NULL)
		return;
	close(t->fd);
	free(t->block);
	free(t);
}

static void
rewind_text(struct text *t)
{
	t->disk = 0;
	t->at = 0;
	t->cr = t->lf = t->end = false;
	t->n = t->used = 0;
}

/* Have something in the block; false at the end and when the disk failed. */
static bool
fill(struct text *t)
{
	ssize_t n;

	if (t->used < t->n)
		return true;
	if (t->end)
		return false;
	n = pread(t->fd, t->block, TEXT_BLOCK, t->disk);
	if (n <= 0) {
		t->end = true;
		if (n < 0) {
			store_fail(t->m->s, "cannot read a message of \"%s\"", t->m->name);
			t->failed = true;
		}
		return false;
	}
	for (char *p = t->block; (p = memchr(p, '\0', (size_t)(t->block + n - p))) != NULL;)
		*p++ = (char)0x80;
	t->disk += n;
	t->n = (size_t)n;
	t->used = 0;
	return true;
}

/* Hand up to `max` bytes to `out` (NULL: count only); false when the disk failed. */
static bool
pump(struct text *t, uint64_t max, struct buf *out)
{
	while (max > 0 && fill(t)) {
		const char *p = t->block + t->used;
		size_t left = t->n - t->used, run;
		const char *nl = memchr(p, '\n', left);

		run = nl == NULL ? left : (size_t)(nl - p);
		if (run > 0) {
			run = run > max ? (size_t)max : run;
			if (out != NULL)
				buf_add(out, str_n(p, run));
			t->cr = p[run - 1] == '\r';
			t->used += run;
		} else if (!t->cr && !t->lf) {
			run = 1;
			t->lf = true;
			if (out != NULL)
				buf_addc(out, '\r');
		} else {
			run = 1;
			t->cr = t->lf = false;
			t->used++;
			if (out != NULL)
				buf_addc(out, '\n');
		}
		t->at += run;
		max -= run;
	}
	return !t->failed;
}

bool
text_size(struct text *t, uint64_t *size)
{
	if (!t->sized) {
		rewind_text(t);
		t->sized = pump(t, UINT64_MAX, NULL);
		t->size = t->at;
		rewind_text(t);
	}
	*size = t->sized ? t->size : 0;
	return t->sized;
}

bool
text_read(struct text *t, uint64_t offset, size_t max, struct buf *out)
{
	if (offset < t->at)
		rewind_text(t);
	if (offset > t->at && !pump(t, offset - t->at, NULL))
		return false;
	return t->at < offset || pump(t, max, out);
}

bool
text_header(struct text *t, size_t max, struct buf *out)
{
	size_t start = out->n, from = 0;

	for (uint64_t at = 0; at < max;) {
		size_t had = out->n, want = max - at > 8192 ? 8192 : (size_t)(max - at);
		struct str got;
		ptrdiff_t end;

		if (!text_read(t, at, want, out))
			return false;
		if (out->n == had)
			return true;
		at += out->n - had;
		got = str_sub(buf_str(out), start, out->n);
		if (str_start(got, STR("\r\n"))) {
			out->n = start + 2;
			return true;
		}
		end = str_find(str_sub(got, from, got.n), STR("\r\n\r\n"));
		if (end >= 0) {
			out->n = start + from + (size_t)end + 4;
			return true;
		}
		from = got.n > 3 ? got.n - 3 : 0;
	}
	return true;
}
