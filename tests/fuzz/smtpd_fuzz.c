/* SPDX-License-Identifier: ISC */
/*
 * smtpd_fuzz - a whole SMTP session.  The client says the input in pieces (form feeds are between
 * them), each when the server has answered or has nothing to say; the other programs are played here,
 * and hold smtpd to its promises: who may relay, what is said before TLS and before AUTH, and that a
 * message is the text between DATA and the first lone dot, to the byte.
 *
 * Byte 0 is the configuration, by the bits below.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask/anvil.h"
#include "ask/auth.h"
#include "ask/dns.h"
#include "ask/route.h"
#include "ask/submit.h"
#include "ask/tls.h"
#include "base/log.h"
#include "base/panic.h"
#include "fiber/fiber.h"
#include "smtpd/smtpd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SUBMISSION = 1, ENCRYPT = 2, TRUSTED = 4, NO_CERT = 8, SASL = 16, TLS_FIRST = 32,
	HELO_FIRST = 64, RATES = 128 };

#define INPUT_MAX	8000
#define ANSWER_MS	1	/* a piece that is no whole command has no answer */
#define SIZE_MAX_HERE	3000
#define RCPTS_HERE	4
#define END_MS		20000

static struct world {
	unsigned how;
	struct str rest;	/* pieces the client has still to say */
	struct buf input;	/* the same without what is between them */
	bool tls, user;
	unsigned taken;		/* messages that were promised */
	uint64_t events[ANVIL_AUTH + 1];
	int server, client;
	struct buf said;	/* by the server */
} world;

/* Can this have been the text behind one DATA command of the input? */
static bool
text_at(struct str in, struct str text)
{
	while (text.n > 0) {
		size_t n = (size_t)str_chr(text, '\n') + 1;

		if (str_start(in, STR(".\r\n")))
			return false;
		if (str_start(in, STR(".")))
			in = str_sub(in, 1, in.n);
		if (!str_start(in, str_sub(text, 0, n)))
			return false;
		in = str_sub(in, n, in.n);
		text = str_sub(text, n, text.n);
	}
	return str_start(in, STR(".\r\n"));
}

static void
check_text(struct str text)
{
	struct str in = buf_str(&world.input), line;
	ptrdiff_t nl;

	ASSERT(text.n == 0 || str_end(text, STR("\r\n")));
	for (size_t i = 0; i < text.n; i++)
		ASSERT(text.p[i] != '\0' && (text.p[i] == '\n') ==
		    (i > 0 && text.p[i - 1] == '\r') && (text.p[i] != '\r' || i + 1 < text.n));
	while ((nl = str_chr(in, '\n')) >= 0) {
		line = str_trim(str_sub(in, 0, (size_t)nl));
		in = str_sub(in, (size_t)nl + 1, in.n);
		if (str_ieq(line, STR("DATA")) && text_at(in, text))
			return;
	}
	panic("a text nobody sent");
}

/* In the place of cleanup. */
struct submission {
	struct buf text;
};

struct submission *
submission_begin(struct pool *pool, uint64_t size)
{
	(void)pool;
	ASSERT(size <= SIZE_MAX_HERE);
	return mem_zero(1, sizeof(struct submission));
}

void
submission_add(struct submission *s, struct str data, msec_t deadline)
{
	(void)deadline;
	s->text.limit = SIZE_MAX_HERE;
	buf_add(&s->text, data);
	ASSERT(buf_ok(&s->text));
}

uint64_t
submission_size(const struct submission *s)
{
	return s->text.n;
}

void
submission_end(struct submission *s, const struct envelope *env, struct submitted *done,
    msec_t deadline)
{
	struct buf packed = { .limit = 1 << 20 };
	size_t nfds = 0;

	(void)deadline;
	ASSERT(env->rcpts.n > 0 && env->rcpts.n <= RCPTS_HERE);
	ASSERT(!(world.how & SUBMISSION) || world.user);
	ASSERT(!(world.how & ENCRYPT) || world.tls);
	ASSERT((env->sasl_user.n > 0) == world.user);
	ASSERT(str_end(env->received, STR("\r\n")) && env->received_id_at < env->received.n);
	ASSERT(ipc_pack(&packed, &envelope_msg, env, NULL, &nfds));
	buf_free(&packed);
	check_text(buf_str(&s->text));
	*done = (struct submitted){ .queue_id = STR("4b2"), .text = STR("the test says no"),
		.result = str_start(env->sender, STR("full")) ? SUBMIT_FULL :
		    str_start(env->sender, STR("later")) ? SUBMIT_LATER : SUBMIT_OK };
	world.taken += done->result == SUBMIT_OK;
	submission_abort(s);
}

