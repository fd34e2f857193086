/* SPDX-License-Identifier: ISC */
#include "proto/sasl.h"

#include "base/encode.h"
#include "mail/address.h"

bool
sasl_login_user_ok(struct str user)
{
	return user.n > 0 && user.n <= SASL_NAME_MAX && utf8_ok(user);
}

bool
sasl_login_password_ok(struct str password)
{
	return password.n > 0 && password.n <= SASL_PASSWORD_MAX &&
	    memchr(password.p, '\0', password.n) == NULL;
}

bool
sasl_plain_parse(struct str message, struct sasl_plain *out)
{
	struct sasl_plain p;

	if (!str_cut(&message, '\0', &p.authzid) || !str_cut(&message, '\0', &p.user))
		return false;
	p.password = message;
	if (p.authzid.n > SASL_NAME_MAX || !utf8_ok(p.authzid) || !sasl_login_user_ok(p.user) ||
	    !sasl_login_password_ok(p.password))
		return false;
	*out = p;
	return true;
}

void
sasl_plain_add(struct buf *out, struct str authzid, struct str user, struct str password)
{
	buf_add(out, authzid);
	buf_addc(out, '\0');
	buf_add(out, user);
	buf_addc(out, '\0');
	buf_add(out, password);
}

bool
sasl_decode(struct buf *out, struct str line)
{
	if (line.n > SASL_RESPONSE_MAX)
		return false;
	if (str_eq(line, STR("=")))
		return true;
	return base64_decode(out, line);
}
