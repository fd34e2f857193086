/* SPDX-License-Identifier: ISC */
/*
 * The client against servers that follow a script, over real sockets.
 *
 * A script is lines: "S…" sends them with CRLF (several lines up to the next "C" go in one write),
 * "C…" reads a line and compares its beginning, "D" reads content up to the final dot, "R…" sends
 * without CRLF, "T" says where TLS begins, "P" waits a little, "N" wants that nothing more was sent
 * so far.  At its end the server closes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/vec.h"
#include "conf/room_smtp.h"
#include "fiber/fiber.h"
#include "ipc/peer.h"
#include "smtp/cache.h"
#include "smtp/delivery.h"
#include "unit/unit.h"
#include "wire/peers.h"
#include "wire/tls.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define CONNS		6
#define DELIVERIES	3
#define LINE_MAX_	4096

#define HELLO	"S220 sink ESMTP\nCEHLO me.test\n"
#define CAPS	"S250-sink\nS250-PIPELINING\nS250-SIZE 5000\nS250-8BITMIME\nS250 DSN\n"
#define PLAIN	"S250 sink\n"
#define MAIL	"CMAIL FROM:<s@x.test>"
#define R0	"CRCPT TO:<r0@y.test>\n"
#define R1	"CRCPT TO:<r1@y.test>\n"
#define R2	"CRCPT TO:<r2@y.test>\n"
#define OK	"S250 2.1.0 ok\n"
#define BODY	"CDATA\n"
#define GO	"S354 go\n"
#define DONE	"D\nS250 2.0.0 queued as 77\n"
#define SIZED	" SIZE=33\n"

#define ONE	"[127.0.0.1]"	/* the port is added */
#define SENT	"sent 2.0.0 250 2.0.0 queued as 77;"

struct play {
	const char *what;
	const char *dest;		/* "one.test", or "[…]" */
	unsigned rcpts;
	const char *servers[CONNS];	/* in the order of connections */
	const char *want[DELIVERIES];	/* "status dsn text;" of each recipient, for each delivery */
	const char *content;		/* NULL: the usual */
	const char *log;		/* must be in the log; PORT stands for the port */
	bool tls;
	bool no_skip;			/* smtp_skip_5xx_greeting = no */
	uint64_t hop;			/* of the last delivery; 0: not looked at */
};

