/* SPDX-License-Identifier: ISC */
/*
 * received - the trace field this hop adds (RFC 5321 4.4), in the shape log and spam tools read.
 */
#include "ask/tls.h"
#include "base/buf.h"
#include "mail/date.h"
#include "smtpd/smtpd.h"

/* "ESMTPSA" and kin, RFC 3848. */
struct str
received_proto(const struct smtp_session *s)
{
	static const struct str names[] = {
		STR_INIT("ESMTP"), STR_INIT("ESMTPS"), STR_INIT("ESMTPA"), STR_INIT("ESMTPSA"),
	};

	if (!s->esmtp)
		return STR("SMTP");
	return names[(s->tls ? 1 : 0) | (s->sasl_user.n > 0 ? 2 : 0)];
}

struct str
received_header(struct smtp_session *s, struct pool *pool, uint64_t *id_at)
{
	int64_t now = clock_wall();
	struct buf b = { .limit = 4096 };
	char date[DATE_MAX];
	struct str out;

	/* Who said no HELO is called what DNS says. */
	buf_addf(&b, "Received: from %.*s (%.*s [%s%.*s])\r\n",
	    STR_ARG(s->helo.n > 0 ? s->helo : s->name), STR_ARG(s->name),
	    s->client.ss.ss_family == AF_INET6 ? "IPv6:" : "", STR_ARG(s->ip));
	if (s->tls && smtpd_conf.tls_received_header) {
		buf_addz(&b, "\t(using ");
		tls_describe(&b, &s->tls_facts);
		buf_addz(&b, ")\r\n");
	}
	if (s->sasl_user.n > 0 && smtpd_conf.sasl_authenticated_header)
		buf_addf(&b, "\t(Authenticated sender: %.*s)\r\n", STR_ARG(s->sasl_user));
	buf_addf(&b, "\tby %s (%s) with %.*s id ", common.myhostname, common.mail_name,
	    STR_ARG(received_proto(s)));
	*id_at = b.n;
	if (s->mail.rcpts.n == 1) {
		struct envelope_rcpt *r = vec_at(&s->mail.rcpts, 0);

		buf_addf(&b, "\r\n\tfor <%.*s>", STR_ARG(r->addr));
	}
	buf_addz(&b, "; ");
	buf_add(&b, date_5322(date, now, date_zone(now)));
	buf_addz(&b, "\r\n");
	out = pool_str(pool, buf_str(&b));
	buf_free(&b);
	return out;
}
