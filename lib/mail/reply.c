/* SPDX-License-Identifier: ISC */
#include "mail/reply.h"

#include <stdio.h>

#include "base/panic.h"
#include "base/scan.h"

/* Copy text, other than printable bytes replaced; gives how many bytes fitted. */
static size_t
put_text(char *to, size_t room, struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n + 1 < room; i++) {
		unsigned char c = (unsigned char)s.p[i];

		to[n++] = (c >= 32 && c != 127) || c == '\n' ? (char)c : c == '\t' ? ' ' : '?';
	}
	to[n] = '\0';
	return n;
}

struct reply
reply_text(unsigned code, struct str dsn, struct str text)
{
	struct reply r = { .code = code };

	if (dsn.n > 0 && dsn.n < sizeof(r.dsn))
		memcpy(r.dsn, dsn.p, dsn.n);
	(void)put_text(r.text, sizeof(r.text), text);
	return r;
}

struct reply
reply_v(unsigned code, const char *dsn, const char *fmt, va_list ap)
{
	char text[REPLY_TEXT_MAX];

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		panic("reply: bad format");
	return reply_text(code, str_of(dsn), str_of(text));
}

struct reply
reply(unsigned code, const char *dsn, const char *fmt, ...)
{
	struct reply r;
	va_list ap;

	va_start(ap, fmt);
	r = reply_v(code, dsn, fmt, ap);
	va_end(ap);
	return r;
}

void
reply_add(struct buf *out, const struct reply *r)
{
	struct str rest = str_of(r->text), line;

	do {
		if (!str_cut(&rest, '\n', &line))
			line = STR("");
		buf_addf(out, "%03u%c%s%s", r->code, rest.n > 0 ? '-' : ' ', r->dsn,
		    r->dsn[0] != '\0' ? " " : "");
		buf_add(out, line);
		buf_add(out, STR("\r\n"));
	} while (rest.n > 0);
}

void
reply_add_flat(struct buf *out, const struct reply *r)
{
	struct str rest = str_of(r->text), line;

	if (r->code != 0)
		buf_addf(out, "%03u", r->code);
	if (r->dsn[0] != '\0')
		buf_addf(out, "%s%s", r->code != 0 ? " " : "", r->dsn);
	while (str_cut(&rest, '\n', &line)) {
		if (r->code != 0 || r->dsn[0] != '\0' || line.p != r->text)
			buf_addc(out, ' ');
		buf_add(out, line);
	}
}

bool
reply_is_ok(const struct reply *r)
{
	return r->code / 100 == 2;
}

bool
reply_is_go(const struct reply *r)
{
	return r->code / 100 == 3;
}

bool
reply_is_later(const struct reply *r)
{
	return r->code / 100 == 4;
}

bool
reply_is_no(const struct reply *r)
{
	return r->code / 100 == 5;
}

struct str
reply_dsn(const struct reply *r, char out[REPLY_DSN_MAX])
{
	char class = (char)('0' + r->code / 100 % 10);

	if (class == '3')
		class = '2';
	if (r->dsn[0] == class) {
		memcpy(out, r->dsn, REPLY_DSN_MAX);
		return str_of(out);
	}
	(void)snprintf(out, REPLY_DSN_MAX, "%c.0.0", class);
	return str_of(out);
}

/* 1 to 3 digits. */
static bool
scan_dsn_part(struct scan *in)
{
	struct str digits;
	struct scan at = *in;

	if (!scan_while(&at, ch_digit, &digits) || digits.n > 3)
		return false;
	*in = at;
	return true;
}

/* status-code = class "." subject "." detail, RFC 3463 2; ends at a blank or the end. */
static bool
scan_dsn(struct scan *in, struct str *out)
{
	struct scan at = *in;

	if (!scan_char(&at, '2') && !scan_char(&at, '4') && !scan_char(&at, '5'))
		return false;
	if (!scan_char(&at, '.') || !scan_dsn_part(&at) || !scan_char(&at, '.') ||
	    !scan_dsn_part(&at) || !(scan_done(&at) || ch_blank(*at.p)))
		return false;
	*out = (struct str){ in->p, (size_t)(at.p - in->p) };
	*in = at;
	return true;
}

bool
dsn_code_ok(struct str s)
{
	struct scan in = scan_of(s);
	struct str code;

	return scan_dsn(&in, &code) && scan_done(&in);
}

/* Three digits, 200 to 599, and whether more lines follow. */
static bool
scan_code(struct scan *in, unsigned *code, bool *more)
{
	struct str rest = scan_rest(in);

	if (rest.n < 3 || rest.p[0] < '2' || rest.p[0] > '5' || !ch_digit(rest.p[1]) ||
	    !ch_digit(rest.p[2]))
		return false;
	if (rest.n > 3 && rest.p[3] != ' ' && rest.p[3] != '-')
		return false;
	*code = (unsigned)(rest.p[0] - '0') * 100 + (unsigned)(rest.p[1] - '0') * 10 +
	    (unsigned)(rest.p[2] - '0');
	*more = rest.n > 3 && rest.p[3] == '-';
	in->p += rest.n > 3 ? 4 : 3;
	return true;
}

/* Reply-line = code ( "-" / [ SP ] ) [ status-code SP ] [ text ], RFC 5321 4.2, RFC 2034 4. */
enum reply_read
reply_line(struct reply_reader *rd, struct str line, struct str *rest)
{
	struct reply *r = &rd->reply;
	struct scan in = scan_of(line), at;
	struct str dsn;
	unsigned code;
	bool more;

	if (!scan_code(&in, &code, &more) || rd->lines >= SMTP_REPLY_LINES_MAX ||
	    (rd->lines > 0 && code != r->code))
		return REPLY_BAD;
	if (rest != NULL)
		*rest = scan_rest(&in);
	r->code = code;
	at = in;
	if (scan_dsn(&at, &dsn) && dsn.p[0] - '0' == (int)(code / 100) &&
	    dsn.n < sizeof(r->dsn)) {
		if (rd->lines == 0)
			memcpy(r->dsn, dsn.p, dsn.n);
		if (str_eq(dsn, str_of(r->dsn))) {
			(void)scan_blanks(&at);
			in = at;
		}
	}
	if (rd->lines++ > 0)
		rd->used += put_text(r->text + rd->used, sizeof(r->text) - rd->used, STR("\n"));
	rd->used += put_text(r->text + rd->used, sizeof(r->text) - rd->used, scan_rest(&in));
	return more ? REPLY_MORE : REPLY_DONE;
}
