/* SPDX-License-Identifier: ISC */
/*
 * settle - the descriptors that a program is started with.
 */
#ifndef IO_SETTLE_H
#define IO_SETTLE_H

#include <stdbool.h>

/*
 * First thing in main: what the starter has open, but for 0, 1, 2 and `keep` (-1: none), is closed, so
 * that no program started from here has it; and those of the three that are closed lead to
 * /dev/null, so that nothing else gets their numbers.  False when there is no /dev/null.
 */
bool settle(int keep);

#endif
