/* SPDX-License-Identifier: ISC */
/*
 * net - see net.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "io/net.h"

#define V6_MAPPED	12	/* bytes before the v4 address in ::ffff:a.b.c.d */

/* The raw address bytes: 4 (v4, or v4-mapped) or 16; 0 for other families. */
static size_t
raw(const struct net_addr *a, const unsigned char **p)
{
	const struct sockaddr_in *v4;
	const struct sockaddr_in6 *v6;

	if (a->len >= sizeof(*v4) && a->ss.ss_family == AF_INET) {
		v4 = (const struct sockaddr_in *)(const void *)&a->ss;
		*p = (const unsigned char *)&v4->sin_addr;
		return 4;
	}
	if (a->len >= sizeof(*v6) && a->ss.ss_family == AF_INET6) {
		v6 = (const struct sockaddr_in6 *)(const void *)&a->ss;
		*p = v6->sin6_addr.s6_addr;
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
			*p += V6_MAPPED;
			return 4;
		}
		return 16;
	}
	return 0;
}

bool
net_parse(struct str ip, uint16_t port, struct net_addr *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&out->ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&out->ss;
	char text[INET6_ADDRSTRLEN];

	memset(out, 0, sizeof(*out));
	if (ip.n == 0 || ip.n >= sizeof(text) || memchr(ip.p, 0, ip.n) != NULL)
		return false;
	memcpy(text, ip.p, ip.n);
	text[ip.n] = '\0';
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		out->len = sizeof(*v4);
		return true;
	}
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		out->len = sizeof(*v6);
		return true;
	}
	memset(out, 0, sizeof(*out));
	return false;
}

struct str
net_ip(struct pool *p, const struct net_addr *a)
{
	const unsigned char *bytes;
	char text[INET6_ADDRSTRLEN];
	size_t n = raw(a, &bytes);

	if (n == 0 || inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)) == NULL)
		return STR("unknown");
	return pool_str(p, str_of(text));
}

uint16_t
net_port(const struct net_addr *a)
{
	if (a->len >= sizeof(struct sockaddr_in) && a->ss.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)(const void *)&a->ss)->sin_port);
	if (a->len >= sizeof(struct sockaddr_in6) && a->ss.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)&a->ss)->sin6_port);
	return 0;
}

bool
net_is_loopback(const struct net_addr *a)
{
	static const unsigned char one[16] = { [15] = 1 };
	const unsigned char *p;
	size_t n = raw(a, &p);

	return n == 4 ? p[0] == 127 : n == 16 && memcmp(p, one, 16) == 0;
}

/* "net/bits", "net", "[net]/bits", "[net]". */
static bool
pattern(struct str s, struct net_addr *net, uint64_t *bits)
{
	const unsigned char *p;
	struct str ip = s, tail = STR("");
	ptrdiff_t at = str_rchr(s, '/');
	bool slash = at >= 0;
	size_t n;

	if (slash) {
		ip = str_sub(s, 0, (size_t)at);
		tail = str_sub(s, (size_t)at + 1, s.n);
	}
	if (ip.n >= 2 && ip.p[0] == '[' && ip.p[ip.n - 1] == ']') {
		ip = str_sub(ip, 1, ip.n - 2);
		if (str_chr(ip, ':') < 0)
			return false;
	}
	if (!net_parse(ip, 0, net))
		return false;
	n = net->ss.ss_family == AF_INET ? 4 : 16;
	*bits = n * 8;
	if (slash && !str_u64(tail, n * 8, bits))
		return false;
	/* A v4-mapped network names v4 addresses. */
	if (n == 16 && raw(net, &p) == 4) {
		if (*bits < V6_MAPPED * 8)
			return false;
		*bits -= V6_MAPPED * 8;
	}
	return true;
}

bool
net_pattern_ok(struct str s)
{
	struct net_addr net;
	uint64_t bits;

	return pattern(s, &net, &bits);
}

bool
net_in(const struct net_addr *a, struct str s)
{
	const unsigned char *p, *q;
	struct net_addr net;
	uint64_t bits;
	size_t n;
	unsigned mask;

	if (!pattern(s, &net, &bits) || (n = raw(a, &p)) == 0 || raw(&net, &q) != n)
		return false;
	if (memcmp(p, q, (size_t)bits / 8) != 0)
		return false;
	if (bits % 8 == 0)
		return true;
	mask = 0xffu << (8 - bits % 8) & 0xffu;
	return ((p[bits / 8] ^ q[bits / 8]) & mask) == 0;
}

static struct net_addr
name_of(int fd, int (*ask)(int, struct sockaddr *, socklen_t *))
{
	struct net_addr a;

	memset(&a, 0, sizeof(a));
	a.len = sizeof(a.ss);
	if (ask(fd, (struct sockaddr *)&a.ss, &a.len) != 0)
		a.len = 0;
	return a;
}

