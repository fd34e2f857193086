/* SPDX-License-Identifier: ISC */
/* room_postdrop - settings of postdrop. */
#include "conf/room_postdrop.h"

struct postdrop_conf postdrop_conf;

const struct conf_param postdrop_params[] = {
	{ "alternate_config_directories", CONF_LIST, &postdrop_conf.alternates, "", NULL, NULL,
	  "Other configurations that any user may hand mail in to (sendmail -C, MAIL_CONFIG); read from"
	  " the installed main.cf only, and only folders of root's count." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};
