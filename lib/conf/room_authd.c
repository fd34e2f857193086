/* SPDX-License-Identifier: ISC */
/* room_authd - settings of authd. */
#include "conf/room_authd.h"

struct authd_conf authd_conf;

const struct conf_param authd_params[] = {
	{ "authd_users_file", CONF_STR, &authd_conf.users_file, "$config_directory/users", NULL, NULL,
	  "Mailbox users, a line each: NAME@DOMAIN:{HASH}:UID:GID:MAILBOX/; made by posthorn user." },
	{ "authd_system_users", CONF_BOOL, &authd_conf.system_users, "yes", NULL, NULL,
	  "May users of the system log in with their system password?" },
	{ "authd_default_domain", CONF_STR, &authd_conf.domain, "$mydomain", NULL, NULL,
	  "Domain of a mailbox user who logs in without one." },
	{ "authd_cache_time", CONF_TIME, &authd_conf.cache_ttl_ms, "5m", "0s", "1d",
	  "How long a right password is remembered (as a keyed hash) so that a mail client that "
	  "connects often costs little; 0 for never." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};
