/* SPDX-License-Identifier: ISC */
/*
 * findings - what the machine says to a configuration, as findings beside those of the files.
 */
#ifndef ADMIN_FINDINGS_H
#define ADMIN_FINDINGS_H

#include "conf/conf.h"

/* "NAME: VALUE: WHY", at the line that sets `name`. */
void check_report(struct conf *c, enum conf_grade grade, const char *name, const char *value,
    const char *why);

/*
 * Our certificate and its key: are they there, usable, in their time, and do they belong together?
 * Warnings only: mail goes without TLS.  What the caller may not read is not complained of.
 */
void check_tls(struct conf *c);

#endif
