/* SPDX-License-Identifier: ISC */
#include "daemon/programs.h"

#include <stddef.h>
#include <string.h>

#define B(p)	PEER_BIT(PEER_##p)

static const struct program programs[] = {
	{ "smtpd", PEER_SMTPD, PROGRAM_MANY, 2, 0, "posthorn-net", NULL,
	    B(CLEANUP) | B(ROUTER) | B(AUTHD) | B(DNSD) | B(TLSD) | B(ANVIL) },
	{ "login", PEER_LOGIN, PROGRAM_MANY, 1, 0, "posthorn-login", NULL,
	    B(TLSD) | B(AUTHD) | B(ANVIL) },
	{ "pickup", PEER_PICKUP, PROGRAM_SINGLE, 1, 0, NULL, NULL, B(CLEANUP) },
	{ "pop3d", PEER_POP3D, PROGRAM_WORKER, 0, 0, NULL, NULL, 0 },
	{ "imapd", PEER_IMAPD, PROGRAM_WORKER, 0, 0, NULL, NULL, 0 },
	{ "qmgr", PEER_QMGR, PROGRAM_SINGLE, 1, 1, NULL, NULL,
	    B(ROUTER) | B(SMTP) | B(BOUNCE) },
	{ "bounce", PEER_BOUNCE, PROGRAM_MANY, 1, 2, "posthorn-bounce", NULL, B(CLEANUP) },
	{ "cleanup", PEER_CLEANUP, PROGRAM_SINGLE, 1, 2, NULL, NULL, B(QMGR) },
	{ "smtp", PEER_SMTP, PROGRAM_MANY, 1, 1, "posthorn-out", NULL, B(DNSD) | B(TLSD) },
	{ "local", PEER_LOCAL, PROGRAM_WORKER, 0, 1, NULL, NULL, 0 },
	{ "router", PEER_ROUTER, PROGRAM_MANY, 1, 3, "posthorn-table", NULL, 0 },
	{ "dnsd", PEER_DNSD, PROGRAM_MANY, 1, 3, "posthorn-dns", NULL, 0 },
	{ "tlsd", PEER_TLSD, PROGRAM_MANY, 1, 3, "posthorn-tls", NULL, B(KEYD) },
	{ "keyd", PEER_KEYD, PROGRAM_SINGLE, 1, 3, "posthorn-key", NULL, 0 },
	{ "authd", PEER_AUTHD, PROGRAM_MANY, 2, 3, "posthorn-auth", "shadow", B(ANVIL) },
	{ "anvil", PEER_ANVIL, PROGRAM_SINGLE, 1, 3, "posthorn-anvil", NULL, 0 },
};

/* Services with a user of their own. */
static const struct service_user {
	const char *program;
	const char *service;	/* as master.cf names it, or the part behind the last colon */
	const char *user;
} service_users[] = {
	{ "smtpd", "submission", "posthorn-submit" },
	{ "smtpd", "submissions", "posthorn-submit" },
	{ "smtpd", "smtps", "posthorn-submit" },
	{ "tlsd", "tlsd-smtp", "posthorn-tlsout" },
	{ "tlsd", "tlsd-login", "posthorn-tlslog" },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

const struct program *
program_by_name(const char *name)
{
	for (size_t i = 0; i < COUNT(programs); i++)
		if (strcmp(programs[i].name, name) == 0)
			return &programs[i];
	return NULL;
}

const struct program *
program_by_peer(unsigned peer)
{
	for (size_t i = 0; i < COUNT(programs); i++)
		if (programs[i].peer == peer)
			return &programs[i];
	return NULL;
}

const char *
program_user(const struct program *p, const char *service)
{
	for (size_t i = 0; i < COUNT(service_users); i++)
		if (strcmp(service_users[i].program, p->name) == 0 &&
		    strcmp(service_users[i].service, service) == 0)
			return service_users[i].user;
	return p->user;
}

const char *
program_user_at(unsigned i)
{
	unsigned k = 0;

	for (size_t j = 0; j < COUNT(programs); j++)
		if (programs[j].user != NULL && k++ == i)
			return programs[j].user;
	for (size_t j = 0; j < COUNT(service_users); j++)
		if ((j == 0 || strcmp(service_users[j].user, service_users[j - 1].user) != 0) &&
		    k++ == i)
			return service_users[j].user;
	return NULL;
}
