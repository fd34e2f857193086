/* SPDX-License-Identifier: ISC */
#include "wire/deliver_log.h"

#include <inttypes.h>

#include "base/event.h"
#include "base/log.h"

static const struct event delivery = { "delivery",
	"{id}: to=<{to}>[, orig_to=<{orig_to}>], relay={relay}[, conn_use={conn_use}], "
	"delay={delay}, delays={delays}, dsn={dsn}, status={status} ({text})" };

static const char *const status_names[] = {
	[RESULT_SENT] = "sent",
	[RESULT_DEFERRED] = "deferred",
	[RESULT_BOUNCED] = "bounced",
	[RESULT_EXPANDED] = "sent",
};

/* Print `hundredths` without the zeros behind that say nothing. */
static void
add_hundredths(struct buf *out, int64_t hundredths)
{
	buf_addf(out, "%" PRId64, hundredths / 100);
	if (hundredths % 100 == 0)
		return;
	if (hundredths % 10 == 0)
		buf_addf(out, ".%" PRId64, hundredths % 100 / 10);
	else
		buf_addf(out, ".%02" PRId64, hundredths % 100);
}

void
deliver_seconds(struct buf *out, int64_t us)
{
	if (us < 0)		/* somebody set the clock */
		us = 0;
	if (us < 1000000)
		add_hundredths(out, (us + 5000) / 10000);
	else if (us < 10000000)
		add_hundredths(out, (us + 50000) / 100000 * 10);
	else
		buf_addf(out, "%" PRId64, (us + 500000) / 1000000);
}

static void
add_delays(struct buf *out, const struct deliver *d, const struct deliver_times *t)
{
	int64_t ready = t->ready_us != 0 ? t->ready_us : t->done_us;

	deliver_seconds(out, (int64_t)(d->active_us - d->arrival_us));
	buf_addc(out, '/');
	deliver_seconds(out, t->start_us - (int64_t)d->active_us);
	buf_addc(out, '/');
	deliver_seconds(out, ready - t->start_us);
	buf_addc(out, '/');
	deliver_seconds(out, t->done_us - ready);
}

void
deliver_line(struct buf *out, const struct deliver *d, const struct deliver_rcpt *r,
    const struct result_rcpt *result, struct str relay, unsigned conn_use,
    const struct deliver_times *t)
{
	struct buf delay = { 0 }, delays = { 0 }, use = { 0 };
	const char *status = "deferred";

	deliver_seconds(&delay, t->done_us - (int64_t)d->arrival_us);
	add_delays(&delays, d, t);
	if (conn_use > 1)
		buf_addf(&use, "%u", conn_use);
	if (result->status < sizeof(status_names) / sizeof(status_names[0]))
		status = status_names[result->status];
	const struct event_field fields[] = {
		{ "id", d->queue_id },
		{ "to", r->addr },
		{ "orig_to", str_ieq(r->orig, r->addr) ? STR("") : r->orig },
		{ "relay", relay },
		{ "conn_use", buf_str(&use) },
		{ "delay", buf_str(&delay) },
		{ "delays", buf_str(&delays) },
		{ "dsn", result->dsn },
		{ "status", str_of(status) },
		{ "text", result->text },
	};
	event_line(out, &delivery, fields, sizeof(fields) / sizeof(fields[0]));
	buf_free(&delay);
	buf_free(&delays);
	buf_free(&use);
}

void
deliver_log(const struct deliver *d, const struct deliver_rcpt *r,
    const struct result_rcpt *result, struct str relay, unsigned conn_use,
    const struct deliver_times *t)
{
	struct buf line = { .limit = 2 * LOG_LINE };

	deliver_line(&line, d, r, result, relay, conn_use, t);
	log_info("%.*s", STR_ARG(buf_str(&line)));
	buf_free(&line);
}
