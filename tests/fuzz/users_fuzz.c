/* SPDX-License-Identifier: ISC */
/*
 * users_fuzz - a line of the users file: what passes can be written again and means the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "authd/users.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct user u, again;
	struct buf b = { 0 };

	if (!users_parse(str_n(data, size), &u))
		return 0;
	if (u.uid == 0 || u.mailbox.n == 0 || u.mailbox.p[0] == '/' ||
	    str_find(u.mailbox, STR("/../")) >= 0 || str_chr(u.name, '\0') >= 0)
		abort();
	buf_addf(&b, "%.*s:", STR_ARG(u.name));
	buf_add(&b, u.hash);
	buf_addf(&b, ":%u:%u:%.*s", u.uid, u.gid, STR_ARG(u.mailbox));
	if (!users_parse(buf_str(&b), &again) || !str_eq(u.name, again.name) ||
	    !str_eq(u.hash, again.hash) || !str_eq(u.mailbox, again.mailbox) ||
	    u.uid != again.uid || u.gid != again.gid)
		abort();
	buf_free(&b);
	return 0;
}
