/* SPDX-License-Identifier: ISC */
/*
 * peers - the programs of the suite by number.
 *
 * One word for each kind of process that takes part in messages between programs.  The numbers
 * stand in access rules (1 << PEER_x in an ipc_op) and in master's table of programs.
 */
#ifndef WIRE_PEERS_H
#define WIRE_PEERS_H

enum peer {
	PEER_NONE,
	PEER_MASTER,
	PEER_SMTPD,
	PEER_PICKUP,
	PEER_CLEANUP,
	PEER_QMGR,
	PEER_SMTP,
	PEER_LOCAL,
	PEER_BOUNCE,
	PEER_ROUTER,
	PEER_DNSD,
	PEER_TLSD,
	PEER_KEYD,
	PEER_AUTHD,
	PEER_LOGIN,
	PEER_POP3D,
	PEER_IMAPD,
	PEER_ANVIL,
	PEER_TOOL,		/* postqueue and friends, by a named socket */
	PEER_COUNT
};

#define PEER_BIT(p)	(1u << (p))

/* "smtpd", …; and back, PEER_NONE for an unknown name. */
const char *peer_name(unsigned peer);
unsigned peer_by_name(const char *name);

#endif
