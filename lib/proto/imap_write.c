/* SPDX-License-Identifier: ISC */
/*
 * imap_write - strings, names and dates as IMAP writes them; LIST patterns.
 */
#include "mail/date.h"
#include "proto/imap.h"
#include "proto/mutf7.h"

#define QUOTED_MAX	1000	/* longer strings go as literals */

void
imap_add_string(struct buf *out, struct str s)
{
	bool quoted = s.n <= QUOTED_MAX;

	for (size_t i = 0; quoted && i < s.n; i++)
		quoted = ch_print(s.p[i]);
	if (!quoted) {
		buf_addf(out, "{%zu}\r\n", s.n);
		buf_add(out, s);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, s.p[i]);
	}
	buf_addc(out, '"');
}

void
imap_add_nstring(struct buf *out, struct str s)
{
	if (s.p == NULL)
		buf_addz(out, "NIL");
	else
		imap_add_string(out, s);
}

void
imap_add_mailbox(struct buf *out, struct str name)
{
	struct buf wire = { 0 };
	struct scan in;
	struct str atom;

	if (!mutf7_encode(&wire, name))
		buf_reset(&wire);
	in = scan_of(buf_str(&wire));
	if (imap_scan_atom(&in, &atom) && scan_done(&in) && !str_ieq(atom, STR("NIL")))
		buf_add(out, atom);
	else
		imap_add_string(out, buf_str(&wire));
	buf_free(&wire);
}

void
imap_add_datetime(struct buf *out, int64_t wall)
{
	struct date d = date_at(wall, 0);

	buf_addf(out, "\"%02u-%s-%04d %02u:%02u:%02u +0000\"", d.day, date_month(d.month), d.year,
	    d.hour, d.minute, d.second);
}

/*
 * The set of pattern places that the name so far can stand at, as bits; one step a character.  A
 * pattern longer than the set matches nothing.
 */
#define PLACES	512

struct places {
	unsigned char on[PLACES + 1];
};

/* From a wildcard one may go on without a character. */
static void
slip(struct places *at, struct str pattern)
{
	for (size_t i = 0; i < pattern.n; i++)
		if (at->on[i] && (pattern.p[i] == '*' || pattern.p[i] == '%'))
			at->on[i + 1] = 1;
}

bool
imap_match(struct str pattern, struct str name, char sep)
{
	struct places at = { { 0 } };
	bool inbox = str_ieq(name, STR("INBOX"));

	if (pattern.n > PLACES)
		return false;
	at.on[0] = 1;
	slip(&at, pattern);
	for (size_t n = 0; n < name.n; n++) {
		struct places next = { { 0 } };
		char c = name.p[n];

		for (size_t i = 0; i < pattern.n; i++) {
			if (!at.on[i])
				continue;
			if (pattern.p[i] == '*' || (pattern.p[i] == '%' && c != sep))
				next.on[i] = 1;
			else if (pattern.p[i] == c ||
			    (inbox && ch_lower(pattern.p[i]) == ch_lower(c)))
				next.on[i + 1] = 1;
		}
		at = next;
		slip(&at, pattern);
	}
	return at.on[pattern.n];
}
