/* SPDX-License-Identifier: ISC */
/*
 * limits - the caps that every message between programs and every parser keeps.
 */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

#define LIMIT_ADDRESS		320	/* local part 64, "@", domain 255 (RFC 5321 4.5.3.1) */
#define LIMIT_ORCPT		500	/* RFC 3461 4.2 */
#define LIMIT_ENVID		100	/* RFC 3461 4.4 */
#define LIMIT_HOST		255
#define LIMIT_QUEUE_ID		24
#define LIMIT_REPLY		2000	/* bytes kept of a remote reply */
#define LIMIT_HEADER		8192	/* one header line group we add */
#define LIMIT_HEADERS		100	/* header fields added or edited */
#define LIMIT_RCPTS		10000	/* recipients of one message, expansion included */
#define LIMIT_SMALL		65536	/* content that travels inside one message */
#define LIMIT_CHUNK		65536	/* a piece of larger content */
#define LIMIT_PATH		1024	/* a mailbox name or file name inside a folder */
#define LIMIT_NAME		255	/* service, transport and user names */

#endif
