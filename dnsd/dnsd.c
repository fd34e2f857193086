/* SPDX-License-Identifier: ISC */
/*
 * dnsd - what does the DNS say?
 *
 * Runs as:  posthorn-dns, no file system; UDP and TCP to name servers.
 * Started by: master.
 * Talks to: name servers.
 * Trusts:   its settings and trust anchors.  Never an answer: each is decoded and capped here.
 * If taken over: lies about the DNS; mail goes to the wrong server where nothing else (DANE needs
 *           this program, MTA-STS does not) says which is right.  No mail, no file, no other program.
 */
#include <stdio.h>
#include <unbound.h>

#include "base/log.h"
#include "conf/room_dnsd.h"
#include "daemon/service.h"
#include "dnsd/resolver.h"
#include "dnsd/setup.h"

static bool
prepare(struct jail *jail)
{
	(void)jail;
	log_debug("libunbound %s", ub_version());
	if (!setup_version_ok(str_of(ub_version()))) {
		log_error("libunbound %s is too old to be safe from hostile zones", ub_version());
		return false;
	}
	return resolver_init();
}

static void
start(void)
{
	if (!resolver_start())
		log_error("libunbound gives no descriptor");
}

static void
on_question(struct ipc_req *r, const void *msg)
{
	struct dns_answer out;

	resolver_ask(msg, &out, ipc_pool(r));
	ipc_reply(r, &out);
}

static const struct ipc_op ops[] = {
	{ &dns_question_msg, &dns_answer_msg, on_question,
	  PEER_BIT(PEER_SMTPD) | PEER_BIT(PEER_SMTP) },
	{ NULL, NULL, NULL, 0 }
};

int
main(int argc, char **argv)
{
	static const struct service dnsd = {
		.name = "dnsd",
		.peer = PEER_DNSD,
		.params = dnsd_params,
		.needs = { .name = "dnsd", .calls = JAIL_CONNECT },
		.ops = ops,
		.stack = 128 << 10,	/* libunbound's callbacks parse packets on our stack */
		.prepare = prepare,
		.start = start,
	};

	return service_main(&dnsd, argc, argv);
}
