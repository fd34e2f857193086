/* SPDX-License-Identifier: ISC */
/*
 * postqueue - list the queue, or ask for delivery now; mailq is postqueue -p.
 *
 * Runs as:  its caller; nothing is setuid or setgid.
 * Talks to: qmgr, by public/showq and public/qmgr.  While qmgr is down root and the mail owner read
 *           the spool itself.
 * Trusts:   qmgr for what it lists; prints it with control bytes made harmless.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "admin/queue.h"
#include "conf/common.h"
#include "io/net.h"
#include "ipc/ipc.h"
#include "wire/queue.h"

#define ASK_MS		60000
#define VALUE_MAX	(1u << 20)	/* one name or value on the showq socket */
#define REASON_WIDTH	76
#define OUT_SIZE	(64u << 10)

static struct {
	bool json;
	unsigned long messages;
	uint64_t bytes;
} listing;

static int
usage(void)
{
	fputs("usage: postqueue [-c CONFIG_DIR] -p | -j | -f | -i QUEUE_ID | -s SITE\n", stderr);
	return EX_USAGE;
}

/* Text of strangers on a terminal: what is no printable ASCII or UTF-8 byte becomes "?". */
static void
put_safe(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		(void)putchar_unlocked(c < 32 || c == 127 ? '?' : c);
	}
}

static void
put_reason(struct str reason)
{
	int pad = reason.n < REASON_WIDTH ? REASON_WIDTH - (int)reason.n : 0;

	printf("%*s(", pad, "");
	put_safe(reason);
	puts(")");
}

