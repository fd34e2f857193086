/* SPDX-License-Identifier: ISC */
/*
 * client - a connection before login: limits, TLS, the hand-over, Dovecot's log lines.
 */
#include "ask/anvil.h"
#include "ask/auth.h"
#include "ask/tls.h"
#include "base/encode.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/room_login.h"
#include "daemon/service.h"
#include "fiber/fiber.h"
#include "login/login.h"

#define AUTH_MS		60000	/* authd's answer, its delay for failures included */
#define TLS_MS		30000

static const char *const words[] = { [SESSION_IMAP] = "imap", [SESSION_POP3] = "pop3" };

void
client_turn(struct client *c)
{
	pool_reset(c->work);
	stream_deadline(c->io, deadline_first(c->until, deadline_in(login_conf.command_ms)));
}

bool
client_may_auth(const struct client *c)
{
	return c->tls.active || (c->loopback && login_conf.plaintext_from_loopback &&
	    login_conf.tls_level != LOGIN_TLS_ENCRYPT);
}

bool
client_may_tls(const struct client *c)
{
	return !c->tls.active && login_conf.tls_level != LOGIN_TLS_NONE;
}

bool
client_tls(struct client *c)
{
	struct tls_want want = {
		.service = str_of(words[c->protocol]),
		.peer = pool_printf(c->pool, "%.*s", STR_ARG(c->client_ip)),
		.alpn = str_of(words[c->protocol]),
	};

	if (tls_start_server(c->io, &want, &c->tls, c->pool,
	    deadline_first(c->until, deadline_in(TLS_MS))))
		return true;
	log_info("%s-login: Disconnected: TLS handshake failed: %.*s: user=<>, rip=%.*s, lip=%.*s, "
	    "session=<%.*s>", words[c->protocol], STR_ARG(c->tls.reason), STR_ARG(c->client_ip),
	    STR_ARG(c->server_ip), STR_ARG(c->id));
	c->tls = (struct tls_facts){ 0 };
	c->over = true;
	return false;
}

/* "user=<U>, method=PLAIN, rip=IP, lip=IP, TLS, session=<S>": what log readers look for. */
static struct str
about(struct client *c)
{
	return pool_printf(c->work, "user=<%.*s>,%s%.*s%s rip=%.*s, lip=%.*s%s, session=<%.*s>",
	    STR_ARG(c->user), c->method.n > 0 ? " method=" : "", STR_ARG(c->method),
	    c->method.n > 0 ? "," : "", STR_ARG(c->client_ip), STR_ARG(c->server_ip),
	    c->tls.active ? ", TLS" : "", STR_ARG(c->id));
}

/* Names in the log are what strangers typed: keep what could end the field out of it. */
static struct str
shown(struct client *c, struct str user)
{
	struct str name = str_sub(user, 0, SHOWN_MAX);

	for (size_t i = 0; i < name.n; i++)
		c->shown_room[i] = !ch_print(name.p[i]) || strchr("<>, ", name.p[i]) != NULL ? '?' :
		    name.p[i];
	return str_n(c->shown_room, name.n);
}

enum auth_status
client_login(struct client *c, const char *method, struct str user, struct str password,
    struct str tag)
{
	struct session want = {
		.fd = stream_fd(c->io), .protocol = c->protocol, .tag = tag,
		.method = str_of(method), .client_ip = c->client_ip, .client_port = c->client_port,
		.server_ip = c->server_ip, .server_port = c->server_port, .tls = c->tls,
	};
	struct str name = STR(""), reason = STR("");
	enum auth_status r;

