/* SPDX-License-Identifier: ISC */
/*
 * pop3d - the dialogue of POP3 after login.
 */
#ifndef POP3D_POP3D_H
#define POP3D_POP3D_H

#include "base/buf.h"
#include "io/stream.h"
#include "store/store.h"
#include "wire/session.h"

/* Serve one client to the end; `hello` is what login handed over, NULL: a test's socket. */
void pop3_session(struct stream *io, struct store *store, const struct session *hello);

/* Append a header, CRLF lines, with what is UTF-8 in it written in ASCII. */
void downgrade_header(struct buf *out, struct str header);

#endif
