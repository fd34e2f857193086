/* SPDX-License-Identifier: ISC */
/*
 * room_authd - settings of authd.
 */
#ifndef CONF_ROOM_AUTHD_H
#define CONF_ROOM_AUTHD_H

#include "conf/conf.h"

struct authd_conf {
	const char *users_file;
	bool system_users;
	const char *domain;
	int64_t cache_ttl_ms;
};

extern struct authd_conf authd_conf;
extern const struct conf_param authd_params[];

#endif
