/* SPDX-License-Identifier: ISC */
/*
 * pop3 - the grammar of POP3 (RFC 1939 3, RFC 2449 4).
 */
#ifndef PROTO_POP3_H
#define PROTO_POP3_H

#include "base/buf.h"
#include "base/scan.h"
#include "base/str.h"

#define POP3_LINE_MAX	512	/* command line with CRLF; RFC 2449 4 says 255, clients send more */

/*
 * What CAPA lists before and after login alike (RFC 2449 5: a capability of the other state is listed
 * too); what depends on TLS and settings comes behind it, then POP3_CAPA_END.
 */
#define POP3_CAPA	"+OK Capabilities follow\r\nTOP\r\nUIDL\r\nRESP-CODES\r\n" \
			"AUTH-RESP-CODE\r\nPIPELINING\r\nUTF8\r\n"
#define POP3_CAPA_LOGIN	"USER\r\nSASL PLAIN LOGIN\r\n"
#define POP3_CAPA_END	"IMPLEMENTATION Posthorn\r\n.\r\n"

/* keyword = 3*4ALPHA, and CAPA's longer ones; then at most one blank is consumed. */
bool pop3_scan_verb(struct scan *in, struct str *verb);

/* A message number or line count, and nothing but blanks behind it when `last`. */
bool pop3_scan_number(struct scan *in, bool last, uint32_t *out);

/*
 * Stuff dots (RFC 1939 3): append `text`, a "." before each "." that begins a line.  `*bol` says
 * whether the text begins a line, and is kept for the next piece; true at first.
 */
void pop3_stuff(struct buf *out, struct str text, bool *bol);

#endif
