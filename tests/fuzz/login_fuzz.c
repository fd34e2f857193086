/* SPDX-License-Identifier: ISC */
/*
 * login_fuzz - POP3 and IMAP before login: a stranger says whatever the input says and closes.  What
 * is said back are lines of printable text, and authd is asked only what it can be asked.
 *
 * Byte 0: bit 0 is POP3, bit 1 says that TLS is active.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask/auth.h"
#include "ask/tls.h"
#include "base/log.h"
#include "base/panic.h"
#include "conf/room_login.h"
#include "fiber/fiber.h"
#include "login/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX	8000	/* what is answered to it fits the socket, too */

static unsigned how;

/* In the place of authd: one user is let in, one never. */
enum auth_status
auth_open(struct str user, struct str password, const struct session *want, struct pool *pool,
    struct str *user_out, struct str *reason, msec_t deadline)
{
	(void)pool;
	(void)deadline;
	ASSERT(user.n > 0 && user.n <= SESSION_USER_MAX && password.n <= AUTH_PASSWORD_MAX);
	ASSERT(want->unread.n <= SESSION_UNREAD_MAX && want->tls.active);
	*user_out = user;
	*reason = STR("the test says no");
	return str_eq(user, STR("in")) ? AUTH_OK : str_eq(user, STR("later")) ? AUTH_TEMP : AUTH_FAIL;
}

/* In the place of tlsd: it carries the bytes as they are. */
bool
tls_start_server(struct stream *s, const struct tls_want *want, struct tls_facts *facts,
    struct pool *pool, msec_t deadline)
{
	(void)s;
	(void)want;
	(void)pool;
	(void)deadline;
	facts->active = true;
	return true;
}

static void
run(void *arg)
{
	struct client c = { .pool = pool_new(), .work = pool_new(), .client_ip = STR("192.0.2.1"),
		.server_ip = STR("192.0.2.2"), .id = STR("id"), .since = clock_ms(),
		.until = deadline_in(2000), .tls = { .active = (how & 2) != 0 } };

	c.io = stream_open((int)(intptr_t)arg);
	c.protocol = how & 1 ? SESSION_POP3 : SESSION_IMAP;
	if (how & 1)
		pop3_login(&c);
	else
		imap_login(&c);
	ASSERT(c.over && c.attempts <= login_conf.attempts && c.errors <= login_conf.errors);
	if (!c.passed)
		(void)stream_flush(c.io);
	stream_close(c.io);
	pool_free(c.work);
	pool_free(c.pool);
}

static void
check_said(int fd)
{
	static char said[1 << 18];
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, said + n, sizeof(said) - n)) > 0)
		n += (size_t)got;
	for (size_t i = 0; i < n; i++) {
		ASSERT(ch_print(said[i]) || said[i] == '\r' || said[i] == '\n');
		ASSERT((said[i] == '\n') == (i > 0 && said[i - 1] == '\r'));
	}
	ASSERT(n > 0 && said[n - 1] == '\n');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	int pair[2];

	if (!ready) {
		log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_PLAIN, "login");
		login_conf = (struct login_conf){ .tls_level = LOGIN_TLS_MAY, .session_ms = 2000,
			.command_ms = 1000, .attempts = 3, .errors = 5 };
		ready = true;
	}
	if (size == 0 || size > INPUT_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return 0;
	how = data[0];
	if (size > 1 && write(pair[1], data + 1, size - 1) != (ssize_t)size - 1)
		panic("short write");
	(void)shutdown(pair[1], SHUT_WR);
	fiber_run(run, (void *)(intptr_t)pair[0]);
	check_said(pair[1]);
	(void)close(pair[1]);
	return 0;
}
