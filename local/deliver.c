/* SPDX-License-Identifier: ISC */
/*
 * deliver - one message for one recipient: forwarded, or into a mailbox.
 *
 * The name of a delivery is made of arrival time, queue ID and recipient number, so a delivery that
 * is repeated after a crash meets its first copy (store/deliver.h).  A .forward that keeps a copy
 * here and sends others on delivers here first; if we die before qmgr knows of the others, the
 * repetition finds that copy and goes on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask/agent.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "daemon/service.h"
#include "local/box.h"
#include "local/forward.h"
#include "local/local.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/message.h"
#include "store/deliver.h"
#include "wire/deliver_log.h"

#define LOOP_WINDOW	65536	/* bytes of the header looked at for Delivered-To */
#define PIECE		32768

struct owner owner = { .root = -1 };

static void
set(struct result_rcpt *res, unsigned status, const char *dsn, struct str text)
{
	res->status = status;
	res->dsn = str_of(dsn);
	res->text = text;
}

/* ---- the message as it will stand in the mailbox ---- */

/* "Name: value", a line end; nothing in the value can end the line early (security C3). */
static struct str
field(struct pool *pool, const char *name, const char *before, struct str value, const char *after)
{
	struct buf b = { 0 };
	struct str whole;

	buf_addf(&b, "%s: %s", name, before);
	for (size_t i = 0; i < value.n; i++)
		buf_addc(&b, (unsigned char)value.p[i] < ' ' || value.p[i] == 127 ? '?' : value.p[i]);
	buf_addf(&b, "%s\r\n", after);
	whole = pool_str(pool, buf_str(&b));
	buf_free(&b);
	return whole;
}

static struct message *
merged(const struct deliver *d, const struct deliver_rcpt *r, struct message_fd *from,
    struct pool *pool)
{
	const struct envelope_edit *edits = d->edits.v;
	struct message_plan *plan = pool_alloc(pool, sizeof(*plan));
	struct str *top = pool_array(pool, 3, sizeof(*top));

	top[0] = field(pool, "Return-Path", "<", d->sender, ">");
	top[1] = field(pool, "X-Original-To", "", r->orig.n > 0 ? r->orig : r->addr, "");
	top[2] = field(pool, "Delivered-To", "", r->addr, "");
	plan->top = (struct strs){ top, 3 };
	plan->received = d->received;
	plan->received_id_at = (size_t)d->received_id_at;
	plan->queue_id = d->queue_id;
	plan->prepend = d->prepend;
	plan->drop.v = pool_array(pool, d->edits.n, sizeof(struct str));
	for (size_t i = 0; i < d->edits.n; i++)
		if (edits[i].kind == EDIT_DROP)
			plan->drop.v[plan->drop.n++] = edits[i].name;
	if (d->fd >= 0) {
		*from = (struct message_fd){ d->fd, d->offset };
		plan->read = message_pread;
		plan->arg = from;
		plan->size = d->size;
	} else {
		plan->memory = d->content;
		plan->size = d->content.n;
	}
	return message_open(pool, plan, MESSAGE_CRLF);
}

/* Does one of these fields say that the message was here before? */
static bool
names_us(struct str text, struct str addr)
{
	struct headers h = headers_of(text);
	struct header f;

	while (header_next(&h, &f))
		if (str_ieq(f.name, STR("Delivered-To")) && str_ieq(str_trim(f.value), addr))
			return true;
	return false;
}

static bool
is_loop(const struct deliver *d, const struct deliver_rcpt *r, struct pool *pool)
{
	struct str head = str_sub(d->content, 0, LOOP_WINDOW);
	size_t want = d->size < LOOP_WINDOW ? (size_t)d->size : LOOP_WINDOW;
	ssize_t n;

	for (size_t i = 0; i < d->prepend.n; i++)
		if (names_us(d->prepend.v[i], r->addr))
			return true;
	if (d->fd >= 0) {
		char *p = pool_alloc(pool, LOOP_WINDOW);

		n = pread(d->fd, p, want, (off_t)d->offset);
		head = str_n(p, n > 0 ? (size_t)n : 0);
	}
	return names_us(head, r->addr);
}

/* ---- the mailbox ---- */

/*
 * The folder of the recipient's mail below the root: one name or several, none of them "." or "..";
 * false when it is none.
 */
