/* SPDX-License-Identifier: ISC */
/*
 * The SMTP client's dialogue, fed by a server that says whatever the input says, at once, and then
 * closes.  Each input is one connection with a delivery of three recipients.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "conf/room_smtp.h"
#include "fiber/fiber.h"
#include "smtp/delivery.h"
#include "smtp/transaction.h"
#include "wire/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX	60000	/* fits the socket, so that one write takes it */
#define RCPTS		3

static int server_fd;

/* The recipients as delivery_run would prepare them, on a session we already have. */
static void
deliver(struct session *c, struct pool *pool, struct delivery *d)
{
	d->final = true;
	c->uses = 1;
	ASSERT(transaction_run(d, c) == TRANSACTION_DONE);
	for (size_t i = 0; i < d->n; i++) {
		ASSERT(d->decided[i]);
		ASSERT(d->results[i].text.n <= LIMIT_REPLY && d->results[i].diag.n <= LIMIT_REPLY);
		for (size_t j = 0; j < d->results[i].text.n; j++)
			ASSERT(ch_print(d->results[i].text.p[j]));
		ASSERT(d->results[i].dsn.n >= 5 && d->results[i].dsn.p[1] == '.');
	}
	(void)pool;
}

static void
run(void *arg)
{
	struct pool *pool = pool_new();
	struct deliver_rcpt rcpts[RCPTS] = { { .addr = STR("a@x.test") }, { .addr = STR("b@x.test") },
		{ .addr = STR("\"c c\"@x.test") } };
	struct deliver m = { .queue_id = STR("QID"), .sender = STR("s@x.test"), .fd = -1,
		.rcpts = { rcpts, RCPTS }, .content = STR("A: b\r\n\r\n.\r\nx\r\n") };
	struct delivery d = { .msg = &m, .rcpts = rcpts, .n = RCPTS, .pool = pool, .left = RCPTS };
	struct host h = { .name = STR("sink.test") };
	struct session *c;
	struct fate why;

	d.results = pool_array(pool, RCPTS, sizeof(*d.results));
	d.decided = pool_array(pool, RCPTS, sizeof(*d.decided));
	d.limit = deadline_in(2000);
	(void)net_parse(STR("192.0.2.1"), 25, &h.addr);
	if (session_greet(stream_open((int)(intptr_t)arg), &h, false, pool, d.limit, &c, &why) ==
	    SESSION_OPEN) {
		deliver(c, pool, &d);
		session_close(c);
	} else {
		ASSERT(why.status != RESULT_SENT && why.text.n > 0 && why.text.n <= LIMIT_REPLY);
	}
	pool_free(pool);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	int pair[2];

	if (!ready) {
		log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_PLAIN, "smtp");
		smtp_conf = (struct smtp_conf){ .helo_name = "me.test", .always_send_ehlo = true,
			.helo_ms = 1000, .mail_ms = 1000, .rcpt_ms = 1000, .data_init_ms = 1000,
			.data_xfer_ms = 1000, .data_done_ms = 1000, .rset_ms = 1000 };
		ready = true;
	}
	if (size > INPUT_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return 0;
	server_fd = pair[1];
	if (size > 0 && write(server_fd, data, size) != (ssize_t)size)
		panic("short write");
	(void)shutdown(server_fd, SHUT_WR);
	fiber_run(run, (void *)(intptr_t)pair[0]);
	(void)close(server_fd);
	return 0;
}
