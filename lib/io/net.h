/* SPDX-License-Identifier: ISC */
/*
 * net - addresses and connections.
 */
#ifndef IO_NET_H
#define IO_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/str.h"

struct net_addr {
	struct sockaddr_storage ss;
	socklen_t len;		/* 0: no address */
};

/* "192.0.2.1" or "2001:db8::1" with a port; false when `ip` is no address literal. */
bool net_parse(struct str ip, uint16_t port, struct net_addr *out);

/* The address without port as text ("192.0.2.1", "2001:db8::1"); v4-mapped becomes v4. */
struct str net_ip(struct pool *p, const struct net_addr *a);
uint16_t net_port(const struct net_addr *a);

/* Is it 127.0.0.0/8 or ::1? */
bool net_is_loopback(const struct net_addr *a);

/* Does `a` lie in "net/bits", "net" or "[v6net]/bits"?  False too for a bad pattern. */
bool net_in(const struct net_addr *a, struct str pattern);
bool net_pattern_ok(struct str pattern);

/* The two ends of a connected socket; a socket that is none gives len 0. */
struct net_addr net_peer(int fd);
struct net_addr net_local(int fd);

/* Connect within a deadline, in a fiber: a non-blocking descriptor, or -1 with errno. */
int net_connect(const struct net_addr *to, const struct net_addr *from, msec_t deadline);

/*
 * Acknowledge now what was received.  Before a wait for the rest of several answers: a server that
 * sends each by itself holds them back until then (Nagle), and the system waits 40 ms with it.
 * Nothing happens for other sockets.
 */
void net_ack_now(int fd);

/* A listening socket (SO_REUSEADDR, non-blocking, close-on-exec), or -1 with errno. */
int net_listen(const struct net_addr *at, int backlog);

/* Accept one connection in a fiber (non-blocking, close-on-exec, TCP_NODELAY), or -1 with errno
 * (ECANCELED after fiber_cancel). */
int net_accept(int fd, struct net_addr *peer, msec_t deadline);

/* Unix sockets by path, at most 107 bytes.  Blocking connect; -1 with errno. */
int net_unix_listen(const char *path, int type, unsigned mode);
int net_unix_connect(const char *path, int type);

/* Who is at the other end of a Unix socket (SO_PEERCRED); false when unknown. */
bool net_unix_peer(int fd, pid_t *pid, uid_t *uid, gid_t *gid);

#endif
