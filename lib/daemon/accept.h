/* SPDX-License-Identifier: ISC */
/*
 * accept - take connections from listening sockets, a fiber each.
 */
#ifndef DAEMON_ACCEPT_H
#define DAEMON_ACCEPT_H

/* Accept on `fd` (non-blocking) and run `serve` for each, at most common.client_limit at once. */
void accept_start(int fd, void (*serve)(int fd));

/* Take no more, on any listener. */
void accept_stop(void);

#endif
