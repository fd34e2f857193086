/* SPDX-License-Identifier: ISC */
/*
 * limits - every cap of the mail and SMTP grammar in one place.
 *
 * RFC 5321 4.5.3.1 gives least values a server must take; where a number here is larger, it says
 * how much more we take.
 */
#ifndef MAIL_LIMITS_H
#define MAIL_LIMITS_H

#define LOCAL_PART_MAX		64	/* bytes as written, RFC 5321 4.5.3.1.1 */
#define DOMAIN_MAX		255	/* 4.5.3.1.2 */
#define DOMAIN_LABEL_MAX	63	/* RFC 1035 2.3.4 */
#define ADDRESS_MAX		254	/* mailbox without <>, 4.5.3.1.3 less the brackets */
#define ADDRESS_TEXT_MAX	512	/* canonical text of any address we keep, quotes included */

#define SMTP_LINE_MAX		2048	/* command line with CRLF: 512 and room for every extension */
#define SMTP_REPLY_LINE_MAX	2048	/* one line of a remote's reply with CRLF */
#define SMTP_REPLY_LINES_MAX	100	/* lines of one remote reply */
#define SMTP_PARAMS_MAX		32	/* ESMTP parameters of one command */
#define SMTP_ENVID_MAX		100	/* decoded, RFC 3461 4.4 */
#define SMTP_ORCPT_MAX		500	/* encoded with its type, RFC 3461 4.2 */
#define SMTP_AUTH_MAX		500	/* AUTH= of MAIL, encoded, RFC 4954 5 */

#define REPLY_TEXT_MAX		1024	/* text of a reply we keep, line breaks included */
#define REPLY_DSN_MAX		12	/* "5.123.456" and its NUL, RFC 3463 2 */

#define HEADER_NAME_MAX		256	/* field name; longer ones are no header */
#define HEADER_FIELD_MAX	(100u << 10)	/* one field with its folds; the rest is passed over */
#define HEADER_COUNT_MAX	10000	/* fields of one message that are looked at */
#define HEADER_LIST_MAX		20000	/* addresses in one field */
#define HEADER_DEPTH_MAX	50	/* comments inside comments */
#define HEADER_LINE		78	/* where folding begins, RFC 5322 2.1.1 */
#define MESSAGE_ID_MAX		512	/* as logged */

#endif