static bool
mailbox_path(const struct deliver *d, struct str *path)
{
	struct str rest, step;

	*path = owner.virtual_box ? d->mailbox : str_of(common.mail_storage);
	if (path->n < 2 || path->p[path->n - 1] != '/')
		return false;
	path->n--;
	for (rest = *path; str_cut(&rest, '/', &step);)
		if (step.n == 0 || str_eq(step, STR(".")) || str_eq(step, STR("..")))
			return false;
	return true;
}

static void
store_failed(struct result_rcpt *res, enum store_result r, const struct store *s, struct pool *pool)
{
	struct str why = pool_str(pool, str_of(store_why(s)));

	if (why.n == 0)
		why = str_of(store_word(r));
	set(res, RESULT_DEFERRED, r == STORE_FULL ? "4.2.2" : r == STORE_NAME ? "4.3.5" : "4.2.0",
	    pool_printf(pool, "maildir delivery failed: %.*s", STR_ARG(why)));
}

/* All of the message into an open delivery; false with errno when it could not be read. */
static bool
copy(struct message *m, struct delivery *to, struct pool *pool)
{
	char *piece = pool_alloc(pool, PIECE);
	ssize_t n;

	while ((n = message_read(m, piece, PIECE)) > 0)
		deliver_write(to, str_n(piece, (size_t)n));
	return n == 0;
}

static void
store_message(const struct deliver *d, const struct deliver_rcpt *r, struct store *s,
    struct result_rcpt *res, struct pool *pool, struct deliver_times *times)
{
	struct str base = pool_printf(pool, "%lld.M%06lluQ%.*sR%llu",
	    (long long)(d->arrival_us / 1000000), (unsigned long long)(d->arrival_us % 1000000),
	    STR_ARG(d->queue_id), (unsigned long long)r->num);
	struct delivery *to = NULL;
	struct message_fd from;
	struct message *m;
	enum store_result got;
	bool again = false;

	got = deliver_begin(s, STR("INBOX"), base, &to);
	if (got != STORE_OK) {
		store_failed(res, got, s, pool);
		return;
	}
	times->ready_us = clock_wall_us();
	m = merged(d, r, &from, pool);
	if (m == NULL || !copy(m, to, pool)) {
		set(res, RESULT_DEFERRED, "4.3.0",
		    pool_printf(pool, "cannot read the message: %s", strerror(errno)));
		message_close(m);
		deliver_abort(to);
		return;
	}
	message_close(m);
	got = deliver_end(to, (int64_t)d->arrival_us, &again);
	if (got != STORE_OK)
		store_failed(res, got, s, pool);
	else
		set(res, RESULT_SENT, "2.0.0", again ?
		    STR("delivered to maildir, by an earlier attempt") : STR("delivered to maildir"));
}

static void
to_mailbox(const struct deliver *d, const struct deliver_rcpt *r, struct result_rcpt *res,
    struct pool *pool, struct deliver_times *times)
{
	struct box *box;
	enum store_result got;
	struct str path;

	if (!mailbox_path(d, &path)) {
		set(res, RESULT_DEFERRED, "4.3.5", pool_printf(pool, "mailbox \"%.*s\" is no "
		    "maildir below the user's folder (a relative name that ends in /)", STR_ARG(path)));
		return;
	}
	got = box_get(owner.root, path, &box);
	if (got != STORE_OK)
		store_failed(res, got, box_store(box), pool);
	else
		store_message(d, r, box_store(box), res, pool, times);
	box_put(box);
}

/* ---- .forward ---- */

/* Does user@domain mean a user of this machine, as far as we are told? */
static bool
local_domain(struct str domain)
{
	for (size_t i = 0; i < common.mydestination.n; i++)
		if (str_ieq(common.mydestination.v[i], domain))
			return true;
	return str_ieq(domain, str_of(common.myhostname)) || str_ieq(domain, str_of(common.myorigin));
}

/* The part of the local part behind the first delimiter: "list" of alice+list; may be empty. */
static struct str
extension(struct str addr)
{
	struct str local, domain;

	(void)address_split(addr, &local, &domain);
	for (size_t i = 1; i < local.n; i++)
		if (strchr(common.recipient_delimiter, local.p[i]) != NULL)
			return str_sub(local, i + 1, local.n);
	return STR("");
}

/* May it stand in a file name? */
static bool
extension_ok(struct str ext)
{
	for (size_t i = 0; i < ext.n; i++)
		if (!ch_alnum(ext.p[i]) && strchr("-_=+", ext.p[i]) == NULL)
			return false;
	return ext.n > 0 && ext.n <= 64;
}

