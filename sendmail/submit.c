/* SPDX-License-Identifier: ISC */
#include "sendmail/submit.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "mail/address.h"
#include "wire/limits.h"

#define CHUNK	65536

void
complain(const char *fmt, ...)
{
	char line[600];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	(void)fprintf(stderr, "sendmail: %s\n", line);
}

ssize_t
input_read(void *to, size_t n)
{
	ssize_t got;

	do
		got = read(STDIN_FILENO, to, n);
	while (got < 0 && errno == EINTR);
	return got;
}

struct str
caller_name(struct pool *p)
{
	const struct passwd *pw = getpwuid(getuid());

	return pool_str(p, pw != NULL ? str_of(pw->pw_name) : STR("unknown"));
}

/* The full name of the caller: the first part of the GECOS field, "&" being the login name. */
static struct str
caller_fullname(struct pool *p)
{
	const struct passwd *pw = getpwuid(getuid());
	struct buf b = { .limit = LIMIT_NAME };
	struct str s;

	for (const char *c = pw != NULL ? pw->pw_gecos : ""; *c != '\0' && *c != ','; c++) {
		if (*c == '&' && pw->pw_name[0] != '\0')
			buf_addf(&b, "%c%s", ch_upper(pw->pw_name[0]), pw->pw_name + 1);
		else
			buf_addc(&b, *c);
	}
	s = buf_ok(&b) ? pool_str(p, buf_str(&b)) : STR("");
	buf_free(&b);
	return s;
}

static struct str
clean_fullname(struct str name)
{
	if (name.n > LIMIT_NAME || !utf8_ok(name))
		return STR("");
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < 32 || name.p[i] == 127)
			return STR("");
	return name;
}

/* -f takes what a header may hold too: "Name <user@host>". */
static bool
parse_sender(const char *text, struct pool *p, struct address *out)
{
	struct vec list = vec_of(sizeof(struct mailbox));
	const struct mailbox *m;
	bool ok = false;

	if (text[0] == '\0' || strcmp(text, "<>") == 0) {
		*out = (struct address){ STR(""), STR("") };
		return true;
	}
	if (address_parse(str_of(text), p, ADDRESS_BARE_OK | ADDRESS_UTF8_OK, out) == ADDRESS_OK)
		return true;
	if (mailbox_list(str_of(text), p, &list) && list.n == 1) {
		m = vec_at(&list, 0);
		ok = m->kind == MAILBOX_ADDRESS && !m->broken;
		*out = m->address;
	}
	vec_free(&list);
	return ok;
}

bool
envelope_start(struct drop *d, const struct options *o, struct pool *p)
{
	struct address a = { caller_name(p), STR("") };

	*d = (struct drop){ .name = STR("") };
	if (o->sender != NULL && !parse_sender(o->sender, p, &a)) {
		complain("bad sender address: %s", o->sender);
		return false;
	}
	d->sender = address_text(p, &a);
	d->fullname = clean_fullname(o->fullname != NULL ? str_of(o->fullname) :
	    caller_fullname(p));
	d->envid = str_of(o->envid);
	d->ret = o->ret;
	d->flags = (o->eightbit ? ENV_8BITMIME : 0) | (o->gateway ? ENV_NO_EXPAND : 0);
	if (!ascii_ok(d->sender))
		d->flags |= ENV_SMTPUTF8;
	return true;
}

void
envelope_rcpts(struct drop *d, struct vec *rcpts)
{
	const struct envelope_rcpt *r = rcpts->p;

	d->rcpts = (struct ipc_list){ rcpts->p, rcpts->n };
	for (size_t i = 0; i < rcpts->n; i++)
		if (!ascii_ok(r[i].addr))
			d->flags |= ENV_SMTPUTF8;
}

/* Is it there already?  A person named twice gets one copy. */
static bool
known(const struct vec *rcpts, struct str addr)
{
	const struct envelope_rcpt *r = rcpts->p;

	/* Long lists are not searched: qmgr drops doubles as well. */
	for (size_t i = 0; i < rcpts->n && i < 1000; i++)
		if (str_eq(r[i].addr, addr))
			return true;
	return false;
}

