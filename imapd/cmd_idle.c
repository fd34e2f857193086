/* SPDX-License-Identifier: ISC */
/*
 * cmd_idle - IDLE (RFC 2177).
 *
 * The session waits for its client as always.  When the kernel says that the mailbox changed, the
 * watch's fiber breaks that wait: the loop is made to forget the descriptor, which loses nothing,
 * since the next wait looks afresh.  Where the kernel has no watch left, the folder's times are
 * looked at each second.
 */
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "imapd/imapd.h"

struct wait {
	struct client *c;
	struct watch *watch;
	msec_t until;
	bool waiting, changed;
};

static void
changed(void *arg)
{
	struct wait *w = arg;

	w->changed = true;
	if (w->waiting)
		fiber_forget(stream_fd(w->c->io));
}

/* Wait for the client or a change: IO_OK means the client, IO_TIMEOUT that a look is due. */
static enum io
wait_once(struct wait *w)
{
	msec_t look = w->c->box == NULL ? w->until :
	    deadline_in(w->watch != NULL ? IMAP_LOOK_MS : IMAP_POLL_MS);
	struct idle idle;
	struct str data;
	enum io r = IO_CANCEL;

	if (w->changed)
		return IO_TIMEOUT;
	stream_deadline(w->c->io, deadline_first(look, w->until));
	if (service_idle(&idle, false)) {
		w->waiting = true;
		r = stream_peek(w->c->io, &data);
		w->waiting = false;
		service_busy(&idle);
	}
	return r == IO_CANCEL && w->changed && !fiber_cancelled() ? IO_TIMEOUT : r;
}

/* Tell changes until the client says something; false when the session is over. */
static bool
idle(struct wait *w)
{
	struct client *c = w->c;
	enum io r;

	do {
		w->changed = false;
		tell_changes(c, true);
		stream_deadline(c->io, deadline_in(IMAP_COMMAND_MS));
		if (c->over || stream_flush(c->io) != IO_OK)
			return false;
		r = wait_once(w);
	} while (r == IO_TIMEOUT && deadline_left(w->until) > 0 && !service_stopping());
	if (r != IO_OK && service_stopping())
		tell(c, "BYE Server is shutting down");
	else if (r == IO_TIMEOUT)
		tell(c, "BYE Autologout; idle for too long");
	return r == IO_OK;
}

struct verdict
cmd_idle(struct client *c, struct scan *args)
{
	struct wait w = { .c = c, .until = deadline_in(IMAP_IDLE_MS) };
	struct str data;
	enum io r = IO_EOF;

	if (!scan_done(args))
		return bad_syntax(c);
	stream_write(c->io, STR("+ idling\r\n"));
	if (c->box != NULL)
		w.watch = mailbox_watch(c->box, changed, &w);
	if (idle(&w)) {
		stream_deadline(c->io, deadline_in(IMAP_COMMAND_MS));
		r = command_line(c, &data, false);
	}
	mailbox_unwatch(w.watch);
	if (r != IO_OK && r != IO_SYNTAX && r != IO_TOOLONG) {
		c->over = true;
		return (struct verdict){ .status = S_NONE };
	}
	if (r != IO_OK || !str_ieq(data, STR("DONE"))) {
		if (!skip_literals(c, data))
			c->over = true;
		return verdict(c, S_BAD, "Expected DONE");
	}
	return verdict(c, S_OK, "Idle completed");
}