void
submission_abort(struct submission *s)
{
	if (s != NULL)
		buf_free(&s->text);
	free(s);
}

/* In the place of router: one domain is here. */
enum check_status
route_check_rcpt(struct str addr, bool trusted, struct checked *out, struct pool *pool,
    msec_t deadline)
{
	(void)pool;
	(void)deadline;
	ASSERT(addr.n > 0 && trusted == ((world.how & TRUSTED) || world.user));
	*out = (struct checked){ .code = 554, .dsn = STR("5.7.1"),
		.text = STR("Relay access\ndenied") };
	return trusted || str_end(addr, STR("@here.test")) ? CHECK_OK : CHECK_REFUSED;
}

/* In the place of authd. */
enum auth_status
auth_plain(struct str service, struct str method, struct str user, struct str password,
    struct str client_ip, bool tls, struct pool *pool, struct auth_checked *out, msec_t deadline)
{
	(void)service;
	(void)method;
	(void)deadline;
	ASSERT(user.n > 0 && password.n <= AUTH_PASSWORD_MAX && client_ip.n > 0);
	ASSERT(tls == world.tls && (tls || !(world.how & TLS_FIRST)) && !world.user);
	*out = (struct auth_checked){ .user = pool_str(pool, user), .reason = STR("no such") };
	world.user = str_eq(user, STR("in"));
	return world.user ? AUTH_OK : str_eq(user, STR("later")) ? AUTH_TEMP : AUTH_FAIL;
}

/* In the place of tlsd: it carries the bytes as they are, and nothing was said too early. */
bool
tls_start_server(struct stream *s, const struct tls_want *want, struct tls_facts *facts,
    struct pool *pool, msec_t deadline)
{
	(void)want;
	(void)pool;
	(void)deadline;
	ASSERT(stream_pending(s) == 0 && !world.tls && !(world.how & NO_CERT));
	facts->active = world.tls = true;
	world.user = false;
	return true;
}

void
tls_describe(struct buf *out, const struct tls_facts *facts)
{
	ASSERT(facts->active && world.tls);
	buf_addz(out, "TLS of the test");
}

void
tls_log(const struct tls_facts *facts, bool client, struct str who)
{
	(void)client;
	ASSERT(facts->active && who.n > 0);
}

/* In the place of anvil. */
bool
anvil_count(enum anvil_what what, struct str service, struct str client, struct anvil_counted *out,
    msec_t deadline)
{
	(void)service;
	(void)deadline;
	ASSERT(client.n > 0);
	*out = (struct anvil_counted){ .connections = 1, .rate = ++world.events[what] };
	return true;
}

void
anvil_gone(struct str service, struct str client)
{
	(void)service;
	(void)client;
	ASSERT(world.events[ANVIL_CONNECT] == 1);
}

bool
dns_reverse(const struct net_addr *a, struct pool *pool, struct str *name, bool *temporary,
    msec_t deadline)
{
	(void)a;
	(void)pool;
	(void)temporary;
	(void)deadline;
	*name = STR("client.test");
	return true;
}

static void
say_next(void)
{
	ptrdiff_t end = str_chr(world.rest, '\f');
	struct str piece = end < 0 ? world.rest : str_sub(world.rest, 0, (size_t)end);

	world.rest = str_sub(world.rest, end < 0 ? piece.n : piece.n + 1, world.rest.n);
	/* A server that has closed hears no more. */
	if (piece.n > 0 && send(world.client, piece.p, piece.n, MSG_NOSIGNAL) < 0)
		world.rest = STR("");
	if (world.rest.n == 0)
		(void)shutdown(world.client, SHUT_WR);
}

