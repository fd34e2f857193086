/* SPDX-License-Identifier: ISC */
/*
 * sasl - messages of the SASL mechanisms, without their base64 and without the protocol around.
 */
#ifndef PROTO_SASL_H
#define PROTO_SASL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

#define SASL_NAME_MAX		255	/* bytes of a user name */
#define SASL_PASSWORD_MAX	1024
#define SASL_RESPONSE_MAX	4096	/* base64 of any response */

/*
 * PLAIN, RFC 4616: [authzid] NUL authcid NUL passwd.  False for anything else: other than two NULs,
 * an empty name or password, parts beyond their limits, text that is not UTF-8.  The parts view
 * `message`.
 */
struct sasl_plain {
	struct str authzid;	/* whom to act as; mostly empty */
	struct str user;
	struct str password;
};

bool sasl_plain_parse(struct str message, struct sasl_plain *out);
void sasl_plain_add(struct buf *out, struct str authzid, struct str user, struct str password);

/* LOGIN (draft-murchison-sasl-login): two challenges, two responses, nothing inside. */
#define SASL_LOGIN_USER		"VXNlcm5hbWU6"	/* base64 of "Username:" */
#define SASL_LOGIN_PASSWORD	"UGFzc3dvcmQ6"	/* base64 of "Password:" */
bool sasl_login_user_ok(struct str user);
bool sasl_login_password_ok(struct str password);

/*
 * Decode a base64 response as it stands in a line: "=" alone is an empty one (RFC 4954 4), "*"
 * cancels and is not taken here.  False for bad base64 or more than SASL_RESPONSE_MAX bytes.
 */
bool sasl_decode(struct buf *out, struct str line);

#endif
