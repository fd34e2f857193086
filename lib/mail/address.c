/* SPDX-License-Identifier: ISC */
#include "mail/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* atext of RFC 5322 3.2.3; bytes above 127 are RFC 6531's, checked as a whole elsewhere. */
static bool
is_atext(char c)
{
	return ch_alnum(c) || (unsigned char)c >= 0x80 ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

bool
ascii_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* How many bytes the UTF-8 sequence at `p` has, 0 when it is none; overlong forms and surrogates
 * are none. */
static size_t
utf8_len(const unsigned char *p, size_t n)
{
	unsigned char c = p[0], low = 0x80, high = 0xbf;
	size_t len = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 :
	    c >= 0xf0 && c < 0xf5 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	if (c == 0xed)
		high = 0x9f;
	if (c == 0xf0)
		low = 0x90;
	if (c == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < len; i++, low = 0x80, high = 0xbf)
		if (p[i] < low || p[i] > high)
			return 0;
	return len;
}

bool
utf8_ok(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0, len; i < s.n; i += len) {
		len = p[i] == '\0' ? 0 : utf8_len(p + i, s.n - i);
		if (len == 0)
			return false;
	}
	return true;
}

static bool
label_ok(struct str label, bool utf8)
{
	if (label.n == 0 || label.n > DOMAIN_LABEL_MAX || label.p[0] == '-' ||
	    label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		char c = label.p[i];

		if (!ch_alnum(c) && c != '-' && c != '_' && !(utf8 && (unsigned char)c >= 0x80))
			return false;
	}
	return true;
}

bool
domain_ok(struct str s, bool utf8)
{
	bool named = false;

	if (s.n == 0 || s.n > DOMAIN_MAX || s.p[s.n - 1] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++)
		named |= !ch_digit(s.p[i]) && s.p[i] != '.';
	if (!named || (utf8 && !utf8_ok(s)))
		return false;
	while (s.n > 0) {
		struct str label;

		(void)str_cut(&s, '.', &label);
		if (!label_ok(label, utf8))
			return false;
	}
	return true;
}

bool
domain_literal_ok(struct str s, struct str *ip)
{
	struct str in, v6 = STR("IPv6:");
	char text[INET6_ADDRSTRLEN + 1];
	unsigned char raw[sizeof(struct in6_addr)];
	int family = AF_INET;

	if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	in = str_sub(s, 1, s.n - 2);
	if (str_istart(in, v6)) {
		in = str_sub(in, v6.n, in.n);
		family = AF_INET6;
	}
	if (in.n >= sizeof(text) || memchr(in.p, '\0', in.n) != NULL)
		return false;
	memcpy(text, in.p, in.n);
	text[in.n] = '\0';
	if (inet_pton(family, text, raw) != 1)
		return false;
	if (ip != NULL)
		*ip = in;
	return true;
}

/* Quoted-string = DQUOTE *( qtextSMTP / "\" printable ) DQUOTE; a copy without the quoting. */
static bool
scan_quoted(struct scan *in, struct pool *p, struct str *out)
{
	struct scan at = *in;
	const char *from = at.p;
	char *copy, c;
	size_t n = 0;

	if (!scan_char(&at, '"'))
		return false;
	while (at.p < at.end && *at.p != '"')
		at.p += *at.p == '\\' && at.end - at.p > 1 ? 2 : 1;
	if (!scan_char(&at, '"'))
		return false;
	copy = pool_alloc(p, (size_t)(at.p - from));
	for (from++; from < at.p - 1; from++) {
		c = *from == '\\' ? *++from : *from;
		if ((c != '\t' && (unsigned char)c < 32) || c == 127)
			return false;
		copy[n++] = c;
	}
	*out = (struct str){ copy, n };
	*in = at;
	return true;
}

/* Dot-string = Atom *("." Atom) */
static bool
scan_dot_string(struct scan *in, struct str *out)
{
	struct scan at = *in;
	struct str atom;

	do {
		if (!scan_while(&at, is_atext, &atom))
			return false;
	} while (scan_char(&at, '.'));
	*out = (struct str){ in->p, (size_t)(at.p - in->p) };
	*in = at;
	return true;
}

static bool
is_domain_char(char c)
{
	return ch_alnum(c) || c == '-' || c == '_' || c == '.' || (unsigned char)c >= 0x80;
}

static bool
scan_domain(struct scan *in, struct str *out)
{
	struct scan at = *in;
	struct str inside;

	if (scan_while(in, is_domain_char, out))
		return true;
	if (!scan_char(&at, '[') || !scan_until(&at, ']', &inside) || !scan_char(&at, ']'))
		return false;
	*out = (struct str){ in->p, (size_t)(at.p - in->p) };
	*in = at;
	return true;
}

