/* SPDX-License-Identifier: ISC */
/*
 * envelope - sender and recipients of a message that somebody hands in, from the texts of the command
 * line and of the header.
 *
 * Pure: who calls is told, not looked up.  What cannot be used is said in `why`, a struct str in the
 * pool for each fault, for the caller to show.
 */
#ifndef SENDMAIL_ENVELOPE_H
#define SENDMAIL_ENVELOPE_H

#include <stdbool.h>

#include "base/pool.h"
#include "base/vec.h"
#include "sendmail/intake.h"
#include "sendmail/options.h"
#include "wire/drop.h"

/* Who runs sendmail: the login name, and the GECOS field of the password file. */
struct caller {
	struct str name;
	struct str gecos;
};

/* Note a fault. */
void envelope_fault(struct vec *why, struct pool *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Start an envelope: sender and full name from the options or the caller.  False: the sender is no
 * address.
 */
bool envelope_start(struct drop *d, const struct options *o, const struct caller *who,
    struct pool *p, struct vec *why);

/*
 * Add the recipients that the arguments name, as structs envelope_rcpt.  False when one is no address
 * or there are too many.
 */
bool envelope_arguments(struct vec *rcpts, const struct options *o, struct pool *p, struct vec *why);

/*
 * Add those of -t.  An entry that is no address is noted, and beside others one that will be returned
 * stands for it; false when there are too many.
 */
bool envelope_header(struct vec *rcpts, const struct intake *in, unsigned notify, struct pool *p,
    struct vec *why);

/* Give it these recipients, which must stay where they are. */
void envelope_rcpts(struct drop *d, const struct vec *rcpts);

#endif