static const struct play plays[] = {
	{ .what = "pipelined", .dest = ONE, .rcpts = 2, .hop = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 R1 BODY OK OK OK GO DONE "CQUIT\n" },
	  .want = { SENT SENT },
	  .log = "QID: to=<r1@y.test>, relay=127.0.0.1[127.0.0.1]:PORT, delay=" },
	{ .what = "one at a time without PIPELINING", .dest = ONE, .rcpts = 2,
	  .servers = { HELLO PLAIN MAIL "\nN\n" OK R0 "N\n" OK R1 "N\n" OK BODY "N\n" GO DONE },
	  .want = { SENT SENT } },
	{ .what = "HELO fallback", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO "S502 what?\nCHELO me.test\nS250 hi\n" MAIL "\n" OK R0 OK BODY GO DONE },
	  .want = { SENT } },
	{ .what = "dots doubled, line ends right, no NUL harm", .dest = ONE, .rcpts = 1,
	  .content = "A: b\r\n\r\n.\r\n..\r\n.x\r\nlast",
	  .servers = { HELLO PLAIN MAIL "\n" OK R0 OK BODY GO
	    "CReceived: x id QID;\nCA: b\nC\nC..\nC...\nC..x\nClast\nC.\nS250 2.0.0 queued as 77\n" },
	  .want = { SENT } },
	{ .what = "one of two refused", .dest = ONE, .rcpts = 2,
	  .servers = { HELLO CAPS MAIL SIZED R0 R1 BODY OK "S550 5.1.1 no such user\n" OK GO DONE },
	  .want = { "bounced 5.1.1 host 127.0.0.1[127.0.0.1] said: 550 5.1.1 no such user "
	    "(in reply to RCPT TO command);" SENT } },
	{ .what = "all refused, yet 354: an empty message", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK "S550 no\n" GO "C.\nS554 no\nCQUIT" },
	  .want = { "bounced 5.0.0 host 127.0.0.1[127.0.0.1] said: 550 no "
	    "(in reply to RCPT TO command);" } },
	{ .what = "all refused, the connection goes on with RSET", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK "S450 4.2.0 later\nS503 no\nCRSET\n" MAIL
	    SIZED R0 BODY OK OK OK GO DONE },
	  .want = { "deferred 4.2.0 host 127.0.0.1[127.0.0.1] said: 450 4.2.0 later "
	    "(in reply to RCPT TO command);", SENT } },
	{ .what = "MAIL refused", .dest = ONE, .rcpts = 2,
	  .servers = { HELLO CAPS MAIL SIZED R0 R1 BODY "S553 5.1.8 who?\nS503 x\nS503 x\nS503 x\n" },
	  .want = { "bounced 5.1.8 host 127.0.0.1[127.0.0.1] said: 553 5.1.8 who? "
	    "(in reply to MAIL FROM command);bounced 5.1.8 host 127.0.0.1[127.0.0.1] said: 553 5.1.8 "
	    "who? (in reply to MAIL FROM command);" } },
	{ .what = "MAIL refused, not pipelined", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO PLAIN MAIL "\nS451 wait\nCQUIT\n" },
	  .want = { "deferred 4.0.0 host 127.0.0.1[127.0.0.1] said: 451 wait "
	    "(in reply to MAIL FROM command);" } },
	{ .what = "DATA refused", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK OK "S554 5.7.1 not now\nCQUIT\n" },
	  .want = { "bounced 5.7.1 host 127.0.0.1[127.0.0.1] said: 554 5.7.1 not now "
	    "(in reply to DATA command);" } },
	{ .what = "content refused; lines of a reply are text (A3)", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK OK GO
	    "D\nS554-5.6.0 bad\nS554-mda-exec: /bin/sh\nS554\n" },
	  .want = { "bounced 5.6.0 host 127.0.0.1[127.0.0.1] said: 554 5.6.0 bad mda-exec: /bin/sh "
	    "(in reply to end of DATA command);" } },
	{ .what = "552 at RCPT means later", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK "S552 5.5.3 too many\nS503 no\n" },
	  .want = { "deferred 4.5.3 host 127.0.0.1[127.0.0.1] said: 552 5.5.3 too many "
	    "(in reply to RCPT TO command);" } },
	{ .what = "552 at RCPT, and the mailbox is full", .dest = ONE, .rcpts = 2,
	  .servers = { HELLO CAPS MAIL SIZED R0 R1 BODY OK "S552 5.2.2 mailbox full\nS552 5.3.4 too "
	    "large for me\nS503 no\n" },
	  .want = { "bounced 5.2.2 host 127.0.0.1[127.0.0.1] said: 552 5.2.2 mailbox full "
	    "(in reply to RCPT TO command);bounced 5.3.4 host 127.0.0.1[127.0.0.1] said: 552 5.3.4 too "
	    "large for me (in reply to RCPT TO command);" } },
	{ .what = "one too many goes into a second transaction", .dest = ONE, .rcpts = 3,
	  .servers = { HELLO CAPS MAIL SIZED R0 R1 R2 BODY OK OK OK "S452 4.5.3 too many\n" GO DONE
	    MAIL SIZED R2 BODY OK OK GO DONE },
	  .want = { SENT SENT SENT } },
	{ .what = "RCPTMAX is kept", .dest = ONE, .rcpts = 3,
	  .servers = { HELLO "S250-sink\nS250-PIPELINING\nS250 LIMITS RCPTMAX=2\n" MAIL "\n" R0 R1
	    BODY OK OK OK GO DONE MAIL "\n" R2 BODY OK OK GO DONE },
	  .want = { SENT SENT SENT } },
	{ .what = "421 anywhere is for later", .dest = ONE, .rcpts = 2,
	  .servers = { HELLO CAPS MAIL SIZED R0 R1 BODY OK "S550 5.1.1 no\nS421 4.3.2 closing\n" },
	  .want = { "bounced 5.1.1 host 127.0.0.1[127.0.0.1] said: 550 5.1.1 no (in reply to RCPT TO "
	    "command);deferred 4.3.2 host 127.0.0.1[127.0.0.1] said: 421 4.3.2 closing (in reply to "
	    "RCPT TO command);" } },
	{ .what = "too large for the server", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO "S250-sink\nS250 SIZE 10\nCQUIT" },
	  .want = { "bounced 5.3.4 message size 33 exceeds size limit 10 of server "
	    "127.0.0.1[127.0.0.1];" } },
	{ .what = "8-bit content is declared", .dest = ONE, .rcpts = 1,
	  .content = "A: b\r\n\r\n\xc3\xa4\r\n",
	  .servers = { HELLO "S250-sink\nS250 8BITMIME\n" MAIL " BODY=8BITMIME\n" OK R0 OK BODY GO
	    DONE },
	  .want = { SENT } },
	{ .what = "greeting 4xx", .dest = ONE, .rcpts = 1, .hop = 2,
	  .servers = { "S450 busy\nCQUIT" },
	  .want = { "deferred 4.0.0 host 127.0.0.1[127.0.0.1] refused to talk to me: 450 busy;" },
	  .log = "relay=127.0.0.1[127.0.0.1]:PORT, delay=" },
	{ .what = "greeting 5xx is passed over", .dest = ONE, .rcpts = 1,
	  .servers = { "S554 5.7.1 go away\nCQUIT" },
	  .want = { "deferred 4.7.1 host 127.0.0.1[127.0.0.1] refused to talk to me: 554 5.7.1 go "
	    "away;" } },
	{ .what = "greeting 5xx is believed", .dest = ONE, .rcpts = 1, .no_skip = true,
	  .servers = { "S554 5.7.1 go away\nCQUIT" },
	  .want = { "bounced 5.7.1 host 127.0.0.1[127.0.0.1] refused to talk to me: 554 5.7.1 go "
	    "away;" } },
	{ .what = "next MX after a 4xx greeting", .dest = "two.test", .rcpts = 1, .hop = 1,
	  .servers = { "S421 busy\n", HELLO CAPS MAIL SIZED R0 BODY OK OK GO DONE },
	  .want = { SENT }, .log = "QID: host mx1.test[127.0.0.1] refused to talk to me: 421 busy" },
	{ .what = "next MX when the first is dead", .dest = "dead.test", .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK OK GO DONE },
	  .want = { SENT }, .log = "connect to mx0.test[127.0.0.3]:PORT: Connection refused" },
	{ .what = "next MX for who got 4xx", .dest = "two.test", .rcpts = 2,
	  .servers = { HELLO CAPS MAIL SIZED R0 R1 BODY OK OK "S450 4.2.0 grey\n" GO DONE "CQUIT\n",
	    HELLO CAPS MAIL SIZED R1 BODY OK OK GO DONE },
	  .want = { SENT SENT },
	  .log = "QID: host mx1.test[127.0.0.1] said: 450 4.2.0 grey (in reply to RCPT TO command)" },
	{ .what = "next MX when the connection is lost", .dest = "two.test", .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK,
	    HELLO CAPS MAIL SIZED R0 BODY OK OK GO DONE },
	  .want = { SENT },
	  .log = "QID: lost connection with mx1.test[127.0.0.1] while sending RCPT TO" },
	{ .what = "no second copy after a lost final reply", .dest = "two.test", .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK OK GO "D\n" },
	  .want = { "deferred 4.4.2 lost connection with mx1.test[127.0.0.1] while sending end of "
	    "data -- message may be sent more than once;" } },
	{ .what = "5xx is final, no next MX", .dest = "two.test", .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK "S550 5.1.1 no\nS503 no\n" },
	  .want = { "bounced 5.1.1 host mx1.test[127.0.0.1] said: 550 5.1.1 no "
	    "(in reply to RCPT TO command);" } },
	{ .what = "nobody there", .dest = "[127.0.0.3]", .rcpts = 1, .hop = 2,
	  .want = { "deferred 4.4.1 connect to 127.0.0.3[127.0.0.3]:PORT: Connection refused;" },
	  .log = "QID: to=<r0@y.test>, relay=none, delay=" },
	{ .what = "lost before the greeting", .dest = ONE, .rcpts = 1, .servers = { "P" },
	  .want = { "deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while receiving the "
	    "initial server greeting;" } },
	{ .what = "lost at EHLO", .dest = ONE, .rcpts = 1, .servers = { HELLO },
	  .want = { "deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while performing the "
	    "EHLO handshake;" } },
	{ .what = "lost in DATA", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK OK },
	  .want = { "deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while sending DATA "
	    "command;" } },
	{ .what = "a silent server", .dest = ONE, .rcpts = 1, .servers = { "PPPPPPPPPP" },
	  .want = { "deferred 4.4.2 conversation with 127.0.0.1[127.0.0.1] timed out while receiving "
	    "the initial server greeting;" } },
	{ .what = "no SMTP server at all", .dest = ONE, .rcpts = 1,
	  .servers = { "SSSH-2.0-OpenSSH_9.2\nP" },
	  .want = { "deferred 4.5.0 Protocol error: unreadable reply from 127.0.0.1[127.0.0.1] while "
	    "receiving the initial server greeting;" } },
	{ .what = "codes that change inside a reply", .dest = ONE, .rcpts = 1,
	  .servers = { "S220-a\nS250 b\nP" },
	  .want = { "deferred 4.5.0 Protocol error: unreadable reply from 127.0.0.1[127.0.0.1] while "
	    "receiving the initial server greeting;" } },
	{ .what = "a reply with a bare LF", .dest = ONE, .rcpts = 1,
	  .servers = { "R220 a\\n250 b\nP" },
	  .want = { "deferred 4.5.0 Protocol error: unreadable reply from 127.0.0.1[127.0.0.1] while "
	    "receiving the initial server greeting;" } },
	{ .what = "a reply without end (F17)", .dest = ONE, .rcpts = 1, .servers = { "M220-x" },
	  .want = { "deferred 4.5.0 Protocol error: unreadable reply from 127.0.0.1[127.0.0.1] while "
	    "receiving the initial server greeting;" } },
	{ .what = "a line without end (F17)", .dest = ONE, .rcpts = 1, .servers = { "L" },
	  .want = { "deferred 4.5.0 Protocol error: unreadable reply from 127.0.0.1[127.0.0.1] while "
	    "receiving the initial server greeting;" } },
	{ .what = "connection used again, MAIL at once", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK OK GO DONE MAIL SIZED R0 BODY OK OK GO DONE
	    MAIL SIZED R0 BODY OK OK GO DONE "CQUIT\n" },
	  .want = { SENT, SENT, SENT }, .log = ", conn_use=3, delay=" },
	{ .what = "a kept connection is dead", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK OK GO DONE,
	    HELLO CAPS MAIL SIZED R0 BODY OK OK GO DONE },
	  .want = { SENT, SENT } },
	{ .what = "a kept connection says 421", .dest = ONE, .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK OK GO DONE "S421 idle too long\n",
	    HELLO CAPS MAIL SIZED R0 BODY OK OK GO DONE },
	  .want = { SENT, SENT } },
	{ .what = "another domain on the same server", .dest = "same.test", .rcpts = 1,
	  .servers = { HELLO CAPS MAIL SIZED R0 BODY OK OK GO DONE MAIL SIZED R0 BODY OK OK GO DONE },
	  .want = { SENT, SENT }, .log = ", conn_use=2, delay=" },
	{ .what = "STARTTLS, EHLO again, nothing remembered", .dest = ONE, .rcpts = 1, .tls = true,
	  .servers = { HELLO "S250-sink\nS250-PIPELINING\nS250 STARTTLS\nCSTARTTLS\nS220 go\nT\n"
	    "CEHLO me.test\n" PLAIN MAIL "\nN\n" OK R0 OK BODY GO DONE },
	  .want = { SENT }, .log = "Untrusted TLS connection established to "
	    "127.0.0.1[127.0.0.1]:PORT: TLSv1.3 with cipher TEST (256/256 bits)" },
	{ .what = "STARTTLS refused: in the clear", .dest = ONE, .rcpts = 1, .tls = true,
	  .servers = { HELLO "S250-sink\nS250 STARTTLS\nCSTARTTLS\nS454 no\n" MAIL "\n" OK R0 OK BODY
	    GO DONE },
	  .want = { SENT } },
	{ .what = "STARTTLS injection (F6)", .dest = ONE, .rcpts = 1, .tls = true,
	  .servers = { HELLO "S250-sink\nS250 STARTTLS\nCSTARTTLS\n"
	    "S220 go\nS250-x\nS250 AUTH PLAIN\nPP" },
	  .want = { "deferred 4.5.0 Protocol error: host 127.0.0.1[127.0.0.1] sent data behind its "
	    "reply to STARTTLS;" } },
	{ .what = "handshake fails: again in the clear", .dest = ONE, .rcpts = 1, .tls = true,
	  .servers = { HELLO "S250-sink\nS250 STARTTLS\nCSTARTTLS\nS220 go\nF\n",
	    HELLO "S250-sink\nS250 STARTTLS\n" MAIL "\n" OK R0 OK BODY GO DONE },
	  .want = { SENT } },
	{ .what = "null MX", .dest = "null.test", .rcpts = 1,
	  .want = { "bounced 5.1.10 Domain null.test does not accept mail (nullMX);" },
	  .log = "relay=none, delay=" },
};

