/* SPDX-License-Identifier: ISC */
/*
 * all - every message of the suite, for what walks over all of them: the round-trip test, the fuzzer
 * and the table in README.md.
 */
#ifndef WIRE_ALL_H
#define WIRE_ALL_H

#include "ipc/message.h"

/* Ends with NULL. */
extern const struct ipc_msg *const wire_all[];

#endif
