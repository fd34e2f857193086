/* SPDX-License-Identifier: ISC */
#include "pickup/envelope.h"

#include "base/clock.h"
#include "base/vec.h"
#include "conf/common.h"
#include "mail/address.h"
#include "mail/date.h"
#include "wire/limits.h"

#define FIELD_MAX	8192	/* of one field we write */
#define FIELDS_MAX	50	/* address fields looked at in one message */
#define ADDRESSES	(HEADER_FROM | HEADER_TO | HEADER_SENDER | HEADER_RESENT_FROM | HEADER_RESENT_TO)
_Static_assert(FIELD_MAX <= LIMIT_HEADER && FIELDS_MAX + 4 <= LIMIT_HEADERS, "they fit");

/* Header lines go to the watcher one by one. */
static void
watch(struct seen *s, struct str piece)
{
	s->line.limit = s->addresses.limit = HEADER_FIELD_MAX;
	while (piece.n > 0 && !s->watch.done) {
		const char *nl = memchr(piece.p, '\n', piece.n);
		size_t n = nl == NULL ? piece.n : (size_t)(nl - piece.p);

		buf_add(&s->line, str_n(piece.p, n));
		if (nl == NULL)
			return;
		if (s->line.n > 0 && s->line.p[s->line.n - 1] == '\r')
			s->line.n--;
		if (header_watch(&s->watch, buf_str(&s->line)) && (s->watch.now & ADDRESSES)) {
			buf_add(&s->addresses, buf_str(&s->line));
			buf_add(&s->addresses, STR("\r\n"));
		}
		buf_reset(&s->line);
		piece = str_sub(piece, n + 1, piece.n);
	}
}

void
seen_add(struct seen *s, struct str piece)
{
	for (size_t i = 0; i < piece.n && !s->eightbit; i++)
		s->eightbit = (unsigned char)piece.p[i] >= 128;
	watch(s, piece);
}

void
seen_free(struct seen *s)
{
	buf_free(&s->line);
	buf_free(&s->addresses);
}

/* "root" becomes "root@origin"; the null sender stays. */
static struct str
complete(struct str addr, struct str origin, struct pool *p)
{
	struct str local, domain;

	if (addr.n == 0 || address_split(addr, &local, &domain))
		return addr;
	return pool_printf(p, "%.*s@%.*s", STR_ARG(addr), STR_ARG(origin));
}

static void
add_rcpts(struct envelope *env, const struct drop *d, struct str origin, struct pool *p)
{
	const struct envelope_rcpt *from = d->rcpts.v;
	struct envelope_rcpt *to = pool_array(p, d->rcpts.n, sizeof(*to));

	for (size_t i = 0; i < d->rcpts.n; i++) {
		to[i] = from[i];
		to[i].addr = complete(from[i].addr, origin, p);
		if (to[i].addr.p != from[i].addr.p)
			to[i].orig = from[i].addr;
	}
	env->rcpts = (struct ipc_list){ to, d->rcpts.n };
}

/* The form that SpamAssassin and people know: "by HOST (NAME, from userid N) id ID; DATE". */
static void
add_received(struct envelope *env, const struct drop *d, struct pool *p)
{
	int64_t now = (int64_t)(d->arrival_us / 1000000);
	char date[DATE_MAX];
	struct str head = pool_printf(p, "Received: by %s (%s, from userid %llu)\r\n\tid ",
	    common.myhostname, common.mail_name, (unsigned long long)d->uid);
	struct str when = date_5322(date, now, date_zone(now));

	env->received = pool_printf(p, "%.*s; %.*s\r\n", STR_ARG(head), STR_ARG(when));
	env->received_id_at = head.n;
}

/* From: the full name if there is one, and the sender; nobody is a better answer than nothing. */
static struct str
from_field(const struct envelope *env, const struct drop *d, const char *prefix, struct str origin,
    struct pool *p)
{
	struct buf value = { .limit = FIELD_MAX }, field = { .limit = FIELD_MAX };
	struct str s;

	if (env->sender.n == 0) {
		buf_addf(&value, "MAILER-DAEMON@%.*s", STR_ARG(origin));
	} else if (d->fullname.n > 0) {
		header_phrase(&value, d->fullname);
		buf_addf(&value, " <%.*s>", STR_ARG(env->sender));
	} else {
		buf_add(&value, env->sender);
	}
	buf_addz(&field, prefix);
	header_fold(&field, str_of("From"), buf_str(&value), STR("\r\n"));
	s = pool_str(p, buf_str(&field));
	buf_free(&value);
	buf_free(&field);
	return s;
}

static struct str
id_field(struct envelope *env, const struct drop *d, const char *prefix, struct pool *p)
{
	struct date at = date_at((int64_t)(d->arrival_us / 1000000), 0);
	struct str id = pool_printf(p, "<%04d%02u%02u%02u%02u%02u.%.*s@%s>", at.year, at.month,
	    at.day, at.hour, at.minute, at.second, STR_ARG(d->name), common.myhostname);

	if (env->message_id.n == 0)
		env->message_id = id;
	return pool_printf(p, "%sMessage-Id: %.*s\r\n", prefix, STR_ARG(id));
}

/*
 * Fields that are missing (RFC 5322 3.6, RFC 6409 8).  A message that is resent gets Resent- fields:
 * those of its author are not ours to complete.
 */
static void
add_missing(struct envelope *env, const struct drop *d, unsigned seen, struct str origin,
    struct pool *p)
{
	bool resent = (seen & HEADER_RESENT) != 0;
	const char *prefix = resent ? "Resent-" : "";
	int64_t now = (int64_t)(d->arrival_us / 1000000);
	struct str *v = pool_array(p, 4, sizeof(*v));	/* one for each below */
	char date[DATE_MAX];
	size_t n = 0;

