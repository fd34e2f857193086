/* SPDX-License-Identifier: ISC */
/* room_dnsd - settings of dnsd. */
#include "conf/room_dnsd.h"

struct dnsd_conf dnsd_conf;

const struct conf_param dnsd_params[] = {
	{ "dnsd_forwarders", CONF_LIST, &dnsd_conf.forwarders, "/etc/resolv.conf", NULL, NULL,
	  "Resolvers to ask: IP or IP@PORT, or one file in the form of resolv.conf; \"none\" asks the "
	  "name servers of the world itself." },
	{ "dnsd_stub_zones", CONF_LIST, &dnsd_conf.stub_zones, "", NULL, NULL,
	  "Zones with name servers of their own, each ZONE@IP or ZONE@IP@PORT; \".\" is all names." },
	{ "dnsd_trust_anchor_file", CONF_STR, &dnsd_conf.anchor_file, "/usr/share/dns/root.key",
	  NULL, NULL,
	  "DS or DNSKEY records that DNSSEC begins with; without the file nothing is secure." },
	{ "dnsd_trust_anchors", CONF_LIST, &dnsd_conf.anchors, "", NULL, NULL,
	  "More of them, each in braces: { example.test. DS 12345 13 2 0A1B... }." },
	{ "dnsd_insecure_zones", CONF_LIST, &dnsd_conf.insecure_zones, "", NULL, NULL,
	  "Zones for which no signatures are demanded." },
	{ "dnsd_cache_size", CONF_BYTES, &dnsd_conf.cache_bytes, "16M", "64k", "4G",
	  "Memory for answers kept, shared by all questions." },
	{ "dnsd_query_timeout", CONF_TIME, &dnsd_conf.timeout_ms, "60s", "1s", "10m",
	  "How long one question may take in all." },
	{ "dnsd_query_limit", CONF_INT, &dnsd_conf.query_limit, "4000", "10", "100000",
	  "Questions in work at once; more are told to come again." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};
