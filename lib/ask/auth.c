/* SPDX-License-Identifier: ISC */
#include "ask/auth.h"

#include "fiber/fiber.h"
#include "ipc/peer.h"
#include "wire/peers.h"

static enum auth_status
plain_failed(struct auth_checked *out, enum auth_status status, struct str reason)
{
	*out = (struct auth_checked){ .status = status, .reason = reason };
	return status;
}

/* The answer to a wrong password comes late, and later with each more of that client. */
static void
hold_back(uint64_t status, uint64_t penalty_ms, msec_t deadline)
{
	if (status == AUTH_FAIL)
		(void)fiber_sleep(deadline_first(deadline_in((msec_t)penalty_ms), deadline));
}

enum auth_status
auth_plain(struct str service, struct str method, struct str user, struct str password,
    struct str client_ip, bool tls, struct pool *pool, struct auth_checked *out, msec_t deadline)
{
	struct auth_check q = { .service = service, .method = method, .user = user,
		.password = password, .client_ip = client_ip, .tls = tls };

	/* Longer than any we could have stored. */
	if (user.n > SESSION_USER_MAX || password.n > AUTH_PASSWORD_MAX)
		return plain_failed(out, AUTH_FAIL, STR("authentication failure"));
	if (peer_ask(PEER_AUTHD, &auth_check_msg, &q, &auth_checked_msg, out, pool, deadline) !=
	    IPC_DONE)
		return plain_failed(out, AUTH_TEMP,
		    STR("Connection lost to authentication server"));
	hold_back(out->status, out->penalty_ms, deadline);
	return (enum auth_status)out->status;
}

enum auth_status
auth_open(struct str user, struct str password, const struct session *want, struct pool *pool,
    struct str *user_out, struct str *reason, msec_t deadline)
{
	struct auth_login q = { .user = user, .password = password, .fd = want->fd,
		.protocol = want->protocol, .tag = want->tag, .method = want->method,
		.unread = want->unread, .client_ip = want->client_ip,
		.client_port = want->client_port, .server_ip = want->server_ip,
		.server_port = want->server_port, .tls = want->tls };
	struct auth_logged got;

	*user_out = STR("");
	*reason = STR("authentication failure");
	if (user.n > SESSION_USER_MAX || password.n > AUTH_PASSWORD_MAX)
		return AUTH_FAIL;
	if (peer_call(PEER_AUTHD, &auth_login_msg, &q, &auth_logged_msg, &got, pool, deadline) !=
	    IPC_DONE) {
		*reason = STR("Connection lost to authentication server");
		return AUTH_TEMP;
	}
	*user_out = got.user;
	*reason = got.reason;
	hold_back(got.status, got.penalty_ms, deadline);
	return (enum auth_status)got.status;
}