/* Add the addresses of a list; `strict`: a broken one is an error, else it is reported only. */
static bool
add_list(struct vec *rcpts, const struct vec *list, const struct options *o, struct pool *p,
    bool strict)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct mailbox *m = vec_at(list, i);
		struct envelope_rcpt *r;
		struct str text;

		if (m->kind != MAILBOX_ADDRESS)
			continue;
		if (m->broken || m->address.local.n == 0 || address_is_dash(&m->address)) {
			text = m->broken || m->address.local.n == 0 ? m->name :
			    address_text(p, &m->address);
			complain("bad recipient address: %.*s", STR_ARG(text));
			if (strict)
				return false;
			continue;
		}
		text = address_text(p, &m->address);
		if (known(rcpts, text))
			continue;
		if (rcpts->n == LIMIT_RCPTS) {
			complain("more than %d recipients", LIMIT_RCPTS);
			return false;
		}
		r = vec_push(rcpts);
		*r = (struct envelope_rcpt){ .addr = text, .orig = STR(""), .orcpt = STR(""),
			.notify = o->notify };
	}
	return true;
}

static bool
add_arguments(struct vec *rcpts, const struct options *o, struct pool *p)
{
	for (size_t i = 0; i < o->nrcpts; i++) {
		struct vec list = vec_of(sizeof(struct mailbox));
		bool ok = mailbox_list(str_of(o->rcpts[i]), p, &list) &&
		    add_list(rcpts, &list, o, p, true);

		vec_free(&list);
		if (!ok)
			return false;
	}
	return true;
}

/* The header is complete: who gets it, and off it goes.  Gives a sysexits status. */
static int
begin(struct dropper *d, struct drop *env, struct vec *rcpts, const struct intake *in,
    const struct options *o, struct pool *p)
{
	struct vec list = vec_of(sizeof(struct mailbox));
	struct buf header = { .p = NULL };
	bool ok = true;
	int why;

	if (o->extract)
		ok = intake_rcpts(in, p, &list) && add_list(rcpts, &list, o, p, false);
	vec_free(&list);
	if (!ok) {
		complain("too many recipients");
		return EX_DATAERR;
	}
	if (rcpts->n == 0) {
		complain("no recipient addresses found in message header");
		return EX_USAGE;
	}
	envelope_rcpts(env, rcpts);
	if (!dropper_open(d, o->config, env)) {
		if (errno == EMSGSIZE) {
			complain("an address is too long");
			return EX_DATAERR;
		}
		why = errno;
		complain("cannot start postdrop: %s", strerror(why));
		return why == EAGAIN || why == EMFILE || why == ENFILE || why == ENOMEM ?
		    EX_TEMPFAIL : EX_OSERR;
	}
	intake_public_header(in, &header);
	dropper_add(d, buf_str(&header));
	buf_free(&header);
	return EX_OK;
}

/* Read standard input to its end (or the lone dot) and pass it on. */
static int
transfer(struct intake *in, struct drop *env, struct vec *rcpts, const struct options *o,
    struct pool *p)
{
	static char bytes[CHUNK];
	struct dropper d = { .pid = 0 };
	int status = EX_OK;

	while (!in->ended && status == EX_OK) {
		ssize_t got = input_read(bytes, sizeof(bytes));

		if (got < 0) {
			complain("cannot read the message: %s", strerror(errno));
			status = EX_IOERR;
			break;
		}
		if (got == 0)
			intake_eof(in);
		else
			(void)intake_feed(in, str_n(bytes, (size_t)got));
		if (in->ended && !in->in_body)
			intake_eof(in);
		if (!intake_ok(in)) {
			complain("message header is too large");
			status = EX_DATAERR;
		} else if (in->in_body) {
			if (d.pid == 0)
				status = begin(&d, env, rcpts, in, o, p);
			if (status == EX_OK)
				dropper_add(&d, buf_str(&in->out));
			buf_reset(&in->out);
		}
	}
	if (status == EX_OK)
		return dropper_commit(&d);
	dropper_abort(&d);
	return status;
}

int
run_mail(const struct options *o, struct pool *p)
{
	struct intake in = { .dot_ends = !o->dots };
	struct vec rcpts = vec_of(sizeof(struct envelope_rcpt));
	struct drop env;
	int status = EX_DATAERR;

	if (!o->extract && o->nrcpts == 0) {
		complain("recipient addresses must be specified on the command line or via the"
		    " -t option");
		return EX_USAGE;
	}
	if (envelope_start(&env, o, p) && add_arguments(&rcpts, o, p))
		status = transfer(&in, &env, &rcpts, o, p);
	vec_free(&rcpts);
	intake_free(&in);
	return status;
}
