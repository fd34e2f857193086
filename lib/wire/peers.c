/* SPDX-License-Identifier: ISC */
#include "wire/peers.h"

#include <string.h>

static const char *const names[PEER_COUNT] = {
	[PEER_NONE] = "none",		[PEER_MASTER] = "master",	[PEER_SMTPD] = "smtpd",
	[PEER_PICKUP] = "pickup",	[PEER_CLEANUP] = "cleanup",	[PEER_QMGR] = "qmgr",
	[PEER_SMTP] = "smtp",		[PEER_LOCAL] = "local",		[PEER_BOUNCE] = "bounce",
	[PEER_ROUTER] = "router",	[PEER_DNSD] = "dnsd",		[PEER_TLSD] = "tlsd",
	[PEER_KEYD] = "keyd",		[PEER_AUTHD] = "authd",		[PEER_LOGIN] = "login",
	[PEER_POP3D] = "pop3d",		[PEER_IMAPD] = "imapd",		[PEER_ANVIL] = "anvil",
	[PEER_TOOL] = "tool",
};

const char *
peer_name(unsigned peer)
{
	return peer < PEER_COUNT ? names[peer] : "unknown";
}

unsigned
peer_by_name(const char *name)
{
	for (unsigned i = 1; i < PEER_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return PEER_NONE;
}