struct net_addr
net_peer(int fd)
{
	return name_of(fd, getpeername);
}

struct net_addr
net_local(int fd)
{
	return name_of(fd, getsockname);
}

static void
no_delay(int fd)
{
	static const int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Close without losing errno. */
static int
fail(int fd)
{
	int keep = errno;

	fiber_forget(fd);
	close(fd);
	errno = keep;
	return -1;
}

/* The connection that is being made: 0, or -1 with errno. */
static int
connected(int fd, msec_t deadline)
{
	socklen_t n = sizeof(int);
	int error = 0;

	switch (fiber_wait_write(fd, deadline)) {
	case WAKE_TIMEOUT:
		errno = ETIMEDOUT;
		return -1;
	case WAKE_CANCEL:
		errno = ECANCELED;
		return -1;
	case WAKE_READY:
		break;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0)
		return 0;
	if (error != 0)
		errno = error;
	return -1;
}

int
net_connect(const struct net_addr *to, const struct net_addr *from, msec_t deadline)
{
	int fd = socket(to->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (from != NULL && from->len > 0 &&
	    bind(fd, (const struct sockaddr *)&from->ss, from->len) != 0)
		return fail(fd);
	no_delay(fd);
	if (connect(fd, (const struct sockaddr *)&to->ss, to->len) != 0 &&
	    ((errno != EINPROGRESS && errno != EINTR) || connected(fd, deadline) != 0))
		return fail(fd);
	return fd;
}

void
net_ack_now(int fd)
{
#ifdef TCP_QUICKACK
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
#else
	(void)fd;
#endif
}

int
net_listen(const struct net_addr *at, int backlog)
{
	static const int on = 1;
	int fd = socket(at->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->ss.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at->ss, at->len) != 0 || listen(fd, backlog) != 0)
		return fail(fd);
	return fd;
}

/* Errors that belong to one connection that did not come about; the next may. */
static bool
accept_again(int error)
{
	switch (error) {
	case EINTR: case ECONNABORTED: case EPROTO: case ENETDOWN: case ENOPROTOOPT: case EHOSTDOWN:
	case ENONET: case EHOSTUNREACH: case ENETUNREACH: case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

int
net_accept(int fd, struct net_addr *peer, msec_t deadline)
{
	struct net_addr a;
	enum wake w;
	int got;

	for (;;) {
		memset(&a, 0, sizeof(a));
		a.len = sizeof(a.ss);
		got = accept4(fd, (struct sockaddr *)&a.ss, &a.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (got >= 0)
			break;
		if (accept_again(errno))
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return -1;
		fiber_drained_read(fd);
		w = fiber_wait_read(fd, deadline);
		if (w != WAKE_READY) {
			errno = w == WAKE_TIMEOUT ? ETIMEDOUT : ECANCELED;
			return -1;
		}
	}
	if (a.ss.ss_family == AF_INET || a.ss.ss_family == AF_INET6)
		no_delay(got);
	if (peer != NULL)
		*peer = a;
	return got;
}

static bool
unix_addr(const char *path, struct sockaddr_un *a)
{
	size_t n = strlen(path);

	memset(a, 0, sizeof(*a));
	if (n == 0 || n >= sizeof(a->sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, path, n);
	return true;
}

int
net_unix_listen(const char *path, int type, unsigned mode)
{
	struct sockaddr_un a;
	mode_t mask;
	int fd, r;

	if (!unix_addr(path, &a) || (fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
		return -1;
	if (unlink(path) != 0 && errno != ENOENT)
		return fail(fd);
	/* Nobody gets in before the mode is as wanted. */
	mask = umask(0777);
	r = bind(fd, (const struct sockaddr *)&a, sizeof(a));
	umask(mask);
	if (r != 0 || chmod(path, (mode_t)mode) != 0 || (type != SOCK_DGRAM && listen(fd, SOMAXCONN) != 0))
		return fail(fd);
	return fd;
}

int
net_unix_connect(const char *path, int type)
{
	struct sockaddr_un a;
	int fd;

	if (!unix_addr(path, &a) || (fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
		return fail(fd);
	return fd;
}

bool
net_unix_peer(int fd, pid_t *pid, uid_t *uid, gid_t *gid)
{
	struct ucred c;
	socklen_t n = sizeof(c);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) != 0 || n != sizeof(c))
		return false;
	if (pid != NULL)
		*pid = c.pid;
	if (uid != NULL)
		*uid = c.uid;
	if (gid != NULL)
		*gid = c.gid;
	return true;
}