/* Mailbox = Local-part [ "@" ( Domain / address-literal ) ], RFC 5321 4.1.2 */
static enum address_fault
scan_mailbox(struct scan *in, struct pool *p, unsigned flags, struct address *out)
{
	struct scan at = *in;
	struct address a = { STR(""), STR("") };
	bool utf8 = (flags & ADDRESS_UTF8_OK) != 0;
	size_t wrote;

	if (!scan_quoted(&at, p, &a.local) && !scan_dot_string(&at, &a.local))
		return ADDRESS_SYNTAX;
	wrote = (size_t)(at.p - in->p);
	if (scan_char(&at, '@')) {
		if (!scan_domain(&at, &a.domain))
			return ADDRESS_SYNTAX;
	} else if (!(flags & ADDRESS_BARE_OK)) {
		return scan_done(&at) || scan_peek(&at) == '>' ? ADDRESS_BARE : ADDRESS_SYNTAX;
	}
	if (wrote > LOCAL_PART_MAX || a.domain.n > DOMAIN_MAX ||
	    (size_t)(at.p - in->p) > ADDRESS_MAX)
		return ADDRESS_TOOLONG;
	if (utf8 ? !utf8_ok(a.local) : !ascii_ok(a.local) || !ascii_ok(a.domain))
		return ADDRESS_EIGHTBIT;
	if (a.domain.n > 0 && !(a.domain.p[0] == '[' ? domain_literal_ok(a.domain, NULL) :
	    domain_ok(a.domain, utf8)))
		return ADDRESS_DOMAIN;
	*out = a;
	*in = at;
	return ADDRESS_OK;
}

enum address_fault
address_scan_path(struct scan *in, struct pool *p, unsigned flags, struct address *out)
{
	struct scan at = *in;
	enum address_fault f;

	if (!scan_char(&at, '<'))
		return ADDRESS_SYNTAX;
	if (scan_char(&at, '>')) {
		if (!(flags & ADDRESS_NULL_OK))
			return ADDRESS_NULL;
		*out = (struct address){ STR(""), STR("") };
		*in = at;
		return ADDRESS_OK;
	}
	if (scan_peek(&at) == '@')
		return ADDRESS_ROUTE;
	f = scan_mailbox(&at, p, flags, out);
	if (f != ADDRESS_OK)
		return f;
	if (!scan_char(&at, '>'))
		return ADDRESS_SYNTAX;
	*in = at;
	return ADDRESS_OK;
}

enum address_fault
address_parse(struct str text, struct pool *p, unsigned flags, struct address *out)
{
	struct scan in = scan_of(text);
	enum address_fault f;

	if (text.n == 0) {
		if (!(flags & ADDRESS_NULL_OK))
			return ADDRESS_NULL;
		*out = (struct address){ STR(""), STR("") };
		return ADDRESS_OK;
	}
	if (text.p[0] == '@')
		return ADDRESS_ROUTE;
	f = scan_mailbox(&in, p, flags, out);
	return f != ADDRESS_OK ? f : scan_done(&in) ? ADDRESS_OK : ADDRESS_SYNTAX;
}

const char *
address_fault_text(enum address_fault f)
{
	static const char *const text[] = {
		[ADDRESS_OK] = "",
		[ADDRESS_SYNTAX] = "bad address syntax",
		[ADDRESS_TOOLONG] = "address too long",
		[ADDRESS_ROUTE] = "source routes are not supported",
		[ADDRESS_DOMAIN] = "bad domain in address",
		[ADDRESS_EIGHTBIT] = "address needs SMTPUTF8",
		[ADDRESS_BARE] = "address without domain",
		[ADDRESS_NULL] = "empty address",
	};

	return text[f];
}

/* Must the local part stand in quotes? */
static bool
needs_quotes(struct str s)
{
	bool dot = true;	/* as if one stood before it */

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? dot : !is_atext(s.p[i]))
			return true;
		dot = s.p[i] == '.';
	}
	return dot;
}

static void
add_quoted(struct buf *out, struct str s)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, s.p[i]);
	}
	buf_addc(out, '"');
}

void
address_add(struct buf *out, const struct address *a)
{
	if (address_is_null(a))
		return;
	if (needs_quotes(a->local))
		add_quoted(out, a->local);
	else
		buf_add(out, a->local);
	if (a->domain.n > 0) {
		buf_addc(out, '@');
		buf_add(out, a->domain);
	}
}

struct str
address_text(struct pool *p, const struct address *a)
{
	struct buf b = { .p = NULL };
	struct str s;

	address_add(&b, a);
	s = pool_str(p, buf_str(&b));
	buf_free(&b);
	return s;
}

bool
address_eq(const struct address *a, const struct address *b)
{
	return str_eq(a->local, b->local) && str_ieq(a->domain, b->domain);
}

bool
address_is_null(const struct address *a)
{
	return a->local.n == 0 && a->domain.n == 0;
}

bool
address_is_dash(const struct address *a)
{
	return a->local.n > 0 && a->local.p[0] == '-';
}

bool
address_split(struct str text, struct str *local, struct str *domain)
{
	ptrdiff_t at = str_rchr(text, '@');

	/* A quoted local part may hold "@"; a domain never does, so the last one counts unless
	 * the quotes close behind it. */
	if (at < 0 || str_chr(str_sub(text, (size_t)at, text.n), '"') >= 0) {
		*local = text;
		*domain = STR("");
		return false;
	}
	*local = str_sub(text, 0, (size_t)at);
	*domain = str_sub(text, (size_t)at + 1, text.n);
	return true;
}
