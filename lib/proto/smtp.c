/* SPDX-License-Identifier: ISC */
#include "proto/smtp.h"

#include "base/encode.h"

#define VERB_MAX	12

static const struct ext {
	unsigned bit;
	const char *name;
} exts[] = {
	{ SMTP_PIPELINING, "PIPELINING" },
	{ SMTP_SIZE, "SIZE" },
	{ SMTP_8BITMIME, "8BITMIME" },
	{ SMTP_ENHANCED, "ENHANCEDSTATUSCODES" },
	{ SMTP_STARTTLS, "STARTTLS" },
	{ SMTP_AUTH, "AUTH" },
	{ SMTP_DSN, "DSN" },
	{ SMTP_SMTPUTF8, "SMTPUTF8" },
	{ SMTP_CHUNKING, "CHUNKING" },
	{ SMTP_BINARYMIME, "BINARYMIME" },
	{ SMTP_LIMITS, "LIMITS" },
	{ SMTP_REQUIRETLS, "REQUIRETLS" },
	{ SMTP_VRFY, "VRFY" },
	{ SMTP_HELP, "HELP" },
	{ SMTP_ETRN, "ETRN" },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

const char *
smtp_ext_name(unsigned bit)
{
	for (size_t i = 0; i < COUNT(exts); i++)
		if (exts[i].bit == bit)
			return exts[i].name;
	return NULL;
}

static bool
is_verb_char(char c)
{
	return ch_alpha(c);
}

bool
smtp_scan_verb(struct scan *in, struct str *verb)
{
	struct scan at = *in;
	struct str v;

	if (!scan_while(&at, is_verb_char, &v) || v.n > VERB_MAX ||
	    !(scan_done(&at) || ch_blank(*at.p)))
		return false;
	*verb = v;
	*in = at;
	return true;
}

bool
smtp_scan_end(struct scan *args)
{
	(void)scan_blanks(args);
	return scan_done(args);
}

/* xchar = any printable but "+" and "="; hexchar = "+" 2HEXDIG (upper case; both are taken) */
bool
xtext_decode(struct str coded, struct pool *p, struct str *out)
{
	char *to = pool_alloc(p, coded.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < coded.n; i++) {
		char c = coded.p[i];

		if (c == '=' || c <= 32 || c >= 127)
			return false;
		if (c == '+') {
			int high, low;

			if (coded.n - i < 3 || (high = hex_digit(coded.p[i + 1])) < 0 ||
			    (low = hex_digit(coded.p[i + 2])) < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if ((unsigned char)c < 32 || c == 127)
			return false;
		to[n++] = c;
	}
	*out = str_n(to, n);
	return true;
}

void
xtext_add(struct buf *out, struct str plain)
{
	for (size_t i = 0; i < plain.n; i++) {
		unsigned char c = (unsigned char)plain.p[i];

		if (c <= 32 || c >= 127 || c == '+' || c == '=')
			buf_addf(out, "+%02X", c);
		else
			buf_addc(out, (char)c);
	}
}

/*
 * ESMTP parameters, a row each.  A parser gives NULL or why not.
 */
struct target {
	struct smtp_mail *mail;
	struct smtp_rcpt *rcpt;
	struct pool *pool;
};

static const char *
param_size(struct target *t, struct str v)
{
	t->mail->has_size = true;
	return v.n <= 20 && str_u64(v, INT64_MAX, &t->mail->size) ? NULL : "Bad SIZE value";
}

static const char *
param_body(struct target *t, struct str v)
{
	t->mail->body = str_ieq(v, STR("7BIT")) ? SMTP_BODY_7BIT :
	    str_ieq(v, STR("8BITMIME")) ? SMTP_BODY_8BITMIME :
	    str_ieq(v, STR("BINARYMIME")) ? SMTP_BODY_BINARYMIME : SMTP_BODY_NONE;
	return t->mail->body != SMTP_BODY_NONE ? NULL : "Bad BODY value";
}

static const char *
param_ret(struct target *t, struct str v)
{
	t->mail->ret = str_ieq(v, STR("FULL")) ? SMTP_RET_FULL :
	    str_ieq(v, STR("HDRS")) ? SMTP_RET_HDRS : SMTP_RET_NONE;
	return t->mail->ret != SMTP_RET_NONE ? NULL : "Bad RET value";
}

static const char *
param_envid(struct target *t, struct str v)
{
	if (v.n == 0 || !xtext_decode(v, t->pool, &t->mail->envid) ||
	    t->mail->envid.n > SMTP_ENVID_MAX || !ascii_ok(t->mail->envid))
		return "Bad ENVID value";
	return NULL;
}

static const char *
param_auth(struct target *t, struct str v)
{
	if (v.n == 0 || v.n > SMTP_AUTH_MAX || !xtext_decode(v, t->pool, &t->mail->auth))
		return "Bad AUTH value";
	if (str_eq(t->mail->auth, STR("<>")))
		t->mail->auth = STR("");
	t->mail->has_auth = true;
	return NULL;
}

static const char *
param_smtputf8(struct target *t, struct str v)
{
	(void)v;
	t->mail->smtputf8 = true;
	return NULL;
}

static const char *
param_requiretls(struct target *t, struct str v)
{
	(void)v;
	t->mail->requiretls = true;
	return NULL;
}

/* NOTIFY = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" ) */
static const char *
param_notify(struct target *t, struct str v)
{
	unsigned bits = 0;
	struct str word;

	if (v.n == 0 || v.p[v.n - 1] == ',')
		return "Bad NOTIFY value";
	while (str_cut(&v, ',', &word)) {
		unsigned bit = str_ieq(word, STR("NEVER")) ? SMTP_NOTIFY_NEVER :
		    str_ieq(word, STR("SUCCESS")) ? SMTP_NOTIFY_SUCCESS :
		    str_ieq(word, STR("FAILURE")) ? SMTP_NOTIFY_FAILURE :
		    str_ieq(word, STR("DELAY")) ? SMTP_NOTIFY_DELAY : 0;

		if (bit == 0 || (bits & bit))
			return "Bad NOTIFY value";
		bits |= bit;
	}
	if ((bits & SMTP_NOTIFY_NEVER) && bits != SMTP_NOTIFY_NEVER)
		return "NOTIFY=NEVER stands alone";
	t->rcpt->notify = bits;
	return NULL;
}

/* ORCPT = addr-type ";" xtext */
static const char *
param_orcpt(struct target *t, struct str v)
{
	struct str type, address;

	if (v.n > SMTP_ORCPT_MAX || !str_cut(&v, ';', &type) || type.n == 0 || v.n == 0)
		return "Bad ORCPT value";
	for (size_t i = 0; i < type.n; i++)
		if (!ch_alnum(type.p[i]) && type.p[i] != '-')
			return "Bad ORCPT value";
	if (!xtext_decode(v, t->pool, &address) || !utf8_ok(address))
		return "Bad ORCPT value";
	t->rcpt->orcpt = pool_printf(t->pool, "%.*s;%.*s", STR_ARG(type), STR_ARG(address));
	return NULL;
}

#define ON_MAIL		1
#define ON_RCPT		2
#define VALUE		4	/* "=value" must follow; without the flag it must not */

static const struct param {
	const char *name;
	unsigned ext;		/* extension it belongs to */
	unsigned flags;
	const char *(*parse)(struct target *, struct str value);
} params[] = {
	{ "SIZE",	SMTP_SIZE,			ON_MAIL | VALUE, param_size },
	{ "BODY",	SMTP_8BITMIME | SMTP_BINARYMIME, ON_MAIL | VALUE, param_body },
	{ "RET",	SMTP_DSN,			ON_MAIL | VALUE, param_ret },
	{ "ENVID",	SMTP_DSN,			ON_MAIL | VALUE, param_envid },
	{ "AUTH",	SMTP_AUTH,			ON_MAIL | VALUE, param_auth },
	{ "SMTPUTF8",	SMTP_SMTPUTF8,			ON_MAIL,	 param_smtputf8 },
	{ "REQUIRETLS",	SMTP_REQUIRETLS,		ON_MAIL,	 param_requiretls },
	{ "NOTIFY",	SMTP_DSN,			ON_RCPT | VALUE, param_notify },
	{ "ORCPT",	SMTP_DSN,			ON_RCPT | VALUE, param_orcpt },
};

static bool
is_param_char(char c)
{
	return c > 32 && c != 127 && c != '=';
}

static bool
is_name_char(char c)
{
	return ch_alnum(c) || c == '-';
}

static const struct param *
find_param(struct str name, unsigned on, unsigned ext)
{
	for (size_t i = 0; i < COUNT(params); i++)
		if ((params[i].flags & on) && (params[i].ext & ext) &&
		    str_ieq(name, str_of(params[i].name)))
			return &params[i];
	return NULL;
}

/* esmtp-param = esmtp-keyword [ "=" esmtp-value ], each once */
static bool
scan_params(struct scan *in, struct target *t, unsigned on, unsigned ext, struct reply *no)
{
	uint64_t used = 0;

	for (unsigned n = 0; scan_blanks(in), !scan_done(in); n++) {
		struct str name, value = STR("");
		const struct param *row;
		const char *why;
		bool has_value;

		if (n == SMTP_PARAMS_MAX || !scan_while(in, is_name_char, &name)) {
			*no = reply(501, "5.5.4", "Bad parameters");
			return false;
		}
		has_value = scan_char(in, '=');
		if ((has_value && !scan_while(in, is_param_char, &value)) ||
		    !(scan_done(in) || ch_blank(*in->p))) {
			*no = reply(501, "5.5.4", "Bad parameters");
			return false;
		}
		row = find_param(name, on, ext);
		if (row == NULL) {
			*no = reply(555, "5.5.4", "Unsupported option: %.*s", STR_ARG(name));
			return false;
		}
		if (has_value != ((row->flags & VALUE) != 0) ||
		    (used & (uint64_t)1 << (row - params))) {
			*no = reply(501, "5.5.4", "Bad option: %s", row->name);
			return false;
		}
		used |= (uint64_t)1 << (row - params);
		why = row->parse(t, value);
		if (why != NULL) {
			*no = reply(501, "5.5.4", "%s", why);
			return false;
		}
	}
	return true;
}

/* What to say about a path that is none; `sender` tells MAIL from RCPT. */
static struct reply
path_reply(enum address_fault f, bool sender)
{
	const char *dsn = sender ? "5.1.7" : "5.1.3";

	switch (f) {
	case ADDRESS_SYNTAX:
		return reply(501, dsn, sender ? "Syntax: MAIL FROM:<address>" :
		    "Syntax: RCPT TO:<address>");
	case ADDRESS_EIGHTBIT:
		return reply(553, "5.6.7", "Address needs SMTPUTF8");
	case ADDRESS_BARE:
		return reply(553, dsn, "Address must have a domain");
	default:
		return reply(553, dsn, "Bad %s address: %s", sender ? "sender" : "recipient",
		    address_fault_text(f));
	}
}

/* SP "FROM:" path, a blank behind the colon taken */
static bool
scan_path(struct scan *args, struct str word, struct pool *p, unsigned flags,
    struct address *out, struct reply *no)
{
	bool sender = (flags & ADDRESS_NULL_OK) != 0;
	enum address_fault f;

	if (!scan_blanks(args) || !scan_itext(args, word)) {
		*no = path_reply(ADDRESS_SYNTAX, sender);
		return false;
	}
	(void)scan_blanks(args);
	f = address_scan_path(args, p, flags, out);
	if (f == ADDRESS_OK && !(scan_done(args) || ch_blank(*args->p)))
		f = ADDRESS_SYNTAX;
	if (f == ADDRESS_OK)
		return true;
	*no = path_reply(f, sender);
	return false;
}

bool
smtp_scan_mail(struct scan *args, struct pool *p, unsigned ext, struct smtp_mail *out,
    struct reply *no)
{
	struct target t = { .mail = out, .pool = p };
	unsigned flags = ADDRESS_NULL_OK | (ext & SMTP_SMTPUTF8 ? ADDRESS_UTF8_OK : 0) |
	    (ext & SMTP_BARE ? ADDRESS_BARE_OK : 0);

	*out = (struct smtp_mail){ .envid = STR(""), .auth = STR("") };
	if (!scan_path(args, STR("FROM:"), p, flags, &out->sender, no) ||
	    !scan_params(args, &t, ON_MAIL, ext, no))
		return false;
	if (!out->smtputf8 && (!ascii_ok(out->sender.local) || !ascii_ok(out->sender.domain))) {
		*no = path_reply(ADDRESS_EIGHTBIT, true);
		return false;
	}
	if (out->body == SMTP_BODY_BINARYMIME && !(ext & SMTP_BINARYMIME)) {
		*no = reply(501, "5.5.4", "Bad BODY value");
		return false;
	}
	return true;
}

bool
smtp_scan_rcpt(struct scan *args, struct pool *p, unsigned ext, bool utf8,
    struct smtp_rcpt *out, struct reply *no)
{
	struct target t = { .rcpt = out, .pool = p };

	*out = (struct smtp_rcpt){ .orcpt = STR("") };
	if (!scan_path(args, STR("TO:"), p, ADDRESS_BARE_OK | (utf8 ? ADDRESS_UTF8_OK : 0),
	    &out->to, no))
		return false;
	if (out->to.domain.n == 0 && !(ext & SMTP_BARE) &&
	    !str_ieq(out->to.local, STR("postmaster"))) {
		*no = path_reply(ADDRESS_BARE, false);
		return false;
	}
	return scan_params(args, &t, ON_RCPT, ext, no);
}

static bool
is_helo_char(char c)
{
	return c > 32 && c != 127;
}

bool
smtp_scan_helo(struct scan *args, struct str *name)
{
	struct str word;

	if (!scan_blanks(args) || !scan_while(args, is_helo_char, &word) || word.n > DOMAIN_MAX ||
	    !smtp_scan_end(args))
		return false;
	for (size_t i = 0; i < word.n; i++)
		if ((unsigned char)word.p[i] >= 127)
			return false;
	*name = word;
	return true;
}

static bool
is_mech_char(char c)
{
	return ch_alnum(c) || c == '-' || c == '_';
}

/* auth-command = "AUTH" SP sasl-mech [SP initial-response] */
bool
smtp_scan_auth(struct scan *args, struct str *mechanism, struct str *initial, bool *has_initial)
{
	if (!scan_blanks(args) || !scan_while(args, is_mech_char, mechanism) ||
	    mechanism->n > 20)
		return false;
	*initial = STR("");
	*has_initial = false;
	if (scan_blanks(args) && scan_word(args, initial))
		*has_initial = true;
	return smtp_scan_end(args);
}

/* LIMITS lines: name=value words, RFC 9422 3 */
static void
caps_limits(struct smtp_caps *caps, struct scan *in)
{
	struct str word, name;

	while (scan_blanks(in) && scan_word(in, &word)) {
		if (!str_cut(&word, '=', &name))
			continue;
		if (str_ieq(name, STR("RCPTMAX")))
			(void)str_u64(word, INT32_MAX, &caps->rcptmax);
		else if (str_ieq(name, STR("MAILMAX")))
			(void)str_u64(word, INT32_MAX, &caps->mailmax);
	}
}

static void
caps_auth(struct smtp_caps *caps, struct pool *pool, struct scan *in)
{
	struct str word;

	while (scan_blanks(in) && scan_word(in, &word))
		if (caps->nmechs < SMTP_MECHS_MAX && !smtp_caps_mech(caps, word))
			caps->mechs[caps->nmechs++] = pool_str(pool, word);
}

void
smtp_caps_line(struct smtp_caps *caps, struct pool *pool, struct str text)
{
	struct scan in = scan_of(str_trim(text));
	struct str word;
	unsigned bit = 0;

	if (!scan_word(&in, &word))
		word = STR("");
	if (caps->lines++ == 0) {
		caps->host = pool_str(pool, word);
		return;
	}
	/* Old servers said "AUTH=LOGIN PLAIN". */
	if (str_istart(word, STR("AUTH="))) {
		in.p = word.p + 4;
		word.n = 4;
	}
	for (size_t i = 0; i < COUNT(exts); i++)
		if (str_ieq(word, str_of(exts[i].name)))
			bit = exts[i].bit;
	caps->ext |= bit;
	if (bit == SMTP_SIZE && scan_blanks(&in))
		(void)scan_number(&in, INT64_MAX, &caps->size);
	if (bit == SMTP_LIMITS)
		caps_limits(caps, &in);
	if (bit == SMTP_AUTH) {
		struct str rest = scan_rest(&in);

		if (rest.n > 0 && rest.p[0] == '=')
			rest = pool_printf(pool, " %.*s", STR_ARG(str_sub(rest, 1, rest.n)));
		in = scan_of(rest);
		caps_auth(caps, pool, &in);
	}
}

bool
smtp_caps_mech(const struct smtp_caps *caps, struct str name)
{
	for (unsigned i = 0; i < caps->nmechs; i++)
		if (str_ieq(caps->mechs[i], name))
			return true;
	return false;
}

void
smtp_add_mail(struct buf *out, const struct smtp_mail *m, unsigned ext)
{
	static const char *const bodies[] = { "", "7BIT", "8BITMIME", "BINARYMIME" };

	buf_add(out, STR("MAIL FROM:<"));
	address_add(out, &m->sender);
	buf_addc(out, '>');
	if ((ext & SMTP_SIZE) && m->has_size)
		buf_addf(out, " SIZE=%llu", (unsigned long long)m->size);
	if ((ext & SMTP_8BITMIME) && m->body != SMTP_BODY_NONE &&
	    (m->body != SMTP_BODY_BINARYMIME || (ext & SMTP_BINARYMIME)))
		buf_addf(out, " BODY=%s", bodies[m->body]);
	if ((ext & SMTP_DSN) && m->ret != SMTP_RET_NONE)
		buf_addf(out, " RET=%s", m->ret == SMTP_RET_FULL ? "FULL" : "HDRS");
	if ((ext & SMTP_DSN) && m->envid.n > 0) {
		buf_add(out, STR(" ENVID="));
		xtext_add(out, m->envid);
	}
	if ((ext & SMTP_SMTPUTF8) && m->smtputf8)
		buf_add(out, STR(" SMTPUTF8"));
	if ((ext & SMTP_REQUIRETLS) && m->requiretls)
		buf_add(out, STR(" REQUIRETLS"));
	if ((ext & SMTP_AUTH) && m->has_auth) {
		buf_add(out, STR(" AUTH="));
		if (m->auth.n == 0)
			buf_add(out, STR("<>"));
		else
			xtext_add(out, m->auth);
	}
	buf_add(out, STR("\r\n"));
}

static void
add_notify(struct buf *out, unsigned notify)
{
	static const char *const words[] = { "NEVER", "SUCCESS", "FAILURE", "DELAY" };
	const char *before = " NOTIFY=";

	for (unsigned i = 0; i < COUNT(words); i++) {
		if (!(notify & 1u << i))
			continue;
		buf_addf(out, "%s%s", before, words[i]);
		before = ",";
	}
}

void
smtp_add_rcpt(struct buf *out, const struct smtp_rcpt *r, unsigned ext)
{
	struct str address = r->orcpt, type;

	buf_add(out, STR("RCPT TO:<"));
	address_add(out, &r->to);
	buf_addc(out, '>');
	if (ext & SMTP_DSN)
		add_notify(out, r->notify);
	if ((ext & SMTP_DSN) && str_cut(&address, ';', &type) && address.n > 0) {
		buf_add(out, STR(" ORCPT="));
		buf_add(out, type);
		buf_addc(out, ';');
		xtext_add(out, address);
	}
	buf_add(out, STR("\r\n"));
}
