/* SPDX-License-Identifier: ISC */
#include "bounce/report.h"

#include "base/encode.h"
#include "base/hash.h"
#include "mail/address.h"
#include "mail/date.h"
#include "mail/header.h"
#include "proto/dsn.h"

#define FLUSH		16384	/* bytes gathered before the sink gets them */
#define LISTED		50	/* recipients explained one by one in the text for people */
#define SUBJECT_MAX	120
#define TEXT_WIDTH	72

struct writer {
	struct report *r;
	const struct notify *n;
	struct pool *pool;
	struct buf out;
	struct buf original;	/* what is returned: the message, or its header */
	bool whole;
	report_sink *sink;
	void *arg;
};

static void
flush(struct writer *w)
{
	w->sink(w->arg, buf_str(&w->out));
	buf_reset(&w->out);
}

static void
add(struct writer *w, struct str s)
{
	buf_add(&w->out, s);
	if (w->out.n > FLUSH)
		flush(w);
}

/* One line of text for people. */
static void
line(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
line(struct writer *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&w->out, fmt, ap);
	va_end(ap);
	add(w, STR("\r\n"));
}

/* Text of others, folded to the width of a letter, each line indented; nothing but printable. */
static void
quote(struct writer *w, struct str text, const char *indent)
{
	const size_t most = (size_t)TEXT_WIDTH * 6;	/* a longer word is cut */
	size_t column = 0;
	struct str word;

	while (text.n > 0) {
		size_t n = 0;

		while (text.n > 0 && ch_space(text.p[0]))
			text = str_sub(text, 1, text.n);
		while (n < text.n && !ch_space(text.p[n]))
			n++;
		if (n == 0)
			break;
		word = str_sub(text, 0, n < most ? n : most);
		text = str_sub(text, word.n, text.n);
		if (column == 0 || column + 1 + word.n > TEXT_WIDTH) {
			if (column > 0)
				add(w, STR("\r\n"));
			buf_addz(&w->out, indent);
			column = strlen(indent);
		} else {
			buf_addc(&w->out, ' ');
			column++;
		}
		for (size_t i = 0; i < word.n; i++) {
			unsigned char c = (unsigned char)word.p[i];

			buf_addc(&w->out, c < 32 || c == 127 || (c >= 128 && !w->r->utf8) ? '?' :
			    (char)c);
		}
		column += word.n;
	}
	if (column > 0)
		add(w, STR("\r\n"));
}

static const struct explain {
	const char *code;	/* without its class */
	const char *text;
} explains[] = {
	{ "1.1", "There is no mailbox of that name. Please check the spelling." },
	{ "1.2", "The part behind the @ is no domain that takes mail. Please check the spelling." },
	{ "1.3", "This is not a valid mail address." },
	{ "1.6", "The mailbox has moved and its new address is not known." },
	{ "1.10", "This domain takes no mail at all." },
	{ "2.1", "The mailbox exists but takes no mail at the moment." },
	{ "2.2", "The mailbox is full." },
	{ "2.3", "The message is larger than this mailbox takes." },
	{ "3.4", "The message is larger than the receiving server takes." },
	{ "4.1", "The receiving server could not be reached." },
	{ "4.2", "The connection to the receiving server broke off." },
	{ "4.3", "The servers for this address could not be looked up." },
	{ "4.4", "No server for this address could be found." },
	{ "4.6", "The message went around in a circle." },
	{ "4.7", "It could not be delivered in the time we keep trying." },
	{ "6.7", "The receiving server cannot take addresses with such characters." },
	{ "7.1", "The receiving server refused the message; perhaps the sender or the content was not"
	  " wanted there." },
};

const char *
report_explain(struct str dsn)
{
	struct str class;

	if (!str_cut(&dsn, '.', &class))
		return NULL;
	for (size_t i = 0; i < sizeof(explains) / sizeof(explains[0]); i++)
		if (str_eq(dsn, str_of(explains[i].code)))
			return explains[i].text;
	return NULL;
}

static bool
is_ascii_rcpt(const struct notify_rcpt *r)
{
	return ascii_ok(r->addr) && ascii_ok(r->orig) && ascii_ok(r->orcpt);
}

/* Does anything in it need UTF-8 (RFC 6533)? */
static bool
needs_utf8(const struct report *r)
{
	const struct notify_rcpt *v = r->about->rcpts.v;

	if (!ascii_ok(r->to) || (r->about->flags & ENV_SMTPUTF8))
		return true;
	for (size_t i = 0; i < r->about->rcpts.n; i++)
		if (!is_ascii_rcpt(&v[i]))
			return true;
	return false;
}

