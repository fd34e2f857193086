/* SPDX-License-Identifier: ISC */
/*
 * tlsd and keyd as real processes: a TCP connection whose two ends are both encrypted by them.
 */
#include "unit/rooms/room.h"

#include <netinet/in.h>

#include "ask/tls.h"
#include "base/hash.h"
#include "base/panic.h"
#include "io/net.h"

#define WAIT_MS		20000
#define BULK		(8u << 20)
#define MANY		90

static const char *dir;
static pid_t keyd, tlsd;
static int tls_fd;

/* keyd --generate makes what the other two are given. */
static void
generate(void)
{
	char program[300], key[200], cert[200];
	int status;
	pid_t pid;

	(void)snprintf(program, sizeof(program), "%s/keyd/keyd", BUILDDIR);
	(void)snprintf(key, sizeof(key), "%s/key.pem", dir);
	(void)snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	pid = fork();
	if (pid == 0) {
		(void)execl(program, "keyd", "--generate", key, cert, "localhost",
		    "mail.example.test", "127.0.0.1", (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static int
open_in(const char *folder, const char *name)
{
	char path[400];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* With this key and certificate, or with those just made. */
static void
start(const char *folder, const char *key_name, const char *cert_name)
{
	int key[2], ask[2];
	char conf[400];

	dir = room_dir();
	generate();
	if (folder == NULL)
		folder = dir;
	(void)snprintf(conf, sizeof(conf), "smtpd_tls_cert_file = %s/cert.pem\n"
	    "smtp_tls_CAfile = %s/cert.pem\n", dir, dir);
	room_file(dir, "main.cf", conf);
	room_pair(key);
	room_pair(ask);
	keyd = room_start("keyd", dir, (struct room_fd[]){
	    { 'p', "tlsd", key[0] }, { 'f', "key0", open_in(folder, key_name) }, { 0 } });
	tlsd = room_start("tlsd", dir, (struct room_fd[]){
	    { 'p', "keyd", key[1] }, { 'p', "smtpd", ask[0] }, { 'f', "cert0", open_in(folder, cert_name) },
	    { 0 } });
	tls_fd = ask[1];
}

static void
setup(void)
{
	start(NULL, "key.pem", "cert.pem");
}

static void
setup_rsa(void)
{
	start(TESTDIR "/unit/rooms", "rsa.key", "rsa.crt");
}

static void
teardown(void)
{
	room_stop(tlsd);
	room_stop(keyd);
	unit_remove(dir);
}

/* Both ends of one TCP connection over loopback. */
static void
tcp(struct stream **server, struct stream **client)
{
	struct net_addr at, peer;
	int l, c, s;

	ck_assert(net_parse(STR("127.0.0.1"), 0, &at));
	l = net_listen(&at, 5);
	ck_assert_int_ge(l, 0);
	at = net_local(l);
	c = net_connect(&at, NULL, deadline_in(WAIT_MS));
	s = net_accept(l, &peer, deadline_in(WAIT_MS));
	ck_assert(c >= 0 && s >= 0);
	fiber_forget(l);
	(void)close(l);
	*server = stream_open(s);
	*client = stream_open(c);
}

struct half {
	struct stream *s;
	struct tls_want want;
	struct tls_facts facts;
	struct pool *pool;
	bool server;
	bool ok;
};

static void
run_half(void *arg)
{
	struct half *h = arg;

	h->ok = (h->server ? tls_start_server : tls_start_client)(h->s, &h->want, &h->facts, h->pool,
	    deadline_in(WAIT_MS));
}

/* Encrypt both ends of a new connection. */
static void
both(struct half *server, struct half *client)
{
	struct fiber *f;

	server->server = true;
	server->pool = pool_new();
	client->pool = pool_new();
	tcp(&server->s, &client->s);
	f = fiber_start(run_half, server, "server");
	fiber_keep(f);
	run_half(client);
	(void)fiber_join(f, NEVER);
}

static void
end(struct half *h)
{
	stream_close(h->s);
	pool_free(h->pool);
}

static void
check_facts(const struct half *s, const struct half *c)
{
	struct buf b = { 0 };

	ck_str_is(s->facts.version, "TLSv1.3");
	ck_str_is(s->facts.cipher, "TLS_AES_256_GCM_SHA384");
	ck_assert_uint_eq(s->facts.bits, 256);
	ck_str_is(s->facts.sni, "mail.example.test");
	ck_assert(!s->facts.peer_cert && c->facts.peer_cert);
	ck_str_is(c->facts.subject, "localhost");
	ck_assert(c->facts.trusted && !c->facts.verified);
	ck_assert_str_eq(tls_trust_word(&c->facts), "Trusted");
	ck_assert_str_eq(tls_trust_word(&s->facts), "Anonymous");
	ck_assert_uint_eq(s->facts.exporter.n, TLS_EXPORTER);
	ck_assert(str_eq(s->facts.exporter, c->facts.exporter));
	tls_describe(&b, &s->facts);
	ck_str_is(buf_str(&b), "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange "
	    "X25519 server-signature ECDSA (prime256v1) server-digest SHA256");
	buf_reset(&b);
	tls_describe(&b, &c->facts);
	ck_assert_msg(str_end(buf_str(&b), STR("server-digest SHA256")), "%s", buf_z(&b));
	buf_free(&b);
}

static void
talk_body(void *arg)
{
	struct half s = { .want = { .service = STR("smtpd"), .exporter = true } };
	struct half c = { .want = { .service = STR("smtp"), .name = STR("mail.example.test"),
		.exporter = true } };
	struct str line;

	(void)arg;
	peer_add(PEER_TLSD, ipc_open(tls_fd, NULL, PEER_TLSD, NULL, NULL));
	both(&s, &c);
	ck_assert_msg(s.ok, "server: %.*s", STR_ARG(s.facts.reason));
	ck_assert_msg(c.ok, "client: %.*s", STR_ARG(c.facts.reason));
	check_facts(&s, &c);
	ck_assert_int_eq(stream_printf(s.s, "220 hello\r\n"), IO_OK);
	ck_assert_int_eq(stream_flush(s.s), IO_OK);
	stream_deadline(c.s, deadline_in(WAIT_MS));
	ck_assert_int_eq(stream_getline(c.s, &line, 512), IO_OK);
	ck_str_is(line, "220 hello");
	/* What was written before the close arrives, then the end. */
	ck_assert_int_eq(stream_printf(c.s, "QUIT\r\n"), IO_OK);
	ck_assert_int_eq(stream_flush(c.s), IO_OK);
	end(&c);
	stream_deadline(s.s, deadline_in(WAIT_MS));
	ck_assert_int_eq(stream_getline(s.s, &line, 512), IO_OK);
	ck_str_is(line, "QUIT");
	ck_assert_int_eq(stream_getline(s.s, &line, 512), IO_EOF);
	end(&s);
	fiber_stop();
}

START_TEST(talk)
{
	fiber_run(talk_body, NULL);
}
END_TEST

/* Many megabytes, with a reader that is slower than the writer. */

static void
send_bulk(void *arg)
{
	struct stream *s = arg;
	static char piece[50000];
	size_t at = 0;

	while (at < BULK) {
		size_t n = BULK - at < sizeof(piece) ? BULK - at : sizeof(piece);

		for (size_t i = 0; i < n; i++)
			piece[i] = (char)((at + i) * 2654435761u >> 13);
		if (stream_write(s, str_n(piece, n)) != IO_OK)
			return;
		at += n;
	}
	(void)stream_flush(s);
}

static void
bulk_body(void *arg)
{
	struct half s = { .want = { .service = STR("smtpd") } };
	struct half c = { .want = { .service = STR("smtp") } };
	struct half *from = arg == NULL ? &s : &c, *to = from == &s ? &c : &s;
	struct fiber *f;
	struct str data;
	size_t at = 0;

	peer_add(PEER_TLSD, ipc_open(tls_fd, NULL, PEER_TLSD, NULL, NULL));
	both(&s, &c);
	ck_assert(s.ok && c.ok);
	f = fiber_start(send_bulk, from->s, "bulk");
	fiber_keep(f);
	stream_deadline(to->s, deadline_in(WAIT_MS));
	while (at < BULK) {
		ck_assert_int_eq(stream_read(to->s, &data, 30000), IO_OK);
		for (size_t i = 0; i < data.n; i++)
			if (data.p[i] != (char)((at + i) * 2654435761u >> 13))
				ck_abort_msg("byte %zu differs", at + i);
		at += data.n;
		if (at < 200000)
			(void)fiber_sleep(deadline_in(5));
	}
	(void)fiber_join(f, NEVER);
	end(&s);
	end(&c);
	fiber_stop();
}

START_TEST(bulk)
{
	fiber_run(bulk_body, _i == 0 ? NULL : &dir);
}
END_TEST

/* What must not work. */

static void
refused_body(void *arg)
{
	struct half s = { .server = true, .pool = pool_new(), .want = { .service = STR("imap") } };
	struct half s2 = { .want = { .service = STR("imap"), .alpn = STR("imap") } };
	struct half c2 = { .want = { .service = STR("test"), .alpn = STR("http/1.1") } };
	struct half s3 = { .want = { .service = STR("imap"), .alpn = STR("imap") } };
	struct half c3 = { .want = { .service = STR("test"), .alpn = STR("imap") } };
	struct half s4 = { .want = { .service = STR("smtpd") } };
	struct half c4 = { .want = { .service = STR("smtp"), .policy = TLS_VERIFY,
		.name = STR("other.example.test") } };
	struct half s5 = { .want = { .service = STR("smtpd") } };
	struct half c5 = { .want = { .service = STR("smtp"), .policy = TLS_VERIFY,
		.name = STR("mail.example.test") } };
	struct stream *raw;
	struct str data;

	(void)arg;
	peer_add(PEER_TLSD, ipc_open(tls_fd, NULL, PEER_TLSD, NULL, NULL));
	/* F5: a command behind STARTTLS. */
	tcp(&s.s, &raw);
	(void)stream_printf(raw, "STARTTLS\r\nNOOP\r\n");
	(void)stream_flush(raw);
	ck_assert_int_eq(stream_getline(s.s, &data, 512), IO_OK);
	run_half(&s);
	ck_assert(!s.ok && s.facts.status == TLS_BUFFERED);
	stream_close(s.s);
	stream_close(raw);
	/* The same in a second segment, and any other stranger. */
	tcp(&s.s, &raw);
	(void)stream_printf(raw, "GET / HTTP/1.0\r\n\r\n");
	(void)stream_flush(raw);
	run_half(&s);
	ck_assert(!s.ok && s.facts.status == TLS_FAILED && s.facts.reason.n > 0);
	end(&s);
	stream_close(raw);
	/* F10: a client that means another protocol. */
	both(&s2, &c2);
	ck_assert(!s2.ok && !c2.ok && c2.facts.status == TLS_FAILED);
	end(&s2);
	end(&c2);
	both(&s3, &c3);
	ck_assert(s3.ok && c3.ok);
	ck_str_is(s3.facts.alpn, "imap");
	end(&s3);
	end(&c3);
	/* T1: only a name in the certificate will do, where one is demanded. */
	both(&s4, &c4);
	ck_assert(!c4.ok && c4.facts.status == TLS_UNTRUSTED);
	end(&s4);
	end(&c4);
	both(&s5, &c5);
	ck_assert_msg(c5.ok, "%.*s", STR_ARG(c5.facts.reason));
	ck_assert_str_eq(tls_trust_word(&c5.facts), "Verified");
	end(&s5);
	end(&c5);
	fiber_stop();
}

START_TEST(refused)
{
	fiber_run(refused_body, NULL);
}
END_TEST

/* A connection cut without close_notify is an end, not data; a reset as well. */
static void
cut_body(void *arg)
{
	struct half s = { .server = true, .pool = pool_new(), .want = { .service = STR("smtpd") } };
	struct half c = { .pool = pool_new(), .want = { .service = STR("smtp") } };
	struct fiber *f;
	struct str line;
	int tcp_copy;

	(void)arg;
	peer_add(PEER_TLSD, ipc_open(tls_fd, NULL, PEER_TLSD, NULL, NULL));
	tcp(&s.s, &c.s);
	tcp_copy = dup(stream_fd(c.s));
	f = fiber_start(run_half, &s, "server");
	fiber_keep(f);
	run_half(&c);
	(void)fiber_join(f, NEVER);
	ck_assert(s.ok && c.ok);
	(void)stream_printf(c.s, "DATA\r\nhalf a li");
	(void)stream_flush(c.s);
	(void)fiber_sleep(deadline_in(100));
	/* Clear text behind the last record, then the end (F11). */
	ck_assert_int_eq(send(tcp_copy, "ne\r\n.\r\n", 7, MSG_NOSIGNAL), 7);
	(void)shutdown(tcp_copy, SHUT_RDWR);
	stream_deadline(s.s, deadline_in(WAIT_MS));
	ck_assert_int_eq(stream_getline(s.s, &line, 512), IO_OK);
	ck_str_is(line, "DATA");
	ck_assert_int_ne(stream_getline(s.s, &line, 512), IO_OK);
	(void)close(tcp_copy);
	end(&s);
	end(&c);
	fiber_stop();
}

START_TEST(cut)
{
	fiber_run(cut_body, NULL);
}
END_TEST

/* After handshakes: the private key is in keyd and nowhere else. */
static void
keys_body(void *arg)
{
	(void)arg;
	peer_add(PEER_TLSD, ipc_open(tls_fd, NULL, PEER_TLSD, NULL, NULL));
	for (unsigned i = 0; i < 20; i++) {
		struct half s = { .want = { .service = STR("smtpd") } };
		struct half c = { .want = { .service = STR("smtp") } };

		both(&s, &c);
		ck_assert(s.ok && c.ok);
		end(&s);
		end(&c);
	}
	fiber_stop();
}

START_TEST(keys)
{
	char key[200], holder[20], other[20], self[20];
	int status;
	pid_t pid;

	fiber_run(keys_body, NULL);
#ifdef WITH_SANITIZER
	return;			/* its shadow memory is terabytes */
#endif
	(void)snprintf(key, sizeof(key), "%s/key.pem", dir);
	(void)snprintf(holder, sizeof(holder), "%d", (int)keyd);
	(void)snprintf(other, sizeof(other), "%d", (int)tlsd);
	(void)snprintf(self, sizeof(self), "%d", (int)getpid());
	pid = fork();
	if (pid == 0) {
		(void)execlp("python3", "python3", TESTDIR "/tools/keyscan", "--in", holder, key,
		    other, self, (char *)NULL);
		_exit(77);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* 77: only root may look. */
	ck_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
}
END_TEST

static void
rsa_body(void *arg)
{
	struct half s = { .want = { .service = STR("smtpd") } };
	struct half c = { .want = { .service = STR("smtp") } };

	(void)arg;
	peer_add(PEER_TLSD, ipc_open(tls_fd, NULL, PEER_TLSD, NULL, NULL));
	both(&s, &c);
	ck_assert_msg(s.ok && c.ok, "%.*s", STR_ARG(s.facts.reason));
	ck_str_is(s.facts.signature, "RSA-PSS (2048 bits)");
	ck_str_is(c.facts.signature, "RSA-PSS (2048 bits)");
	ck_str_is(c.facts.subject, "rsa.example.test");
	ck_assert_str_eq(tls_trust_word(&c.facts), "Untrusted");
	end(&s);
	end(&c);
	fiber_stop();
}

START_TEST(rsa)
{
	fiber_run(rsa_body, NULL);
}
END_TEST

/*
 * Many at once, good and bad: each handshake leaves its fiber in the middle, inside OpenSSL, to wait
 * for keyd, and none may see another one's errors.
 */
static void
one_of_many(void *arg)
{
	bool bad = arg != NULL;
	struct half s = { .server = true, .pool = pool_new(), .want = { .service = STR("smtpd") } };
	struct half c = { .pool = pool_new(), .want = { .service = STR("smtp") } };
	struct fiber *f;
	struct str line;

	tcp(&s.s, &c.s);
	if (bad) {
		(void)stream_printf(c.s, "EHLO example.test\r\n");
		(void)stream_flush(c.s);
		run_half(&s);
		ck_assert(!s.ok);
	} else {
		f = fiber_start(run_half, &s, "server");
		fiber_keep(f);
		run_half(&c);
		(void)fiber_join(f, NEVER);
		ck_assert_msg(s.ok && c.ok, "%.*s", STR_ARG(s.facts.reason));
		(void)stream_printf(s.s, "220 hello\r\n");
		(void)stream_flush(s.s);
		stream_deadline(c.s, deadline_in(WAIT_MS));
		ck_assert_int_eq(stream_getline(c.s, &line, 512), IO_OK);
	}
	end(&s);
	end(&c);
}

static void
many_body(void *arg)
{
	struct fiber *f[MANY];

	(void)arg;
	peer_add(PEER_TLSD, ipc_open(tls_fd, NULL, PEER_TLSD, NULL, NULL));
	for (unsigned i = 0; i < MANY; i++) {
		f[i] = fiber_start(one_of_many, i % 3 == 0 ? &dir : NULL, "one of many");
		fiber_keep(f[i]);
	}
	for (unsigned i = 0; i < MANY; i++)
		(void)fiber_join(f[i], NEVER);
	fiber_stop();
}

START_TEST(many)
{
	fiber_run(many_body, NULL);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/tls");
	TCase *t = tcase_create("tls"), *r = tcase_create("rsa");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, talk);
	tcase_add_loop_test(t, bulk, 0, 2);
	tcase_add_test(t, refused);
	tcase_add_test(t, cut);
	tcase_add_test(t, keys);
	tcase_add_test(t, many);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(r, setup_rsa, teardown);
	tcase_set_timeout(r, 60);
	tcase_add_test(r, rsa);
	suite_add_tcase(s, r);
	return s;
}

UNIT_MAIN(suite)