	c->method = str_of(method);
	c->user = shown(c, user);
	if (user.n == 0 || user.n > SESSION_USER_MAX || password.n > AUTH_PASSWORD_MAX) {
		r = AUTH_FAIL;
	} else if (stream_flush(c->io) != IO_OK) {
		c->over = true;
		return AUTH_TEMP;
	} else {
		want.unread = stream_buffered(c->io);
		if (want.unread.n > SESSION_UNREAD_MAX) {
			c->over = true;
			return AUTH_TEMP;
		}
		r = auth_open(user, password, &want, c->work, &name, &reason,
		    deadline_first(c->until, deadline_in(AUTH_MS)));
	}
	if (r == AUTH_OK) {
		log_info("%s-login: Login: %.*s", words[c->protocol], STR_ARG(about(c)));
		c->passed = c->over = true;
		return r;
	}
	if (r == AUTH_FAIL && ++c->attempts >= login_conf.attempts)
		c->over = true;
	/* authd may still pass the connection on, and two must never read it. */
	if (r == AUTH_TEMP)
		c->over = true;
	if (r != AUTH_FAIL)
		log_warn("%s-login: no answer for %.*s: %.*s", words[c->protocol], STR_ARG(c->user),
		    STR_ARG(reason));
	return r;
}

void
client_error(struct client *c)
{
	if (++c->errors >= login_conf.errors)
		c->over = true;
}

bool
client_line(struct client *c, enum io r)
{
	if (r == IO_OK)
		return true;
	if (r == IO_SYNTAX || r == IO_TOOLONG) {
		client_error(c);
		return !c->over;
	}
	c->over = true;
	return false;
}

static void
log_end(struct client *c)
{
	long long secs = (clock_ms() - c->since) / 1000;

	if (c->passed)
		return;
	if (c->attempts > 0)
		log_info("%s-login: Disconnected (auth failed, %u attempts in %lld secs): %.*s",
		    words[c->protocol], c->attempts, secs, STR_ARG(about(c)));
	else
		log_info("%s-login: Disconnected (no auth attempts in %lld secs): %.*s",
		    words[c->protocol], secs, STR_ARG(about(c)));
}

static bool
too_many(struct client *c)
{
	struct anvil_counted n;

	if (!anvil_count(ANVIL_CONNECT, str_of(words[c->protocol]), c->client_ip, &n,
	    deadline_in(1000)))
		return false;
	return login_conf.connections > 0 && !c->trusted && n.connections > login_conf.connections;
}

static void
begin(struct client *c, int fd)
{
	struct net_addr peer = net_peer(fd), local = net_local(fd);
	unsigned char random[9];
	struct buf id = { 0 };

	c->pool = pool_new();
	c->work = pool_new();
	c->protocol = login_conf.protocol == 0 ? SESSION_IMAP : SESSION_POP3;
	c->client_ip = peer.len > 0 ? net_ip(c->pool, &peer) : STR("unknown");
	c->server_ip = local.len > 0 ? net_ip(c->pool, &local) : STR("unknown");
	c->client_port = peer.len > 0 ? net_port(&peer) : 0;
	c->server_port = local.len > 0 ? net_port(&local) : 0;
	c->loopback = peer.len > 0 && net_is_loopback(&peer);
	for (size_t i = 0; i < common.mynetworks.n && peer.len > 0; i++)
		c->trusted |= net_in(&peer, common.mynetworks.v[i]);
	c->since = clock_ms();
	c->until = deadline_in(login_conf.session_ms);
	random_bytes(random, sizeof(random));
	base64_add(&id, str_n(random, sizeof(random)));
	c->id = pool_str(c->pool, buf_str(&id));
	buf_free(&id);
	c->io = stream_open(fd);
	stream_deadline(c->io, c->until);
}

void
client_serve(int fd)
{
	struct client c = { 0 };

	begin(&c, fd);
	if (too_many(&c)) {
		stream_printf(c.io, c.protocol == SESSION_IMAP ?
		    "* BYE [UNAVAILABLE] Too many connections\r\n" :
		    "-ERR [SYS/TEMP] Too many connections\r\n");
		c.over = true;
	} else if (!login_conf.wrappermode || client_tls(&c)) {
		if (c.protocol == SESSION_IMAP)
			imap_login(&c);
		else
			pop3_login(&c);
	}
	log_end(&c);
	anvil_gone(str_of(words[c.protocol]), c.client_ip);
	/* A connection that was passed on is silent here: what was said was flushed before. */
	if (!c.passed) {
		stream_deadline(c.io, deadline_in(5000));
		stream_flush(c.io);
	}
	stream_close(c.io);
	pool_free(c.work);
	pool_free(c.pool);
}
