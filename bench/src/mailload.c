/* SPDX-License-Identifier: ISC */
/* mailload - load generator for SMTP, IMAP and POP3 servers.
 *
 *   mailload smtp  HOST PORT [-s sessions] [-m messages] [-l bytes] [-f from]
 *                  [-t rcpt] [-k] [-T]      -k: 50 messages a connection
 *   mailload hold  HOST PORT [-s sessions] [-T] [-p smtp|imap] [-u user -w pass]
 *                  opens the connections (imap: logs in, SELECTs, IDLEs), prints
 *                  how many were served, holds them until stdin ends
 *   mailload imap  HOST PORT -u user -w pass [-s sessions] [-m rounds]
 *                  [-c command]... [-T]     time of each command; no -c: LOGIN
 *                  and LOGOUT only
 *   mailload append HOST PORT -u user -w pass [-s s] [-m n] [-l bytes] [-T]
 *   mailload pop3  HOST PORT -u user -w pass [-T]    RETR of every message
 *
 * In user names %d stands for the number of the session. -T: STARTTLS/STLS.
 * One thread with a small stack per session, blocking I/O.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAXCMD 32

struct conn {
	int fd;
	SSL *ssl;
	size_t pos, len;
	unsigned long long in;
	char buf[65536];
};

static const char *host, *user = "u%d", *pass = "pw", *from = "a@bench.example",
	*rcpt = "x@hold.bench.example", *proto = "smtp";
static int port, nsess = 1, nmsg = 100, keep, tls;
static size_t msgsize = 1024;
static const char *cmds[MAXCMD];
static int ncmd;
static char *body;
static size_t bodylen;
static atomic_int next_id, done, failed, ready;
static atomic_ullong bytes_in;
static double *lat;
static atomic_int nlat;
static double *cmdlat[MAXCMD + 1];
static atomic_int ncmdlat[MAXCMD + 1];
static SSL_CTX *ctx;
static int hold_pipe[2];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int fill(struct conn *c)
{
	ssize_t r;

	if (c->ssl)
		r = SSL_read(c->ssl, c->buf, sizeof c->buf);
	else
		do
			r = read(c->fd, c->buf, sizeof c->buf);
		while (r < 0 && errno == EINTR);
	if (r <= 0)
		return -1;
	c->pos = 0;
	c->len = (size_t)r;
	c->in += (size_t)r;
	return 0;
}

static int put(struct conn *c, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = c->ssl ? SSL_write(c->ssl, p, (int)n) :
			send(c->fd, p, n, MSG_NOSIGNAL);

		if (w <= 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int puts_c(struct conn *c, const char *s)
{
	return put(c, s, strlen(s));
}

/* One line without CRLF; longer lines are cut. */
static int line(struct conn *c, char *out, size_t max)
{
	size_t n = 0;

	for (;;) {
		char *nl;
		size_t have, take;

		if (c->pos == c->len && fill(c) < 0)
			return -1;
		have = c->len - c->pos;
		nl = memchr(c->buf + c->pos, '\n', have);
		take = nl ? (size_t)(nl - (c->buf + c->pos)) : have;
		for (size_t i = 0; i < take && n + 1 < max; i++)
			out[n++] = c->buf[c->pos + i];
		c->pos += take + (nl != NULL);
		if (nl) {
			if (n > 0 && out[n - 1] == '\r')
				n--;
			out[n] = 0;
			return (int)n;
		}
	}
}

static int skip(struct conn *c, unsigned long n)
{
	while (n > 0) {
		size_t have;

		if (c->pos == c->len && fill(c) < 0)
			return -1;
		have = c->len - c->pos;
		if (have > n)
			have = n;
		c->pos += have;
		n -= have;
	}
	return 0;
}

static int smtp_reply(struct conn *c)
{
	char b[1024];

	do
		if (line(c, b, sizeof b) < 4)
			return -1;
	while (b[3] == '-');
	return atoi(b);
}