/* The file for this recipient: .forward+ext where there is one, else .forward. */
static enum forward_result
find_forward(const struct deliver_rcpt *r, struct pool *pool, struct str *text, struct str *why)
{
	struct str ext = extension(r->addr);
	enum forward_result got = FORWARD_NONE;

	if (extension_ok(ext))
		got = forward_read(owner.root, pool_printf(pool, ".forward%c%.*s",
		    common.recipient_delimiter[0], STR_ARG(ext)).p, owner.uid, pool, text, why);
	if (got == FORWARD_NONE)
		got = forward_read(owner.root, ".forward", owner.uid, pool, text, why);
	return got;
}

/* What .forward says: FORWARD_NONE when the mailbox alone gets the message. */
static enum forward_result
forwarding(const struct deliver_rcpt *r, struct pool *pool, struct forward *f, struct str *why)
{
	struct forward_self self = { str_of(owner.login), r->addr, local_domain,
		str_of(common.myorigin) };
	enum forward_result got;
	struct str text;

	*f = (struct forward){ true, { NULL, 0 } };
	if (owner.virtual_box)
		return FORWARD_NONE;
	got = find_forward(r, pool, &text, why);
	if (got == FORWARD_OK)
		got = forward_parse(text, &self, pool, f, why);
	return got == FORWARD_OK && f->to.n == 0 ? FORWARD_NONE : got;
}

/* ---- a recipient ---- */

static void
decide(const struct deliver *d, const struct deliver_rcpt *r, struct result_rcpt *res,
    struct pool *pool, struct deliver_times *times)
{
	enum forward_result got;
	struct forward f;
	struct str why;

	if (owner.root < 0) {
		set(res, RESULT_DEFERRED, "4.2.0", pool_printf(pool, "cannot open %s: %s", owner.path,
		    strerror(owner.root_error)));
		return;
	}
	if (is_loop(d, r, pool)) {
		set(res, RESULT_BOUNCED, "5.4.6", pool_printf(pool, "mail forwarding loop for %.*s",
		    STR_ARG(r->addr)));
		return;
	}
	got = forwarding(r, pool, &f, &why);
	if (got == FORWARD_REFUSED) {
		log_warn("%s: %.*s", owner.path, STR_ARG(why));
		set(res, RESULT_DEFERRED, "4.3.5", why);
		return;
	}
	if (f.here)
		to_mailbox(d, r, res, pool, times);
	if (f.to.n == 0 || (f.here && res->status != RESULT_SENT))
		return;
	if (f.here) {
		times->done_us = clock_wall_us();
		deliver_log(d, r, res, d->transport, 1, times);
	}
	set(res, RESULT_EXPANDED, "2.0.0", pool_printf(pool, "forwarded as %.*s",
	    STR_ARG(d->queue_id)));
	res->to = f.to;
}

void
deliver_rcpt(const struct deliver *d, const struct deliver_rcpt *r, struct result_rcpt *res,
    struct pool *pool)
{
	struct deliver_times times = { .start_us = clock_wall_us() };

	memset(res, 0, sizeof(*res));
	res->num = r->num;
	decide(d, r, res, pool, &times);
	if (common.soft_bounce)
		result_soften(res, pool);
	times.done_us = clock_wall_us();
	if (times.ready_us == 0)
		times.ready_us = times.start_us;
	deliver_log(d, r, res, d->transport, 1, &times);
}

void
on_deliver(struct ipc_req *req, const void *msg)
{
	const struct deliver *d = msg;
	const struct deliver_rcpt *rcpts = d->rcpts.v;
	struct pool *pool = ipc_pool(req);
	struct result result = { .serial = d->serial, .queue_id = d->queue_id, .hop = 0 };
	struct result_rcpt *list;

	if (agent_begin(d)) {
		service_session_begin();
		list = pool_array(pool, d->rcpts.n, sizeof(*list));
		for (size_t i = 0; i < d->rcpts.n; i++)
			deliver_rcpt(d, &rcpts[i], &list[i], pool);
		result.rcpts = (struct ipc_list){ list, d->rcpts.n };
	}
	if (d->fd >= 0)
		close(d->fd);
	if (result.rcpts.v == NULL)
		return;
	(void)agent_finish(&result);
	service_session_end();
}
