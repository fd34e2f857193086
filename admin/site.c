/* SPDX-License-Identifier: ISC */
/*
 * site - main.cf and master.cf as `posthorn init` writes them.
 */
#include "admin/site.h"

#include <string.h>

#include "admin/posthorn.h"
#include "base/buf.h"

/* An instance in a folder says where everything is; elsewhere it is where the suite expects it. */
static void
where(const struct site *s, struct buf *b)
{
	buf_addf(b, "# Where things are.\n"
	    "daemon_directory = %s\nqueue_directory = %s\ndata_directory = %s\n"
	    "run_directory = %s\nmaillog_file = %s/mail.log\n"
	    "mail_owner = %s\nsetgid_group = %s\n\n",
	    program_folder(), s->spool, s->data, s->run, s->log, s->owner, s->group);
}

struct str
site_main_cf(const struct site *s)
{
	struct buf b = { 0 };
	struct str text;

	buf_addf(&b, "# %s, made by posthorn init.  man 5 main.cf says what else there is.\n\n"
	    "# Who we are.\n"
	    "mydomain = %s\nmyhostname = mail.$mydomain\nmyorigin = $mydomain\n"
	    "mydestination = $myhostname, localhost.$mydomain, localhost\n"
	    "%sinet_interfaces = %s\nmynetworks = 127.0.0.0/8 [::1]/128\nrecipient_delimiter = +\n\n",
	    s->domain, s->domain, s->system ? "# all: take mail from the world.\n" : "", s->address);
	if (!s->system)
		where(s, &b);
	buf_addf(&b, "# Mailboxes: users come and go with `posthorn user`.\n"
	    "virtual_mailbox_domains = $mydomain\n"
	    "virtual_mailbox_maps = texthash:%s/mailboxes\n"
	    "virtual_mailbox_base = %s\n"
	    "virtual_uid_maps = static:%u\nvirtual_gid_maps = static:%u\nmail_uids = %u\n"
	    "authd_default_domain = $mydomain\n\n",
	    s->etc, s->mail, (unsigned)s->mail_uid, (unsigned)s->mail_gid, (unsigned)s->mail_uid);
	buf_addf(&b, "# Other names: aliases of local users, and addresses of any domain.\n"
	    "alias_maps = texthash:%s/aliases\nalias_database = $alias_maps\n"
	    "virtual_alias_maps = texthash:%s/virtual\n\n", s->etc, s->etc);
	buf_addf(&b, "# TLS, with a certificate that nobody but us has signed.\n"
	    "smtpd_tls_cert_file = %s/cert.pem\nsmtpd_tls_key_file = %s/key.pem\n"
	    "smtpd_tls_security_level = may\nsmtpd_tls_loglevel = 1\n"
	    "smtp_tls_security_level = may\nsmtp_tls_loglevel = 1\n"
	    "auth_allow_plaintext_loopback = yes\n", s->etc, s->etc);
	if (s->alternates.n > 0)
		buf_addf(&b, "\n%.*s", STR_ARG(s->alternates));
	text = pool_str(s->pool, buf_str(&b));
	buf_free(&b);
	return text;
}

struct str
site_master_cf(const struct site *s)
{
	static const struct {
		unsigned port;
		const char *rest;
	} inet[] = {
		{ 25, "smtpd" },
		{ 587, "smtpd\n\t-o syslog_name=postfix/submission\n\t-o smtpd_submission=yes\n"
		    "\t-o smtpd_sasl_auth_enable=yes" },
		{ 465, "smtpd\n\t-o syslog_name=postfix/submissions\n\t-o smtpd_submission=yes\n"
		    "\t-o smtpd_sasl_auth_enable=yes\n\t-o smtpd_tls_wrappermode=yes" },
		{ 110, "login\n\t-o login_protocol=pop3" },
		{ 995, "login\n\t-o login_protocol=pop3\n\t-o login_tls_wrappermode=yes" },
		{ 143, "login\n\t-o login_protocol=imap" },
		{ 993, "login\n\t-o login_protocol=imap\n\t-o login_tls_wrappermode=yes" },
	};
	struct buf b = { 0 };
	struct str text;

	buf_addz(&b, "# Which programs run, and where they listen.  man 5 master.cf\n"
	    "# service             type  private unpriv chroot wakeup maxproc command\n");
	for (size_t i = 0; i < sizeof(inet) / sizeof(inet[0]); i++) {
		if (!s->system)
			buf_addf(&b, strchr(s->address, ':') != NULL ? "[%s]:" : "%s:", s->address);
		buf_addf(&b, "%-10u inet  n - n - - %s\n", (unsigned)s->base + inet[i].port,
		    inet[i].rest);
	}
	buf_addz(&b, "pickup   unix  n - n 60 1 pickup\ncleanup  unix  n - n - 1 cleanup\n"
	    "qmgr     unix  n - n 300 1 qmgr\nrewrite  unix  - - n - - router\n"
	    "bounce   unix  - - n - - bounce\nsmtp     unix  - - n - - smtp\n"
	    "relay    unix  - - n - - smtp\n\t-o syslog_name=postfix/relay\n"
	    "local    unix  - n n - - local\nvirtual  unix  - n n - - local\n"
	    "pop3d    unix  - n n - - pop3d\nimapd    unix  - n n - - imapd\n"
	    "dnsd     unix  - - n - - dnsd\ntlsd-smtpd unix - - n - - tlsd\n"
	    "tlsd-smtp unix - - n - - tlsd\ntlsd-login unix - - n - - tlsd\n"
	    "keyd     unix  - - n - 1 keyd\nauthd    unix  - - n - - authd\n"
	    "anvil    unix  - - n - 1 anvil\n");
	text = pool_str(s->pool, buf_str(&b));
	buf_free(&b);
	return text;
}
