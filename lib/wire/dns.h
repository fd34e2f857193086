/* SPDX-License-Identifier: ISC */
/*
 * dns - questions to dnsd and what it found, decoded and capped.
 *
 * Whoever reads an answer sees only valid names, addresses of the right size, and counts inside
 * the caps: dnsd checks every byte of the wire form (RFC 1035 3) so that no other program must.
 */
#ifndef WIRE_DNS_H
#define WIRE_DNS_H

#include "ipc/message.h"

#define DNS_NAME_MAX	253	/* a name as text, no dot at the end */
#define DNS_LABEL_MAX	63
#define DNS_MX_MAX	100	/* the rest of a longer answer is dropped */
#define DNS_ADDR_MAX	50
#define DNS_RECORD_MAX	100	/* PTR, TXT, TLSA */
#define DNS_TXT_MAX	16384	/* bytes of one TXT record, its strings joined; a longer one is dropped */
#define DNS_TLSA_DATA	8192
#define DNS_CHAIN_MAX	10	/* CNAMEs followed */
#define DNS_TTL_MAX	(7u * 86400)

/* The types that can be asked for, by their numbers on the wire. */
enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52,
};

enum dns_status {
	DNS_OK,		/* one record at least */
	DNS_NXDOMAIN,	/* the name does not exist */
	DNS_NODATA,	/* it exists, without records of this type */
	DNS_TEMPFAIL,	/* no answer, SERVFAIL, or dnsd is away: ask again later */
	DNS_BOGUS,	/* DNSSEC validation failed: as TEMPFAIL, and say so */
	DNS_BAD,	/* the name asked for is not valid */
};

struct dns_record {
	uint64_t pref;			/* MX */
	struct str name;		/* MX, PTR: a valid name in lower case, or "" for the root (null MX) */
	struct str data;		/* A: 4 bytes, AAAA: 16 bytes, TXT: text, TLSA: association data */
	uint64_t usage, selector, mtype;	/* TLSA */
};

struct dns_question {
	struct str name;	/* without a dot at the end */
	uint64_t type;		/* enum dns_type */
	uint64_t timeout_ms;
};

struct dns_answer {
	uint64_t status;	/* enum dns_status */
	bool secure;		/* DNSSEC says the answer, also a negative one, is authentic */
	uint64_t ttl;		/* seconds the answer may be kept; 0 for failures */
	struct str canonical;	/* the name after CNAMEs, where it is not the name asked for */
	struct ipc_list records;	/* struct dns_record */
	bool cut;		/* there were more than the caps allow */
	struct str reason;	/* for the log: "Host not found", "query timed out", … */
};

extern const struct ipc_msg dns_question_msg;
extern const struct ipc_msg dns_answer_msg;

/* "MX", …; NULL for others. */
const char *dns_type_name(uint64_t type);

/*
 * May this text go to the DNS as a name?  Labels of 1 to 63 letters, digits, '-' and '_', at most
 * 253 bytes in all, no dot at the end.
 */
bool dns_name_ok(struct str name);

/*
 * Is it a host name (RFC 1123 2.1): as above without '_', no '-' at either end of a label, and the
 * last label not all digits?
 */
bool dns_host_ok(struct str name);

#endif
