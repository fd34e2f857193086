/* SPDX-License-Identifier: ISC */
/*
 * tls - what travels between tlsd and those who want a connection encrypted.
 *
 * The asker sends the TCP descriptor; tlsd does the handshake, keeps the TCP side, and gives back
 * one end of a socket pair that carries the plain bytes, with the facts of the session.
 */
#ifndef WIRE_TLS_H
#define WIRE_TLS_H

#include "ipc/message.h"

#define TLS_SERVICE_MAX		32	/* "smtpd", "imap": who asks, for the log and session ids */
#define TLS_NAME_MAX		255	/* host names, cipher names, names in certificates */
#define TLS_REASON_MAX		500
#define TLS_EXPORTER		32	/* bytes of the tls-exporter channel binding (RFC 9266) */
#define TLS_DIGEST_MAX		64
#define TLS_TLSA_MAX		100	/* most TLSA records that travel with a question */
#define TLS_TLSA_DATA		8192	/* most bytes of one: a whole certificate */
#define TLS_TIMEOUT_MAX		(3600u * 1000)

enum tls_role { TLS_SERVER, TLS_CLIENT };

/* How sure a client wants to be.  MAY and ENCRYPT look at no certificate. */
enum tls_policy { TLS_MAY, TLS_ENCRYPT, TLS_DANE, TLS_VERIFY };

enum tls_status {
	TLS_OK,
	TLS_FAILED,		/* the handshake failed or the peer went away: see reason */
	TLS_UNTRUSTED,		/* the peer's certificate is not what the policy demands */
	TLS_UNAVAILABLE,	/* nothing on our side can do it now: no tlsd, no certificate, no key */
	TLS_BUFFERED,		/* bytes stood behind STARTTLS: never asked, close the connection */
};

/* One TLSA record (RFC 6698) for the DANE policy. */
struct tls_tlsa {
	uint64_t usage, selector, mtype;
	struct str data;
};

/*
 * What there is to know about a TLS session.  All texts are empty where unknown, and printable
 * ASCII.  All zero means: no TLS.
 */
struct tls_facts {
	uint64_t status;	/* enum tls_status */
	bool active;		/* the connection is encrypted */
	struct str reason;	/* why not, for the log */
	struct str version;	/* "TLSv1.3" */
	struct str cipher;	/* "TLS_AES_256_GCM_SHA384" */
	uint64_t bits;		/* of the key in use, and what the algorithm could have */
	uint64_t alg_bits;
	struct str group;	/* key exchange: "X25519" */
	struct str signature;	/* the server's: "ECDSA (prime256v1)", "RSA-PSS (2048 bits)" */
	struct str digest;	/* with it: "SHA256" */
	struct str sni;		/* the name a client asked for, or we asked for */
	struct str alpn;	/* the protocol agreed on, or empty */
	bool resumed;
	bool peer_cert;		/* the peer showed a certificate */
	bool trusted;		/* it leads to a root we trust */
	bool verified;		/* and names the peer we wanted */
	struct str subject;	/* its common name, for the log only */
	struct str issuer;	/* its issuer's common name, for the log only */
	struct str fingerprint;	/* SHA-256 of the certificate, 32 bytes */
	struct str exporter;	/* tls-exporter value (RFC 9266), TLS_EXPORTER bytes */
};

/* The rows of a struct tls_facts at member `m` of struct `s`, for messages that carry one. */
#define TLS_FACTS_ROWS(s, m)							\
	IPC_U64(s, m.status, TLS_BUFFERED),					\
	IPC_BOOL(s, m.active),							\
	IPC_TEXT(s, m.reason, TLS_REASON_MAX),					\
	IPC_TEXT(s, m.version, 16),						\
	IPC_TEXT(s, m.cipher, TLS_NAME_MAX),					\
	IPC_U64(s, m.bits, 65536),						\
	IPC_U64(s, m.alg_bits, 65536),						\
	IPC_TEXT(s, m.group, TLS_NAME_MAX),					\
	IPC_TEXT(s, m.signature, TLS_NAME_MAX),					\
	IPC_TEXT(s, m.digest, TLS_NAME_MAX),					\
	IPC_TEXT(s, m.sni, TLS_NAME_MAX),					\
	IPC_TEXT(s, m.alpn, TLS_NAME_MAX),					\
	IPC_BOOL(s, m.resumed),							\
	IPC_BOOL(s, m.peer_cert),						\
	IPC_BOOL(s, m.trusted),							\
	IPC_BOOL(s, m.verified),						\
	IPC_TEXT(s, m.subject, TLS_NAME_MAX),					\
	IPC_TEXT(s, m.issuer, TLS_NAME_MAX),					\
	IPC_STR(s, m.fingerprint, TLS_DIGEST_MAX),				\
	IPC_STR(s, m.exporter, TLS_EXPORTER)

/* smtpd, login, smtp -> tlsd: start TLS on this connection. */
struct tls_start {
	uint64_t role;		/* enum tls_role */
	uint64_t policy;	/* enum tls_policy; servers: MAY */
	int fd;			/* the TCP connection */
	struct str service;	/* the asker's service name */
	struct str peer;	/* "NAME[IP]:PORT" of the peer, for tlsd's log */
	struct str name;	/* client: the name to ask for (SNI) and to look for; may be empty */
	struct str match;	/* client, TLS_VERIFY: the certificate must name this, or a name below
				 * it, instead of `name`; may be empty */
	struct str alpn;	/* client: protocol to offer, or empty; server: the one it speaks */
	bool exporter;		/* the exporter value is wanted */
	struct ipc_list tlsa;	/* struct tls_tlsa, for DANE */
	uint64_t timeout_ms;	/* for the handshake */
};

/* tlsd -> asker. */
struct tls_started {
	int fd;			/* the plain side; -1 unless facts.status is TLS_OK */
	struct tls_facts facts;
};

extern const struct ipc_msg tls_start_msg;
extern const struct ipc_msg tls_started_msg;

#endif