/* Everything in its time: the greeting, then a piece for each answer. */
static void
client(void *arg)
{
	bool answered = false, closed = false;
	char *room;

	(void)arg;
	while (!closed && (room = buf_room(&world.said, 65536)) != NULL) {
		ssize_t n = read(world.client, room, 65536);

		if (n > 0) {
			buf_grew(&world.said, (size_t)n);
			answered = true;
		} else if (n == 0 || errno != EAGAIN) {
			closed = true;
		} else {
			fiber_drained_read(world.client);
			if (!answered && fiber_wait_read(world.client, deadline_in(world.rest.n > 0 ?
			    ANSWER_MS : END_MS)) == WAKE_READY)
				continue;
			answered = false;
			say_next();
		}
	}
	fiber_forget(world.client);
}

static void
run(void *arg)
{
	struct stream *s = stream_open(world.server);
	struct net_addr from, to;

	(void)arg;
	ASSERT(net_parse(STR("192.0.2.1"), 40000, &from) && net_parse(STR("192.0.2.2"), 25, &to));
	(void)fiber_start(client, NULL, "client");
	session(s, &from, &to);
	stream_close(s);
}

static unsigned
count_mails(struct str in)
{
	unsigned n = 0;
	ptrdiff_t nl;

	while ((nl = str_chr(in, '\n')) >= 0) {
		n += str_ieq(str_sub(in, 0, 4), STR("MAIL"));
		in = str_sub(in, (size_t)nl + 1, in.n);
	}
	return n;
}

/* Replies are lines of a code and printable text, and every promise was one. */
static void
check_said(struct str said)
{
	static const char promise[] = "250 2.0.0 Ok: queued as ";
	unsigned promised = 0;

	ASSERT(said.n > 0);
	while (said.n > 0) {
		size_t n = (size_t)(str_chr(said, '\n') + 1);

		ASSERT(n >= 6 && said.p[n - 2] == '\r' && (said.p[3] == ' ' || said.p[3] == '-'));
		ASSERT(said.p[0] >= '2' && said.p[0] <= '5' && isdigit((unsigned char)said.p[1]) &&
		    isdigit((unsigned char)said.p[2]));
		for (size_t i = 3; i < n - 2; i++)
			ASSERT(ch_print(said.p[i]));
		promised += str_start(said, str_of(promise));
		said = str_sub(said, n, said.n);
	}
	ASSERT(promised == world.taken && promised <= count_mails(buf_str(&world.input)));
}

static void
configure(unsigned how)
{
	static struct str nets[1];
	uint64_t rate = how & RATES ? 2 : 0;

	nets[0] = STR("192.0.2.0/24");
	common.myhostname = "me.test";
	common.mail_name = "Posthorn";
	common.message_size_limit = SIZE_MAX_HERE;
	common.hopcount_limit = 5;
	common.mynetworks = (struct strs){ nets, (how & TRUSTED) != 0 };
	smtpd_conf = (struct smtpd_conf){ .banner = "me.test ESMTP", .timeout_ms = 10000,
		.session_ms = 10000, .min_data_rate = 500, .recipient_limit = RCPTS_HERE,
		.recipient_overshoot = 2, .hard_error_limit = 20, .soft_error_limit = 10,
		.junk_command_limit = 10, .helo_required = (how & HELO_FIRST) != 0,
		.tls_level = how & ENCRYPT ? SMTPD_TLS_ENCRYPT : SMTPD_TLS_MAY,
		.tls_auth_only = (how & TLS_FIRST) != 0, .tls_received_header = true,
		.tls_cert_file = how & NO_CERT ? "" : "cert.pem", .tls_loglevel = 1,
		.sasl_enable = (how & SASL) != 0,
		.sasl_authenticated_header = true, .client_message_rate = rate,
		.client_recipient_rate = rate, .client_auth_rate = rate, .peername_lookup = true,
		.submission = (how & SUBMISSION) != 0 };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	int pair[2];

	if (!ready)
		log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_PLAIN, "smtpd");
	ready = true;
	if (size == 0 || size > INPUT_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return 0;
	world = (struct world){ .how = data[0], .server = pair[0], .client = pair[1],
		.rest = str_n((const char *)data + 1, size - 1),
		.input.limit = INPUT_MAX, .said.limit = 1 << 20 };
	for (size_t i = 1; i < size; i++)
		if (data[i] != '\f')
			buf_add(&world.input, str_n((const char *)data + i, 1));
	configure(world.how);
	fiber_run(run, NULL);
	(void)close(world.client);
	check_said(buf_str(&world.said));
	buf_free(&world.said);
	buf_free(&world.input);
	return 0;
}
