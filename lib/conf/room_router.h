/* SPDX-License-Identifier: ISC */
/* room_router - settings of router: tables and address classes. */
#ifndef CONF_ROOM_ROUTER_H
#define CONF_ROOM_ROUTER_H

#include "conf/conf.h"

struct router_conf {
	struct strs alias_maps;			/* each "type:name" */
	struct strs alias_database;
	struct strs virtual_alias_maps;
	struct strs virtual_alias_domains;	/* names, and tables whose keys are names */
	struct strs virtual_mailbox_domains;
	struct strs virtual_mailbox_maps;
	struct strs virtual_uid_maps;
	struct strs virtual_gid_maps;
	struct strs local_recipient_maps;
	struct strs relay_domains;
	struct strs relay_recipient_maps;
	struct strs transport_maps;
	struct strs parent_matches;		/* lists in which example.com means its subdomains too */
	const char *relayhost;
	const char *default_transport;
	const char *local_transport;
	const char *virtual_transport;
	const char *relay_transport;
	const char *default_database_type;
	const char *empty_address_recipient;
	bool append_dot_mydomain;
	bool owner_request_special;
	bool expand_owner_alias;
	bool reject_unlisted;
	uint64_t recursion_limit;
	uint64_t expansion_limit;
	uint64_t unknown_local_code;
	uint64_t unknown_relay_code;
	uint64_t unknown_alias_code;
	uint64_t unknown_mailbox_code;
	uint64_t relay_denied_code;
};

extern struct router_conf router_conf;
extern const struct conf_param router_params[];

#endif