static void
show_plain(const struct queue_entry *e)
{
	char mark = str_eq(e->queue, STR("active")) ? '*' : str_eq(e->queue, STR("hold")) ? '!' : ' ';
	char id[40], when[32] = "";
	time_t t = (time_t)e->time;
	struct tm tm;
	struct str said = STR("");

	if (listing.messages == 0)
		puts("----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------");
	else
		putchar('\n');
	if (e->forced_expire)
		mark = '#';
	(void)snprintf(id, sizeof(id), "%.*s%c", STR_ARG(str_sub(e->id, 0, 30)), mark);
	if (localtime_r(&t, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%a %b %e %H:%M:%S", &tm);
	printf("%-17s %8llu %19.19s ", id, (unsigned long long)e->size, when);
	put_safe(e->sender);
	putchar('\n');
	for (size_t i = 0; i < e->rcpts.n; i++) {
		const struct queue_rcpt *r = vec_at(&e->rcpts, i);

		if (r->reason.n > 0 && !str_eq(r->reason, said))
			put_reason(r->reason);
		said = r->reason;
		printf("%-17s %8s %19s ", "", "", "");
		put_safe(r->addr);
		putchar('\n');
	}
}

/* Bytes of the UTF-8 sequence at `p`, 0 when it is none. */
static size_t
utf8_length(const unsigned char *p, size_t n)
{
	size_t k = p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 :
	    p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

	if (k == 0 || k > n)
		return 0;
	for (size_t i = 1; i < k; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return k;
}

static void
put_json(struct str s)
{
	putchar('"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		size_t k;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 32 || c == 127)
			printf("\\u%04x", c);
		else if (c < 128)
			putchar(c);
		else if ((k = utf8_length((const unsigned char *)s.p + i, s.n - i)) > 0) {
			(void)fwrite(s.p + i, 1, k, stdout);
			i += k - 1;
		} else
			putchar('?');
	}
	putchar('"');
}

static void
show_json(const struct queue_entry *e)
{
	printf("{\"queue_name\": ");
	put_json(e->queue);
	printf(", \"queue_id\": ");
	put_json(e->id);
	printf(", \"arrival_time\": %lld, \"message_size\": %llu, \"forced_expire\": %s, \"sender\": ",
	    (long long)e->time, (unsigned long long)e->size, e->forced_expire ? "true" : "false");
	put_json(e->sender);
	printf(", \"recipients\": [");
	for (size_t i = 0; i < e->rcpts.n; i++) {
		const struct queue_rcpt *r = vec_at(&e->rcpts, i);

		printf("%s{\"address\": ", i > 0 ? ", " : "");
		put_json(r->addr);
		if (r->reason.n > 0) {
			printf(", \"delay_reason\": ");
			put_json(r->reason);
		}
		putchar('}');
	}
	puts("]}");
}

static void
show(struct queue_entry *e)
{
	if (listing.json)
		show_json(e);
	else
		show_plain(e);
	listing.messages++;
	listing.bytes += e->size;
}

static int
end_listing(void)
{
	if (!listing.json && listing.messages == 0)
		puts("Mail queue is empty");
	else if (!listing.json)
		printf("\n-- %llu Kbytes in %lu Request%s.\n",
		    (unsigned long long)(listing.bytes / 1024), listing.messages,
		    listing.messages == 1 ? "" : "s");
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "postqueue: fatal: cannot write the list: %s\n", strerror(errno));
		return EX_IOERR;
	}
	return EX_OK;
}

/* The next NUL-ended text; false at the end of the stream. */
static bool
read_text(FILE *in, struct buf *b)
{
	char some[256];
	size_t n = 0;
	int c;

	buf_reset(b);
	while ((c = getc_unlocked(in)) != EOF && c != '\0') {
		some[n++] = (char)c;
		if (n < sizeof(some))
			continue;
		buf_add(b, str_n(some, n));
		n = 0;
		if (b->n >= VALUE_MAX)
			return false;
	}
	buf_add(b, str_n(some, n));
	return c == '\0' && buf_ok(b);
}

static void
set(struct queue_entry *e, struct pool *pool, struct str name, struct str value)
{
	uint64_t v = 0;

	value = pool_str(pool, value);
	if (str_eq(name, STR("queue_name")))
		e->queue = value;
	else if (str_eq(name, STR("queue_id")))
		e->id = value;
	else if (str_eq(name, STR("time")) && str_u64(value, INT64_MAX, &v))
		e->time = (int64_t)v;
	else if (str_eq(name, STR("size")) && str_u64(value, INT64_MAX, &v))
		e->size = v;
	else if (str_eq(name, STR("forced_expire")))
		e->forced_expire = !str_eq(value, STR("0"));
	else if (str_eq(name, STR("sender")))
		e->sender = value;
	else if (str_eq(name, STR("recipient")))
		((struct queue_rcpt *)vec_push(&e->rcpts))->addr = value;
	else if (str_eq(name, STR("reason")) && e->rcpts.n > 0)
		((struct queue_rcpt *)vec_at(&e->rcpts, e->rcpts.n - 1))->reason = value;
}

/* One record up to its empty name; false when there was none, *whole when it ended as it must. */
static bool
read_entry(FILE *in, struct pool *pool, struct queue_entry *e, bool *whole)
{
	struct buf name = { .limit = VALUE_MAX }, value = { .limit = VALUE_MAX };
	bool any = false;

	*whole = false;
	while (read_text(in, &name)) {
		if (name.n == 0) {
			*whole = true;
			break;
		}
		if (!read_text(in, &value))
			break;
		any = true;
		set(e, pool, buf_str(&name), buf_str(&value));
	}
	buf_free(&name);
	buf_free(&value);
	return any;
}

/* Hand each message of the list to `see`; false when the list broke off. */
static bool
each_listed(int fd, void (*see)(struct queue_entry *e))
{
	FILE *in = fdopen(fd, "r");
	bool more = in != NULL, whole = false;
	struct pool *pool = pool_new();
	struct vec rcpts = vec_of(sizeof(struct queue_rcpt));

	if (in != NULL)
		(void)setvbuf(in, NULL, _IOFBF, OUT_SIZE);
	while (more && !ferror(stdout)) {
		struct queue_entry e = { .rcpts = rcpts };

		more = read_entry(in, pool, &e, &whole);
		if (more && whole && e.id.n > 0)
			see(&e);
		more = more && whole;
		rcpts = e.rcpts;
		vec_reset(&rcpts);
		pool_reset(pool);
	}
	vec_free(&rcpts);
	pool_free(pool);
	if (in != NULL)
		(void)fclose(in);
	return whole;
}

static int
list_from(int fd)
{
	if (!each_listed(fd, show)) {
		fputs("postqueue: fatal: the queue manager broke off the list\n", stderr);
		return EX_UNAVAILABLE;
	}
	return end_listing();
}

static int
connect_public(const char *name, int type)
{
	struct pool *pool = pool_new();
	int fd = net_unix_connect(pool_printf(pool, "%s/public/%s", common.run_directory, name).p,
	    type);

	pool_free(pool);
	return fd;
}

static int
list(void)
{
	int fd = connect_public("showq", SOCK_STREAM);
	struct spool s;

	if (fd >= 0)
		return list_from(fd);
	queue_open("postqueue", &s, true);
	fputs("postqueue: warning: Mail system is down -- accessing queue directly\n", stderr);
	queue_walk(&s, show);
	spool_close(&s);
	return end_listing();
}

static struct {
	struct str id;
	bool found, held;
} sought;

static void
compare(struct queue_entry *e)
{
	if (!str_eq(e->id, sought.id))
		return;
	sought.found = true;
	sought.held = str_eq(e->queue, STR("hold"));
}

/* Nothing was flushed by that name: is it there at all?  One that is on its way already is fine. */
static int
say_why_not(const char *id)
{
	int fd = connect_public("showq", SOCK_STREAM);

	sought.id = str_of(id);
	if (fd < 0 || !each_listed(fd, compare)) {
		fprintf(stderr, "postqueue: warning: %s does not wait in the queue\n", id);
		return EX_UNAVAILABLE;
	}
	if (sought.found && !sought.held)
		return EX_OK;
	fprintf(stderr, sought.held ? "postqueue: fatal: %s is on hold\n" :
	    "postqueue: fatal: no message %s in the queue\n", id);
	return sought.held ? EX_UNAVAILABLE : EX_DATAERR;
}

static int
ask(uint64_t verb, const char *what)
{
	struct queue_ask q = { verb, str_of(what) };
	struct queue_answer a = { .ok = false };
	struct pool *pool = pool_new();
	int fd = connect_public("qmgr", SOCK_SEQPACKET), status = EX_OK;
	enum ipc_result r = IPC_GONE;

	if (fd >= 0)
		r = ipc_call_blocking(fd, &queue_ask_msg, &q, &queue_answer_msg, &a, pool, ASK_MS);
	if (r != IPC_DONE) {
		fputs("postqueue: fatal: Cannot flush mail queue - mail system is down\n", stderr);
		status = EX_UNAVAILABLE;
	} else if (!a.ok) {
		fprintf(stderr, "postqueue: fatal: %.*s\n", STR_ARG(a.text));
		status = EX_NOPERM;
	} else if (verb == QUEUE_FLUSH_ID && a.n == 0) {
		status = say_why_not(what);
	}
	if (fd >= 0)
		(void)close(fd);
	pool_free(pool);
	return status;
}

int
main(int argc, char **argv)
{
	const char *dir = NULL, *what = "";
	int c, mode = 0;

	while ((c = getopt(argc, argv, "c:fi:jps:v")) != -1)
		switch (c) {
		case 'c':
			dir = optarg;
			break;
		case 'f':
		case 'i':
		case 'j':
		case 'p':
		case 's':
			if (mode != 0)
				return usage();
			mode = c;
			what = optarg != NULL && (c == 'i' || c == 's') ? optarg : "";
			break;
		case 'v':
			break;
		default:
			return usage();
		}
	if (mode == 0 || optind != argc)
		return usage();
	queue_conf_read("postqueue", dir);
	tzset();
	listing.json = mode == 'j';
	if (!isatty(STDOUT_FILENO))
		(void)setvbuf(stdout, NULL, _IOFBF, OUT_SIZE);
	if (mode == 'p' || mode == 'j')
		return list();
	return ask(mode == 'f' ? QUEUE_FLUSH : mode == 'i' ? QUEUE_FLUSH_ID : QUEUE_FLUSH_SITE, what);
}
