/* SPDX-License-Identifier: ISC */
/*
 * policy - may this client do that, at this stage?
 *
 * One question a stage of the session; each stage is a list of checks, asked in order until one has
 * a verdict.  The fixed checks below are those that every configuration has; the words of
 * smtpd_client_restrictions are looked up in the same table of checks.
 */
#include "ask/anvil.h"
#include "ask/route.h"
#include "base/log.h"
#include "smtpd/smtpd.h"

enum verdict { DUNNO, PERMIT, REFUSE };

struct rule {
	const char *word;
	enum verdict (*ask)(struct smtp_session *s, struct reply *no);
};

static enum verdict
permit_mynetworks(struct smtp_session *s, struct reply *no)
{
	(void)no;
	return s->trusted ? PERMIT : DUNNO;
}

static enum verdict
permit_sasl(struct smtp_session *s, struct reply *no)
{
	(void)no;
	return s->sasl_user.n > 0 ? PERMIT : DUNNO;
}

static enum verdict
permit_all(struct smtp_session *s, struct reply *no)
{
	(void)s;
	(void)no;
	return PERMIT;
}

static enum verdict
reject_all(struct smtp_session *s, struct reply *no)
{
	*no = reply(554, "5.7.1", "<%.*s>: Client host rejected: Access denied", STR_ARG(s->who));
	return REFUSE;
}

static const struct rule words[] = {
	{ "permit_mynetworks", permit_mynetworks },
	{ "permit_sasl_authenticated", permit_sasl },
	{ "permit", permit_all },
	{ "reject", reject_all },
};

static enum verdict
ask_list(struct smtp_session *s, const struct strs *list, struct reply *no)
{
	for (size_t i = 0; i < list->n; i++)
		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
			enum verdict v;

			if (!str_ieq(list->v[i], str_of(words[k].word)))
				continue;
			if ((v = words[k].ask(s, no)) != DUNNO)
				return v;
		}
	return DUNNO;
}

static enum verdict
submission_only(struct smtp_session *s, struct reply *no)
{
	if (!smtpd_conf.submission || s->sasl_user.n > 0)
		return DUNNO;
	*no = reply(530, "5.7.0", "Authentication required");
	return REFUSE;
}

bool
policy_check(struct smtp_session *s, enum stage stage, struct reply *no)
{
	switch (stage) {
	case STAGE_MAIL:
		if (smtpd_conf.helo_required && s->helo.n == 0) {
			*no = reply(503, "5.5.1", "Error: send HELO/EHLO first");
			return false;
		}
		return submission_only(s, no) != REFUSE;
	case STAGE_RCPT:		/* smtpd_delay_reject: the client list is asked here */
		if (submission_only(s, no) == REFUSE)	/* VRFY, which no MAIL stands before */
			return false;
		return ask_list(s, &smtpd_conf.client_restrictions, no) != REFUSE;
	default:
		return true;
	}
}

struct str
policy_counted_as(void)
{
	return smtpd_conf.submission ? STR("submission") : STR("smtp");
}

bool
policy_rate(struct smtp_session *s, unsigned what, uint64_t limit)
{
	struct anvil_counted got;

	if (limit == 0 || s->exempt)
		return true;
	if (!anvil_count((enum anvil_what)what, policy_counted_as(), s->ip, &got,
	    deadline_in(ANVIL_MS)))
		return true;
	if (got.rate <= limit)
		return true;
	log_warn("%s rate limit exceeded: %llu from %.*s for service %.*s",
	    what == ANVIL_MAIL ? "Message delivery request" : "Recipient address",
	    (unsigned long long)got.rate, STR_ARG(s->who), STR_ARG(policy_counted_as()));
	return false;
}

/* Relaying and unknown users: one question to router. */
bool
policy_rcpt(struct smtp_session *s, const struct smtp_rcpt *rcpt, struct str addr, struct reply *no)
{
	struct checked got;

	if (address_is_dash(&rcpt->to)) {
		*no = reply(501, "5.1.3", "Recipient address rejected: leading dash");
		return false;
	}
	if (!policy_check(s, STAGE_RCPT, no))
		return false;
	if (route_check_rcpt(addr, session_authenticated(s), &got, s->mail.pool,
	    deadline_in(ASK_MS)) == CHECK_OK)
		return true;
	*no = reply_text((unsigned)got.code, got.dsn, got.text);
	return false;
}
