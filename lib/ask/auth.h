/* SPDX-License-Identifier: ISC */
/*
 * ask/auth - who is this: questions to authd.
 *
 * A failed attempt is counted against the client's address, and its answer comes late by the
 * penalty that address has earned: the calls below wait for that long, within their deadline, in the
 * fiber of the session.  Callers need no delay of their own.
 */
#ifndef ASK_AUTH_H
#define ASK_AUTH_H

#include "base/clock.h"
#include "base/pool.h"
#include "wire/auth.h"
#include "wire/session.h"

/*
 * Is `password` right for `user`?  For submission.  Fills `out` always, texts in `pool`; the result
 * is out->status, also returned: AUTH_OK, AUTH_FAIL, or AUTH_TEMP (authd away, tables unreadable).
 * `tls`: the password came over TLS.
 */
enum auth_status auth_plain(struct str service, struct str method, struct str user,
    struct str password, struct str client_ip, bool tls, struct pool *pool,
    struct auth_checked *out, msec_t deadline);

/*
 * The same for POP3 and IMAP, and pass the connection on: `want` is filled but for its user (authd
 * sets it); want->fd stays the caller's.  Flush before, and give in want->unread what
 * stream_buffered shows.
 *
 * AUTH_OK: the worker has accepted the connection and sends the greeting or tagged OK itself: close
 * the stream without another byte.  AUTH_FAIL: wrong.  AUTH_TEMP and AUTH_UNAVAILABLE: answer NO
 * [UNAVAILABLE] or -ERR [SYS/TEMP].  On anything but AUTH_OK nobody else reads the connection: the
 * dialogue goes on here.  `user` is set to the normalised name in `pool`, for the log.
 */
enum auth_status auth_open(struct str user, struct str password, const struct session *want,
    struct pool *pool, struct str *user_out, struct str *reason, msec_t deadline);

#endif
