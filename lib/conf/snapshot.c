/* SPDX-License-Identifier: ISC */
/*
 * snapshot - the texts of a configuration, each read once, and all of them as one descriptor.
 *
 * master hands what it accepted to every program it starts, so a program that starts while someone
 * edits main.cf sees neither half an edit nor an error that a reload would have refused.  Texts
 * travel, not values: each program parses them with its own rows and overrides, and what it finds
 * still has its file and line.
 *
 * The form: a line that says what it is, then for each file two numbers (bytes of path and of text)
 * and these bytes.  It never leaves the machine, nor outlives the master that made it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/internal.h"

#define SNAPSHOT_MAX	((off_t)256 << 20)	/* bytes of all files together */

#ifndef MFD_NOEXEC_SEAL		/* Linux 6.3 */
#define MFD_NOEXEC_SEAL	8u
#endif

static const char format[] = "posthorn configuration 1\n";

struct sizes {
	uint64_t path;
	uint64_t text;
};

static const struct conf_source *
source_of(const struct conf *c, struct str path)
{
	for (size_t i = 0; i < c->sources.n; i++) {
		const struct conf_source *s = vec_at(&c->sources, i);

		if (str_eq(s->path, path))
			return s;
	}
	return NULL;
}

void
conf_remember(struct conf *c, struct str path, struct str text)
{
	*(struct conf_source *)vec_push(&c->sources) = (struct conf_source){ path, text };
}

bool
conf_source(struct conf *c, const char *path, size_t max, struct str *text)
{
	const struct conf_source *s = source_of(c, str_of(path));

	if (s != NULL) {
		*text = s->text;
		return true;
	}
	if (!conf_slurp(c->pool, path, max, text))
		return false;
	conf_remember(c, pool_str(c->pool, str_of(path)), *text);
	return true;
}

static bool
write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t got = write(fd, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static bool
write_source(int fd, const struct conf_source *s)
{
	struct sizes n = { s->path.n, s->text.n };

	return write_all(fd, &n, sizeof(n)) && write_all(fd, s->path.p, s->path.n) &&
	    write_all(fd, s->text.p, s->text.n);
}

/* Kernels before 6.3 do not know that flag, later ones may insist on it. */
static int
memory_file(void)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("posthorn-conf", flags | MFD_NOEXEC_SEAL);

	return fd >= 0 || errno != EINVAL ? fd : memfd_create("posthorn-conf", flags);
}

int
conf_snapshot(const struct conf *c)
{
	int fd = memory_file(), saved;
	bool ok = fd >= 0 && write_all(fd, format, sizeof(format) - 1);

	for (size_t i = 0; ok && i < c->sources.n; i++)
		ok = write_source(fd, vec_at(&c->sources, i));
	/* Many programs of different users hold it: none of them may change it for the others. */
	if (ok && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;
	saved = errno;
	if (fd >= 0)
		(void)close(fd);
	errno = saved;
	return -1;
}

static bool
take_bytes(struct str *in, uint64_t n, struct str *out)
{
	if (n > in->n)
		return false;
	*out = str_sub(*in, 0, (size_t)n);
	*in = str_sub(*in, (size_t)n, in->n);
	return true;
}

static bool
take_source(struct conf *c, struct str *in)
{
	struct str head, path, text;
	struct sizes n;

	if (!take_bytes(in, sizeof(n), &head))
		return false;
	memcpy(&n, head.p, sizeof(n));
	if (!take_bytes(in, n.path, &path) || !take_bytes(in, n.text, &text))
		return false;
	conf_remember(c, path, text);
	return true;
}

bool
snapshot_take(struct conf *c, struct str in)
{
	struct str head;
	bool ok = take_bytes(&in, sizeof(format) - 1, &head) && str_eq(head, str_of(format));

	while (ok && in.n > 0)
		ok = take_source(c, &in);
	return ok;
}

/* Mapped, not read: a thousand workers share its pages.  The seals keep it from shrinking. */
bool
snapshot_open(struct conf *c, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > SNAPSHOT_MAX)
		return false;
	c->snapshot_size = (size_t)st.st_size;
	c->snapshot = mmap(NULL, c->snapshot_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (c->snapshot == MAP_FAILED) {
		c->snapshot = NULL;
		return false;
	}
	return snapshot_take(c, str_n(c->snapshot, c->snapshot_size));
}

void
snapshot_close(struct conf *c)
{
	if (c->snapshot != NULL)
		(void)munmap(c->snapshot, c->snapshot_size);
}
