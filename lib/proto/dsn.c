/* SPDX-License-Identifier: ISC */
#include "proto/dsn.h"

#include "base/scan.h"
#include "mail/address.h"
#include "mail/date.h"
#include "mail/header.h"
#include "proto/smtp.h"

#define WORD	900	/* a longer word is cut: no line passes 998 bytes */

const char *
dsn_action_word(enum dsn_action a)
{
	static const char *const words[] = { "failed", "delayed", "delivered", "relayed", "expanded" };

	return words[a];
}

/* One word after another, control bytes as "?", bytes above 127 too unless `utf8`. */
static void
add_field(struct buf *out, const char *name, const char *type, struct str value, bool utf8)
{
	struct buf clean = { .p = NULL };
	size_t word = 0;

	if (value.n == 0)
		return;
	if (type != NULL)
		buf_addf(&clean, "%s; ", type);
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		bool gap = c == ' ' || c == '\t' || c == '\n' || c == '\r';

		word = gap ? 0 : word + 1;
		if (word > WORD) {
			buf_addc(&clean, ' ');
			word = 1;
		}
		buf_addc(&clean, gap ? ' ' : c < 32 || c == 127 || (c >= 128 && !utf8) ? '?' : (char)c);
	}
	header_fold(out, str_of(name), buf_str(&clean), STR("\r\n"));
	buf_free(&clean);
}

static void
add_date(struct buf *out, const char *name, int64_t when, int zone)
{
	char date[DATE_MAX];

	if (when != 0)
		add_field(out, name, NULL, date_5322(date, when, zone), false);
}

/* An address as rfc822 where ASCII can say it, else as utf-8 (RFC 6533 3). */
static void
add_address(struct buf *out, const char *name, struct str address, bool utf8)
{
	struct buf coded = { .p = NULL };

	if (ascii_ok(address)) {
		add_field(out, name, "rfc822", address, false);
		return;
	}
	if (utf8) {
		add_field(out, name, "utf-8", address, true);
		return;
	}
	/* utf-8-addr-xtext: what cannot be written is escaped. */
	for (size_t i = 0; i < address.n; i++) {
		if ((unsigned char)address.p[i] >= 128)
			buf_addf(&coded, "\\x%02X", (unsigned char)address.p[i]);
		else
			buf_addc(&coded, address.p[i]);
	}
	add_field(out, name, "X-Posthorn-Bytes", buf_str(&coded), false);
	buf_free(&coded);
}

void
dsn_add_message(struct buf *out, const struct dsn_message *m)
{
	struct buf xtext = { .p = NULL };

	xtext_add(&xtext, m->envid);
	add_field(out, "Original-Envelope-Id", NULL, buf_str(&xtext), false);
	buf_free(&xtext);
	add_field(out, "Reporting-MTA", "dns", m->reporting_mta, false);
	add_field(out, "Received-From-MTA", "dns", m->received_from, false);
	add_field(out, "X-Posthorn-Queue-ID", NULL, m->queue_id, false);
	if (m->sender.n > 0)
		add_address(out, "X-Posthorn-Sender", m->sender, m->utf8);
	add_date(out, "Arrival-Date", m->arrival, m->zone);
}

void
dsn_add_rcpt(struct buf *out, const struct dsn_rcpt *r)
{
	struct str address = r->orcpt, type;

	buf_add(out, STR("\r\n"));
	if (str_cut(&address, ';', &type) && address.n > 0) {
		if (str_ieq(type, STR("rfc822")) || str_ieq(type, STR("utf-8"))) {
			add_address(out, "Original-Recipient", address, r->utf8);
		} else {
			add_field(out, "Original-Recipient", NULL, r->orcpt, r->utf8);
		}
	}
	add_address(out, "Final-Recipient", r->final, r->utf8);
	add_field(out, "Action", NULL, str_of(dsn_action_word(r->action)), false);
	add_field(out, "Status", NULL, r->status, false);
	add_field(out, "Remote-MTA", "dns", r->remote_mta, false);
	add_field(out, "Diagnostic-Code", r->diagnostic_smtp ? "smtp" : "X-Posthorn", r->diagnostic,
	    r->utf8);
	add_date(out, "Last-Attempt-Date", r->last_attempt, r->zone);
	if (r->action == DSN_DELAYED)
		add_date(out, "Will-Retry-Until", r->retry_until, r->zone);
}
