/* SPDX-License-Identifier: ISC */
/* room_router - settings of router, and of the commands that build tables. */
#include "conf/room_router.h"

struct router_conf router_conf;

#ifdef WITH_DB
#define DATABASE	"hash"
#else
#define DATABASE	"texthash"
#endif

#define R	router_conf

const struct conf_param router_params[] = {
	{ "alias_maps", CONF_LIST, &R.alias_maps, DATABASE ":/etc/aliases", NULL, NULL,
	  "Tables of local aliases (aliases(5))." },
	{ "alias_database", CONF_LIST, &R.alias_database, DATABASE ":/etc/aliases", NULL, NULL,
	  "Tables that newaliases builds." },
	{ "virtual_alias_maps", CONF_LIST, &R.virtual_alias_maps, "", NULL, NULL,
	  "Tables that give addresses for an address or @domain, for all classes of domains." },
	{ "virtual_alias_domains", CONF_MATCH, &R.virtual_alias_domains, "$virtual_alias_maps",
	  NULL, NULL, "Domains all of whose addresses are virtual aliases." },
	{ "virtual_mailbox_domains", CONF_MATCH, &R.virtual_mailbox_domains,
	  "$virtual_mailbox_maps", NULL, NULL, "Domains whose recipients are virtual mailboxes." },
	{ "virtual_mailbox_maps", CONF_LIST, &R.virtual_mailbox_maps, "", NULL, NULL,
	  "Tables that give the mailbox, below virtual_mailbox_base, for an address; mail for postmaster, "
	  "and for root of this host, that no alias or mailbox takes goes to the mailbox whose address "
	  "comes first in the alphabet." },
	{ "virtual_uid_maps", CONF_LIST, &R.virtual_uid_maps, "", NULL, NULL,
	  "Tables that give the user ID that owns a virtual mailbox." },
	{ "virtual_gid_maps", CONF_LIST, &R.virtual_gid_maps, "", NULL, NULL,
	  "Tables that give the group ID of a virtual mailbox." },
	{ "local_recipient_maps", CONF_LIST, &R.local_recipient_maps,
	  "unix:passwd.byname $alias_maps", NULL, NULL,
	  "Tables of all local recipients; empty: any name is taken." },
	{ "relay_domains", CONF_MATCH, &R.relay_domains, "", NULL, NULL,
	  "Domains of other hosts that mail from anybody is relayed to." },
	{ "relay_recipient_maps", CONF_LIST, &R.relay_recipient_maps, "", NULL, NULL,
	  "Tables of all recipients in relay_domains; empty: any is taken." },
	{ "transport_maps", CONF_LIST, &R.transport_maps, "", NULL, NULL,
	  "Tables that give transport:nexthop for an address or a domain (transport(5))." },
	{ "parent_domain_matches_subdomains", CONF_LIST, &R.parent_matches,
	  "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,"
	  "qmqpd_authorized_clients,relay_domains,smtpd_access_maps", NULL, NULL,
	  "Lists in which a domain stands for its subdomains too." },
	{ "relayhost", CONF_STR, &R.relayhost, "", NULL, NULL,
	  "Where all mail for other domains goes: host, host:port, [host] without MX; empty: by DNS." },
	{ "default_transport", CONF_STR, &R.default_transport, "smtp", NULL, NULL,
	  "Transport, or transport:nexthop, for domains of no other class." },
	{ "local_transport", CONF_STR, &R.local_transport, "local:$myhostname", NULL, NULL,
	  "Transport, or transport:nexthop, for mydestination." },
	{ "virtual_transport", CONF_STR, &R.virtual_transport, "virtual", NULL, NULL,
	  "Transport, or transport:nexthop, for virtual_mailbox_domains." },
	{ "relay_transport", CONF_STR, &R.relay_transport, "relay", NULL, NULL,
	  "Transport, or transport:nexthop, for relay_domains." },
	{ "default_database_type", CONF_STR, &R.default_database_type, DATABASE, NULL, NULL,
	  "Type of table where none is named, for postmap, postalias and newaliases." },
	{ "empty_address_recipient", CONF_STR, &R.empty_address_recipient, "MAILER-DAEMON", NULL,
	  NULL, "Recipient of mail for the empty address." },
	{ "append_dot_mydomain", CONF_BOOL, &R.append_dot_mydomain, "no", NULL, NULL,
	  "Whether .$mydomain is added to a domain without a dot." },
	{ "owner_request_special", CONF_BOOL, &R.owner_request_special, "yes", NULL, NULL,
	  "Whether owner-list and list-request are names of their own, whatever the delimiter." },
	{ "expand_owner_alias", CONF_BOOL, &R.expand_owner_alias, "no", NULL, NULL,
	  "Whether mail through a list has what owner-list stands for as its sender." },
	{ "smtpd_reject_unlisted_recipient", CONF_BOOL, &R.reject_unlisted, "yes", NULL, NULL,
	  "Whether unknown recipients in our own domains are refused at RCPT." },
	{ "virtual_alias_recursion_limit", CONF_INT, &R.recursion_limit, "1000", "1", "10000",
	  "Most times an address is expanded again." },
	{ "virtual_alias_expansion_limit", CONF_INT, &R.expansion_limit, "1000", "1", "100000",
	  "Most addresses one address may become." },
	{ "unknown_local_recipient_reject_code", CONF_INT, &R.unknown_local_code, "550", "400", "599",
	  "Answer to an unknown recipient in mydestination." },
	{ "unknown_relay_recipient_reject_code", CONF_INT, &R.unknown_relay_code, "550", "400", "599",
	  "Answer to an unknown recipient in relay_domains." },
	{ "unknown_virtual_alias_reject_code", CONF_INT, &R.unknown_alias_code, "550", "400", "599",
	  "Answer to an unknown recipient in virtual_alias_domains." },
	{ "unknown_virtual_mailbox_reject_code", CONF_INT, &R.unknown_mailbox_code, "550", "400",
	  "599", "Answer to an unknown recipient in virtual_mailbox_domains." },
	{ "relay_domains_reject_code", CONF_INT, &R.relay_denied_code, "554", "400", "599",
	  "Answer to mail for a domain we neither hold nor relay to." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};
