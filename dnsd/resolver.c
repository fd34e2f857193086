/* SPDX-License-Identifier: ISC */
/*
 * libunbound resolves in a thread of its own and writes to a pipe when something is done; one fiber
 * waits for that pipe and lets the library call us back.  Cache and retries are the library's.
 */
#include "dnsd/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unbound.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "conf/room_dnsd.h"
#include "dnsd/decode.h"
#include "dnsd/setup.h"
#include "fiber/fiber.h"

#define CLASS_IN	1
#define TYPE_NS		2
#define RCODE_NXDOMAIN	3
#define PROBE_MS	30000

/* A question in work; freed by its fiber, which always waits for the callback or cancels. */
struct pending {
	struct fiber_queue done;
	bool finished;
	int error;
	struct ub_result *result;
};

static struct ub_ctx *ctx;
static unsigned asked;
static bool anchored;		/* the root's anchor is there */

static bool
load_config(struct str text)
{
	char path[40];
	int fd = memfd_create("dnsd", MFD_CLOEXEC), e;

	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n) {
		log_error("cannot write the resolver's configuration");
		return false;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	e = ub_ctx_config(ctx, path);
	(void)close(fd);
	if (e != 0)
		log_error("the resolver does not take its configuration: %s", ub_strerror(e));
	return e == 0;
}

static bool
load_resolv_conf(void)
{
	const char *path = setup_resolv_conf(&dnsd_conf);
	int e;

	if (path == NULL)
		return true;
	if ((e = ub_ctx_resolvconf(ctx, path)) != 0)
		log_warn("%s: %s; asking the name servers of the world", path, ub_strerror(e));
	return true;
}

/* One answer from the library's own data: it finishes its setup now, while it may open files. */
static void
warm_up(void)
{
	struct ub_result *r = NULL;

	if (ub_resolve(ctx, "localhost", DNS_A, CLASS_IN, &r) != 0 || r == NULL || !r->havedata)
		log_warn("the resolver does not know localhost");
	ub_resolve_free(r);
}

bool
resolver_init(void)
{
	struct buf text = { 0 };
	struct str what = { 0 };
	const char *why;
	bool ok;

	ctx = ub_ctx_create();
	if (ctx == NULL)
		fatal("libunbound does not start");
	anchored = dnsd_conf.anchor_file[0] != '\0' && access(dnsd_conf.anchor_file, R_OK) == 0;
	ok = setup_text(&text, &dnsd_conf, &why, &what);
	if (!ok)
		log_error("%s: %.*s", why, STR_ARG(what));
	ok = ok && load_config(buf_str(&text)) && load_resolv_conf() &&
	    ub_ctx_async(ctx, 1) == 0;
	buf_free(&text);
	if (ok)
		warm_up();
	return ok;
}

static void
listen_for_answers(void *arg)
{
	int fd = ub_fd(ctx);

	(void)arg;
	for (;;) {
		int e = ub_process(ctx);

		if (e != 0)
			fatal("libunbound: %s", ub_strerror(e));
		fiber_drained_read(fd);
		if (fiber_wait_read(fd, NEVER) == WAKE_CANCEL)
			return;
	}
}

static void
on_answer(void *arg, int error, struct ub_result *result)
{
	struct pending *p = arg;

	p->finished = true;
	p->error = error;
	p->result = result;
	(void)fiber_queue_wake(&p->done);
}

/* Ask and wait; false when nothing came until the deadline.  `p` is empty before. */
static bool
ask_and_wait(const char *name, unsigned type, struct pending *p, msec_t deadline)
{
	int id, e = ub_resolve_async(ctx, name, (int)type, CLASS_IN, p, on_answer, &id);

	if (e != 0) {
		p->finished = true;
		p->error = e;
	}
	while (!p->finished && fiber_queue_wait(&p->done, deadline) == WAKE_READY)
		;
	if (!p->finished)
		(void)ub_cancel(ctx, id);	/* it will not call back any more */
	return p->finished;
}

/*
 * Some resolvers strip signatures.  With a trust anchor every signed name then looks forged, and
 * mail waits: say at once what will be hard to find later.
 */
static void
probe(void *arg)
{
	struct pending *p = mem_zero(1, sizeof(*p));

	(void)arg;
	if (ask_and_wait(".", TYPE_NS, p, deadline_in(PROBE_MS)) && p->result != NULL &&
	    p->result->bogus)
		log_warn("the resolvers in use do not pass DNSSEC signatures on, so signed domains "
		    "will look forged: name others in dnsd_forwarders, or set "
		    "dnsd_trust_anchor_file to nothing and go without DNSSEC (%.200s)",
		    p->result->why_bogus != NULL ? p->result->why_bogus : "");
	ub_resolve_free(p->result);
	free(p);
}