/* Read what will be returned: all of it when it is small and wanted, else its header. */
static bool
load_original(struct writer *w)
{
	const struct notify *n = w->n;
	struct envelope_edit *edits = n->edits.v;
	struct str *drop = pool_array(w->pool, n->edits.n + 1, sizeof(*drop));
	struct message_fd fd = { n->fd, n->offset };
	struct message_plan plan = {
		.received = n->received, .received_id_at = n->received_id_at,
		.queue_id = n->queue_id, .prepend = n->prepend, .drop = { drop, n->edits.n },
		.memory = n->content, .size = n->size, .arg = &fd,
		.read = n->fd >= 0 ? message_pread : NULL,
	};
	struct message *m;
	ssize_t got = 0;
	size_t most = w->r->size_limit;
	char *room;

	for (size_t i = 0; i < n->edits.n; i++)
		drop[i] = edits[i].name;
	if ((m = message_open(w->pool, &plan, MESSAGE_CRLF)) == NULL)
		return false;
	w->whole = n->kind == NOTICE_FAILED && n->ret != RET_HDRS && !w->r->to_postmaster &&
	    message_wire_size(m) <= most;
	w->original.limit = most + FLUSH;
	while (w->original.n < most && (room = buf_room(&w->original, FLUSH)) != NULL &&
	    (got = message_read(m, room, FLUSH)) > 0)
		buf_grew(&w->original, (size_t)got);
	message_close(m);
	if (got < 0)
		return false;
	if (!w->whole) {
		w->original.n = header_length(buf_str(&w->original));
		if (w->original.n > most)
			w->original.n = most;
	}
	return true;
}

/* The Subject, when it can be read as it is. */
static struct str
subject(struct writer *w)
{
	struct header f;
	struct str s;

	if (!header_find(buf_str(&w->original), STR("Subject"), &f))
		return STR("");
	s = str_sub(header_unfold(w->pool, f.value), 0, SUBJECT_MAX);
	return ascii_ok(s) && str_find(s, STR("=?")) < 0 ? s : STR("");
}

static const char *
title(const struct report *r)
{
	switch (r->about->kind) {
	case NOTICE_DELAYED:
		return "Delayed Mail (still being retried)";
	case NOTICE_SUCCESS:
		return "Successful Mail Delivery Report";
	default:
		return r->to_postmaster ? "Postmaster Copy: Undelivered Mail" :
		    "Undelivered Mail Returned to Sender";
	}
}

static void
add_header(struct writer *w)
{
	struct report *r = w->r;
	char date[DATE_MAX];
	unsigned char raw[8];
	struct buf id = { .p = NULL };

	random_bytes(raw, sizeof(raw));
	hex_add(&id, str_n(raw, sizeof(raw)));
	r->message_id = pool_printf(w->pool, "<%s@%s>", buf_z(&id), r->host);
	line(w, "Date: %.*s", STR_ARG(date_5322(date, r->now, date_zone(r->now))));
	line(w, "From: Mail Delivery System <MAILER-DAEMON@%s>", r->host);
	line(w, "Subject: %s", title(r));
	line(w, "To: %.*s", STR_ARG(r->to));
	line(w, "Auto-Submitted: auto-replied");
	line(w, "MIME-Version: 1.0");
	line(w, "Content-Type: multipart/report; report-type=%s;\r\n\tboundary=\"%.*s\"",
	    r->utf8 ? "global-delivery-status" : "delivery-status", STR_ARG(r->boundary));
	line(w, "Content-Transfer-Encoding: %s", r->eightbit ? "8bit" : "7bit");
	line(w, "Message-Id: %.*s", STR_ARG(r->message_id));
	line(w, "%s", "");
	line(w, "This is a MIME-encapsulated message.");
	buf_free(&id);
}

static void
add_part(struct writer *w, const char *what, const char *type)
{
	line(w, "\r\n--%.*s", STR_ARG(w->r->boundary));
	line(w, "Content-Description: %s", what);
	line(w, "Content-Type: %s", type);
	if (w->r->eightbit)
		line(w, "Content-Transfer-Encoding: 8bit");
	line(w, "%s", "");
}

static const char *
opening(const struct report *r)
{
	switch (r->about->kind) {
	case NOTICE_DELAYED:
		return "your message has not been delivered yet. You need not send it again: we keep"
		    " trying, and tell you should it fail in the end.";
	case NOTICE_SUCCESS:
		return "you asked to be told: your message has been delivered, or handed on to a system"
		    " that sends no such notices, for the addresses below.";
	default:
		if (r->to_postmaster)
			return "a message could neither be delivered nor returned to its sender. Here is"
			    " what is known of it.";
		return "we are sorry: your message could not be delivered to the addresses below. It is"
		    " returned to you with this notice.";
	}
}