	if (!(seen & (resent ? HEADER_RESENT_ID : HEADER_MESSAGE_ID)))
		v[n++] = id_field(env, d, prefix, p);
	if (!(seen & (resent ? HEADER_RESENT_DATE : HEADER_DATE)))
		v[n++] = pool_printf(p, "%sDate: %.*s\r\n", prefix,
		    STR_ARG(date_5322(date, now, date_zone(now))));
	if (!(seen & (resent ? HEADER_RESENT_FROM : HEADER_FROM)))
		v[n++] = from_field(env, d, prefix, origin, p);
	if (!resent && !(seen & HEADER_TO))
		v[n++] = STR("To: undisclosed-recipients:;\r\n");
	env->prepend = (struct strs){ v, n };
}

/* Leave out the fields of this name. */
static void
add_edit(struct vec *edits, struct str name)
{
	struct envelope_edit *e = edits->p;

	for (size_t i = 0; i < edits->n; i++)
		if (str_ieq(e[i].name, name))
			return;
	e = vec_push(edits);
	*e = (struct envelope_edit){ EDIT_DROP, name };
}

static bool
is_dropped(const struct vec *edits, struct str name)
{
	const struct envelope_edit *e = edits->p;

	for (size_t i = 0; i < edits->n; i++)
		if (str_ieq(e[i].name, name))
			return true;
	return false;
}

/*
 * "To: root" becomes "To: root@origin" for its readers: the fields of that name are left out and put
 * in front again, completed.
 */
static void
complete_fields(struct envelope *env, struct vec *edits, struct str addresses, struct str origin,
    struct pool *p)
{
	struct headers h = headers_of(addresses);
	struct vec fields = vec_of(sizeof(struct str));
	struct buf b = { .limit = FIELD_MAX };
	struct header f;

	while (header_next(&h, &f)) {
		buf_reset(&b);
		if (mailbox_complete(&b, f.value, origin, p))
			add_edit(edits, pool_str(p, f.name));
		/* All or nothing: what is left out must be put back, and must fit. */
		if (h.count > FIELDS_MAX || f.whole.n > FIELD_MAX / 2 || b.n > FIELD_MAX / 2 ||
		    !buf_ok(&b)) {
			vec_reset(edits);
			break;
		}
	}
	h = headers_of(addresses);
	while (edits->n > 0 && header_next(&h, &f)) {
		struct str *to;

		if (!is_dropped(edits, f.name))
			continue;
		buf_reset(&b);
		buf_add(&b, f.name);
		buf_addc(&b, ':');
		if (!mailbox_complete(&b, f.value, origin, p))
			buf_add(&b, f.value);
		buf_add(&b, STR("\r\n"));
		to = vec_push(&fields);
		*to = pool_str(p, buf_str(&b));
	}
	if (fields.n > 0) {
		struct str *v = pool_array(p, env->prepend.n + fields.n, sizeof(*v));

		memcpy(v, env->prepend.v, env->prepend.n * sizeof(*v));
		memcpy(v + env->prepend.n, fields.p, fields.n * sizeof(*v));
		env->prepend = (struct strs){ v, env->prepend.n + fields.n };
	}
	vec_free(&fields);
	buf_free(&b);
}

/* Fields that no reader may see, and those that are completed. */
static void
add_edits(struct envelope *env, const struct drop *d, unsigned seen, struct str addresses,
    struct str origin, struct pool *p)
{
	static const struct str hidden[] = { STR_INIT("Bcc"), STR_INIT("Resent-Bcc"),
		STR_INIT("Return-Path"), STR_INIT("Content-Length") };
	struct vec edits = vec_of(sizeof(struct envelope_edit));
	struct envelope_edit *v;

	if (!(d->flags & ENV_NO_EXPAND))
		complete_fields(env, &edits, addresses, origin, p);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]) && (seen & HEADER_DROP); i++)
		add_edit(&edits, hidden[i]);
	v = pool_array(p, edits.n + 1, sizeof(*v));
	if (edits.n > 0)
		memcpy(v, edits.p, edits.n * sizeof(*v));
	env->edits = (struct ipc_list){ v, edits.n };
	vec_free(&edits);
}

void
envelope_build(struct envelope *env, const struct drop *d, const struct seen *seen,
    struct str origin, struct pool *p)
{
	const struct header_watch *w = &seen->watch;
	/* Of a header too large to be kept no address field is completed. */
	struct str addresses = buf_ok(&seen->addresses) ? buf_str(&seen->addresses) : STR("");

	*env = (struct envelope){
		.sender = complete(d->sender, origin, p),
		.envid = d->envid,
		.ret = d->ret,
		.flags = d->flags | (seen->eightbit ? ENV_8BITMIME : 0) |
		    (w->hops > common.hopcount_limit ? ENV_LOOPED : 0),
		.origin = STR("pickup"),
		.client_name = STR("localhost"),
		.client_addr = STR("127.0.0.1"),
		.helo = STR("localhost"),
		.proto = STR("SMTP"),
		.uid = d->uid,
		.maildrop = d->name,
		.arrival_us = d->arrival_us,
		.message_id = pool_str(p, header_watch_id(w)),
	};
	add_rcpts(env, d, origin, p);
	add_received(env, d, p);
	if (!(d->flags & ENV_NO_EXPAND))
		add_missing(env, d, w->seen, origin, p);
	add_edits(env, d, w->seen, addresses, origin, p);
}
