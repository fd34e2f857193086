/* SPDX-License-Identifier: ISC */
/*
 * login - POP3 and IMAP before anyone has logged in: two small dialogues.
 *
 * Runs as:  own uid, no files, no outgoing connections.
 * Started by: master, ports 110, 143, 993, 995 (login_protocol, login_tls_wrappermode).
 * Talks to: the client; tlsd for TLS, authd for passwords and to pass the connection on, anvil.
 * Trusts:   those three.  Never the client.
 * If taken over: sees the passwords of those who log in through this process; no mailbox, no
 *           password file, no key.
 */
#include "base/log.h"
#include "conf/room_login.h"
#include "daemon/service.h"
#include "login/login.h"

/* Lines in Dovecot's form under its identifier, so that fail2ban and crowdsec know them. */
static bool
prepare(struct jail *jail)
{
	int fd = service_fd("log");

	(void)jail;
	if (fd >= 0 && login_conf.log_name[0] != '\0')
		log_open(fd, common.maillog_file[0] == '\0' ? LOG_SYSLOG : LOG_FILE,
		    login_conf.log_name);
	return true;
}

int
main(int argc, char **argv)
{
	static const unsigned char peers[] = { PEER_TLSD, PEER_AUTHD, PEER_ANVIL, PEER_NONE };
	static const struct service login = {
		.name = "login",
		.peer = PEER_LOGIN,
		.params = login_params,
		.needs = { .name = "login", .calls = JAIL_ACCEPT },
		.peers = peers,
		.prepare = prepare,
		.serve = client_serve,
	};
	return service_main(&login, argc, argv);
}
