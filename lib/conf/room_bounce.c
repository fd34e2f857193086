/* SPDX-License-Identifier: ISC */
/* room_bounce - settings of bounce. */
#include "conf/room_bounce.h"

struct bounce_conf bounce_conf;

const struct conf_param bounce_params[] = {
	{ "bounce_size_limit", CONF_BYTES, &bounce_conf.size_limit, "50000", "1000", "10M",
	  "Largest message that is returned whole in a notice; of a larger one only the header." },
	{ "notify_classes", CONF_LIST, &bounce_conf.notify_classes, "resource, software", NULL, NULL,
	  "What the postmaster is told of: 2bounce is mail that can be neither delivered nor returned." },
	{ "2bounce_notice_recipient", CONF_STR, &bounce_conf.postmaster, "postmaster", NULL, NULL,
	  "Who is told of mail that can be neither delivered nor returned." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};
