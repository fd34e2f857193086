/* SPDX-License-Identifier: ISC */
/*
 * postcat - show a message of the queue to people.
 *
 *	postcat [-beho] [-c CONFIG_DIR] [-q] [ID or file]...
 *
 * Without -b, -e or -h it shows envelope, header and body.  -o puts the offset in the file before
 * each part.  With -q the names are queue IDs, looked for in all folders.
 *
 * Runs as:  the mail owner, when root starts it; others can read only files that are theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "admin/queue.h"

static struct {
	bool body, envelope, header, offset, by_id;
} want;

static int
usage(void)
{
	fputs("usage: postcat [-b] [-e] [-h] [-o] [-c CONFIG_DIR] [-q] [ID or file]...\n", stderr);
	return EX_USAGE;
}

/* Text of strangers: control bytes are shown, not sent to the terminal. */
static void
put_text(struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c < 32 || c == 127)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

static void
field(const char *name, struct str value)
{
	if (value.n == 0)
		return;
	printf("%s: ", name);
	put_text(value);
	putchar('\n');
}

static void
put_offset(uint64_t at)
{
	if (want.offset)
		printf("%9llu ", (unsigned long long)at);
}

static const char *
when(uint64_t us, char out[64])
{
	time_t t = (time_t)(us / 1000000);
	struct tm tm;

	out[0] = '\0';
	if (localtime_r(&t, &tm) != NULL)
		(void)strftime(out, 64, "%a %b %e %H:%M:%S %Y", &tm);
	return out;
}

static void
show_record(const struct spool_record *r)
{
	static const char *const kinds[SPOOL_LOG_KINDS] = { "result", "expand", "hold", "release",
		"expire", "delete", "next" };
	static const char *const states[SPOOL_RCPT_STATES] = { "sent", "deferred", "bounced",
		"expanded", "notified" };
	const struct spool_result *res = r->results.v;
	const struct spool_added *added = r->added.v;
	char text[64];

	printf("log: %s: %s", when(r->time_us, text), kinds[r->kind]);
	if (r->next_us != 0)
		printf(", next attempt %s", when(r->next_us, text));
	putchar('\n');
	for (size_t i = 0; i < r->results.n; i++) {
		printf("  recipient %llu %s %.*s ", (unsigned long long)res[i].num,
		    states[res[i].status], STR_ARG(res[i].dsn));
		put_text(res[i].text);
		putchar('\n');
	}
	for (size_t i = 0; i < r->added.n; i++)
		printf("  recipient %llu: %.*s (for %llu)\n", (unsigned long long)added[i].num,
		    STR_ARG(added[i].addr), (unsigned long long)added[i].parent);
}

static void
show_envelope(const char *name, const struct spool_file *f)
{
	const struct envelope_rcpt *rcpts = f->env.rcpts.v;
	char text[64];

	put_offset(spool_envelope_at(&f->head));
	printf("*** ENVELOPE RECORDS %s ***\n", name);
	printf("queue_id: %s\n", f->head.id);
	printf("message_size: %llu\n", (unsigned long long)f->head.content_len);
	printf("message_arrival_time: %s\n", when(f->env.arrival_us, text));
	printf("sender: %.*s\n", STR_ARG(f->env.sender));
	field("envid", f->env.envid);
	field("named_attribute: origin", f->env.origin);
	field("named_attribute: client_name", f->env.client_name);
	field("named_attribute: client_address", f->env.client_addr);
	field("named_attribute: helo_name", f->env.helo);
	field("named_attribute: protocol_name", f->env.proto);
	field("named_attribute: sasl_method", f->env.sasl_method);
	field("named_attribute: sasl_username", f->env.sasl_user);
	field("maildrop", f->env.maildrop);
	for (size_t i = 0; i < f->env.rcpts.n; i++) {
		if (!str_eq(rcpts[i].orig, rcpts[i].addr))
			field("original_recipient", rcpts[i].orig);
		field("dsn_orig_rcpt", rcpts[i].orcpt);
		field("recipient", rcpts[i].addr);
	}
	field("prepend", f->env.received);
	for (size_t i = 0; i < f->env.prepend.n; i++)
		field("prepend", f->env.prepend.v[i]);
	for (size_t i = 0; i < f->nlog; i++)
		show_record(&f->log[i]);
}