static int smtp_cmd(struct conn *c, const char *s, int want)
{
	return puts_c(c, s) < 0 || smtp_reply(c) / 100 != want ? -1 : 0;
}

/* Reads to the tagged reply, past literals. */
static int imap_reply(struct conn *c, const char *tag)
{
	char b[4096];
	size_t tl = strlen(tag);

	for (;;) {
		int n = line(c, b, sizeof b);
		char *p;

		if (n < 0)
			return -1;
		if (!strncmp(b, tag, tl) && b[tl] == ' ')
			return strncmp(b + tl + 1, "OK", 2) ? -1 : 0;
		if (b[0] == '+')
			return 1;
		if (n > 0 && b[n - 1] == '}' && (p = strrchr(b, '{')))
			if (skip(c, strtoul(p + 1, NULL, 10)) < 0)
				return -1;
	}
}

static int imap_cmd(struct conn *c, const char *s)
{
	char b[2048];

	snprintf(b, sizeof b, "t %s\r\n", s);
	return puts_c(c, b) < 0 ? -1 : imap_reply(c, "t");
}

static int dial(struct conn *c)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *a = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&ss;
	socklen_t sl = sizeof *a;
	struct timeval tv = { .tv_sec = 60 };
	int one = 1;

	c->ssl = NULL;
	c->pos = c->len = 0;
	c->in = 0;
	if (strchr(host, ':')) {
		a6->sin6_family = AF_INET6;
		a6->sin6_port = htons((uint16_t)port);
		inet_pton(AF_INET6, host, &a6->sin6_addr);
		sl = sizeof *a6;
	} else {
		a->sin_family = AF_INET;
		a->sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, host, &a->sin_addr);
	}
	c->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -1;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	if (connect(c->fd, (struct sockaddr *)&ss, sl) < 0) {
		close(c->fd);
		return -1;
	}
	return 0;
}

