/* SPDX-License-Identifier: ISC */
/*
 * common - settings that more than one program reads.
 *
 * Read-only after conf_common; everything lives as long as the conf it was loaded from.
 */
#ifndef CONF_COMMON_H
#define CONF_COMMON_H

#include "conf/conf.h"

struct common {
	const char *config_directory;
	const char *queue_directory;
	const char *data_directory;
	const char *daemon_directory;	/* where the programs are */
	const char *run_directory;	/* sockets for callers outside, master.pid */
	const char *mail_owner;		/* user of the spool */
	const char *setgid_group;
	const char *mail_name;		/* "Posthorn" */
	const char *mail_version;
	const char *syslog_name;	/* "postfix" */
	unsigned syslog_facility;	/* enum: as in syslog(3) up to ftp, 11; then local0 and on */
	const char *maillog_file;	/* "" = syslog, "/dev/stdout", or a file */
	const char *myhostname;		/* default: the host's name, with ".localdomain" when bare */
	const char *mydomain;
	const char *myorigin;		/* a leading / names a file that holds it */
	struct strs mydestination;
	struct strs mynetworks;
	struct strs inet_interfaces;
	struct strs proxy_interfaces;	/* our addresses as seen from outside */
	unsigned inet_protocols;	/* enum: 0 all, 1 ipv4, 2 ipv6 */
	const char *recipient_delimiter;
	const char *double_bounce_sender;
	uint64_t message_size_limit;
	uint64_t hopcount_limit;
	uint64_t first_valid_uid;
	struct strs mail_uids;		/* uids below that which may own mailboxes, as numbers */
	const char *virtual_mailbox_base;
	const char *service_name;	/* of the line in master.cf that started this process */
	bool sync_together;		/* fiber_sync_together may be used */
	int64_t route_cache_time_ms;	/* an answer of router is believed this long */
	const char *mail_storage;	/* home_mailbox of virtual and system users: "Maildir/" */
	bool soft_bounce;		/* what fails is tried again */
	unsigned sandbox;		/* 0 require, 1 try, 2 off */
	uint64_t sandbox_landlock_abi;	/* cap for tests; 0: no cap */
	int64_t max_idle_ms;		/* a worker without work ends after this (max_idle) */
	uint64_t worker_limit;		/* per-user workers at once */
	uint64_t client_limit;		/* sessions of one process at once */
};

extern struct common common;

/* Its rows, and the call that fills it; false when a value was bad. */
extern const struct conf_param common_params[];
bool conf_common(struct conf *c);

/* syslog_facility as the number that syslog(3) and log_facility know it by. */
unsigned common_facility(void);

#endif