/* Header lines, then the body, by reading through the content once; CRLF is shown as LF. */
static bool
show_content(const char *name, int fd, const struct spool_file *f)
{
	char chunk[65536];
	uint64_t at = SPOOL_HEAD, end = spool_envelope_at(&f->head);
	bool in_header = true, cr = false, line_empty = true;

	put_offset(at);
	printf("*** MESSAGE CONTENTS %s ***\n", name);
	while (at < end) {
		size_t n = end - at < sizeof(chunk) ? (size_t)(end - at) : sizeof(chunk);
		ssize_t k = pread(fd, chunk, n, (off_t)at);

		if (k <= 0)
			return false;
		for (ssize_t i = 0; i < k; i++) {
			bool show = in_header ? want.header : want.body;

			if (chunk[i] == '\r') {
				cr = true;
				continue;
			}
			if (cr && chunk[i] != '\n' && show)
				putchar('\r');
			cr = false;
			if (in_header && chunk[i] == '\n' && line_empty) {
				in_header = false;
				if (!want.body)
					break;
				putchar('\n');
				continue;
			}
			line_empty = chunk[i] == '\n';
			if (show)
				putchar(chunk[i]);
		}
		if (!in_header && !want.body)
			break;
		at += (uint64_t)k;
	}
	return true;
}

static int
show_file(const char *name, int fd)
{
	struct pool *pool = pool_new();
	struct spool_file f;
	enum spool_verdict v = spool_read_fd(fd, SPOOL_READ_VERIFY, pool, &f);
	int status = EX_OK;

	if (v != SPOOL_GOOD) {
		fprintf(stderr, "postcat: %s: no message: the file is %s\n", name,
		    spool_verdict_word(v));
		status = EX_DATAERR;
		/* Damaged, but perhaps readable to an eye. */
		if (v != SPOOL_BAD || f.head.id[0] == '\0') {
			pool_free(pool);
			return status;
		}
	}
	if (want.envelope)
		show_envelope(name, &f);
	if ((want.header || want.body) && !show_content(name, fd, &f))
		status = EX_IOERR;
	printf("*** MESSAGE FILE END %s ***\n", name);
	pool_free(pool);
	return status;
}

static int
show_id(const struct spool *s, const char *id)
{
	struct pool *pool = pool_new();
	int status = EX_UNAVAILABLE;

	for (unsigned f = 0; f < SPOOL_UNUSED && status == EX_UNAVAILABLE; f++) {
		int fd = str_chr(str_of(id), '/') >= 0 ? -1 :
		    openat(s->folder[f], id, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		if (fd < 0)
			continue;
		status = show_file(pool_printf(pool, "%s/%s", spool_folder_name(f), id).p, fd);
		(void)close(fd);
	}
	if (status == EX_UNAVAILABLE)
		fprintf(stderr, "postcat: fatal: open queue file %s: No such file or directory\n", id);
	pool_free(pool);
	return status;
}

static int
show_path(const char *path)
{
	int fd = strcmp(path, "-") == 0 ? dup(0) : open(path, O_RDONLY | O_CLOEXEC), status;

	if (fd < 0) {
		fprintf(stderr, "postcat: fatal: open %s: %s\n", path, strerror(errno));
		return EX_NOINPUT;
	}
	status = show_file(path, fd);
	(void)close(fd);
	return status;
}

int
main(int argc, char **argv)
{
	const char *dir = NULL;
	int c, status = EX_OK, one;
	struct spool s;

	while ((c = getopt(argc, argv, "bc:ehoqv")) != -1)
		switch (c) {
		case 'b':
			want.body = true;
			break;
		case 'c':
			dir = optarg;
			break;
		case 'e':
			want.envelope = true;
			break;
		case 'h':
			want.header = true;
			break;
		case 'o':
			want.offset = true;
			break;
		case 'q':
			want.by_id = true;
			break;
		case 'v':
			break;
		default:
			return usage();
		}
	if (!want.body && !want.envelope && !want.header)
		want.body = want.envelope = want.header = true;
	tzset();
	if (want.by_id) {
		if (optind == argc)
			return usage();
		queue_conf_read("postcat", dir);
		queue_open("postcat", &s, false);
	}
	if (optind == argc)
		status = show_path("-");
	for (; optind < argc; optind++) {
		one = want.by_id ? show_id(&s, argv[optind]) : show_path(argv[optind]);
		if (one != EX_OK)
			status = one;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "postcat: fatal: cannot write: %s\n", strerror(errno));
		status = EX_IOERR;
	}
	return status;
}