bool
resolver_start(void)
{
	if (ub_fd(ctx) < 0)
		return false;
	(void)fiber_start(listen_for_answers, NULL, "answers");
	if (anchored)
		(void)fiber_start(probe, NULL, "probe");
	return true;
}

/* Answers. */

static void
fill_records(struct dns_answer *out, const struct ub_result *r, unsigned type, struct pool *pool)
{
	size_t limit = decode_limit(type), n = 0;
	struct dns_record *v = pool_array(pool, limit, sizeof(*v));

	for (size_t i = 0; r->data[i] != NULL; i++) {
		struct dns_record one;

		if (r->len[i] < 0 ||
		    !decode_rdata(type, str_n(r->data[i], (size_t)r->len[i]), &one, pool)) {
			out->cut = true;
			continue;
		}
		if (n == limit) {
			out->cut = true;
			break;
		}
		v[n++] = one;
	}
	if (type == DNS_MX)
		decode_order_mx(v, n);
	out->records.v = v;
	out->records.n = n;
	if (n == 0) {
		out->status = DNS_TEMPFAIL;
		out->reason = STR("Malformed or unexpected name server reply");
	}
}

static struct str
canonical(const struct ub_result *r, struct str asked_name, struct pool *pool)
{
	struct str name = str_of(r->canonname);

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	return dns_name_ok(name) && !str_ieq(name, asked_name) ? pool_str(pool, name) : STR("");
}

static void
fill_answer(struct dns_answer *out, const struct ub_result *r, const struct dns_question *q,
    struct pool *pool)
{
	out->secure = r->secure && !r->bogus;
	out->ttl = r->ttl < 0 ? 0 : (uint64_t)r->ttl > DNS_TTL_MAX ? DNS_TTL_MAX : (uint64_t)r->ttl;
	if (r->bogus) {
		*out = (struct dns_answer){ .status = DNS_BOGUS,
			.reason = STR("DNSSEC validation failure") };
		log_info("%.*s: DNSSEC validation failure: %.150s", STR_ARG(q->name),
		    r->why_bogus != NULL ? r->why_bogus : "no reason given");
	} else if (r->rcode == RCODE_NXDOMAIN || (r->rcode == 0 && r->nxdomain)) {
		out->status = DNS_NXDOMAIN;
		out->reason = STR("Host not found");
	} else if (r->rcode != 0) {
		*out = (struct dns_answer){ .status = DNS_TEMPFAIL,
			.reason = STR("Host not found, try again") };
	} else if (!r->havedata) {
		out->status = DNS_NODATA;
		out->reason = STR("Host found but no data record of requested type");
	} else {
		out->status = DNS_OK;
		out->canonical = canonical(r, q->name, pool);
		fill_records(out, r, (unsigned)q->type, pool);
	}
}

void
resolver_ask(const struct dns_question *q, struct dns_answer *out, struct pool *pool)
{
	msec_t deadline = deadline_in(dnsd_conf.timeout_ms < (msec_t)q->timeout_ms ?
	    dnsd_conf.timeout_ms : (msec_t)q->timeout_ms);
	struct pending *p;
	const char *name;

	*out = (struct dns_answer){ .status = DNS_BAD, .reason = STR("Malformed name") };
	if (!dns_name_ok(q->name) || dns_type_name(q->type) == NULL)
		return;
	*out = (struct dns_answer){ .status = DNS_TEMPFAIL, .reason = STR("too many questions") };
	if (asked >= dnsd_conf.query_limit)
		return;
	name = pool_printf(pool, "%.*s.", STR_ARG(q->name)).p;
	p = mem_zero(1, sizeof(*p));
	asked++;
	out->reason = STR("query timed out");
	if (!ask_and_wait(name, (unsigned)q->type, p, deadline)) {
		log_debug("%s: timed out", name);
	} else if (p->error != 0 || p->result == NULL) {
		out->reason = STR("resolver failure");
		log_warn("libunbound: %s", ub_strerror(p->error));
	} else {
		*out = (struct dns_answer){ 0 };
		fill_answer(out, p->result, q, pool);
	}
	asked--;
	ub_resolve_free(p->result);
	free(p);
}
