/* SPDX-License-Identifier: ISC */
/*
 * turn - how much of messages is in memory at once.
 *
 * To take a message apart all of it is needed, and a user may have a thousand sessions that ask for
 * the largest one.  They take turns: who waits holds nothing, so that nobody waits for ever.
 */
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "imapd/imapd.h"

#define SMALL	(256u << 10)	/* nobody waits for these; there are no more than sessions */

static uint64_t held;
static struct fiber_queue waiting;

bool
turn_take(uint64_t n)
{
	msec_t until = deadline_in(IMAP_COMMAND_MS);
	struct idle w;

	while (n > SMALL && held > 0 && held + n > IMAP_WHOLE_MAX) {
		enum wake how = WAKE_CANCEL;

		if (service_idle(&w, true)) {
			how = fiber_queue_wait(&waiting, until);
			service_busy(&w);
		}
		if (how != WAKE_READY)
			return false;
	}
	held += n;
	return true;
}

void
turn_give(uint64_t n)
{
	held -= n;
	(void)fiber_queue_wake_all(&waiting);
}
