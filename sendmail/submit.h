/* SPDX-License-Identifier: ISC */
/*
 * submit - what the two ways to hand in a message share: its envelope, and standard input.
 */
#ifndef SENDMAIL_SUBMIT_H
#define SENDMAIL_SUBMIT_H

#include <stdbool.h>

#include "base/pool.h"
#include "sendmail/dropper.h"
#include "sendmail/intake.h"
#include "sendmail/options.h"

/* Name of the calling user, "unknown" when the password file has none. */
struct str caller_name(struct pool *p);

/* Start an envelope: sender and full name from the options or the caller.  False: the sender is no
 * address (it is reported). */
bool envelope_start(struct drop *d, const struct options *o, struct pool *p);

/* Give it these recipients (structs envelope_rcpt). */
void envelope_rcpts(struct drop *d, struct vec *rcpts);

/*
 * Read up to `n` bytes of standard input: how many, 0 at the end, -1 with errno.
 */
ssize_t input_read(void *to, size_t n);

/* A line for the person or program that called: "sendmail: …" on standard error. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* `sendmail ADDRESS…`, `sendmail -t`: one message; gives the exit status. */
int run_mail(const struct options *o, struct pool *p);

/* `sendmail -bs`: SMTP on standard input and output; gives the exit status. */
int run_smtp(const struct options *o, struct pool *p);

#endif
