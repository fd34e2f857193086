/* SPDX-License-Identifier: ISC */
/*
 * The done mark is the head itself, written again with another state: one sector, so a power cut
 * leaves the old one or the new one.  A file goes to free/ only after the mark was synced; were it
 * overwritten before, a cut could bring back the old head with the log gone, and with it mail that
 * was delivered long ago.
 */
#include "spool/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "fiber/fiber.h"

struct spool_place
spool_place_of(const struct spool_file *f, enum spool_folder folder)
{
	return (struct spool_place){ .head = f->head, .folder = folder, .log_end = f->log_end,
		.seq = f->nlog, .grown = true };
}

/* Make durable what was written to the first `end` bytes of the file; 0 or an errno. */
static int
sync_fd(int fd, struct spool_place *at, uint64_t end)
{
	int e;

	if (!fiber_running())
		e = fdatasync(fd) == 0 ? 0 : errno;
	else if (!at->grown)
		return fiber_sync_inside(fd, (size_t)end);
	else
		e = fiber_sync(fd);
	at->grown = e != 0;
	return e;
}

/* Is the file at least `end` bytes long? */
static bool
holds(int fd, uint64_t end)
{
	struct stat st;

	return fstat(fd, &st) == 0 && end <= (uint64_t)st.st_size;
}

static int
open_write(const struct spool *s, const struct spool_place *at)
{
	return openat(s->folder[at->folder], at->head.id, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
}

bool
spool_log(const struct spool *s, struct spool_place *at, const struct spool_record *v, size_t n,
    bool sync)
{
	struct buf out = { 0 };
	int fd, e = 0;
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++)
		ok = spool_record_pack(&out, &at->head, at->seq + i, &v[i]);
	if (!ok || (fd = open_write(s, at)) < 0) {
		e = ok ? errno : EMSGSIZE;
		buf_free(&out);
		errno = e;
		return false;
	}
	if (!holds(fd, at->log_end + out.n))
		at->grown = true;
	if (!spool_pwrite(fd, buf_str(&out), at->log_end))
		e = errno;
	else if (sync)
		e = sync_fd(fd, at, at->log_end + out.n);
	if (close(fd) != 0 && e == 0)
		e = errno;
	if (e == 0) {
		at->log_end += out.n;
		at->seq += n;
	}
	buf_free(&out);
	errno = e;
	return e == 0;
}

bool
spool_finish(const struct spool *s, struct spool_place *at, bool keep, bool *kept)
{
	unsigned char sector[SPOOL_HEAD];
	struct spool_head h = at->head;
	int fd = open_write(s, at), e;

	*kept = false;
	h.state = SPOOL_DONE;
	spool_head_pack(sector, &h);
	if (fd < 0) {
		e = errno;
	} else {
		e = spool_pwrite(fd, str_n(sector, sizeof(sector)), 0) ?
		    sync_fd(fd, at, SPOOL_HEAD) : errno;
		if (close(fd) != 0 && e == 0)
			e = errno;
	}
	if (e != 0)
		log_error("%s: queue file: cannot mark as done: %s", h.id, strerror(e));
	if (e == 0 && keep && !at->lent && at->log_end <= SPOOL_REUSE_MAX &&
	    spool_move(s, at->folder, SPOOL_UNUSED, h.id)) {
		*kept = true;
		return true;
	}
	if (unlinkat(s->folder[at->folder], h.id, 0) != 0 && e == 0)
		log_error("%s: remove queue file: %s", h.id, strerror(errno));
	if (e != 0 && fiber_running())
		(void)fiber_sync_full(s->folder[at->folder]);
	return e == 0;
}