static void hangup(struct conn *c)
{
	atomic_fetch_add(&bytes_in, c->in);
	if (c->ssl) {
		SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	close(c->fd);
}

static int starttls(struct conn *c)
{
	c->ssl = SSL_new(ctx);
	SSL_set_fd(c->ssl, c->fd);
	return SSL_connect(c->ssl) == 1 ? 0 : -1;
}

static int smtp_open(struct conn *c)
{
	if (dial(c) < 0)
		return -1;
	if (smtp_reply(c) != 220 || smtp_cmd(c, "EHLO load.bench.example\r\n", 2) < 0)
		goto bad;
	if (tls && (smtp_cmd(c, "STARTTLS\r\n", 2) < 0 || starttls(c) < 0 ||
		    smtp_cmd(c, "EHLO load.bench.example\r\n", 2) < 0))
		goto bad;
	return 0;
bad:
	hangup(c);
	return -1;
}

static int imap_open(struct conn *c, int id)
{
	char b[512], u[128], t[1024];

	if (dial(c) < 0)
		return -1;
	if (line(c, t, sizeof t) < 0)
		goto bad;
	if (tls && (imap_cmd(c, "STARTTLS") < 0 || starttls(c) < 0))
		goto bad;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(u, sizeof u, user, id);
#pragma GCC diagnostic pop
	snprintf(b, sizeof b, "LOGIN %s %s", u, pass);
	if (imap_cmd(c, b) < 0)
		goto bad;
	return 0;
bad:
	hangup(c);
	return -1;
}

static void note(double t)
{
	int i = atomic_fetch_add(&nlat, 1);

	if (i < nmsg * (nsess > 1 ? nsess : 1) + nsess)
		lat[i] = t;
}

static void *w_smtp(void *arg)
{
	struct conn *c = malloc(sizeof *c);
	char mail[256], rc[256];
	int open = 0, sent = 0;

	(void)arg;
	snprintf(mail, sizeof mail, "MAIL FROM:<%s>\r\n", from);
	snprintf(rc, sizeof rc, "RCPT TO:<%s>\r\n", rcpt);
	while (atomic_fetch_add(&next_id, 1) < nmsg) {
		double t0 = now();

		if (!open && smtp_open(c) < 0) {
			atomic_fetch_add(&failed, 1);
			usleep(1000);
			continue;
		}
		open = 1;
		if (smtp_cmd(c, mail, 2) < 0 || smtp_cmd(c, rc, 2) < 0 ||
		    smtp_cmd(c, "DATA\r\n", 3) < 0 || put(c, body, bodylen) < 0 ||
		    smtp_reply(c) / 100 != 2) {
			atomic_fetch_add(&failed, 1);
			hangup(c);
			open = 0;
			continue;
		}
		atomic_fetch_add(&done, 1);
		if (!keep || ++sent % 50 == 0) {
			smtp_cmd(c, "QUIT\r\n", 2);
			hangup(c);
			open = 0;
		}
		note(now() - t0);
	}
	if (open) {
		smtp_cmd(c, "QUIT\r\n", 2);
		hangup(c);
	}
	free(c);
	return NULL;
}

static void *w_hold(void *arg)
{
	struct conn *c = malloc(sizeof *c);
	int ok, id = (int)(long)arg;
	char x;

	if (!strcmp(proto, "imap")) {
		ok = imap_open(c, id) == 0;
		if (ok && (imap_cmd(c, "SELECT INBOX") < 0 || imap_cmd(c, "IDLE") != 1)) {
			hangup(c);
			ok = 0;
		}
	} else
		ok = smtp_open(c) == 0;
	if (ok)
		atomic_fetch_add(&done, 1);
	else
		atomic_fetch_add(&failed, 1);
	atomic_fetch_add(&ready, 1);
	if (ok) {
		while (read(hold_pipe[0], &x, 1) > 0)
			;
		hangup(c);
	}
	free(c);
	return NULL;
}

static void *w_imap(void *arg)
{
	struct conn *c = malloc(sizeof *c);
	int id = (int)(long)arg;

	while (atomic_fetch_add(&next_id, 1) < nmsg) {
		double t0 = now(), t1;
		int i, j;

		if (imap_open(c, id) < 0) {
			atomic_fetch_add(&failed, 1);
			continue;
		}
		j = atomic_fetch_add(&ncmdlat[0], 1);
		cmdlat[0][j] = now() - t0;
		for (i = 0; i < ncmd; i++) {
			t1 = now();
			if (imap_cmd(c, cmds[i]) < 0)
				break;
			j = atomic_fetch_add(&ncmdlat[i + 1], 1);
			cmdlat[i + 1][j] = now() - t1;
		}
		if (i < ncmd)
			atomic_fetch_add(&failed, 1);
		else {
			imap_cmd(c, "LOGOUT");
			atomic_fetch_add(&done, 1);
		}
		hangup(c);
		note(now() - t0);
	}
	free(c);
	return NULL;
}

static void *w_append(void *arg)
{
	struct conn *c = malloc(sizeof *c);
	char b[128];

	if (imap_open(c, (int)(long)arg) < 0) {
		atomic_fetch_add(&failed, 1);
		free(c);
		return NULL;
	}
	/* bodylen counts the final ".\r\n" of SMTP, not sent here */
	snprintf(b, sizeof b, "t APPEND INBOX {%zu}\r\n", bodylen - 3);
	while (atomic_fetch_add(&next_id, 1) < nmsg) {
		double t0 = now();

		if (puts_c(c, b) < 0 || imap_reply(c, "t") != 1 ||
		    put(c, body, bodylen - 3) < 0 || puts_c(c, "\r\n") < 0 ||
		    imap_reply(c, "t") != 0) {
			atomic_fetch_add(&failed, 1);
			break;
		}
		atomic_fetch_add(&done, 1);
		note(now() - t0);
	}
	imap_cmd(c, "LOGOUT");
	hangup(c);
	free(c);
	return NULL;
}

static int pop_ok(struct conn *c, char *b, size_t n)
{
	return line(c, b, n) < 0 || strncmp(b, "+OK", 3) ? -1 : 0;
}

static void *w_pop3(void *arg)
{
	struct conn *c = malloc(sizeof *c);
	char b[1024], u[128];
	int id = (int)(long)arg, n, i, sent = 0;
	double t0 = now();

	if (dial(c) < 0 || pop_ok(c, b, sizeof b) < 0)
		goto bad;
	if (tls && (puts_c(c, "STLS\r\n") < 0 || pop_ok(c, b, sizeof b) < 0 ||
		    starttls(c) < 0))
		goto bad;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(u, sizeof u, user, id);
#pragma GCC diagnostic pop
	snprintf(b, sizeof b, "USER %s\r\n", u);
	if (puts_c(c, b) < 0 || pop_ok(c, b, sizeof b) < 0)
		goto bad;
	snprintf(b, sizeof b, "PASS %s\r\n", pass);
	if (puts_c(c, b) < 0 || pop_ok(c, b, sizeof b) < 0)
		goto bad;
	if (puts_c(c, "STAT\r\n") < 0 || pop_ok(c, b, sizeof b) < 0)
		goto bad;
	n = atoi(b + 4);
	cmdlat[0][atomic_fetch_add(&ncmdlat[0], 1)] = now() - t0;
	t0 = now();
	/* up to 16 RETR under way */
	for (i = 0; i < n; i++) {
		while (sent < n && sent < i + 16) {
			char r[32];

			snprintf(r, sizeof r, "RETR %d\r\n", ++sent);
			if (puts_c(c, r) < 0)
				goto bad;
		}
		if (pop_ok(c, b, sizeof b) < 0)
			goto bad;
		do
			if (line(c, b, sizeof b) < 0)
				goto bad;
		while (b[0] != '.' || b[1]);
		atomic_fetch_add(&done, 1);
	}
	cmdlat[1][atomic_fetch_add(&ncmdlat[1], 1)] = now() - t0;
	puts_c(c, "QUIT\r\n");
	pop_ok(c, b, sizeof b);
	hangup(c);
	free(c);
	return NULL;
bad:
	atomic_fetch_add(&failed, 1);
	free(c);
	return NULL;
}

static int cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void make_body(void)
{
	static const char hdr[] =
		"From: Load <a@bench.example>\r\nTo: You <x@bench.example>\r\n"
		"Subject: a message of the bench\r\n"
		"Date: Sun, 22 Nov 2026 16:00:00 +0000\r\n"
		"Message-ID: <bench.1@bench.example>\r\n\r\n";
	static const char text[] =
		"the quick brown fox jumps over the lazy dog and does it once more..\r\n";

	body = malloc(msgsize + sizeof hdr + sizeof text + 16);
	memcpy(body, hdr, sizeof hdr - 1);
	bodylen = sizeof hdr - 1;
	while (bodylen + sizeof text - 1 <= msgsize) {
		memcpy(body + bodylen, text, sizeof text - 1);
		bodylen += sizeof text - 1;
	}
	memcpy(body + bodylen, ".\r\n", 3);
	bodylen += 3;
}

static const struct mode {
	const char *name;
	void *(*run)(void *);
} modes[] = {
	{ "smtp", w_smtp }, { "hold", w_hold }, { "imap", w_imap }, { "append", w_append },
	{ "pop3", w_pop3 }, { NULL, NULL }
};

static const struct mode *find_mode(const char *name)
{
	const struct mode *m = modes;

	while (m->name && strcmp(m->name, name))
		m++;
	return m->name ? m : NULL;
}

static int options(int argc, char **argv)
{
	int o;

	host = argv[2];
	port = atoi(argv[3]);
	optind = 4;
	while ((o = getopt(argc, argv, "s:m:l:f:t:kTp:u:w:c:")) != -1)
		switch (o) {
		case 's': nsess = atoi(optarg); break;
		case 'm': nmsg = atoi(optarg); break;
		case 'l': msgsize = (size_t)atol(optarg); break;
		case 'f': from = optarg; break;
		case 't': rcpt = optarg; break;
		case 'k': keep = 1; break;
		case 'T': tls = 1; break;
		case 'p': proto = optarg; break;
		case 'u': user = optarg; break;
		case 'w': pass = optarg; break;
		case 'c': if (ncmd < MAXCMD) cmds[ncmd++] = optarg; break;
		default: return 0;
		}
	return 1;
}

static int prepare(void)
{
	int i;

	if (tls) {
		ctx = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	}
	make_body();
	lat = calloc((size_t)nmsg * (size_t)nsess + (size_t)nsess + 1, sizeof *lat);
	for (i = 0; i <= MAXCMD; i++)
		cmdlat[i] = calloc((size_t)nmsg + (size_t)nsess + 1, sizeof **cmdlat);
	return pipe(hold_pipe) == 0;
}

/* Start a thread a session; NULL when one cannot be. */
static pthread_t *start(void *(*run)(void *))
{
	pthread_t *th = calloc((size_t)nsess, sizeof *th);
	pthread_attr_t at;
	int i;

	pthread_attr_init(&at);
	pthread_attr_setstacksize(&at, 131072);
	for (i = 0; i < nsess; i++)
		if (pthread_create(&th[i], &at, run, (void *)(long)i)) {
			perror("pthread_create");
			return NULL;
		}
	return th;
}

/* Keep the connections until standard input ends. */
static void hold(double t0)
{
	char x;

	while (atomic_load(&ready) < nsess && now() - t0 < 60)
		usleep(10000);
	printf("held=%d failed=%d waiting=%d secs=%.3f\n", atomic_load(&done),
	       atomic_load(&failed), nsess - atomic_load(&ready), now() - t0);
	fflush(stdout);
	while (read(0, &x, 1) > 0)
		;
	_exit(0);
}

static void report(double secs)
{
	int i, n = atomic_load(&nlat);

	printf("ok=%d failed=%d secs=%.3f per_s=%.1f MBps_in=%.1f", atomic_load(&done),
	       atomic_load(&failed), secs, atomic_load(&done) / secs,
	       (double)atomic_load(&bytes_in) / secs / 1e6);
	if (n > 0) {
		qsort(lat, (size_t)n, sizeof *lat, cmp);
		printf(" p50_ms=%.2f p99_ms=%.2f max_ms=%.2f", lat[n / 2] * 1e3,
		       lat[n * 99 / 100] * 1e3, lat[n - 1] * 1e3);
	}
	for (i = 0; i <= MAXCMD; i++)
		if ((n = atomic_load(&ncmdlat[i])) > 0) {
			qsort(cmdlat[i], (size_t)n, sizeof **cmdlat, cmp);
			printf(" c%d_ms=%.2f", i, cmdlat[i][n / 2] * 1e3);
		}
	putchar('\n');
}

int main(int argc, char **argv)
{
	const struct mode *mode = argc > 3 ? find_mode(argv[1]) : NULL;
	pthread_t *th;
	double t0;
	int i;

	if (!mode) {
		fprintf(stderr, "usage: mailload smtp|hold|imap|append|pop3 HOST PORT ...\n");
		return 2;
	}
	if (!options(argc, argv))
		return 2;
	if (!prepare())
		return 1;
	t0 = now();
	if (!(th = start(mode->run)))
		return 1;
	if (mode->run == w_hold)
		hold(t0);
	for (i = 0; i < nsess; i++)
		pthread_join(th[i], NULL);
	report(now() - t0);
	return 0;
}
