/* SPDX-License-Identifier: ISC */
/*
 * transaction - send one message on an open session: MAIL, RCPT…, DATA, content.
 */
#ifndef SMTP_TRANSACTION_H
#define SMTP_TRANSACTION_H

#include "smtp/delivery.h"
#include "smtp/session.h"

enum transaction {
	TRANSACTION_DONE,	/* recipients have their fates or, see delivery_answer, are left */
	TRANSACTION_STALE,	/* a kept connection turned out dead: nothing happened, try afresh */
};

/*
 * Send the message of `d` to all recipients that are left, in as many transactions as the server
 * wants.  Afterwards the session may be used again unless c->broken.
 */
enum transaction transaction_run(struct delivery *d, struct session *c);

#endif