static void
add_rcpt_text(struct writer *w, const struct notify_rcpt *r)
{
	const char *why = report_explain(r->dsn);
	struct buf who = { .p = NULL };

	buf_add(&who, r->addr);
	if (r->orig.n > 0 && !str_eq(r->orig, r->addr))
		buf_addf(&who, " (you wrote to %.*s)", STR_ARG(r->orig));
	quote(w, buf_str(&who), "  ");
	buf_free(&who);
	if (why != NULL && w->n->kind != NOTICE_SUCCESS)
		quote(w, str_of(why), "    ");
	if (r->text.n > 0) {
		line(w, "    In detail:");
		quote(w, r->text, "      ");
	}
	line(w, "%s", "");
}

static void
add_text(struct writer *w)
{
	const struct notify_rcpt *v = w->n->rcpts.v;
	char date[DATE_MAX];
	struct str about = subject(w);
	int64_t expire = (int64_t)(w->n->expire_us / 1000000);

	add_part(w, "Notification", w->r->utf8 ? "text/plain; charset=utf-8" :
	    "text/plain; charset=us-ascii");
	line(w, "Hello,\r\n");
	quote(w, str_of(opening(w->r)), "");
	line(w, "%s", "");
	if (about.n > 0) {
		line(w, "The subject of the message was:");
		quote(w, about, "  ");
		line(w, "%s", "");
	}
	for (size_t i = 0; i < w->n->rcpts.n && i < LISTED; i++)
		add_rcpt_text(w, &v[i]);
	if (w->n->rcpts.n > LISTED)
		line(w, "  and %zu more addresses, listed in the second part of this notice.\r\n",
		    w->n->rcpts.n - LISTED);
	if (w->n->kind == NOTICE_DELAYED && expire > 0)
		line(w, "We keep trying until %.*s.\r\n",
		    STR_ARG(date_5322(date, expire, date_zone(expire))));
	quote(w, pool_printf(w->pool, "This notice was written by the mail system at %s. If you need"
	    " help, send it on to postmaster; the parts below it say more.", w->r->host), "");
	line(w, "%s", "");
	line(w, "                              The mail system at %s", w->r->host);
}

static void
add_status(struct writer *w)
{
	const struct notify *n = w->n;
	const struct notify_rcpt *v = n->rcpts.v;
	int zone = date_zone(w->r->now);
	struct dsn_message m = {
		.envid = n->envid, .reporting_mta = str_of(w->r->host),
		.received_from = n->client_name, .arrival = (int64_t)(n->arrival_us / 1000000),
		.zone = zone, .queue_id = n->queue_id, .sender = n->sender, .utf8 = w->r->utf8,
	};

	add_part(w, "Delivery report", w->r->utf8 ? "message/global-delivery-status" :
	    "message/delivery-status");
	dsn_add_message(&w->out, &m);
	for (size_t i = 0; i < n->rcpts.n; i++) {
		struct dsn_rcpt d = {
			.orcpt = v[i].orcpt, .final = v[i].addr,
			.action = (enum dsn_action)v[i].action, .status = v[i].dsn,
			.remote_mta = v[i].remote,
			.diagnostic = v[i].diag.n > 0 ? v[i].diag : v[i].text,
			.diagnostic_smtp = v[i].diag.n > 0, .zone = zone, .utf8 = w->r->utf8,
			.last_attempt = (int64_t)(v[i].attempt_us / 1000000),
			.retry_until = (int64_t)(n->expire_us / 1000000),
		};

		if (d.orcpt.n == 0 && v[i].orig.n > 0)
			d.orcpt = pool_printf(w->pool, "rfc822;%.*s", STR_ARG(v[i].orig));
		dsn_add_rcpt(&w->out, &d);
		add(w, STR(""));
	}
}

static void
add_original(struct writer *w)
{
	if (w->whole)
		add_part(w, "Undelivered Message", w->r->utf8 ? "message/global" : "message/rfc822");
	else
		add_part(w, "Header of the message", w->r->utf8 ? "message/global-headers" :
		    "text/rfc822-headers");
	add(w, buf_str(&w->original));
	if (w->original.n > 0 && w->original.p[w->original.n - 1] != '\n')
		add(w, STR("\r\n"));
	line(w, "\r\n--%.*s--", STR_ARG(w->r->boundary));
}

bool
report_write(struct report *r, struct pool *p, report_sink *sink, void *arg)
{
	struct writer w = { .r = r, .n = r->about, .pool = p, .sink = sink, .arg = arg };
	bool ok = load_original(&w);

	if (ok) {
		r->utf8 = needs_utf8(r);
		r->eightbit = r->utf8 || !ascii_ok(buf_str(&w.original));
		add_header(&w);
		add_text(&w);
		add_status(&w);
		add_original(&w);
		flush(&w);
	}
	buf_free(&w.out);
	buf_free(&w.original);
	return ok;
}
