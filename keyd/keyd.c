/* SPDX-License-Identifier: ISC */
/*
 * keyd - hold the private keys and sign with them.
 *
 * Runs as:  posthorn-key, no file system, no network.
 * Started by: master, which opens the key files as root and hands over descriptors.
 * Talks to: nobody; tlsd asks it.
 * Trusts:   master.  Never tlsd: its questions have fixed sizes and allow nothing but signatures of
 *           digests by hash, so no raw private-key operation can be had.
 * If taken over: has the keys.  That is why it reads nothing but these questions.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/service.h"
#include "keyd/generate.h"
#include "keyd/inspect.h"
#include "keyd/keys.h"

/* One signature with every key, so that whatever OpenSSL loads late is loaded before the jail. */
static void
warm_up(void)
{
	static const unsigned char digest[32] = { 0 };
	struct pool *pool = pool_new();

	for (size_t i = 0; i < keys_count(); i++)
		for (unsigned a = KEY_ECDSA; a <= KEY_RSA_PSS; a++) {
			struct key_sign q = { .id = keys_id(i), .algorithm = a, .hash = KEY_SHA256,
				.digest = str_n(digest, sizeof(digest)) };

			(void)keys_sign(&q, pool);
		}
	pool_free(pool);
}

/* Keys come as descriptors named key0, key1, …  A bad one is reported and skipped. */
static bool
prepare(struct jail *jail)
{
	char name[16];
	const char *why;

	(void)jail;
	keys_init();
	for (unsigned i = 0; i < KEYS_MAX; i++) {
		int fd;

		(void)snprintf(name, sizeof(name), "key%u", i);
		if ((fd = service_fd(name)) < 0)
			continue;
		if (!keys_load(fd, &why))
			log_error("private key %u (smtpd_tls_key_file) %s", i, why);
		(void)close(fd);
	}
	warm_up();
	return true;
}

static void
on_sign(struct ipc_req *r, const void *msg)
{
	struct key_signed answer = keys_sign(msg, ipc_pool(r));

	ipc_reply(r, &answer);
}

static const struct ipc_op ops[] = {
	{ &key_sign_msg, &key_signed_msg, on_sign, PEER_BIT(PEER_TLSD) },
	{ NULL, NULL, NULL, 0 }
};

int
main(int argc, char **argv)
{
	static const struct service keyd = {
		.name = "keyd",
		.peer = PEER_KEYD,
		.needs = { .name = "keyd" },
		.ops = ops,
		.stack = 128 << 10,		/* RSA arithmetic of OpenSSL keeps numbers on the stack */
		.prepare = prepare,
	};

	if (argc > 1 && strcmp(argv[1], "--generate") == 0)
		return generate_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--check") == 0)
		return inspect_main(argc, argv);
	return service_main(&keyd, argc, argv);
}
