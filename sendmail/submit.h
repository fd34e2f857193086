/* SPDX-License-Identifier: ISC */
/*
 * submit - the two ways to hand in a message, and what they share: the caller and standard input.
 */
#ifndef SENDMAIL_SUBMIT_H
#define SENDMAIL_SUBMIT_H

#include <stdbool.h>

#include "base/pool.h"
#include "sendmail/dropper.h"
#include "sendmail/envelope.h"

/* Who called: nobody in the password file is "unknown". */
struct caller caller_find(struct pool *p);

/*
 * Read up to `n` bytes of standard input: how many, 0 at the end, -1 with errno.
 */
ssize_t input_read(void *to, size_t n);

/* A line for the person or program that called: "sendmail: …" on standard error. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same for each of these faults (envelope.h), which are forgotten. */
void complain_of(struct vec *why);

/* `sendmail ADDRESS…`, `sendmail -t`: one message; gives the exit status. */
int run_mail(const struct options *o, struct pool *p);

/* `sendmail -bs`: SMTP on standard input and output; gives the exit status. */
int run_smtp(const struct options *o, struct pool *p);

#endif
