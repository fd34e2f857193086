/* SPDX-License-Identifier: ISC */
/*
 * self - which addresses and ports are our own, so that mail never loops back to us.
 */
#ifndef SMTP_SELF_H
#define SMTP_SELF_H

#include "smtp/hosts.h"

#define SELF_ADDRS	256
#define SELF_PORTS	64

/*
 * Learn them from inet_interfaces, proxy_interfaces, the machine's interfaces and the smtpd lines
 * of master.cf.  Looks up names and opens files: before the jail.
 */
void self_learn(void);

/* The rules of hosts.h from the settings; after self_learn. */
struct hosts_rules self_rules(void);

#endif
