/* SPDX-License-Identifier: ISC */
/* room_anvil - settings of anvil. */
#include "conf/room_anvil.h"

struct anvil_conf anvil_conf;

const struct conf_param anvil_params[] = {
	{ "anvil_rate_time_unit", CONF_TIME, &anvil_conf.unit_ms, "60s", "1s", "1d",
	  "The time over which rates are counted." },
	{ "anvil_status_update_time", CONF_TIME, &anvil_conf.status_ms, "600s", "1s", "1d",
	  "How often the largest counts are written to the log." },
	{ "anvil_client_limit", CONF_INT, &anvil_conf.clients, "100000", "100", "10000000",
	  "Clients counted at once; beyond it the longest silent ones are forgotten." },
	{ "anvil_penalty", CONF_TIME, &anvil_conf.penalty_ms, "1s", "0s", "1h",
	  "How long the answer to a client's first failed login is held back; doubled with each more." },
	{ "anvil_penalty_limit", CONF_TIME, &anvil_conf.penalty_max_ms, "15s", "0s", "1h",
	  "The longest that anvil_penalty grows to." },
	{ "anvil_penalty_memory", CONF_TIME, &anvil_conf.penalty_memory_ms, "15m", "1s", "1d",
	  "Failures are forgotten this long after the last one." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};
