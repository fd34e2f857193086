/* SPDX-License-Identifier: ISC */
#include "ask/dns.h"

#include <string.h>

#include "ipc/peer.h"
#include "wire/peers.h"

#define DNS_TIMEOUT_MAX		(3600 * 1000)
#define DNS_ANSWER_GRACE_MS	1000
#define DNS_PTR_TRIED		5	/* PTR names looked up forwards; more is somebody's joke */

static enum dns_status
failed(struct dns_answer *out, enum dns_status status, struct str reason)
{
	*out = (struct dns_answer){ .status = status, .reason = reason };
	return status;
}

enum dns_status
dns_lookup(struct str name, enum dns_type type, struct pool *pool, struct dns_answer *out,
    msec_t deadline)
{
	msec_t left = deadline_left(deadline);
	struct dns_question q;
	enum ipc_result r;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (!dns_name_ok(name))
		return failed(out, DNS_BAD, STR("Malformed name"));
	q = (struct dns_question){ .name = name, .type = type,
		.timeout_ms = (uint64_t)(left > DNS_TIMEOUT_MAX ? DNS_TIMEOUT_MAX : left) };
	if (deadline != NEVER)
		deadline += DNS_ANSWER_GRACE_MS;
	r = peer_ask(PEER_DNSD, &dns_question_msg, &q, &dns_answer_msg, out, pool, deadline);
	if (r == IPC_TIMEOUT)
		return failed(out, DNS_TEMPFAIL, STR("query timed out"));
	if (r != IPC_DONE)
		return failed(out, DNS_TEMPFAIL, STR("no answer from dnsd"));
	return (enum dns_status)out->status;
}

const struct dns_record *
dns_record_at(const struct dns_answer *a, size_t i)
{
	return i < a->records.n ? (const struct dns_record *)a->records.v + i : NULL;
}

bool
dns_addr(const struct dns_record *r, uint16_t port, struct net_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (r->data.n == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)&out->ss;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, r->data.p, 4);
		out->len = sizeof(*in);
		return true;
	}
	if (r->data.n == 16) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->ss;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, r->data.p, 16);
		out->len = sizeof(*in6);
		return true;
	}
	return false;
}

/* The bytes of the address: 4 or 16, 0 for another family; a v4-mapped one counts as v4. */
static struct str
raw(const struct net_addr *a)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->ss;

	if (a->len == 0)
		return STR("");
	if (a->ss.ss_family == AF_INET)
		return str_n(&((const struct sockaddr_in *)&a->ss)->sin_addr, 4);
	if (a->ss.ss_family != AF_INET6)
		return STR("");
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return str_n(in6->sin6_addr.s6_addr + 12, 4);
	return str_n(&in6->sin6_addr, 16);
}

struct str
dns_reverse_name(struct pool *pool, const struct net_addr *a)
{
	struct str ip = raw(a), name;
	struct buf b = { .limit = DNS_NAME_MAX };

	for (size_t i = ip.n; i-- > 0; ) {
		unsigned byte = (unsigned char)ip.p[i];

		if (ip.n == 4)
			buf_addf(&b, "%u.", byte);
		else
			buf_addf(&b, "%x.%x.", byte & 15, byte >> 4);
	}
	buf_addz(&b, ip.n == 4 ? "in-addr.arpa" : "ip6.arpa");
	name = pool_str(pool, buf_str(&b));
	buf_free(&b);
	return name;
}

bool
dns_reverse(const struct net_addr *a, struct pool *pool, struct str *name, bool *temporary,
    msec_t deadline)
{
	struct str ip = raw(a);
	struct dns_answer ptr, forward;
	bool later = false;

	*name = STR("unknown");
	if (temporary != NULL)
		*temporary = false;
	if (ip.n == 0)
		return false;
	dns_lookup(dns_reverse_name(pool, a), DNS_PTR, pool, &ptr, deadline);
	later = ptr.status == DNS_TEMPFAIL || ptr.status == DNS_BOGUS;
	for (size_t i = 0; ptr.status == DNS_OK && i < ptr.records.n && i < DNS_PTR_TRIED; i++) {
		const struct dns_record *r = dns_record_at(&ptr, i);

		if (!dns_host_ok(r->name))
			continue;
		dns_lookup(r->name, ip.n == 4 ? DNS_A : DNS_AAAA, pool, &forward, deadline);
		later = later || forward.status == DNS_TEMPFAIL || forward.status == DNS_BOGUS;
		for (size_t k = 0; forward.status == DNS_OK && k < forward.records.n; k++) {
			if (!str_eq(dns_record_at(&forward, k)->data, ip))
				continue;
			*name = r->name;
			return true;
		}
	}
	if (temporary != NULL)
		*temporary = later;
	return false;
}
