/* SPDX-License-Identifier: ISC */
/*
 * ask/anvil - how often has this client done this: questions to anvil.
 *
 * anvil is an aid, not a gate: when it is away, counts are zero and mail goes on.
 */
#ifndef ASK_ANVIL_H
#define ASK_ANVIL_H

#include "base/clock.h"
#include "wire/anvil.h"

/*
 * Count one event of `service` ("smtp", "submission", "imap", …) and `client` (an address literal)
 * and give what it adds up to.  Waits at most until `deadline`; false, with zeros, when there was no
 * answer.  Every ANVIL_CONNECT is matched by one anvil_gone; when this process ends, anvil takes
 * back what was open.
 */
bool anvil_count(enum anvil_what what, struct str service, struct str client,
    struct anvil_counted *out, msec_t deadline);

/* Count an event without asking what it adds up to.  Waits only for room in the socket. */
void anvil_note(enum anvil_what what, struct str service, struct str client);

/* The client of an ANVIL_CONNECT has gone.  Does not wait for an answer. */
void anvil_gone(struct str service, struct str client);

#endif
