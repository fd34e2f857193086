/* SPDX-License-Identifier: ISC */
/*
 * room_tls - settings of tlsd and keyd; master opens the files they name.
 */
#ifndef CONF_ROOM_TLS_H
#define CONF_ROOM_TLS_H

#include "conf/conf.h"

struct tls_conf {
	const char *cert_file;
	const char *key_file;
	const char *ca_file, *ca_path;
};

extern struct tls_conf tls_conf;
extern const struct conf_param tls_params[];

#endif
