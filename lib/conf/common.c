/* SPDX-License-Identifier: ISC */
/* common - settings that more than one program reads. */
#include "conf/common.h"

#include "base/pool.h"
#include "conf/internal.h"

struct common common;

const struct conf_param common_params[] = {
	{ "config_directory", CONF_STR, &common.config_directory, CONFDIR, NULL, NULL,
	  "Folder of main.cf and master.cf; always the one they were read from." },
	{ "queue_directory", CONF_STR, &common.queue_directory, SPOOLDIR, NULL, NULL,
	  "Folder of the mail queue." },
	{ "data_directory", CONF_STR, &common.data_directory, STATEDIR, NULL, NULL,
	  "Folder for data of the programs; none of them keeps any there yet." },
	{ "daemon_directory", CONF_STR, &common.daemon_directory, LIBEXECDIR, NULL, NULL,
	  "Folder of the programs that master starts." },
	{ "run_directory", CONF_STR, &common.run_directory, RUNDIR, NULL, NULL,
	  "Folder of master.pid and of the sockets for callers outside the suite." },
	{ "mail_owner", CONF_STR, &common.mail_owner, "posthorn", NULL, NULL,
	  "User that owns the queue." },
	{ "setgid_group", CONF_STR, &common.setgid_group, "postdrop", NULL, NULL,
	  "Group of postdrop and of the folder maildrop." },
	{ "mail_name", CONF_STR, &common.mail_name, "Posthorn", NULL, NULL,
	  "Name of the mail system in greetings and Received headers." },
	{ "mail_version", CONF_STR, &common.mail_version, PACKAGE_VERSION, NULL, NULL,
	  "Version of the mail system." },
	{ "syslog_name", CONF_STR, &common.syslog_name, "postfix", NULL, NULL,
	  "First part of the name in each log line, as log readers for Postfix expect it." },
	{ "syslog_facility", CONF_WORD, &common.syslog_facility, "mail",
	  "kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|"
	  "local0|local1|local2|local3|local4|local5|local6|local7", NULL,
	  "Facility of the lines for syslog; its configuration says where they end up." },
	{ "maillog_file", CONF_STR, &common.maillog_file, "", NULL, NULL,
	  "File to log to, or /dev/stdout; empty: syslog." },
	{ "myhostname", CONF_STR, &common.myhostname, NULL, NULL, NULL,
	  "Internet name of this host; default: the system's, with .localdomain when it has no dot." },
	{ "mydomain", CONF_STR, &common.mydomain, NULL, NULL, NULL,
	  "Internet domain of this host; default: myhostname without its first part." },
	{ "myorigin", CONF_STR, &common.myorigin, "$myhostname", NULL, NULL,
	  "Domain added to addresses without one; a name that begins with / is a file that holds it." },
	{ "mydestination", CONF_MATCH, &common.mydestination,
	  "$myhostname, localhost.$mydomain, localhost", NULL, NULL,
	  "Domains whose recipients are local: system users and aliases." },
	{ "mynetworks", CONF_MATCH, &common.mynetworks, "127.0.0.0/8, [::1]/128", NULL, NULL,
	  "Clients that may relay without authentication." },
	{ "inet_interfaces", CONF_LIST, &common.inet_interfaces, "all", NULL, NULL,
	  "Addresses to receive mail on: all, loopback-only, or a list." },
	{ "proxy_interfaces", CONF_LIST, &common.proxy_interfaces, "", NULL, NULL,
	  "Addresses at which this host gets mail by way of a proxy or NAT." },
	{ "inet_protocols", CONF_WORD, &common.inet_protocols, "all",
	  "all|ipv4|ipv6|ipv4 ipv6|ipv6 ipv4", NULL,
	  "Internet protocols to use." },
	{ "recipient_delimiter", CONF_STR, &common.recipient_delimiter, "", NULL, NULL,
	  "Characters that separate a user name from an extension (user+list)." },
	{ "double_bounce_sender", CONF_STR, &common.double_bounce_sender, "double-bounce", NULL, NULL,
	  "Sender of notices about mail that could not be returned; mail to it is discarded." },
	{ "message_size_limit", CONF_BYTES, &common.message_size_limit, "50M", "0", NULL,
	  "Largest message taken, in bytes; announced as SIZE (RFC 1870); 0: no limit." },
	{ "hopcount_limit", CONF_INT, &common.hopcount_limit, "50", "1", "1000",
	  "Most Received headers a message may have; more is a loop." },
	{ "first_valid_uid", CONF_INT, &common.first_valid_uid, "1000", "1", "4294967294",
	  "Least user ID that may own a mailbox." },
	{ "mail_uids", CONF_LIST, &common.mail_uids, "", NULL, NULL,
	  "User IDs below first_valid_uid that may own mailboxes too, as numbers." },
	{ "virtual_mailbox_base", CONF_STR, &common.virtual_mailbox_base, "", NULL, NULL,
	  "Folder below which all virtual mailboxes lie." },
	{ "service_name", CONF_STR, &common.service_name, "", NULL, NULL,
	  "Name of the service in master.cf, for use as $service_name in its -o values; sets itself." },
	{ "sync_together", CONF_BOOL, &common.sync_together, "yes", NULL, NULL,
	  "Make messages that arrive at the same time durable together, with one flush of the disk (and "
	  "one syncfs of their file system, while that is fast), instead of one fdatasync each." },
	{ "route_cache_time", CONF_TIME, &common.route_cache_time_ms, "1s", "0", "1h",
	  "How long a good answer of router (this recipient exists, mail for it goes there) is believed "
	  "without asking again; what is refused is asked about each time.  0: always ask." },
	{ "home_mailbox", CONF_STR, &common.mail_storage, "Maildir/", NULL, NULL,
	  "Mailbox of a system user, relative to the home folder." },
	{ "soft_bounce", CONF_BOOL, &common.soft_bounce, "no", NULL, NULL,
	  "Whether failures are made temporary, in answers of smtpd too, for a trial of a new configuration." },
	{ "sandbox", CONF_WORD, &common.sandbox, "require", "require|try|off", NULL,
	  "Whether the programs must be confined by the kernel." },
	{ "sandbox_landlock_abi", CONF_INT, &common.sandbox_landlock_abi, "0", "0", "100",
	  "Newest Landlock version to use, for tests; 0: what the kernel has." },
	{ "max_idle", CONF_TIME, &common.max_idle_ms, "100s", "1s", "1w",
	  "How long a worker without work stays." },
	{ "worker_limit", CONF_INT, &common.worker_limit, "1000", "1", "100000",
	  "Per-user workers (local, pop3d, imapd) at once; the least recently used ends first." },
	{ "client_limit", CONF_INT, &common.client_limit, "10000", "1", "1000000",
	  "Sessions one process holds at once; 1: a process for each connection." },
	{ NULL, CONF_END, NULL, NULL, NULL, NULL, NULL }
};

#define ORIGIN_FILE_MAX	4096

/* myorigin = /etc/mailname: the first line of that file. */
static bool
origin_file(struct conf *c)
{
	struct str text, line;
	bool ok = conf_source(c, common.myorigin, ORIGIN_FILE_MAX, &text);

	if (ok && str_cut(&text, '\n', &line) && (line = str_trim(line)).n > 0) {
		common.myorigin = pool_str(c->pool, line).p;
	} else {
		conf_report(c, CONF_ERROR, c->file, 0, "myorigin: cannot read a name from %s",
		    common.myorigin);
		common.myorigin = common.myhostname;
		ok = false;
	}
	return ok;
}

bool
conf_common(struct conf *c)
{
	bool ok = conf_load(c, common_params);

	if (common.myorigin[0] == '/')
		ok = origin_file(c) && ok;
	if (common.inet_protocols > 2)
		common.inet_protocols = 0;
	common.config_directory = conf_dir(c);
	return ok;
}

unsigned
common_facility(void)
{
	/* Of the words of the row, local0 is the 13th, but number 16. */
	return common.syslog_facility < 12 ? common.syslog_facility : common.syslog_facility + 4;
}
