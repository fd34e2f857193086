/* SPDX-License-Identifier: ISC */
/*
 * alternate - make an instance one that every user of this machine may hand mail in to.
 *
 * postdrop is setgid and so reads a configuration of its caller's choice only when the installed
 * main.cf lists that folder in alternate_config_directories (and root owns it).
 */
#ifndef ADMIN_ALTERNATE_H
#define ADMIN_ALTERNATE_H

#include <stdbool.h>

#include "base/pool.h"
#include "base/str.h"

/*
 * For root: have the installed main.cf list `etc` (absolute).  Where there is no main.cf one is made
 * that says nothing else; one that was made so gets a further entry and loses those whose folders
 * are gone; any other is its owner's and left alone.  False, with what to do in `*todo` (a string of
 * this process), when it is not listed afterwards.
 */
bool alternate_list(const char *etc, const char **todo);

/*
 * May a main.cf be made in `etc`: is there none, or one that says nothing but what alternate_list
 * wrote?  Then that is in `*lines`, for the one that takes its place.
 */
bool alternate_of(struct pool *pool, const char *etc, struct str *lines);

#endif
