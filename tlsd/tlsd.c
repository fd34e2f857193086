/* SPDX-License-Identifier: ISC */
/*
 * tlsd - every TLS handshake and record, both directions.
 *
 * Runs as:  posthorn-tls, no file system, no outgoing connections.
 * Started by: master, which hands over certificates as descriptors.
 * Talks to: the TCP peer, keyd.
 * Trusts:   its askers (smtpd, smtp, login) for the connections they pass, and keyd.  Never a peer.
 * If taken over: overhears and forges what passes through this process, and has things signed while
 *           it lasts; never has a private key, cannot connect anywhere, open a file or run a program.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/room_tls.h"
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "tlsd/setup.h"
#include "tlsd/session.h"
#include "wire/key.h"

#define KEYD_MS		10000	/* keyd signs in a millisecond; this is for its restart */

/* Called by OpenSSL inside a handshake: this fiber waits, the others go on. */
static bool
sign(const unsigned char id[KEY_ID], enum key_algorithm algorithm, enum key_hash hash,
    const unsigned char *digest, size_t digest_n, unsigned char *sig, size_t *n)
{
	struct key_sign ask = { .id = str_n(id, KEY_ID), .algorithm = algorithm, .hash = hash,
		.digest = str_n(digest, digest_n) };
	struct key_signed got = { .status = KEY_REFUSED };
	struct pool *pool = pool_new();
	bool ok;

	ok = peer_ask(PEER_KEYD, &key_sign_msg, &ask, &key_signed_msg, &got, pool,
	    deadline_in(KEYD_MS)) == IPC_DONE && got.status == KEY_OK;
	if (ok) {
		memcpy(sig, got.signature.p, got.signature.n);
		*n = got.signature.n;
	} else {
		log_warn("keyd does not sign: %s", got.status == KEY_UNKNOWN ?
		    "it has no key for this certificate" : "no answer, or refused");
	}
	pool_free(pool);
	return ok;
}

static void
take_chain(int fd, const char *name)
{
	const char *why;

	if (!setup_add_chain(fd, &why))
		log_error("certificate %s %s", name, why);
	(void)close(fd);
}

/* Chains come as descriptors cert0, cert1, …, or from the file named in main.cf. */
static bool
prepare(struct jail *jail)
{
	bool handed = false;
	int fd;

	(void)jail;
	if (!setup_init(sign, tls_conf.ca_file, tls_conf.ca_path))
		return false;
	for (unsigned i = 0; i < SETUP_CERTS_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "cert%u", i);
		if ((fd = service_fd(name)) < 0)
			continue;
		take_chain(fd, tls_conf.cert_file);
		handed = true;
	}
	if (handed || tls_conf.cert_file[0] == '\0')
		return true;
	if ((fd = open(tls_conf.cert_file, O_RDONLY | O_CLOEXEC | O_NOCTTY)) >= 0)
		take_chain(fd, tls_conf.cert_file);
	else
		log_error("smtpd_tls_cert_file: cannot open %s", tls_conf.cert_file);
	return true;
}

/* Say early, not at the first handshake, when certificate and key do not belong together. */
static void
check_keys(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < setup_chains(); i++) {
		struct key_sign ask = { .id = str_n(setup_key_id(i), KEY_ID) };
		struct key_signed got;
		struct pool *pool = pool_new();

		if (peer_ask(PEER_KEYD, &key_sign_msg, &ask, &key_signed_msg, &got, pool,
		    deadline_in(KEYD_MS)) == IPC_DONE && got.status == KEY_UNKNOWN)
			log_error("keyd has no private key for certificate %zu: smtpd_tls_key_file cannot "
			    "be used (then keyd says why) or belongs to another certificate than %s; "
			    "no TLS until it does", i, tls_conf.cert_file);
		pool_free(pool);
	}
}

static void
start(void)
{
	(void)fiber_start(check_keys, NULL, "check keys");
}

static void
on_start(struct ipc_req *r, const void *msg)
{
	const struct tls_start *ask = msg;
	struct tls_started out;
	struct session *s;

	service_session_begin();	/* a handshake is not cut off by a reload */
	s = session_start(ask, &out, ipc_pool(r));
	log_debug("%.*s: %.*s: %s", STR_ARG(ask->service), STR_ARG(ask->peer),
	    s != NULL ? "TLS started" : "TLS failed");
	ipc_reply(r, &out);
	if (s != NULL) {
		(void)close(out.fd);
		session_run(s);
	}
	service_session_end();
}

static const struct ipc_op ops[] = {
	{ &tls_start_msg, &tls_started_msg, on_start,
	  PEER_BIT(PEER_SMTPD) | PEER_BIT(PEER_SMTP) | PEER_BIT(PEER_LOGIN) },
	{ NULL, NULL, NULL, 0 }
};

int
main(int argc, char **argv)
{
	static const unsigned char peers[] = { PEER_KEYD, PEER_NONE };
	static const struct service tlsd = {
		.name = "tlsd",
		.peer = PEER_TLSD,
		.params = tls_params,
		.needs = { .name = "tlsd" },
		.peers = peers,
		.ops = ops,
		.stack = 128 << 10,	/* a handshake with a long chain goes deep */
		.prepare = prepare,
		.start = start,
	};

	return service_main(&tlsd, argc, argv);
}
