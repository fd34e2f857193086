/* SPDX-License-Identifier: ISC */
/*
 * resolver - libunbound behind one function for fibers.
 */
#ifndef DNSD_RESOLVER_H
#define DNSD_RESOLVER_H

#include "base/clock.h"
#include "base/pool.h"
#include "wire/dns.h"

/*
 * Set libunbound up from dnsd's settings (conf/room_dnsd.h).  Reads files, so before the jail.
 * False, logged, when a setting is wrong.
 */
bool resolver_init(void);

/* In a fiber, jail closed: start the thread that resolves and the fiber that hears from it. */
bool resolver_start(void);

/* Answer one question; waits in the calling fiber.  Texts and records live in `pool`. */
void resolver_ask(const struct dns_question *q, struct dns_answer *out, struct pool *pool);

#endif
