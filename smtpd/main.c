/* SPDX-License-Identifier: ISC */
/*
 * smtpd - take mail from the network.
 *
 * Runs as:  posthorn-net (port 25) or posthorn-submit (submission); no files, no outgoing
 *           connections, no exec.
 * Started by: master, ports 25, 465, 587.
 * Talks to: the client; cleanup, router, authd, dnsd, tlsd, anvil.
 * Trusts:   those six.  Never the client, never DNS.
 * If taken over: can forge mail and overhear the sessions of its own process; cannot read the
 *           queue, mailboxes, keys or password files, nor connect anywhere.
 */
#include "daemon/service.h"
#include "smtpd/smtpd.h"

static void
serve(int fd)
{
	struct net_addr client = net_peer(fd), server = net_local(fd);
	struct stream *peer = stream_open(fd);

	session(peer, &client, &server);
	stream_close(peer);
}

int
main(int argc, char **argv)
{
	static const unsigned char peers[] = { PEER_CLEANUP, PEER_ROUTER, PEER_AUTHD, PEER_DNSD,
		PEER_TLSD, PEER_ANVIL, PEER_NONE };
	static const struct service smtpd = {
		.name = "smtpd",
		.peer = PEER_SMTPD,
		.params = smtpd_params,
		.needs = { .calls = JAIL_ACCEPT },	/* no files, no connections, no exec */
		.peers = peers,
		.serve = serve,
	};

	return service_main(&smtpd, argc, argv);
}
