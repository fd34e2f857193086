/* SPDX-License-Identifier: ISC */
/*
 * room_anvil - settings of anvil.
 */
#ifndef CONF_ROOM_ANVIL_H
#define CONF_ROOM_ANVIL_H

#include "conf/conf.h"

struct anvil_conf {
	int64_t unit_ms;
	int64_t status_ms;
	uint64_t clients;
	int64_t penalty_ms;
	int64_t penalty_max_ms;
	int64_t penalty_memory_ms;
};

extern struct anvil_conf anvil_conf;
extern const struct conf_param anvil_params[];

#endif
