/* SPDX-License-Identifier: ISC */
/*
 * room_postdrop - settings of postdrop.
 */
#ifndef CONF_ROOM_POSTDROP_H
#define CONF_ROOM_POSTDROP_H

#include "conf/conf.h"

struct postdrop_conf {
	struct strs alternates;
};

extern struct postdrop_conf postdrop_conf;
extern const struct conf_param postdrop_params[];

#endif
