/* SPDX-License-Identifier: ISC */
/*
 * room_dnsd - settings of dnsd.
 */
#ifndef CONF_ROOM_DNSD_H
#define CONF_ROOM_DNSD_H

#include "conf/conf.h"

struct dnsd_conf {
	struct strs forwarders;
	struct strs stub_zones;
	const char *anchor_file;
	struct strs anchors;
	struct strs insecure_zones;
	uint64_t cache_bytes;
	int64_t timeout_ms;
	uint64_t query_limit;
};

extern struct dnsd_conf dnsd_conf;
extern const struct conf_param dnsd_params[];

#endif
