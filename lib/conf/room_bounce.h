/* SPDX-License-Identifier: ISC */
/*
 * room_bounce - settings of bounce.
 */
#ifndef CONF_ROOM_BOUNCE_H
#define CONF_ROOM_BOUNCE_H

#include "conf/conf.h"

struct bounce_conf {
	uint64_t size_limit;
	struct strs notify_classes;
	const char *postmaster;
};

extern struct bounce_conf bounce_conf;
extern const struct conf_param bounce_params[];

#endif
