/* SPDX-License-Identifier: ISC */
/*
 * file - names of message files, and text on its way to disk.
 */
#include <errno.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/hash.h"
#include "store/maildir.h"

#define TEXTOUT_BLOCK	65536

/* Letters of the flags, in the order they stand in a name; P is "passed" (forwarded). */
static const struct {
	char letter;
	uint32_t flag;
} letters[] = {
	{ 'D', STORE_DRAFT }, { 'F', STORE_FLAGGED }, { 'P', STORE_FORWARDED },
	{ 'R', STORE_ANSWERED }, { 'S', STORE_SEEN }, { 'T', STORE_DELETED },
};

#define N_LETTERS	(sizeof(letters) / sizeof(letters[0]))

struct str
file_base(const char *file)
{
	struct str s = str_of(file);
	ptrdiff_t at = str_chr(s, ':');

	return at < 0 ? s : str_sub(s, 0, (size_t)at);
}

uint32_t
file_flags(const char *file)
{
	struct str s = str_of(file);
	ptrdiff_t at = str_find(s, STR(":2,"));
	uint32_t flags = 0;

	if (at < 0)
		return 0;
	for (size_t i = (size_t)at + 3; i < s.n; i++) {
		for (size_t k = 0; k < N_LETTERS; k++)
			if (letters[k].letter == s.p[i])
				flags |= letters[k].flag;
		if (s.p[i] >= 'a' && s.p[i] <= 'z')
			flags |= 1u << (STORE_KEYWORD0 + (s.p[i] - 'a'));
	}
	return flags;
}

void
file_name(struct buf *out, struct str base, uint32_t flags)
{
	buf_add(out, base);
	buf_addz(out, ":2,");
	for (size_t k = 0; k < N_LETTERS; k++)
		if (flags & letters[k].flag)
			buf_addc(out, letters[k].letter);
	for (unsigned k = 0; k < STORE_KEYWORDS; k++)
		if (flags & (1u << (STORE_KEYWORD0 + k)))
			buf_addc(out, (char)('a' + k));
}

uint64_t
file_size(struct str base)
{
	ptrdiff_t at = str_find(base, STR(",W="));
	uint64_t size = 0;
	struct str num;

	if (at < 0)
		return 0;
	base = str_sub(base, (size_t)at + 3, base.n);
	if (!str_cut(&base, ',', &num) || !str_u64(num, (uint64_t)1 << 40, &size))
		return 0;
	return size;
}

void
file_fresh(struct buf *out)
{
	unsigned char random[8];

	random_bytes(random, sizeof(random));
	buf_addf(out, "%lld.", (long long)clock_wall());
	hex_add(out, str_n(random, sizeof(random)));
	buf_addz(out, ".posthorn");
}

void
textout_begin(struct textout *t, int fd)
{
	*t = (struct textout){ .fd = fd };
}

static void
textout_drain(struct textout *t)
{
	size_t done = 0;

	while (t->error == 0 && done < t->out.n) {
		ssize_t n = write(t->fd, t->out.p + done, t->out.n - done);

		if (n < 0 && errno != EINTR)
			t->error = errno;
		else if (n > 0)
			done += (size_t)n;
	}
	buf_reset(&t->out);
}

static void
put(struct textout *t, struct str s)
{
	if (t->out.n + s.n > TEXTOUT_BLOCK)
		textout_drain(t);
	buf_add(&t->out, s);
	t->disk += s.n;
	t->wire += s.n;
}

/*
 * CRLF becomes LF.  A CR that stands elsewhere stays, and so does the CR of CR CR LF, so that
 * reading gives back what was written: the reader puts a CR before an LF only where there is none.
 */
bool
textout_write(struct textout *t, struct str data)
{
	size_t i = 0;

	if (data.n > 0 && memchr(data.p, '\0', data.n) != NULL)
		t->nul = true;
	while (i < data.n && t->error == 0) {
		char c = data.p[i];
		size_t run = i;

		while (run < data.n && run - i < TEXTOUT_BLOCK / 2 && data.p[run] != '\r' &&
		    data.p[run] != '\n')
			run++;
		if (c == '\n') {
			if (t->cr && t->crcr)
				put(t, STR("\r"));
			put(t, STR("\n"));
			if (!(t->cr && t->crcr))
				t->wire++;
			t->cr = t->crcr = false;
			i++;
		} else if (c == '\r') {
			if (t->cr)
				put(t, STR("\r"));
			t->crcr = t->cr;
			t->cr = true;
			i++;
		} else {
			if (t->cr)
				put(t, STR("\r"));
			t->cr = t->crcr = false;
			put(t, str_sub(data, i, run - i));
			i = run;
		}
	}
	return t->error == 0 && !t->nul;
}

bool
textout_end(struct textout *t)
{
	if (t->cr)
		put(t, STR("\r"));
	t->cr = false;
	textout_drain(t);
	return t->error == 0 && !t->nul;
}

void
textout_free(struct textout *t)
{
	buf_free(&t->out);
}