/* The scripted servers. */
static struct {
	const struct play *p;
	int fd[2];		/* listening on 127.0.0.1 and 127.0.0.2 */
	uint16_t port;
	unsigned next;		/* script of the next connection */
	unsigned ended;
	int log;
	struct fiber *accepters[2];
	struct buf trouble;
} at;

static bool fail_tls;

static void
complain(unsigned conn, const char *what, struct str line)
{
	buf_addf(&at.trouble, "connection %u: %s \"%.*s\"; ", conn, what, STR_ARG(line));
}

static void
send_much(struct stream *s, struct str line)
{
	/* A client that gives up closes: then the write fails, which is what we want to see. */
	for (int i = 0; i < 100000; i++)
		if (stream_write(s, line) != IO_OK || stream_flush(s) != IO_OK)
			return;
	complain(99, "swallowed it all", line);
}

static void
read_content(struct stream *s, unsigned conn)
{
	struct str line;

	while (stream_getline(s, &line, LINE_MAX_) == IO_OK)
		if (str_eq(line, STR(".")))
			return;
	complain(conn, "no final dot", STR(""));
}

/* One line of a script; false when the client is gone. */
static bool
act(struct stream *s, struct str step, unsigned conn)
{
	struct str arg = str_sub(step, 1, step.n), line;

	switch (step.p[0]) {
	case 'S':
		(void)stream_write(s, arg);
		(void)stream_write(s, STR("\r\n"));
		return true;
	case 'R':
		(void)stream_write(s, STR("220 a\n250 b\r\n"));
		return stream_flush(s) == IO_OK;
	case 'M':
		send_much(s, STR("220-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"));
		return true;
	case 'L':
		send_much(s, STR("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
		return true;
	case 'P':
		(void)stream_flush(s);
		(void)fiber_sleep(deadline_in((msec_t)step.n * 50));
		return true;
	case 'N':
		(void)stream_flush(s);
		(void)fiber_sleep(deadline_in(20));
		if (stream_pending(s) > 0)
			complain(conn, "too early", stream_buffered(s));
		return true;
	case 'T':
		return stream_flush(s) == IO_OK;
	case 'F':
		fail_tls = true;
		return stream_flush(s) == IO_OK;
	case 'D':
		read_content(s, conn);
		return true;
	default:
		if (stream_getline(s, &line, LINE_MAX_) != IO_OK) {
			complain(conn, "no line for", arg);
			return false;
		}
		if (!str_start(line, arg) || (arg.n > 8 && line.n > arg.n && line.p[arg.n] != ' ' &&
		    arg.p[arg.n - 1] != ' '))
			complain(conn, "unexpected", line);
		return true;
	}
}

static void
serve(void *arg)
{
	unsigned conn = at.next++;
	struct stream *s = stream_open((int)(intptr_t)arg);
	struct str script, step;

	stream_deadline(s, deadline_in(5000));
	if (conn >= CONNS || at.p->servers[conn] == NULL) {
		complain(conn, "one connection too many", STR(""));
	} else {
		script = str_of(at.p->servers[conn]);
		while (str_cut(&script, '\n', &step))
			if (step.n > 0 && !act(s, step, conn))
				break;
		(void)stream_flush(s);
	}
	stream_close(s);
	at.ended++;
}

static void
accepter(void *arg)
{
	int fd;

	while ((fd = net_accept(at.fd[(intptr_t)arg], NULL, NEVER)) >= 0)
		(void)fiber_start(serve, (void *)(intptr_t)fd, "server");
}

/* tlsd that encrypts nothing: gives the connection back as it is. */
static void
on_tls(struct ipc_req *r, const void *msg)
{
	const struct tls_start *m = msg;
	struct tls_started answer = { .fd = -1 };

	answer.facts.status = fail_tls ? TLS_FAILED : TLS_OK;
	answer.facts.reason = fail_tls ? STR("made to fail") : STR("");
	answer.facts.active = !fail_tls;
	answer.facts.version = STR("TLSv1.3");
	answer.facts.cipher = STR("TEST");
	answer.facts.bits = answer.facts.alg_bits = 256;
	answer.facts.peer_cert = true;
	if (!fail_tls)
		answer.fd = m->fd;
	fail_tls = false;
	ipc_reply(r, &answer);
	(void)close(m->fd);
}

static const struct ipc_op tls_ops[] = {
	{ &tls_start_msg, &tls_started_msg, on_tls, PEER_BIT(PEER_SMTP) },
	{ NULL, NULL, NULL, 0 }
};

/* The DNS. */
static const struct record {
	const char *name;
	enum dns_type type;
	uint64_t pref;
	const char *value;
} zone[] = {
	{ "two.test", DNS_MX, 10, "mx1.test" },	{ "two.test", DNS_MX, 20, "mx2.test" },
	{ "dead.test", DNS_MX, 10, "mx0.test" }, { "dead.test", DNS_MX, 20, "mx2.test" },
	{ "same.test", DNS_MX, 10, "mx1.test" }, { "other.test", DNS_MX, 10, "mx1.test" },
	{ "null.test", DNS_MX, 0, "" },		{ "mx0.test", DNS_A, 0, "\x7f\0\0\3" },
	{ "mx1.test", DNS_A, 0, "\x7f\0\0\1" },	{ "mx2.test", DNS_A, 0, "\x7f\0\0\2" },
};

static enum dns_status
lookup(struct str name, enum dns_type type, struct pool *pool, struct dns_answer *out,
    msec_t deadline)
{
	struct dns_record *v = pool_array(pool, COUNT(zone), sizeof(*v));

	*out = (struct dns_answer){ .records = { v, 0 } };
	for (size_t i = 0; i < COUNT(zone); i++) {
		if (!str_eq(name, str_of(zone[i].name)) || type != zone[i].type)
			continue;
		v[out->records.n].pref = zone[i].pref;
		if (type == DNS_MX)
			v[out->records.n].name = str_of(zone[i].value);
		else
			v[out->records.n].data = str_n(zone[i].value, 4);
		out->records.n++;
	}
	return out->status = out->records.n > 0 ? DNS_OK : DNS_NXDOMAIN;
}

static void
settings(const struct play *p)
{
	static char port[8];

	(void)snprintf(port, sizeof(port), "%u", at.port);
	smtp_conf = (struct smtp_conf){
		.tcp_port = port, .helo_name = "me.test", .bind_address = "", .bind_address6 = "",
		.fallback_relay = "", .mx_address_limit = 5, .mx_session_limit = 2,
		.skip_5xx_greeting = !p->no_skip, .always_send_ehlo = true,
		.tls_security_level = p->tls ? SMTP_TLS_MAY : SMTP_TLS_NONE, .tls_loglevel = 1,
		.cache_on_demand = true, .cache_time_ms = 2000, .reuse_time_ms = 300000,
		.connect_ms = 2000, .helo_ms = 300, .starttls_ms = 2000, .mail_ms = 2000,
		.rcpt_ms = 2000, .data_init_ms = 2000, .data_xfer_ms = 2000, .data_done_ms = 2000,
		.rset_ms = 2000, .delivery_ms = 10000,
	};
}

static struct result *
deliver_once(struct pool *pool, unsigned turn)
{
	struct deliver_rcpt *rcpts = pool_array(pool, at.p->rcpts, sizeof(*rcpts));
	struct deliver *d = pool_alloc(pool, sizeof(*d));
	struct hosts_rules rules = { .ipv4 = true, .enough = 5, .myhostname = STR("me.test") };

	for (unsigned i = 0; i < at.p->rcpts; i++) {
		rcpts[i].num = i;
		rcpts[i].addr = pool_printf(pool, "r%u@y.test", i);
	}
	d->queue_id = STR("QID");
	d->nexthop = str_of(at.p->dest);
	if (turn > 0 && str_eq(d->nexthop, STR("same.test")))
		d->nexthop = STR("other.test");
	d->sender = STR("s@x.test");
	d->rcpts = (struct ipc_list){ rcpts, at.p->rcpts };
	d->arrival_us = d->active_us = (uint64_t)clock_wall_us();
	d->received = STR("Received: x id ;\r\n");
	d->received_id_at = 15;
	d->fd = -1;
	d->content = STR("A: b\r\n\r\nhi\r\n");
	if (at.p->content != NULL)
		d->content = str_of(at.p->content);
	return delivery_run(d, &rules, lookup, pool);
}

static bool
some_has_dsn(void)
{
	for (size_t i = 0; i < sizeof(at.p->servers) / sizeof(at.p->servers[0]); i++)
		if (at.p->servers[i] != NULL && strstr(at.p->servers[i], "DSN") != NULL)
			return true;
	return false;
}

static void
add_result(struct buf *out, const struct result *r)
{
	static const char *const names[] = { "sent", "deferred", "bounced" };
	const struct result_rcpt *v = r->rcpts.v;

	for (size_t i = 0; i < r->rcpts.n; i++) {
		buf_addf(out, "%s %.*s %.*s;", names[v[i].status], STR_ARG(v[i].dsn),
		    STR_ARG(v[i].text));
		/* Who announced DSN got NOTIFY, and reports itself. */
		ck_assert(!v[i].notifies || v[i].status == RESULT_SENT);
		if (v[i].status == RESULT_SENT)
			ck_assert_int_eq(v[i].notifies, some_has_dsn());
	}
}

/* Put the port where PORT stands. */
static void
with_port(struct buf *out, const char *text)
{
	struct str s = str_of(text);
	ptrdiff_t i = str_find(s, STR("PORT"));

	if (i < 0) {
		buf_add(out, s);
		return;
	}
	buf_addf(out, "%.*s%u%s", (int)i, s.p, at.port, s.p + i + 4);
}

static void
check_log(const char *want)
{
	struct buf line = { 0 }, log = { 0 };
	char *room = buf_room(&log, 65536);
	ssize_t got = pread(at.log, room, 65536, 0);

	ck_assert_int_ge(got, 0);
	buf_grew(&log, (size_t)got);
	with_port(&line, want);
	ck_assert_msg(str_find(buf_str(&log), buf_str(&line)) >= 0, "%s: \"%s\" is not in:\n%s",
	    at.p->what, buf_z(&line), buf_z(&log));
	buf_free(&line);
	buf_free(&log);
}

static void
run_play(void *arg)
{
	struct buf got = { 0 }, want = { 0 };
	uint64_t hop = 0;
	struct ipc *tls[2];
	int pair[2];

	(void)arg;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
	    0);
	tls[0] = ipc_open(pair[0], tls_ops, PEER_SMTP, NULL, NULL);
	tls[1] = ipc_open(pair[1], NULL, PEER_TLSD, NULL, NULL);
	peer_add(PEER_TLSD, tls[1]);
	for (intptr_t i = 0; i < 2; i++)
		at.accepters[i] = fiber_start(accepter, (void *)i, "accepter");
	for (unsigned i = 0; i < DELIVERIES && at.p->want[i] != NULL; i++) {
		struct pool *pool = pool_new();
		struct result *r = deliver_once(pool, i);

		add_result(&got, r);
		with_port(&want, at.p->want[i]);
		hop = r->hop;
		pool_free(pool);
		(void)fiber_sleep(deadline_in(20));	/* time for a server to close or say more */
	}
	cache_clear();
	for (int i = 0; i < 200 && at.ended < at.next; i++)
		(void)fiber_sleep(deadline_in(10));
	ck_assert_msg(str_eq(buf_str(&got), buf_str(&want)), "%s:\n got %s\nwant %s", at.p->what,
	    buf_z(&got), buf_z(&want));
	ck_assert_msg(at.trouble.n == 0, "%s: %s", at.p->what, buf_z(&at.trouble));
	ck_assert_msg(at.p->hop == 0 || hop == at.p->hop, "%s: hop %u", at.p->what, (unsigned)hop);
	for (unsigned i = 0; i < CONNS; i++)
		ck_assert_msg((at.p->servers[i] != NULL) == (i < at.next), "%s: %u connections",
		    at.p->what, at.next);
	if (at.p->log != NULL)
		check_log(at.p->log);
	buf_free(&got);
	buf_free(&want);
	peer_remove(PEER_TLSD, tls[1]);
	ipc_close(tls[0]);
	ipc_close(tls[1]);
	fiber_cancel(at.accepters[0]);
	fiber_cancel(at.accepters[1]);
}

START_TEST(play)
{
	struct net_addr a, b;

	at.p = &plays[_i];
	at.log = unit_file();
	log_open(at.log, LOG_PLAIN, "smtp");
	ck_assert(net_parse(STR("127.0.0.1"), 0, &a));
	at.fd[0] = net_listen(&a, 10);
	ck_assert_int_ge(at.fd[0], 0);
	a = net_local(at.fd[0]);
	at.port = net_port(&a);
	ck_assert(net_parse(STR("127.0.0.2"), at.port, &b));
	at.fd[1] = net_listen(&b, 10);
	ck_assert_int_ge(at.fd[1], 0);
	settings(at.p);
	fiber_run(run_play, NULL);
	(void)close(at.fd[0]);
	(void)close(at.fd[1]);
	(void)close(at.log);
	buf_free(&at.trouble);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("smtp/client");
	TCase *t = tcase_create("play");

	tcase_add_loop_test(t, play, 0, COUNT(plays));
	tcase_set_timeout(t, 20);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
